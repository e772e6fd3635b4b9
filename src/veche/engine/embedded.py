"""The embedded engine: one process agrees with itself on the order of entries.

Entries handed in are collected; while batches are checked by the kernel on all cores, the one before them goes through
the rules and into a block. An entry is acknowledged when its block is durable, never before. After a crash the engine is
simply started again: what was acknowledged is in the ledger, what was not may be handed in again.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from veche.clock import STEP, Clock, WrongClock, system
from veche.engine.block_clock import BlockClock
from veche.engine.engine import Answer, Stopped
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.checks import Verdict
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.ledger import Ledger
from veche.ledger.opening import Opening
from veche.ledger.publication import Publication
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.logs import log
from veche.texts import Message, iso_time

BATCH = 2048
"""Entries checked together: large enough for the kernel's batches, small enough that a block takes well under a second."""
AHEAD = 2
"""Batches that are being checked meanwhile: one more than is needed, so that no core waits for the end of a batch."""

ROOM = 4 * BATCH
"""Entries that may lie here before whoever hands in one more has to wait: junk that came before an entry delays it by no more."""
ROOM_BYTES = 32 << 20
"""The same in bytes."""
MOST_OF_ONE = 4
"""Ballots of one credential that may lie here or be checked at a time. A ballot whose last proof is false is the dearest thing to
refuse, and only who has the credential can make it; a device casts one at a time. The same for results of one poll."""
BUSY = "busy"
"""The rule by which more of them are refused: it says nothing of the entry, which is not looked at."""

WHOSE = slice(46, 78)
"""Where a ballot's entry has its credential: behind the group, of one byte, and the head of the ballot. (If the group is of more
bytes, this is a part of it; any bytes will do that all ballots of a credential have in common, and others have not.)"""

_RESULT = b"\x82\x66result"
_RESULT_POLL = len(_RESULT) + 35
"""Where a result ends to say of which poll it is: behind the head of its body and that of 32 bytes."""

Job = tuple[bytes | None, Answer]
"""An entry, or None for a block now whether or not anything was handed in; and who waits for it."""


LOG_KEY = "log.key"
"""The file beside a ledger that holds the key of its log, mode 0600."""


