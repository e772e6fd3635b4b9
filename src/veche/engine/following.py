"""The engine of who follows a ledger that others keep: their blocks are executed here anew, and what is handed in is left to them.

It makes no block, has no key and reads no clock. What others have comes as heads that are final, each with the log under it, of which
nothing is believed: whatever the rules do not derive ends it (docs/adr/0024-followers.md).
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from veche.engine.engine import Stopped
from veche.engine.looking import Look
from veche.engine.threaded import ThreadedEngine
from veche.engine.waiting import Job
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.following import blocks, follow
from veche.ledger.heads import Succession
from veche.ledger.ledger import Ledger
from veche.ledger.store import Disagrees
from veche.ledger.walk import read_kept
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.texts import Message

PAUSE = 0.2
"""Seconds between two looks at what came in."""
FAR = 50_000
"""Entries that are executed block by block, and lie in memory until they are published: of more a copy is made at once."""


class FarBehind(Stopped):
    """So much is missing that it is copied, not followed."""


@dataclass(frozen=True)
class News:
    """A final head that goes on from this ledger's, as was checked, and the log under it; None if it is the head that is here, cosigned
    anew. ``leave`` is called, on the engine's thread, if that log cannot be read to its end, with the reason: whoever has it lies, or
    is gone."""

    signed: SignedCheckpoint
    log: Log | None
    leave: Callable[[VecheError], None]


class FollowingEngine(ThreadedEngine):
    """Follows a ledger. See :class:`veche.engine.engine.Engine`; nothing is answered but refusals, and entries that came into a block.

    ``head``: the newest final head that was published here, of a log that was executed up to it; ``succession``: whose signatures heads
    need, as far as the log was executed; ``institutions``: the addresses that it names; ``witnesses``: the keys of its witnesses; ``under``: the head under which it executed last, be
    that published or not. All may be read on any thread.
    """

    def __init__(self, ledger: Ledger, head: SignedCheckpoint, now: Callable[[], int]) -> None:
        """``head``: what was published under last. ``now``: this machine's time, in seconds since 1970. Blocks that append nothing are not in
        the log, so that of the last one may be long past: only this says whether a poll has opened since."""
        super().__init__(ledger.state.engine_name, ledger, (), lambda: ledger.time)
        self.head, self._now = head, now
        self.under: SignedCheckpoint | None = None
        self._note_state()
        self.heard: Callable[[SignedCheckpoint], bool] = lambda signed: True
        """Is called, on any thread, with each head that somebody tells of; False: there is no room now."""
        self._news: News | None = None
        self._lock = threading.Lock()
        self._carried: list[Job] = []

    def _note_state(self) -> None:
        state = self.ledger.state
        self.succession: Succession = state.succession
        self.institutions = frozenset(row.url for row in state.validator_rows())
        self.witnesses = frozenset(state.witnesses())

    def gather(self, signed: SignedCheckpoint) -> bool:
        return self.heard(signed)

    def offer(self, news: News) -> None:
        """What others have. On any thread; of several that were not looked at yet the longest is taken."""
        with self._lock:
            if self._news is None or news.signed.checkpoint.size >= self._news.signed.checkpoint.size:
                self._news = news

    def _taken_in(self) -> Iterable[Job]:
        return self._carried

    def _serve(self) -> None:
        while not self._waiting.stopping:
            self._look(self._waiting.take(PAUSE))
            with self._lock:
                news, self._news = self._news, None
            if news is not None:
                self._follow(news)

    def _follow(self, news: News) -> None:
        """Execute what is under a head, and publish it. Raises DoesNotHold if the log does not hold."""
        if news.log is not None:
            self.under = news.signed
            if not self._execute_all(news.log, news.leave):
                return
            for size in self._publishing.lacks(news.signed.checkpoint.size):
                try:
                    kept = read_kept(news.log.source, size, self.ledger.root(size))
                    kept.verify(self.succession.policy(size))
                except (DoesNotHold, UserError) as error:
                    news.leave(error)
                    return
                self._publishing.publish_signed(kept)
        elif news.signed.checkpoint != self.ledger.head:
            return
        self._publishing.publish_signed(news.signed)
        self.head = news.signed
        carried, self._carried = self._carried, []
        self._look(carried)  # some have no chance any more

    def _look(self, jobs: Sequence[Job]) -> None:
        """Find out which have a chance: these are carried until they are in a block."""
        if jobs:
            look = Look(self.ledger, jobs, max(self.ledger.time, self._now()))
            look.run()
            look.tell(self._waiting)
            self._carried += look.jobs

    def _execute_all(self, log: Log, leave: Callable[[VecheError], None]) -> bool:
        """Execute a log to its end; whether that could be read. Raises DoesNotHold if it does not hold."""
        ledger = self.ledger
        if log.size < ledger.size:
            return False  # what was executed before comes with a later head
        if log.size - ledger.size > FAR:
            raise FarBehind(Message("This node is {count} entries behind.", count=log.size - ledger.size))
        try:
            root = log.root(ledger.size)
        except (DoesNotHold, UserError) as error:
            leave(error)
            return False
        if root != ledger.head.root:
            raise Disagrees(ledger.folder, Message("it leads to another root than the one that others have published"))
        entries = blocks(log.entries(ledger.size))
        while not self._waiting.stopping:
            try:
                block = next(entries, None)
            except (DoesNotHold, UserError) as error:
                leave(error)
                return False
            if block is None:
                return True
            self._execute(block)
            self._look(self._waiting.take())
        return False

    def _execute(self, block: Sequence[bytes]) -> None:
        executed, handed_in = follow(self.ledger, block)
        self.ledger.commit()
        self._note_state()
        self._tell(executed, handed_in)
        numbers = {
            entry: answer for entry, answer in zip(handed_in, executed.answers, strict=True) if isinstance(answer, int)
        }
        done = [(job, numbers[entry]) for job in self._carried if (entry := job[0]) in numbers and entry is not None]
        if done:
            self._carried = [job for job in self._carried if job[0] not in numbers]
            self._waiting.answer([job for job, _ in done], [number for _, number in done])
