"""Checks of ballots that need no state: form, cast signature, permits, proofs. docs/protocol.md, section 3.2.

They cost nearly all the time that a ballot takes, and run for many ballots at once, on all cores, with the interpreter's lock
released. What a verdict depends on (the entry's bytes, the poll, its permit keys) is fixed when the poll opens, so a verdict
stays true for as long as it may be asked for, and is remembered by the entry: before, only that a ballot holds, for a key that
is missing still may come. What the state says is never remembered.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import veche_kernel

from veche.errors import Refused
from veche.ledger.entries.ballot import POLL_ID, is_ballot, refused
from veche.ledger.poll_state import PollState
from veche.ledger.state import State

REMEMBERED = 8_192
"""Verdicts that are kept, about 8 kB each with their entries: four batches of the embedded engine."""

LARGEST_REFUSED = 8_192
"""Bytes of an entry of which a refusal is remembered."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A ballot that holds: the entry as read, and the ballot as checked."""

    entry: veche_kernel.BallotEntry
    ballot: veche_kernel.CheckedBallot


Verdict = Checked | Refused | None
"""What was found of an entry; None of what is no ballot, or one of a poll that is not known or not ready yet."""


class Verdicts:
    """The verdicts on the newest ``REMEMBERED`` entries. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Checked | Refused] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, data: bytes) -> Verdict:
        """The verdict on this entry; None if nobody checked it."""
        with self._lock:
            verdict = self._kept.get(data)
            if verdict is not None:
                self._kept.move_to_end(data)
            return verdict

    def put(self, entries: Sequence[bytes], verdicts: Sequence[Verdict]) -> None:
        """Remember the verdicts of these entries. What is None may become another, and is not remembered; nor is what is
        refused and larger than ballots are: strangers must not fill the memory.
        """
        found = [
            (data, verdict)
            for data, verdict in zip(entries, verdicts, strict=True)
            if isinstance(verdict, Checked) or (verdict is not None and len(data) <= LARGEST_REFUSED)
        ]
        with self._lock:
            self._kept.update(found)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)


class Check:
    """The checks of some entries. Made on the thread that owns the state, run on any, once."""

    def __init__(self, state: State, time: int, entries: Sequence[bytes], known: Verdicts | None = None) -> None:
        """``time``: of the last block. ``known``: where to remember the verdicts."""
        self._entries = entries
        self._known = known
        self._checkers: dict[bytes, veche_kernel.BallotChecker] = {}
        self._unsettled: set[bytes] = set()  # polls for which permit keys may still come
        for poll_id in {data[POLL_ID] for data in entries if is_ballot(data)}:
            poll = state.poll(poll_id)
            if poll is not None and poll.has_enough_keys:
                self._checkers[poll_id] = poll.checker
                if time < poll.definition.opens:
                    self._unsettled.add(poll_id)

    def run(self) -> list[Verdict]:
        """One verdict an entry."""
        verdicts: list[Verdict] = [None] * len(self._entries)
        if self._known is not None:
            verdicts = [self._known.get(data) for data in self._entries]
        places = [place for place, verdict in enumerate(verdicts) if verdict is None]
        by_poll: dict[bytes, list[tuple[int, veche_kernel.BallotEntry]]] = {}
        reading = veche_kernel.read_ballots([self._entries[place] for place in places])
        for position, read in zip(places, reading, strict=True):
            if isinstance(read, veche_kernel.Failure):
                verdicts[position] = refused(read)
            elif read is not None and read.poll in self._checkers:
                by_poll.setdefault(read.poll, []).append((position, read))
        for poll_id, found in by_poll.items():
            checked = self._checkers[poll_id].check([entry for _, entry in found])
            for (position, entry), verdict in zip(found, checked, strict=True):
                if not isinstance(verdict, veche_kernel.Failure):
                    verdicts[position] = Checked(entry, verdict)
                elif poll_id not in self._unsettled:
                    verdicts[position] = refused(verdict)
        if self._known is not None:
            self._known.put(self._entries, verdicts)
        return verdicts


def check_ballot(poll: PollState, entry: veche_kernel.BallotEntry) -> Checked:
    """The same for one ballot of an open poll, at once. Raises Refused."""
    (verdict,) = poll.checker.check([entry])
    if isinstance(verdict, veche_kernel.Failure):
        raise refused(verdict)
    return Checked(entry, verdict)
