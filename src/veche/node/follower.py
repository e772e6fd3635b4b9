"""A citizen's node: it follows a ledger that others keep, has all of it checked, serves it to others, and carries ballots.

First a copy is made of what others have (:mod:`veche.node.copying`); then the node stays, and executes each new block. docs/adr/0024-followers.md.
"""

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from veche.clock import Clock, system
from veche.engine.following import FollowingEngine
from veche.errors import DoesNotHold, Refused, UserError, VecheError
from veche.ledger.codec import MAX_ENTRY
from veche.ledger.entries.charter import read_charter
from veche.ledger.ledger import Ledger
from veche.ledger.store import is_public
from veche.log.checkpoint import SignedCheckpoint
from veche.log.evidence import read_fork
from veche.log.log import Log, Snapshot
from veche.log.source import Folder
from veche.node.addresses import AddressBook
from veche.node.attachments import EVERY as FILES_EVERY
from veche.node.attachments import Attachments
from veche.node.copying import Forked, copy_ledger, is_executed
from veche.node.fetching import Door, Progress
from veche.node.heads import Heads
from veche.node.neighbours import EVERY, Neighbours, ask_for_nodes
from veche.node.node import listening
from veche.node.service import Service
from veche.node.web import NoAnswer, Web, Wire
from veche.texts import Message

COPYING = 12
"""Nodes that a copy is made from at a time."""
NODES_EVERY = 15.0
"""Seconds between two times that one of them is asked for others."""
LISTEN = "127.0.0.1:8080"
"""Where a follower's door is, if nothing else is said: on this machine only."""


def find_charter(folder: Path, wire: Wire, book: AddressBook) -> bytes:
    """The charter's entry: of the copy in the folder, else as the first node has it that answers. Raises UserError if none does."""
    if is_public(folder):
        snapshot = Snapshot(Folder(folder))
        return Log(snapshot, snapshot.checkpoint().checkpoint).entry(0)
    failed: UserError | DoesNotHold = UserError(
        Message("No node is known that has this ledger."), Message("Give the address of one: veche node join URL")
    )
    for url in book.choose():
        try:
            found = wire.get(url, "charter", MAX_ENTRY)
            if found is not None:
                read_charter(found)
                return found
        except Refused as refused:
            failed = UserError(Message("What {url} has is no charter: {why}", url=url, why=refused.said))
        except (NoAnswer, DoesNotHold) as error:
            failed = error
    raise failed


def check_no_fork(folder: Path) -> None:
    """Raises Forked if two histories were found: nothing goes on until people have decided which one is theirs."""
    found = read_fork(folder)
    if found is not None:
        raise Forked(found)


def catch_up(
    folder: Path,
    founding: bytes,
    wire: Wire,
    book: AddressBook,
    chosen: Callable[[SignedCheckpoint], None],
    fetched: Progress,
    executed: Progress,
    decided: Collection[str] | None = None,
) -> None:
    """Make a copy of what others have, or go on with one that was begun. ``chosen`` is called with the head before anything is downloaded.

    Whoever lies meanwhile is not asked again later either. ``decided``: see :func:`copy_ledger`. Raises as :func:`copy_ledger`.
    """
    book.institutions |= {row.url for row in read_charter(founding).engine.validators}
    asked: dict[str, float] = {}

    def leave(url: str, error: VecheError) -> None:
        if isinstance(error, DoesNotHold):
            book.leave(url, error.said)

    def look() -> dict[str, Door]:
        """Ask those who are known for others; then whom to copy from."""
        due = [url for url in book.choose(COPYING) if time.monotonic() >= asked.get(url, 0)]
        asked.update(dict.fromkeys(due, time.monotonic() + NODES_EVERY))
        with ThreadPoolExecutor(COPYING, "veche-nodes") as pool:
            for _ in pool.map(lambda url: ask_for_nodes(wire, book, url, ""), due):
                pass
        return {url: Door(Web(wire, url), book.is_spared(url)) for url in book.choose(COPYING)}

    copy_ledger(folder, founding, look(), fetched, executed, chosen, leave, decided, look)


class Follower:
    """The node of the copy in a folder, while it is used in a ``with``. ``address``: where its door is."""

    def __init__(
        self,
        folder: Path,
        wire: Wire,
        book: AddressBook,
        listen: str = LISTEN,
        url: str = "",
        decided: bool = False,
        every: float = EVERY,
        files: float = FILES_EVERY,
        clock: Clock = system,
    ) -> None:
        """``url``: where this node is found from outside, if it is. ``decided``: see :class:`Heads`. The rest is for tests.

        Raises UserError, and Forked if two histories were found before.
        """
        if not decided:
            check_no_fork(folder)
        self.book = book
        with ExitStack() as made:
            self.ledger = made.enter_context(Ledger(folder))
            self.engine = FollowingEngine(self.ledger, Folder(folder).checkpoint(), lambda: clock().time)
            heads = Heads(folder, lambda: self.engine.head, lambda: self.engine.succession, decided)
            self.neighbours = Neighbours(self.engine, heads, book, wire, url, every)
            self.engine.heard = self.neighbours.tell
            self._attachments = Attachments(folder, wire, book, files)
            host, port = listening(listen)
            self._service = Service(self.engine, None, host, port, book=book)
            self._open = made.pop_all()

    def __enter__(self) -> Self:
        with self._open as begun:
            for one in (self.engine, self._service, self.neighbours, self._attachments):
                begun.enter_context(one)
            self._open = begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def address(self) -> tuple[str, int]:
        return self._service.address

    def check(self) -> None:
        """Raise what broke the node, if anything did; Forked if there are two histories."""
        self.neighbours.check()
        self.engine.check()
        self._service.check()


def has_copy(folder: Path) -> bool:
    """Whether there is a copy that was checked to its end, so that it can be followed from there."""
    return is_public(folder) and is_executed(folder)
