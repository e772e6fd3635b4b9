"""``--witness`` of the commands that run an engine: witnesses from outside of the ledger, who cosign its heads."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from veche.cli.remote import speaking_http
from veche.keys import SigningKey
from veche.terminal.say import say

Command = TypeVar("Command", bound=Callable[..., Any])

outside_witnesses = click.option(
    "--witness", "witnesses", multiple=True, metavar="VKEY+URL",
    help="A witness that serves many logs (C2SP tlog-witness): it is asked to cosign each head. May be repeated.",
)  # fmt: skip


@contextmanager
def witnessed(folder: Path, key: SigningKey, texts: Sequence[str]) -> Iterator[None]:
    """In this ``with``, the witnesses that are named so cosign the heads of the ledger in a folder, which is open, and signs nothing before.

    Raises UserError if one is not named rightly, or has cosigned more than is here.
    """
    if not texts:
        yield
        return
    with speaking_http():
        from veche.node.tlog_witness import OutsideWitness
        from veche.node.witnessing import Witnessing, check_newest
    witnesses = [OutsideWitness.parse(text) for text in texts]
    check_newest(folder, key, witnesses)
    with Witnessing(folder, key, witnesses, partial(say, err=True)):
        yield
