"""Whether validators kept what they promised a voter: judged from the entry and any copy of the ledger. docs/protocol.md, section 5."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import msgspec

from veche.audit.ledger import VerifiedLedger
from veche.errors import DoesNotHold, Refused, UserError
from veche.ledger.checks import identify_ballot
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.life import Phase
from veche.ledger.poll_state import LastBallot, PollState
from veche.ledger.promise import HEIGHTS, Promise
from veche.ledger.rules.ballot import check_standing
from veche.texts import N_, Message

LIMIT = 1 << 20
"""Bytes of the longest answer of a node that is read."""


class Verdict(StrEnum):
    """What becomes of a promise."""

    KEPT = "kept"
    EXCUSED = "excused"
    BROKEN = "broken"
    EARLY = "early"


SENTENCES = {
    Verdict.KEPT: N_("{institution} kept its promise: the ballot is entry {entry}, of block {height}."),
    Verdict.EXCUSED: N_("{institution} is excused: {why}."),
    Verdict.BROKEN: N_(
        "{institution} broke its promise: the ballot is in no block up to {deadline}. Show this file to everybody."
    ),
    Verdict.EARLY: N_(
        "It is too early to say of {institution}: this copy ends with block {height}, the promise with {deadline}."
    ),
}
"""For each verdict what to tell the voter."""
WHY = {
    "turn": N_("a later ballot of the same voter was accepted"),
    "permits": N_("a registrar's roll was used up, or the voter was admitted already"),
    "group": N_("the same voter voted in another group"),
    "tracker": N_("the voter handed in this very ballot twice, and the other one was accepted"),
    "not-open": N_("the poll was over before the promise was due"),
}
"""What excuses a validator: the rule that refuses the ballot by then."""


@dataclass(frozen=True)
class PromiseReport:
    """``institution``: whose promise; ``deadline``: the last height at which it is kept; ``height``: of the block that has the ballot, or
    with which this copy ends; ``excuse``: the rule that refuses the ballot, if that excuses."""

    institution: str
    verdict: Verdict
    deadline: int
    height: int
    entry: int | None = None
    excuse: str = ""

    @property
    def said(self) -> Message:
        why = Message(WHY[self.excuse]) if self.excuse else ""
        return Message(
            SENTENCES[self.verdict], institution=self.institution, entry=str(self.entry), height=str(self.height),
            deadline=str(self.deadline), why=why,
        )  # fmt: skip


class _Answered(msgspec.Struct):
    """What a node answered, as far as it is looked at."""

    promises: list[Promise] = []


def read_promises(data: bytes) -> list[Promise]:
    """The promises in what a node answered. Raises UserError."""
    try:
        found = msgspec.json.decode(data, type=_Answered).promises if len(data) <= LIMIT else []
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = []
    if not found:
        raise UserError(
            Message("There is no promise of a validator in this file."),
            Message("Give what a node answered, as it was."),
        )
    return found


def judge(verified: VerifiedLedger, entry: bytes, promises: list[Promise]) -> list[PromiseReport]:
    """What became of each. Raises DoesNotHold (step ``promise``) if one is of another entry, or not made by a validator of this ledger."""
    wanted = sha256(entry).hexdigest()
    succession = verified.state.succession
    sizes = (0, *(number + 2 for number, _ in succession.changes))  # whoever was a validator at any time
    validators = {one.key.hex(): one.institution for size in sizes for one in succession.validators(size)}
    for promise in promises:
        if promise.entry != wanted:
            raise _wrong(Message("the entry"), Message("This promise is of another entry than the one that was given."))
        if promise.validator not in validators:
            raise _wrong(
                Message("the validator"), Message("This promise is by nobody who is a validator of this ledger.")
            )
        promise.check(verified.ledger)
    number = next((at for at, data in enumerate(verified.log.entries()) if data == entry), None)
    return [_judge(verified, entry, number, promise, validators[promise.validator]) for promise in promises]


def _judge(
    verified: VerifiedLedger, entry: bytes, number: int | None, promise: Promise, institution: str
) -> PromiseReport:
    deadline = promise.height + HEIGHTS
    if number is not None:
        height = verified.height_of(number)
        verdict = Verdict.KEPT if height <= deadline else Verdict.BROKEN
        return PromiseReport(institution, verdict, deadline, height, number)
    height = verified.height_of(verified.head.size - 1)
    if height <= deadline:
        return PromiseReport(institution, Verdict.EARLY, deadline, height)
    excuse = _excuse(verified, entry, deadline)
    return PromiseReport(institution, Verdict.EXCUSED if excuse else Verdict.BROKEN, deadline, height, excuse=excuse)


def _excuse(verified: VerifiedLedger, entry: bytes, deadline: int) -> str:
    """The rule by which a ballot was to be refused up to this height; empty if by none that excuses."""
    if not is_ballot(entry):
        return ""
    state = verified.state
    try:
        read = read_ballot(entry)
        poll = state.poll(read.poll)
        if poll is None:
            return ""
        last, trackers = _cast_by(verified, poll, identify_ballot(poll, read).credential, deadline)
        check_standing(poll, read, last)
        if trackers and poll.frozen.kernel.load(read.ballot).tracker in trackers:
            return "tracker"
    except ValueError:
        return ""
    except Refused as refused:
        return refused.rule if refused.rule in WHY else ""
    over = poll.phase in (Phase.CANCELLED, Phase.VOID) or verified.time_after(deadline) >= poll.closing
    return "not-open" if over else ""


def _cast_by(
    verified: VerifiedLedger, poll: PollState, credential: bytes, height: int
) -> tuple[LastBallot | None, set[bytes]]:
    """The last ballot of a credential up to this height, and the trackers of all up to then: what came later is no excuse."""
    last = verified.state.last_ballot(poll, credential)
    found = [] if last is None else list(verified.state.cast(poll, last))
    found = [(number, tracker) for number, tracker in found if verified.height_of(number) <= height]
    if not found:
        return None, set()
    number = found[0][0]
    read = read_ballot(verified.log.entry(number))
    return LastBallot(read.group, read.turn, number), {tracker for _, tracker in found}


def _wrong(where: Message, said: Message) -> DoesNotHold:
    return DoesNotHold("promise", where, said)
