"""What was handed in and has no answer yet, in the order in which it came; so much of it and no more.

Any thread hands in; whoever makes the blocks takes, and answers. Nobody waits for ever: at its end an engine answers everybody.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from veche.engine.engine import Answer, Listener, Stopped
from veche.errors import Refused
from veche.ledger.entries.ballot import is_ballot
from veche.texts import Message

BATCH = 2048
"""Entries checked together: large enough for the kernel's batches, small enough that a block takes well under a second."""
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


class Waiting:
    """The entries that wait. ``stopping``: whether no more are taken in."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        """``wake`` is called, on whatever thread, when there is something to take or the end has come."""
        self.stopping = False
        self._wake = wake
        self._jobs: deque[Job] = deque()
        self._bytes = 0  # of what was handed in and not taken yet
        self._of_one: Counter[bytes] = Counter()  # ballots that have no answer yet, by whose they are
        self._answered = threading.Condition()
        self._changed = threading.Condition(threading.Lock())  # around what was handed in, and the end

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, entry: bytes | None, listener: Listener | None = None) -> Answer:
        """Hand in an entry, or None for a block now; as long as there is no room, wait. Raises Stopped."""
        answer = Answer(self._answered, listener)
        whose = _whose(entry)
        with self._changed:
            while (len(self._jobs) >= ROOM or self._bytes >= ROOM_BYTES) and not self.stopping:
                self._changed.wait()
            if self.stopping:
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
            self._add(entry, answer)
        return answer

    def put_found(self, entry: bytes) -> None:
        """Hand in what the engine itself has found, even when there is no room or it is to stop: it waits for this."""
        with self._changed:
            whose = _whose(entry)
            assert whose is not None, "a result is a result"
            self._of_one[whose] += 1
            self._add(entry, Answer(self._answered))

    def _add(self, entry: bytes | None, answer: Answer) -> None:
        self._jobs.append((entry, answer))
        self._bytes += 0 if entry is None else len(entry)
        if len(self._jobs) == 1:
            self._changed.notify_all()
            self._wake()

    def take(self, pause: float = 0) -> list[Job]:
        """The first of them, a batch at most. ``pause``: for how many seconds to wait for the first one."""
        with self._changed:
            if pause and not self._jobs and not self.stopping:
                self._changed.wait(pause)
            taken = [self._jobs.popleft() for _ in range(min(BATCH, len(self._jobs)))]
            self._bytes -= sum(len(entry) for entry, _ in taken if entry is not None)
            self._changed.notify_all()
        return taken

    def answer(self, jobs: Sequence[Job], outcomes: Sequence[int | BaseException]) -> None:
        """Tell those who wait for these entries what became of them."""
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

    def stop(self) -> None:
        """Take no more in."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()
        self._wake()

    def end(self, failure: BaseException | None, taken: Iterable[Job]) -> None:
        """Whoever has no answer yet, here or among the jobs that were taken, is told why."""
        with self._changed:
            self.stopping = True
            left = [*taken, *self._jobs]
            self._jobs.clear()
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