class EmbeddedEngine:
    """Drives a ledger, and signs its heads with the log's ``key``. See :class:`veche.engine.engine.Engine`.

    ``clock`` gives the times of blocks, in seconds since 1970: this machine's, as far as it can be believed
    (:class:`~veche.engine.block_clock.BlockClock`), if none is given. ``pause`` is the longest time between two blocks, in
    seconds. The ledger belongs to the engine's thread from ``with`` to ``stop``.
    """

    def __init__(
        self, ledger: Ledger, key: SigningKey, clock: Callable[[], int] | None = None, pause: float = 1.0
    ) -> None:
        """What a crash left unpublished is published. Raises UserError if this is not the key that the charter names."""
        check_key(ledger.state.charter, key)
        self.ledger = ledger
        self._key = key
        self._publication = Publication(ledger.folder)
        self._published: Checkpoint | None = None
        self._publish()
        self._clock = clock
        self._pause = pause
        self._failure: BaseException | None = None
        self._stopping = False
        self._handed_in: deque[Job] = deque()
        self._bytes = 0  # of what was handed in and not taken yet
        self._of_one: Counter[bytes] = Counter()  # ballots that have no answer yet, by whose they are
        self._answered = threading.Condition()
        self._changed = threading.Condition(threading.Lock())  # around what was handed in, and the end of the engine
        self._taken: list[Job] = []  # the newest batch, which may not be among those that are being checked yet
        self._checking: deque[tuple[list[Job], Future[list[Verdict]]]] = deque()
        self._checkers = ThreadPoolExecutor(AHEAD, "veche-check")
        self._searches: dict[bytes, Future[None]] = {}  # for results, by poll
        self._searcher = ThreadPoolExecutor(1, "veche-result")
        self._thread = threading.Thread(target=self._run, name="veche-engine")

    def __enter__(self) -> "EmbeddedEngine":
        """Begin. Raises WrongClock if this machine's clock is to give the times, and cannot be believed."""
        if self._clock is None:
            self._clock = BlockClock(self.ledger)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._checkers.shutdown()
        self._searcher.shutdown()
        if self._failure is not None:
            raise self._failure

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""
        if self._failure is not None:
            raise self._failure

    def submit(self, entry: bytes) -> Answer:
        """Hand in an entry. The answer is its number in the log once that is durable, or Refused."""
        return self._put(entry)

    def tick(self) -> int:
        """Make a block now, and wait until it is durable; the answer is the size of the log. For who moves the clock.

        Results for which the engine searches are in that block or before it.
        """
        wait(list(self._searches.values()))
        return self._put(None).result()

    def _put(self, entry: bytes | None) -> Answer:
        answer = Answer(self._answered)
        whose = _whose(entry)
        with self._changed:
            while (len(self._handed_in) >= ROOM or self._bytes >= ROOM_BYTES) and not self._stopping:
                self._changed.wait()
            if self._stopping:
                raise Stopped(Message("The engine has stopped and takes no more entries."), Message("Start it again."))
            if whose is not None:
                if self._of_one[whose] >= MOST_OF_ONE:
                    answer.give(
                        Refused(
                            BUSY,
                            Message(
                                "{most_of_one} of this credential's ballots, or of this poll's results, are waiting already.",
                                most_of_one=MOST_OF_ONE,
                            ),
                            Message("Hand it in again when they have their answers."),
                        )
                    )
                    return answer
                self._of_one[whose] += 1
            self._handed_in.append((entry, answer))
            self._bytes += 0 if entry is None else len(entry)
            if len(self._handed_in) == 1:
                self._changed.notify_all()
        return answer

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._serve()
        except BaseException as error:
            failure = error
        self._end(failure)

    def _serve(self) -> None:
        checking = self._checking
        self._search()
        while True:
            jobs = self._take(wait=not checking)
            if jobs:
                check = self.ledger.check([entry for entry, _ in jobs if entry is not None])
                checking.append((jobs, self._checkers.submit(check.run)))
            elif not checking:
                if self._stopping and not self._handed_in:  # asked in this order: whoever stops it lets nobody hand in
                    wait(list(self._searches.values()))
                    if not self._handed_in:
                        return
                    continue
                self._block([])
            if checking and (len(checking) > AHEAD or not jobs):
                ready, verdicts = checking[0]
                verdicts.result()
                self._block(ready)
                checking.popleft()

    def _take(self, wait: bool) -> list[Job]:
        """The entries at hand, a batch at most. ``wait``: up to a pause for the first one."""
        with self._changed:
            if wait and not self._handed_in and not self._stopping:
                self._changed.wait(self._pause)
            self._taken = [self._handed_in.popleft() for _ in range(min(BATCH, len(self._handed_in)))]
            self._bytes -= sum(len(entry) for entry, _ in self._taken if entry is not None)
            self._changed.notify_all()
            return self._taken

    def _block(self, jobs: Sequence[Job]) -> None:
        ledger = self.ledger
        assert self._clock is not None
        entries = [entry for entry, _ in jobs if entry is not None]
        executed = ledger.execute(ledger.height + 1, max(self._clock(), ledger.time), entries)
        ledger.commit()
        if executed.logged:
            self._search()
        self._answer([job for job in jobs if job[0] is not None], executed.answers)
        if executed.logged:
            self._publish()
        asked = [job for job in jobs if job[0] is None]  # who asked for a block wants to see it
        self._answer(asked, [ledger.size] * len(asked))

    def _search(self) -> None:
        """Search beside the blocks for the results of polls that enough trustees have decrypted. Anybody may; so it is sure to be done."""
        for poll in self.ledger.state.polls_opened():
            if poll.id not in self._searches:
                opening = self.ledger.state.opening(poll)
                self._searches[poll.id] = self._searcher.submit(self._find, opening)

    def _find(self, opening: Opening) -> None:
        try:
            entry = opening.find().encode()
        except DoesNotHold as error:
            log().error("found no result", poll=opening.poll.hex(), reason=error.message)
            return
        with self._changed:  # even when there is no room, or the engine is to stop: it waits for this
            whose = _whose(entry)
            assert whose is not None, "a result is a result"
            self._of_one[whose] += 1
            self._handed_in.append((entry, Answer(self._answered)))
            self._bytes += len(entry)
            self._changed.notify_all()

    def _answer(self, jobs: Sequence[Job], outcomes: Sequence[int | BaseException]) -> None:
        if not jobs:
            return
        with self._changed:
            for whose in filter(None, (_whose(entry) for entry, _ in jobs)):
                self._of_one[whose] -= 1
                if not self._of_one[whose]:
                    del self._of_one[whose]
        for (_, answer), outcome in zip(jobs, outcomes, strict=True):
            answer.give(outcome)
        with self._answered:
            self._answered.notify_all()

    def _publish(self) -> None:
        head = self.ledger.head
        if head != self._published:
            self._publication.publish(self.ledger, SignedCheckpoint(head, (sign(head, self._key),)))
            self._published = head

    def _end(self, failure: BaseException | None) -> None:
        """Nobody waits for ever: whoever has no answer yet is told why, wherever their entry was."""
        with self._changed:
            self._failure, self._stopping = failure, True
            left = [*(job for jobs, _ in self._checking for job in jobs), *self._taken, *self._handed_in]
            self._handed_in.clear()
            self._changed.notify_all()
        why = failure or Stopped(
            Message("The engine stopped before it came to this entry."), Message("Hand it in again.")
        )
        for _, answer in left:
            if not answer.done():
                answer.give(why)
        with self._answered:
            self._answered.notify_all()


def _whose(entry: bytes | None) -> bytes | None:
    """What all ballots of a credential have in common, and all results of a poll; None of other entries."""
    if entry is None:
        return None
    if is_ballot(entry):
        return entry[WHOSE]
    return entry[:_RESULT_POLL] if entry.startswith(_RESULT) else None


def create_ledger(folder: Path, charter: bytes, key: SigningKey, clock: Clock = system) -> Ledger:
    """Begin a ledger of one process in a folder, with this charter entry, and publish it.

    Raises Refused, UserError, and WrongClock for a charter of the future: the ledger would stand still until then.

    A crash leaves a ledger without charter at most, which is begun by calling this again.
    """
    founding, now = read_charter(charter), clock().time
    check_key(founding, key)
    if founding.time > now + STEP:
        raise WrongClock(
            Message(
                "The charter is dated {time}, and this machine's clock says {now}.",
                time=iso_time(founding.time),
                now=iso_time(now),
            ),
            Message(
                "Set the clock if it is wrong, or wait. If the charter's date is wrong, draft it again, for everybody to sign."
            ),
        )
    ledger = Ledger.create(folder, charter)
    try:
        EmbeddedEngine(ledger, key)
    except BaseException:
        ledger.close()
        raise
    return ledger


def check_key(charter: Charter, key: SigningKey) -> None:
    """Raises UserError if this is not the log's key that the charter names."""
    if charter.log_key != key.public:
        raise UserError(
            Message("This is not the log's key that the charter names."),
            Message("Give the key file that belongs to the charter."),
        )
