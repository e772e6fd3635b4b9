"""A node as one program: the ledger, its engine, and the door."""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from veche.clock import Clock, system
from veche.engine.block_clock import BlockClock
from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.engine import Engine
from veche.engine.running import any_engine
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.ledger.state import State
from veche.node.joining import Joining
from veche.node.newest import Newest
from veche.node.service import Service
from veche.node.tlog_witness import OutsideWitness
from veche.node.witnessing import Witnessing, check_newest
from veche.texts import Localizable, Message

PORT = 8080
"""Where a door is that the charter says nothing of."""
_LISTEN = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+):([0-9]{1,5})")


class Node:
    """The node of the ledger in a folder, while it is used in a ``with``. ``address``: where its door is; ``metrics``: its figures, if anywhere."""

    def __init__(
        self,
        folder: Path,
        listen: str = "",
        *,
        metrics: str = "",
        charter: bytes | None = None,
        nodes: Sequence[str] = (),
        say: Callable[[Localizable], None] = lambda said: None,
        after_outage: bool = False,
        is_newest: bool = False,
        despite_fork: bool = False,
        witnesses: Sequence[OutsideWitness] = (),
        clock: Clock = system,
        pause: float | None = None,
        launch: Launch = INSTALLED,
    ) -> None:
        """``listen``: ``host:port`` of the door, if elsewhere than the charter says; ``launch``: how CometBFT runs;
        ``metrics``: where its figures are (:mod:`~veche.node.metrics`), nowhere if it is empty. ``charter``, ``nodes`` and ``say``: for
        a folder without a ledger, or without CometBFT's blocks (:class:`~veche.node.joining.Joining`).
        ``is_newest`` and ``despite_fork``: what a person says of a ledger that is kept alone (:class:`~veche.node.newest.Newest`).
        ``witnesses``: from outside of the ledger, who cosign its heads (:class:`~veche.node.witnessing.Witnessing`).
        ``after_outage``: see :class:`BlockClock`; in a network others went on meanwhile. The rest is for tests.

        Raises UserError, Forked, WrongClock.
        """
        with ExitStack() as made:
            ledger, key = Joining(folder, charter, nodes, launch, say).open()
            ledger = Newest(folder, nodes, is_newest, despite_fork, say).of(ledger)
            made.enter_context(ledger)
            check_newest(folder, key, witnesses)
            self._witnessing = Witnessing(folder, key, witnesses, say)
            founded = ledger.state.charter.engine
            for elsewhere in filter(None, (launch.listen, launch.signer)):
                listening(elsewhere)
            now = BlockClock(ledger, clock, after_outage or len(ledger.state.validators()) > 1)
            seconds = founded.seconds if pause is None else pause
            self.engine: Engine = any_engine(ledger, key, now, seconds, launch)
            host, port = listening(listen) if listen else _by_ledger(ledger.state, key)
            watched = listening(metrics) if metrics else None
            self._service = Service(self.engine, key, host, port, watched)
            self.ledger: Ledger = ledger
            self._open = made.pop_all()

    def __enter__(self) -> Self:
        with self._open as begun:
            for one in (self.engine, self._service, self._witnessing):
                begun.enter_context(one)
            self._open = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def address(self) -> tuple[str, int]:
        return self._service.address

    @property
    def metrics(self) -> tuple[str, int] | None:
        return self._service.metrics

    @property
    def seated(self) -> bool:
        """Whether this node's key has its seat, as of the last look at the ledger."""
        return self._service.seated

    def check(self) -> None:
        """Raise what broke the node, if anything did."""
        self.engine.check()
        self._service.check()


def listening(text: str) -> tuple[str, int]:
    """Host and port that somebody typed. Raises UserError if they are none."""
    found = _LISTEN.fullmatch(text)
    if found is None or int(found[2]) > 65_535:
        raise UserError(
            Message("{text!r} is no address to listen at.", text=text), Message("Give one like 127.0.0.1:8080.")
        )
    return found[1].strip("[]"), int(found[2])


def _by_ledger(state: State, key: SigningKey) -> tuple[str, int]:
    """Where the ledger says that this validator's door is, if it speaks plain HTTP itself; else on this machine only, behind
    whatever speaks HTTPS."""
    own = {one.institution for one in state.validators() if one.key == key.public}
    for row in state.validator_rows():
        if row.institution in own and row.url.startswith("http:"):
            parts = urlsplit(row.url)
            return parts.hostname or "", parts.port or 80
    return "127.0.0.1", PORT
