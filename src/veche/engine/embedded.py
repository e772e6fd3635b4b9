"""The embedded engine: one process agrees with itself on the order of entries.

Entries handed in are collected; while batches are checked by the kernel on all cores, the one before them goes through
the rules and into a block. An entry is acknowledged when its block is durable, never before. After a crash the engine is
simply started again: what was acknowledged is in the ledger, what was not may be handed in again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ClassVar

from veche.engine.engine import Stopped
from veche.engine.looking import Look
from veche.engine.place import Place
from veche.engine.publishing import LOG_KEY, create_ledger
from veche.engine.threaded import AHEAD, ThreadedEngine
from veche.engine.waiting import Job
from veche.keys import SigningKey
from veche.ledger.entries.engine import EMBEDDED
from veche.ledger.ledger import Ledger
from veche.texts import Message

__all__ = ["LOG_KEY", "EmbeddedEngine", "create_ledger"]


class EmbeddedEngine(ThreadedEngine):
    """Drives a ledger, and signs its heads with the log's ``key``. See :class:`veche.engine.engine.Engine`.

    ``clock`` gives the times of blocks, in seconds since 1970: this machine's, as far as it can be believed
    (:class:`~veche.engine.block_clock.BlockClock`), if none is given. ``pause`` is the longest time between two blocks, in
    seconds. The ledger belongs to the engine's thread from ``with`` to ``stop``.
    """

    NAME: ClassVar[str] = EMBEDDED

    def __init__(
        self,
        ledger: Ledger,
        key: SigningKey,
        clock: Callable[[], int] | None = None,
        pause: float = 1.0,
        others: Sequence[SigningKey] = (),
    ) -> None:
        """``others``: see :class:`Publishing`. What a crash left unpublished is published. Raises UserError if this is not the key that the charter names, or its
        engine is another."""
        super().__init__(self.NAME, ledger, (key, *others), clock)
        self._publishing.publish(ledger.time)
        self._place = Place(ledger.folder)
        self._pause = pause
        self._taken: list[Job] = []  # the newest batch, which may not be among those that are being checked yet
        self._checking: deque[tuple[Look, Future[None]]] = deque()
        self._checkers = ThreadPoolExecutor(AHEAD, "veche-check")

    def sign_with(self, key: SigningKey) -> None:
        """See :meth:`Publishing.add`."""
        self._publishing.add(key)

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            self._checkers.shutdown()

    def _taken_in(self) -> Iterable[Job]:
        return [*(job for look, _ in self._checking for job in look.jobs), *self._taken]

    def _serve(self) -> None:
        checking = self._checking
        self._results.search(self.ledger.state)
        while True:
            self._taken = jobs = self._waiting.take(0 if checking else self._pause)
            if jobs:
                look = Look(self.ledger, jobs)
                checking.append((look, self._checkers.submit(look.run)))
            elif not checking:
                if (
                    self._waiting.stopping and not self._waiting
                ):  # asked in this order: whoever stops it lets nobody hand in
                    self._results.wait()
                    if not self._waiting:
                        return
                    continue
                self._block([])
            if checking and (len(checking) > AHEAD or not jobs):
                look, checked = checking[0]
                checked.result()
                look.tell(self._waiting)
                self._block(look.jobs)
                checking.popleft()

    def _block(self, jobs: Sequence[Job]) -> None:
        ledger = self.ledger
        assert self._clock is not None
        if ledger.state.engine_name != self.NAME:
            raise Stopped(
                Message("This ledger goes on as a network of validators."),
                Message("Each of them runs a node: veche node run"),
            )
        entries = [entry for entry, _ in jobs if entry is not None]
        executed = ledger.execute(ledger.height + 1, max(self._clock(), ledger.time), entries)
        ledger.commit()
        self._tell(executed, entries)
        if executed.logged:
            self._results.search(ledger.state)
        self._waiting.answer([job for job in jobs if job[0] is not None], executed.answers)
        if executed.logged:
            self._publishing.publish(ledger.time)
            self._place.grown()
        asked = [job for job in jobs if job[0] is None]  # who asked for a block wants to see it
        self._waiting.answer(asked, [ledger.size] * len(asked))
