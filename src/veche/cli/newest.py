"""What is looked at between opening a ledger that one engine keeps alone and its first signature, and what a person may say of it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from veche.cli.remote import speaking_http
from veche.engine import place
from veche.ledger.entries.engine import EMBEDDED
from veche.ledger.ledger import Ledger
from veche.log.evidence import read_fork
from veche.terminal.say import say

Command = TypeVar("Command", bound=Callable[..., Any])

_IS_NEWEST = click.option(
    "--is-newest", is_flag=True,
    help="Go on although nobody answers who may have a newer head of this ledger: a person looked, and there is none.",
)  # fmt: skip
_DESPITE_FORK = click.option(
    "--despite-fork", is_flag=True,
    help="Go on though two histories of this ledger were found: people have decided that the one here is right.",
)  # fmt: skip


def said_by_a_person(command: Command) -> Command:
    """``--is-newest`` and ``--despite-fork``."""
    return _IS_NEWEST(_DESPITE_FORK(command))


def newest(ledger: Ledger, nodes: Sequence[str], is_newest: bool, despite_fork: bool) -> Ledger:
    """As :meth:`veche.node.newest.Newest.of`. Where there is nobody to ask and nothing to decide, no packages for HTTP are needed."""
    folder = ledger.folder
    try:
        alone = not nodes and not (folder / place.NODES).exists() and (is_newest or not place.is_moved(folder))
        if alone and (despite_fork or read_fork(folder) is None):
            if ledger.state.engine_name == EMBEDDED:
                place.settle(folder)
            return ledger
        with speaking_http():
            from veche.node.newest import Newest
    except BaseException:
        ledger.close()
        raise
    return Newest(folder, nodes, is_newest, despite_fork, say).of(ledger)
