"""Checks of many ballots at once, and what is remembered of them. docs/protocol.md, section 3.2.

What is dear of a ballot (permits, cast signature, proofs) needs no state: its bytes and what was frozen before its poll opened
decide it. So it is done for many ballots at once, on all cores, with the interpreter's lock released, and its verdict stays
true for as long as it may be asked for: it is remembered by the entry.

But whoever hands in junk must not keep a node busy. So the state is asked first, and of what has no chance nothing is checked.
That question is a filter and no verdict: it is asked before its time, so it passes over a ballot only where no entry before its
place could help it, and nothing of it is remembered. The state is asked again at the ballot's place, and that answer counts.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import veche_kernel

from veche.errors import Refused
from veche.ledger.entries.ballot import POLL_ID, is_ballot, refused
from veche.ledger.poll_state import PollState
from veche.ledger.rules.ballot import check_open, check_standing
from veche.ledger.state import State

REMEMBERED = 8_192
"""Verdicts that are kept, about 8 kB each with their entries: four batches of the embedded engine."""

LARGEST_REFUSED = 8_192
"""Bytes of an entry of which a refusal is remembered."""

TOGETHER = 256
"""Ballots of a proposed block that are checked together: if one of them does not hold, each of these is looked at alone, and none behind."""


class Checked(NamedTuple):
    """A ballot that holds: the entry as read, and the ballot as checked."""

    entry: veche_kernel.BallotEntry
    ballot: veche_kernel.CheckedBallot

    @property
    def credential(self) -> bytes:
        """Whose it is."""
        return self.ballot.credential


Verdict = Checked | veche_kernel.IdentifiedBallot | Refused | None
"""What was found of an entry: that it holds, or whose it is and no more, or that it does not hold whatever the state says.

None of what is no ballot, or one of a poll that was not open when it was asked.
"""


class Verdicts:
    """The verdicts on the newest ``REMEMBERED`` entries. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Verdict] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, data: bytes) -> Verdict:
        """The verdict on this entry; None if nobody found one."""
        return self.of([data])[data]

    def peek(self, data: bytes) -> Verdict:
        """As :meth:`get`, for whoever would rather do without than have others forgotten: it counts as no question."""
        with self._lock:
            return self._kept.get(data)

    def of(self, entries: Iterable[bytes]) -> dict[bytes, Verdict]:
        """The verdicts on these entries, by entry."""
        with self._lock:
            found = {data: self._kept.get(data) for data in entries}
            for data, verdict in found.items():
                if verdict is not None:
                    self._kept.move_to_end(data)
        return found

    def put(self, found: dict[bytes, Verdict]) -> None:
        """Remember these verdicts. What is refused and larger than ballots are is not remembered: strangers must not fill
        the memory.
        """
        kept = {
            data: verdict
            for data, verdict in found.items()
            if verdict is not None and not (isinstance(verdict, Refused) and len(data) > LARGEST_REFUSED)
        }
        with self._lock:
            self._kept.update(kept)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)


