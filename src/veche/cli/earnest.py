"""What every command says of the ledger that it opens, once: that it is a test ledger, or ahead of this machine's clock.

Every way by which a command comes to a ledger ends in :func:`say_if_test`: :mod:`veche.cli.reading` for what reads one, the
two commands that write one, and those that show a charter. tests/cli/test_test_ledger.py goes over all commands.
"""

from typing import Any

import click

from veche.audit.charter_words import named_test
from veche.clock import ahead, named_ahead, system
from veche.ledger.entries.charter import Charter
from veche.terminal.say import spoken, wrapped
from veche.texts import Message

_DIVISOR, _AHEAD = "veche.test", "veche.ahead"


def say_if_test(charter: Charter) -> None:
    """Say on the standard error that this is a test ledger; and keep it for :func:`marked`."""
    meta = _meta()
    if charter.test and _DIVISOR not in meta:
        _say(named_test(charter.test))
    meta[_DIVISOR] = charter.test


def say_if_ahead(last_block: int) -> None:
    """Say on the standard error that the ledger's last block (seconds since 1970) is ahead of this machine's clock."""
    meta, seconds = _meta(), ahead(last_block, system().time)
    if seconds and _AHEAD not in meta:
        _say(named_ahead(seconds))
        meta[_AHEAD] = seconds


def _say(said: Message) -> None:
    click.secho(wrapped(spoken(said), err=True), fg="yellow", err=True)


def marked(data: Any) -> Any:
    """What a command answers in JSON, with ``test``: by what its ledger divides all times, 0 in earnest. Nothing is added
    where no ledger was opened."""
    meta = _meta()
    if _DIVISOR not in meta:
        return data
    if isinstance(data, list):
        return [marked(row) for row in data]
    return {**data, "test": meta[_DIVISOR]}


def _meta() -> dict[str, Any]:
    """What the commands of one command line share."""
    context = click.get_current_context(silent=True)
    return {} if context is None else context.meta
