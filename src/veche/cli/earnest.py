"""Whether the ledger of a command is in earnest: a test ledger is named as one, by whoever opens it, once a command.

Every way by which a command comes to a ledger ends in :func:`say_if_test`: :mod:`veche.cli.reading` for what reads one, the
two commands that write one, and those that show a charter. tests/cli/test_test_ledger.py goes over all commands.
"""

from typing import Any

import click

from veche.audit.charter_words import named_test
from veche.ledger.entries.charter import Charter
from veche.texts import languages

_DIVISOR = "veche.test"


def say_if_test(charter: Charter) -> None:
    """Say on the standard error, in all languages, that this is a test ledger; and keep it for :func:`marked`."""
    meta = _meta()
    if charter.test and _DIVISOR not in meta:
        said = named_test(charter.test)
        click.secho(" / ".join(said.text(language) for language in languages()), fg="yellow", err=True)
    meta[_DIVISOR] = charter.test


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
