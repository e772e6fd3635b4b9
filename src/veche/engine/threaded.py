"""What every engine here is around the thread on which it makes its blocks: how it begins and ends, and takes entries in."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from veche.engine.block_clock import BlockClock
from veche.engine.engine import Answer, Decided, Listener, Watcher, check_engine
from veche.engine.publishing import Publishing
from veche.engine.results import Results
from veche.engine.waiting import Job, Waiting
from veche.keys import SigningKey
from veche.ledger.heads import vouched
from veche.ledger.ledger import Executed, Ledger
from veche.ledger.store import READ, plainly
from veche.log.checkpoint import SignedCheckpoint

AHEAD = 2
"""Batches that are being checked meanwhile: one more than is needed, so that no core waits for the end of a batch."""


class ThreadedEngine(ABC):
    """An engine (:class:`veche.engine.engine.Engine`) on a thread of its own, to which the ledger belongs from ``with`` to ``stop``."""

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        keys: Sequence[SigningKey],
        clock: Callable[[], int] | None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """``name``: as charters call it; ``keys``: that sign heads (:class:`Publishing`); ``clock``: this machine's (:class:`~veche.engine.block_clock.BlockClock`)
        if none is given; ``wake``: see :class:`Waiting`.

        Raises UserError if these are not keys that the charter names, or its engine is another.
        """
        check_engine(ledger, name)
        self.ledger = ledger
        self._watchers: list[Watcher] = []
        self._publishing = Publishing(ledger, keys, self._published)
        self._clock = clock
        self._failure: BaseException | None = None
        self._waiting = Waiting(wake)
        self._results = Results(self._waiting.put_found)
        self._thread = threading.Thread(target=self._run, name="veche-engine")

    def __enter__(self) -> Self:
        """Begin. Raises WrongClock if this machine's clock is to be read, and cannot be believed."""
        if self._clock is None:
            self._clock = BlockClock(self.ledger)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
        self._waiting.stop()
        self._thread.join()
        self._results.close()
        self.check()

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""
        if self._failure is not None:
            raise self._failure

    def submit(self, entry: bytes, listener: Listener | None = None) -> Answer:
        """Hand in an entry. The answer is its number in the log once that is durable and agreed, or Refused."""
        return self._waiting.put(entry, listener)

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of blocks and heads, on the engine's thread. Before the engine begins."""
        self._watchers.append(watcher)

    def _tell(self, executed: Executed, entries: Sequence[bytes]) -> None:
        """Tell those who watch of a block that is durable now, and of these entries."""
        if self._watchers:
            numbers = [
                (entry, answer)
                for entry, answer in zip(entries, executed.answers, strict=True)
                if isinstance(answer, int)
            ]
            keys = frozenset(validator.key for validator in executed.validators)
            decided = Decided(executed.height, executed.time, self.ledger.size, numbers, keys)
            for watcher in self._watchers:
                watcher.decided(decided)

    def gather(self, signed: SignedCheckpoint) -> bool:
        """Take in a head that another validator has cosigned: where there are others."""
        return True

    def speak(self) -> None:
        """See :class:`veche.engine.engine.Engine`: where there are no others, nobody waits for it."""
        return

    def newest(self, key: bytes) -> SignedCheckpoint | None:
        """The newest head that another validator has cosigned."""
        return None

    @property
    def lacks(self) -> Sequence[int]:
        """The sizes of heads that must be kept and are not here."""
        return ()

    @property
    def questions(self) -> Path | None:
        """Where CometBFT answers questions: where there is one."""
        return None

    def _cosigned(self, signed: SignedCheckpoint) -> None:
        for watcher in self._watchers:
            watcher.cosigned(signed)

    def _published(self, signed: SignedCheckpoint) -> None:
        if self._watchers:
            size = signed.checkpoint.size
            since = vouched(signed, self.ledger.state.succession.policy(size))
            for watcher in self._watchers:
                watcher.published(size, since)

    def tick(self) -> int:
        """Make a block now, and wait until it is durable and published; the answer is the size of the log. For who moves the clock.

        Results for which the engine searches are in that block or before it.
        """
        self._results.wait()
        return self._waiting.put(None).result()

    def _run(self) -> None:
        try:
            with plainly(self.ledger.folder, READ):  # whatever reads the state, on whose behalf ever
                self._serve()
        except BaseException as error:
            self._failure = error
        self._waiting.end(self._failure, self._taken_in())

    @abstractmethod
    def _serve(self) -> None:
        """Make blocks until everything is finished after :meth:`stop`."""

    @abstractmethod
    def _taken_in(self) -> Iterable[Job]:
        """Jobs that were taken from those that wait and may have no answer yet."""
