"""The embedded engine: one process agrees with itself on the order of entries.

Entries handed in are collected; while one batch is checked by the kernel on all cores, the batch before it goes through
the rules and into a block. An entry is acknowledged when its block is durable, never before. After a crash the engine is
simply started again: what was acknowledged is in the ledger, what was not may be handed in again.
"""

import queue
import threading
import time as clock_time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType

from veche.errors import Refused, VecheError
from veche.ledger.ledger import Ledger, Verdict

BATCH = 2048
"""Entries checked together: large enough for the kernel's batches, small enough that a block takes well under a second."""

Job = tuple[bytes | None, "Future[int]"]
"""An entry, or None for a block now whether or not anything was handed in; and who waits for it."""


class Stopped(VecheError):
    """The engine has ended and takes no more entries."""


class EmbeddedEngine:
    """Drives a ledger. ``clock`` gives whole seconds since 1970; ``beat`` is the longest time between two blocks, in seconds.

    Use it as a context manager. ``submit`` may be called from any thread; the ledger belongs to the engine's thread meanwhile.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = clock_time.time, beat: float = 1.0) -> None:
        self.ledger = ledger
        self._clock = clock
        self._beat = beat
        self._queue: queue.Queue[Job | None] = queue.Queue(maxsize=16 * BATCH)
        self._failure: BaseException | None = None
        self._stopping = False
        self._lock = threading.Lock()  # between handing in and the end of the engine
        self._waiting: set[Future[int]] = set()  # whoever is not answered yet
        self._checker = ThreadPoolExecutor(1, "veche-check")
        self._thread = threading.Thread(target=self._run, name="veche-engine")

    def __enter__(self) -> "EmbeddedEngine":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
        self._stopping = True
        self._queue.put(None)
        self._thread.join()
        self._checker.shutdown()
        if self._failure is not None:
            raise self._failure

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""
        if self._failure is not None:
            raise self._failure

    def submit(self, entry: bytes) -> "Future[int]":
        """Hand in an entry. The future gives its number in the log once that is durable, or raises Refused."""
        return self._put(entry)

    def tick(self) -> int:
        """Make a block now, and wait until it is durable; the answer is the size of the log. For who moves the clock."""
        return self._put(None).result()

    def _put(self, entry: bytes | None) -> "Future[int]":
        answer: Future[int] = Future()
        answer.set_running_or_notify_cancel()  # an entry that was handed in cannot be taken back
        with self._lock:
            if self._stopping or self._failure is not None:
                raise Stopped("The engine has stopped and takes no more entries.", "Start it again.")
            self._waiting.add(answer)
        answer.add_done_callback(self._waiting.discard)
        self._queue.put((entry, answer))
        return answer

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._serve()
        except BaseException as error:
            failure = error
        self._end(failure)

    def _serve(self) -> None:
        waiting: tuple[list[Job], Future[list[Verdict]]] | None = None
        while True:
            jobs, last = self._take(wait=waiting is None)
            checking = None
            if jobs:
                batch = self.ledger.machine.check([entry for entry, _ in jobs if entry is not None])
                checking = jobs, self._checker.submit(batch.run)
            if waiting is not None:
                self._block(waiting[0], waiting[1].result())
            elif not jobs:
                self._block([], [])
            waiting = checking
            if last and waiting is None:
                return

    def _take(self, wait: bool) -> tuple[list[Job], bool]:
        """The entries at hand, and whether the engine is to end. ``wait``: up to a beat for the first one."""
        jobs: list[Job] = []
        try:
            while len(jobs) < BATCH:
                job = self._queue.get(block=wait and not jobs, timeout=self._beat)
                if job is None:
                    self._queue.put(None)
                    return jobs, True
                jobs.append(job)
        except queue.Empty:
            pass
        return jobs, False

    def _block(self, jobs: Sequence[Job], verdicts: Sequence[Verdict]) -> None:
        size = self.ledger.size
        answers = iter(
            self.ledger.block(int(self._clock()), [entry for entry, _ in jobs if entry is not None], verdicts)
        )
        if self.ledger.size != size and any(entry is None for entry, _ in jobs):
            self.ledger.publish()  # who asked for a block wants to see it
        for entry, future in jobs:
            answer = self.ledger.size if entry is None else next(answers)
            if isinstance(answer, Refused):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        if self.ledger.size != size:
            self.ledger.publish()

    def _end(self, failure: BaseException | None) -> None:
        """Nobody waits for ever: whoever has no answer yet is told why, wherever his entry was."""
        with self._lock:
            self._failure, self._stopping = failure, True
            left = list(self._waiting)
        for future in left:
            future.set_exception(
                failure or Stopped("The engine stopped before this entry's turn came.", "Hand it in again.")
            )
        with suppress(queue.Empty):
            while True:  # who waits for room in the queue goes on, and finds his answer
                self._queue.get_nowait()
