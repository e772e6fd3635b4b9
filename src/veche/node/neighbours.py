"""The other nodes that a follower asks: for their newest heads, for what is under these, and for further nodes.

All of it on one thread, with a few more that wait for answers. Whoever lies is left; whoever does not answer is asked again. Citizens' nodes
are asked every few seconds, institutions once a minute where there are enough of the others: what all citizens cost institutions must
not grow with their number.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from veche.engine.following import FollowingEngine, News
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.heads import vouched
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.cosigned import cosigned_by, is_newer
from veche.log.source import WITNESS
from veche.log.tiles import wrong
from veche.logs import log as logged
from veche.node.addresses import ASKED, MOST, TOLD, AddressBook, is_url
from veche.node.copying import Forked
from veche.node.cosigned import CosignedHeads
from veche.node.heads import Heads
from veche.node.web import ONCE, NoAnswer, Web, Wire
from veche.texts import Message

EVERY, SELDOM = 5.0, 60.0
"""Seconds between two times that nodes are asked; and that institutions are, if enough others are known."""
ENOUGH = 3
"""Others that must be known for that."""
NODES_EVERY = 600.0
"""Seconds between two times that one node is asked for others."""
NODES_BYTES = 16 << 10
"""Bytes of what it answers to that."""
HEADS = 256
"""Heads that somebody told of, and that wait to be looked at."""


@dataclass(frozen=True)
class Met:
    """What a node said last that contradicts nothing here. Times are seconds since 1970: ``at``, when it did; ``level``, when its head was
    last no shorter than the one here, 0 if it never was."""

    at: float
    level: float


class Neighbours:
    """Those of one node. Use it in a ``with``. ``url``: where this node is found from outside, if it is.

    ``met``: the nodes that agreed since it runs, by their addresses. It may be read on any thread.
    """

    def __init__(
        self,
        engine: FollowingEngine,
        heads: Heads,
        book: AddressBook,
        wire: Wire,
        url: str = "",
        every: float = EVERY,
    ) -> None:
        self._engine, self._heads, self._book = engine, heads, book
        self._wire, self._url, self._every = wire, url, every
        self._next: dict[str, float] = {}  # when each may be asked again, by the steady clock
        self._next_nodes: dict[str, float] = {}
        self._agreed: dict[str, Checkpoint] = {}  # which head each showed last that was held against this log
        self.met: dict[str, Met] = {}
        self._cosigned = CosignedHeads(engine.ledger.folder)
        self._told: deque[SignedCheckpoint] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="veche-neighbours", daemon=True)
        self.broken: BaseException | None = None

    def __enter__(self) -> "Neighbours":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what broke it, if anything did; Forked if there are two histories."""
        if self._heads.fork is not None:
            raise self._heads.fork
        if self.broken is not None:
            raise self.broken

    def tell(self, signed: SignedCheckpoint) -> bool:
        """Somebody tells of a head, from any thread; whether there was room."""
        if len(self._told) >= HEADS:
            return False
        self._told.append(signed)
        return True

    def _hear(self) -> None:
        """Look at what was told."""
        while self._told:
            try:
                self._heads.hear(self._told.popleft())
            except DoesNotHold:
                continue  # whoever told it is not known

    def _run(self) -> None:
        try:
            with ThreadPoolExecutor(ASKED, "veche-ask") as pool:
                while not self._stop.is_set():
                    self._book.institutions = self._engine.institutions - {self._url}
                    for _ in pool.map(self._ask_safely, self._due()):
                        pass
                    with suppress(Forked):  # it is told by check()
                        self._hear()
                        self._heads.grown()
                    self._book.save()
                    self._stop.wait(self._every)
        except BaseException as error:
            self.broken = error

    def _due(self) -> Sequence[str]:
        """Whom to ask now."""
        chosen, now = self._book.choose(), time.monotonic()
        citizens = [url for url in chosen if url not in self._book.institutions]
        due = []
        for url in chosen:
            if url == self._url or now < self._next.get(url, 0):
                continue
            seldom = url in self._book.institutions and len(citizens) >= ENOUGH
            self._next[url] = now + (SELDOM if seldom else 0)
            due.append(url)
        return due

    def _ask_safely(self, url: str) -> None:
        try:
            self._ask(url)
        except Forked:
            return  # it is told by check()
        except NoAnswer:
            self._book.note(url, False, time.time())
        except DoesNotHold as error:
            self._leave(url, error)

    def _ask(self, url: str) -> None:
        door = Web(self._wire, url)
        signed = door.checkpoint()
        self._book.note(url, True, time.time())
        head = signed.checkpoint
        own = self._engine.head
        if head == own.checkpoint and vouched(signed, self._engine.succession.policy(head.size)) > vouched(
            own, self._engine.succession.policy(head.size)
        ):
            self._engine.offer(News(signed, None, lambda error: None))  # the same, and newer
        elif self._agreed.get(url) != head or head.size > own.checkpoint.size:
            found = self._heads.hear(signed, door)
            self._agreed[url] = head
            if found is not None:
                self._engine.offer(News(signed, found, lambda error: self._leave(url, error)))
        self._note_met(url, head.size >= own.checkpoint.size)
        self._exchange_cosigned(url, door)
        if time.monotonic() >= self._next_nodes.get(url, 0):
            self._next_nodes[url] = time.monotonic() + NODES_EVERY
            ask_for_nodes(self._wire, self._book, url, self._url)

    def _exchange_cosigned(self, url: str, door: Web) -> None:
        """What witnesses cosigned: the newer one of both is everybody's. Raises DoesNotHold if theirs is none."""
        for key in self._engine.witnesses:
            name = f"{WITNESS}{key.hex()}"
            data, ours = door.get(name), self._cosigned.newest(key)
            if data is not None:
                signed = SignedCheckpoint.parse(data)
                theirs = cosigned_by(signed, key)
                if theirs is None:
                    raise wrong(name, Message("it is not cosigned by the witness that it is named after"))
                if ours is None or is_newer(theirs, ours):
                    self._heads.hear(signed)
                    with suppress(UserError):
                        self._cosigned.take(key, signed)
                    continue
                if not is_newer(ours, theirs):
                    continue
            if ours is not None:
                with suppress(NoAnswer):
                    self._wire.post(url, name, ours.signed.to_bytes(), "text/plain")

    def _note_met(self, url: str, level: bool) -> None:
        """It showed a head that contradicts nothing here; ``level``: and no shorter one than is here."""
        now, before = time.time(), self.met.get(url)
        self.met[url] = Met(now, now if level else 0 if before is None else before.level)
        if len(self.met) > 2 * MOST:  # more than can be known: some are forgotten
            del self.met[min(self.met, key=lambda one: self.met[one].at)]

    def _leave(self, url: str, error: VecheError) -> None:
        """Whoever lies is left; whoever is gone, or has less than its head says, was asked in vain, and the others come first for a while."""
        if isinstance(error, DoesNotHold):
            logged().warning("a node is left", node=url, reason=error.message)
            self._book.leave(url, error.said)
        else:
            self._book.note(url, False, time.time())
            self._next[url] = time.monotonic() + SELDOM


def ask_for_nodes(wire: Wire, book: AddressBook, url: str, own: str) -> None:
    """Ask a node for others, and tell it of this one if it is found from outside, at ``own``. What goes wrong says nothing."""
    with suppress(msgspec.MsgspecError, RecursionError, VecheError):
        data = wire.get(url, "nodes", NODES_BYTES, ONCE)
        told = msgspec.json.decode(data or b"[]", type=list[str])
        book.hear(url, [one for one in told[:TOLD] if one != own and is_url(one)], time.time())
    if own:
        with suppress(UserError):
            wire.post(url, "nodes", own.encode(), "text/plain")
