"""What makes a ledger's recount (:mod:`veche.ledger.recount`) follow the published bundles, on a thread beside the blocks."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path

from veche.errors import DoesNotHold, UserError
from veche.ledger.checks import Verdicts
from veche.ledger.poll_state import PollState
from veche.ledger.recount import Asked, Recount, compare
from veche.ledger.state import State
from veche.ledger.store import Store
from veche.log.tiles import ENTRIES, WIDTH, Tile, unpack

PART = 16_384
"""Entries that are counted at once: whoever wants the thread back waits well under a second."""
NOTED = 4_096
"""Entries after which what was counted becomes durable with a block."""


class Follower:
    """Owned by the thread of its ledger, which calls :meth:`go_on` at each block, and :meth:`finish` before a tally."""

    def __init__(self, folder: Path, state: State, verdicts: Verdicts) -> None:
        self._folder, self._state, self._verdicts = folder, state, verdicts
        self._recount: Recount | None = None  # None: from what is durable
        self._job: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "veche-recount")

    def close(self) -> None:
        self._thread.shutdown()

    def go_on(self, published: int) -> None:
        """Let the thread count what was published (entries up to here, in full bundles) since it last looked.

        Raises Wrong if what it counted does not fit the state. Where the disk failed it, it begins again from what is durable.
        """
        if self._job is not None and not self._job.done():
            return
        self._collect()
        recount = self._at_hand()
        end = min(published, recount.position + PART)
        if end > recount.position:
            self._job = self._thread.submit(self._follow, recount, end, self._state.polls_announced())

    def finish(self, size: int, closing: Sequence[PollState], read: Callable[[int], bytes]) -> None:
        """Count what is left of the log's ``size`` entries, and hand the recount to the polls that are to be tallied.

        Raises Wrong unless it says what their running sums do, and what ``read`` raises.
        """
        if self._job is not None:
            self._job.exception()  # waits
        self._collect()
        recount = self._at_hand()
        try:
            asked = Asked(read, self._verdicts.peek, self._state.replaced_by)
            recount.follow(size, self._state.polls_announced(), asked)
        except BaseException:
            self._recount = None
            raise
        for poll in closing:
            compare(recount, poll)
            for group, sums in enumerate(poll.groups):
                sums.recount = recount.of(poll, group).sums

    def note(self) -> None:
        """Write down what was counted, if it is worth it, as part of the transaction of a block."""
        if self._recount is None or (self._job is not None and not self._job.done()):
            return
        self._collect()
        if self._recount is not None and self._recount.position - self._state.get("recounted") >= NOTED:
            self._recount.keep(self._state.polls_announced())
            self._state.set_recount(self._recount.position, self._recount.rows())

    def _at_hand(self) -> Recount:
        if self._recount is None:
            self._recount = Recount.from_rows(self._state.get("recounted"), self._state.recount())
        return self._recount

    def _collect(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            try:
                job.result()
            except (OSError, sqlite3.Error, UserError, DoesNotHold):
                self._recount = None  # it may have counted a part: at a closing this is not forgiven
            except BaseException:
                self._recount = None
                raise

    def _follow(self, recount: Recount, end: int, polls: Sequence[PollState]) -> None:
        """On the thread: it reads files, and the database by a connection of its own if a ballot was replaced."""
        with ExitStack() as opened:
            stores: list[Store] = []

            def replaced(poll: int, number: int) -> int | None:
                if not stores:
                    stores.append(Store.read(self._folder))
                    opened.callback(stores[0].close)
                return stores[0].state.replaced_by(poll, number)

            recount.follow(end, polls, Asked(self._reader(), self._verdicts.peek, replaced))

    def _reader(self) -> Callable[[int], bytes]:
        @lru_cache(maxsize=16)
        def bundle(index: int) -> list[bytes]:
            tile = Tile(ENTRIES, index)
            return unpack(tile, (self._folder / tile.name).read_bytes())

        return lambda number: bundle(number // WIDTH)[number % WIDTH]