class Check:
    """The checks of some entries. Made on the thread that owns the state, run on any, once."""

    def __init__(
        self, state: State, time: int, entries: Sequence[bytes], known: Verdicts | None = None, ask: bool = True
    ) -> None:
        """``time``: of the last block, or of the block that is made; polls that are not open then are passed over. ``known``:
        where to remember the verdicts. ``ask``: whether to ask the state before anything dear; who reads a log need not.
        """
        self._entries, self._known = entries, known
        self.against: dict[bytes, Refused] = {}
        """What the state says against ballots, if it was asked: those are not checked."""
        ballots = [data for data in entries if is_ballot(data)]
        self._found: dict[bytes, Verdict] = dict.fromkeys(ballots) if known is None else known.of(ballots)
        self._polls = {
            poll_id: poll
            for poll_id in {data[POLL_ID] for data in ballots}
            if (poll := state.poll(poll_id)) is not None and (poll.open_at(time) if ask else poll.is_frozen_at(time))
        }
        self.closing = {  # of ballots of open polls: when those close, in seconds since 1970
            data: self._polls[data[POLL_ID]].closing for data in ballots if data[POLL_ID] in self._polls
        }
        self._checkers = {poll_id: poll.checker for poll_id, poll in self._polls.items()}
        self._due: dict[bytes, list[veche_kernel.IdentifiedBallot]] | None = None
        if ask:
            found = self._identify()
            self._due = {
                poll_id: _with_a_chance(state, self._polls[poll_id], found[poll_id], self.against) for poll_id in found
            }
            for poll_id in {data[POLL_ID] for data in ballots} - self._polls.keys():
                try:
                    check_open(state, time, poll_id)
                except Refused as refusal:
                    self.against |= {data: refusal for data in ballots if data[POLL_ID] == poll_id}

    def run(self, whole: bool = False) -> list[Verdict]:
        """One verdict an entry. ``whole``: check some after the others, and raise Refused when one of them does not hold: then nothing
        more is checked, and that one costs no more than those beside it."""
        due = self._due
        if due is None:
            due = {poll_id: _unchecked(found) for poll_id, found in self._identify().items()}
        for poll_id, ballots in due.items():
            step = TOGETHER if whole else max(1, len(ballots))
            for start in range(0, len(ballots), step):
                failed = self._check(poll_id, ballots[start : start + step])
                if whole and failed is not None:
                    raise failed
        if self._known is not None:
            self._known.put(self._found)
        return [self._found.get(data) for data in self._entries]

    def _check(self, poll_id: bytes, ballots: Sequence[veche_kernel.IdentifiedBallot]) -> Refused | None:
        """Check ballots of one poll; why the first does not hold, if one does not."""
        failed = None
        for ballot, verdict in zip(ballots, self._checkers[poll_id].check(ballots), strict=True):
            if isinstance(verdict, veche_kernel.Failure):
                self._found[ballot.entry.data] = refusal = refused(verdict)
                failed = failed or refusal
            else:
                self._found[ballot.entry.data] = Checked(ballot.entry, verdict)
        return failed

    def _identify(self) -> "dict[bytes, list[_Found]]":
        """Read what nobody read before. What may hold, by its poll, each in the order of the entries."""
        unread = [data for data, verdict in self._found.items() if verdict is None and data[POLL_ID] in self._polls]
        by_poll: dict[bytes, list[veche_kernel.BallotEntry]] = {}
        for data, read in zip(unread, veche_kernel.read_ballots(unread), strict=True):
            if isinstance(read, veche_kernel.BallotEntry):
                by_poll.setdefault(read.poll, []).append(read)
            elif read is not None:
                self._found[data] = refused(read)
        for poll_id, entries in by_poll.items():
            for entry, identified in zip(entries, self._checkers[poll_id].identify(entries), strict=True):
                self._found[entry.data] = (
                    refused(identified) if isinstance(identified, veche_kernel.Failure) else identified
                )
        found: dict[bytes, list[_Found]] = {}
        for data, verdict in self._found.items():
            if verdict is not None and not isinstance(verdict, Refused) and data[POLL_ID] in self._polls:
                found.setdefault(data[POLL_ID], []).append(verdict)
        return found


_Found = Checked | veche_kernel.IdentifiedBallot


def _unchecked(found: Sequence[_Found]) -> list[veche_kernel.IdentifiedBallot]:
    return [ballot for ballot in found if not isinstance(ballot, Checked)]


def _with_a_chance(
    state: State, poll: PollState, found: Sequence[_Found], against: dict[bytes, Refused]
) -> list[veche_kernel.IdentifiedBallot]:
    """Of these ballots of an open poll those that are worth to be checked; what is said against the others goes into ``against``.

    What the state says against a ballot stays so, with one exception: a credential that has no ballot yet may have one in a
    moment, if its first one is among these. (If that is on its way in another batch, the later one is looked at again when
    its block is made.)
    """
    credentials = [ballot.credential for ballot in found]
    state.look_up(poll, credentials)
    first = {credential for credential, ballot in zip(credentials, found, strict=True) if ballot.entry.registrars}
    chosen = []
    for credential, ballot in zip(credentials, found, strict=True):
        last = state.last_ballot(poll, credential)
        if last is not None or credential not in first or ballot.entry.registrars:
            try:
                check_standing(poll, ballot.entry, last)
            except Refused as refusal:
                against[ballot.entry.data] = refusal
                continue
        if not isinstance(ballot, Checked):
            chosen.append(ballot)
    return chosen


def identify_ballot(poll: PollState, entry: veche_kernel.BallotEntry) -> veche_kernel.IdentifiedBallot:
    """Whose a ballot of an open poll is. Raises Refused."""
    (identified,) = poll.checker.identify([entry])
    if isinstance(identified, veche_kernel.Failure):
        raise refused(identified)
    return identified


def check_ballot(poll: PollState, ballot: veche_kernel.IdentifiedBallot) -> Checked:
    """What is dear of one ballot of an open poll, at once. Raises Refused."""
    (verdict,) = poll.checker.check([ballot])
    if isinstance(verdict, veche_kernel.Failure):
        raise refused(verdict)
    return Checked(ballot.entry, verdict)
