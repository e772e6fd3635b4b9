"""What is due in a ledger: of whom, from when on, and until when.

It is said here once: ``veche due`` shows it, ``veche trustee act`` (by way of :mod:`veche.audit.view`) and ``veche registrar act`` do
it. Nothing is due that the rules would refuse; so what came too late is not here either, but in the warnings of a report.

Times are seconds since 1970. Deadlines are those of docs/protocol.md where it has one (permit keys, key generation, changes of offices,
the challenge window), and those after which reports call something late where it has none (decryption, the city's answer).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from veche.audit.ledger import VerifiedLedger
from veche.audit.poll_report import promised_until
from veche.audit.poll_warnings import ANSWER, COUNT
from veche.ballot.committee import SINGLE
from veche.ledger.codec import decode
from veche.ledger.entries.committee import CertificateStep, KeyStep, SharesStep
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.office import Role
from veche.ledger.entries.permit_key import Issuance, PermitKeys
from veche.ledger.entries.result import Result
from veche.ledger.entries.statements import Outcome, OutcomeStatus, read_said
from veche.ledger.entries.tally import Tally, TooFew
from veche.ledger.life import CommitteePhase, Phase
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.rules.committee_steps import silent_from
from veche.ledger.signing import signatures
from veche.ledger.state import State


class Duty(StrEnum):
    """What may be due; where an entry is, its kind."""

    PERMIT_KEY = PermitKeys.kind
    CERTIFICATE = CertificateStep.kind
    SHARES = SharesStep.kind
    KEY = KeyStep.kind
    DECRYPTION = Decryption.kind
    ISSUANCE = Issuance.kind
    RESULT = Result.kind
    ANSWER = "answer"
    """The city's answer to a poll: the first ``outcome``."""
    PROMISE = "promise"
    """What an ``outcome`` says that the city will do, and has not said to be done."""
    OBJECTION = "objection"
    """Nobody has to object to a change of an office; this is until when whoever may can."""
    COSIGNATURE = "cosignature"
    BLOCK = "block"
    """Something follows by time alone, a closing for example, and no block has brought it: the engine has to run."""
    CHALLENGE = "challenge"
    """Until when people can ask registrars for their rows."""


@dataclass(frozen=True)
class Due:
    """One thing that is due of one institution in a role.

    ``institution`` is empty where anyone in that role may, ``role`` None where anybody may or, with an institution, the operator. ``key``: by which it has to be signed, where
    one alone can. ``about``: the id of the poll, the committee or the change. ``since``: from when on it can be done; ``until``: what comes
    then or later is late or too late, None where nothing says. ``waits``: whether witnesses have to cosign something first.
    """

    duty: Duty
    institution: str
    role: Role | None
    since: int
    until: int | None
    about: bytes = b""
    key: bytes | None = None
    waits: bool = False

    def is_late(self, now: int) -> bool:
        return self.until is not None and now >= self.until

    def can_be_done(self, now: int) -> bool:
        return now >= self.since and not self.waits

    def of(self, institution: str) -> bool:
        """Whether this institution has to do it."""
        return self.institution == institution

    def of_key(self, key: bytes, state: State) -> bool:
        """Whether the holder of this key has to, or may in the role that it gives them."""
        if self.key is not None:
            return self.key == key
        office = state.offices.get(key)
        return office is not None and self.role is office.role and self.institution in ("", office.institution)


def due(verified: VerifiedLedger, now: int) -> list[Due]:
    """All that is due at ``now`` by the reader's clock, or by the ledger's if that is ahead: late ones first, then by their deadline, or
    where there is none by when it began."""
    now = max(now, verified.time)
    found = [
        *(one for poll in verified.state.polls() for one in _of_poll(verified, poll, now)),
        *(one for committee in verified.state.forming_committees() for one in _of_committee(verified, committee, now)),
        *_block(verified, now),
        *_objections(verified, now),
        *_cosignatures(verified),
    ]
    return sorted(found, key=lambda one: (not one.is_late(now), one.since if one.until is None else one.until))


def registrars_due(verified: VerifiedLedger, poll: PollState, now: int) -> Iterator[Due]:
    """What is due of the registrars of a poll: their permit keys, their accounts."""
    state, accounts = verified.state, verified.state.issuances(poll)
    for place, key in poll.registrar_keys.items():
        seat = poll.poll_class.registrars[place].institution, Role.REGISTRAR
        if place not in poll.permit_keys:
            opens = poll.definition.opens
            since = max(verified.time_of(poll.number), state.offices[key].suspended)
            if poll.takes(PermitKeys.kind) and max(now, since) < opens:
                yield Due(Duty.PERMIT_KEY, *seat, since, opens, poll.id, key)
        elif poll.takes(Issuance.kind) and now >= poll.closing and place not in accounts:
            yield Due(Duty.ISSUANCE, *seat, poll.closing, poll.challenge_until(state.charter), poll.id, key)


def steps_due(committee: CommitteeState) -> dict[int, Duty]:
    """The step of key generation that each trustee (index from 1) takes now, who takes one."""
    if committee.phase != CommitteePhase.FORMING:
        return {}
    found = {}
    for index in range(1, committee.size + 1):
        if index in committee.keys:
            continue
        if committee.mode == SINGLE or len(committee.shares) == committee.size:
            found[index] = Duty.KEY
        elif index not in committee.certificates:
            found[index] = Duty.CERTIFICATE
        elif len(committee.certificates) == committee.size and index not in committee.shares:
            found[index] = Duty.SHARES
    return found


def parts_due(committee: CommitteeState, poll: PollState) -> dict[int, list[int]]:
    """The parts of the tally that each trustee (index from 1) has not decrypted, who has some left."""
    parts = range(0 if poll.tally is None else len(poll.tally.parts))
    left = {
        index: [part for part in parts if part not in poll.shares.get(index, {})]
        for index in range(1, committee.size + 1)
    }
    return {index: missing for index, missing in left.items() if missing}


def step_witnessed(verified: VerifiedLedger, committee: CommitteeState) -> bool:
    """Whether a quorum vouches for all entries up to the block of its last one, if its class wants that."""
    return not committee.poll_class.witnessed or verified.witnesses.vouch(verified.size_at(committee.last))


def tally_witnessed(verified: VerifiedLedger, poll: PollState) -> bool:
    """Whether a quorum vouches for its tally at the time of the tally's block, if its class wants that."""
    number = verified.derived.get((Tally.kind, poll.id))
    return not poll.poll_class.witnessed or (
        number is not None and verified.witnesses.vouch(number + 1, verified.time_of(number))
    )


def tally_time(verified: VerifiedLedger, poll: PollState) -> int:
    """The time of the block that closed a poll; 0 if none has."""
    numbers = [verified.derived.get((kind, poll.id)) for kind in (Tally.kind, TooFew.kind)]
    return next((verified.time_of(number) for number in numbers if number is not None), 0)


def _of_poll(verified: VerifiedLedger, poll: PollState, now: int) -> Iterator[Due]:
    state, charter = verified.state, verified.state.charter
    yield from registrars_due(verified, poll, now)
    closed = tally_time(verified, poll)
    committee = state.committee(poll.definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    waits = not tally_witnessed(verified, poll)
    since, until = closed + charter.lasting(poll.poll_class.margin), closed + charter.lasting(COUNT)
    # Shares are taken after the result, too, but nothing waits for them any more.
    for index in parts_due(committee, poll) if poll.result is None else ():
        seat = committee.poll_class.trustees[index - 1], Role.TRUSTEE
        yield Due(Duty.DECRYPTION, *seat, since, until, poll.id, committee.trustee_keys[index], waits)
    if poll.openers and poll.result is None:
        yield Due(Duty.RESULT, "", None, closed, None, poll.id)
    if closed:
        yield from _answer(verified, poll, closed)
    until_challenge = poll.challenge_until(charter)
    if poll.decided is not None and until_challenge is not None and now < until_challenge:
        yield Due(Duty.CHALLENGE, "", None, poll.decided, until_challenge, poll.id)


def _answer(verified: VerifiedLedger, poll: PollState, closed: int) -> Iterator[Due]:
    """What the city owes to those who voted: to say what it will do, and to do it. A day that is named is late when it is over."""
    said = verified.state.statements(poll.id, Outcome.kind)
    if not said:
        if poll.phase in (Phase.DECIDED, Phase.TOO_FEW, Phase.COUNTING):
            until = closed + verified.state.charter.lasting(ANSWER)
            yield Due(Duty.ANSWER, "", Role.ORGANISER, closed, until, poll.id)
        return
    data = verified.entry(said[-1])
    last = read_said(data)
    if isinstance(last, Outcome) and last.status is OutcomeStatus.WILL:
        by = [verified.state.offices[key].institution for key, _ in signatures(decode(data))]
        yield Due(Duty.PROMISE, by[0], Role.ORGANISER, verified.time_of(said[-1]), promised_until(last.due), poll.id)


def _of_committee(verified: VerifiedLedger, committee: CommitteeState, now: int) -> Iterator[Due]:
    waits, until = not step_witnessed(verified, committee), silent_from(verified.state, committee)
    if now >= until:  # the next block makes it void
        return
    for index, duty in steps_due(committee).items():
        key = committee.trustee_keys[index]
        since = max(committee.last, verified.state.offices[key].suspended)
        seat = committee.poll_class.trustees[index - 1], Role.TRUSTEE
        yield Due(duty, *seat, since, until, committee.id, key, waits)


def _block(verified: VerifiedLedger, now: int) -> Iterator[Due]:
    """The block that brings what follows by time alone (:mod:`veche.ledger.rules.due`): of the operator or any
    validator, as soon as there is any of it."""
    state = verified.state
    moments = [
        *(change.due for change in state.office_changes.values()),
        *(silent_from(state, committee) for committee in state.forming_committees()),
        *(
            poll.closing if poll.has_enough_keys else poll.definition.opens
            for poll in state.polls()
            if poll.phase == Phase.ANNOUNCED
        ),
    ]
    if (since := min(moments, default=now + 1)) <= now:
        engine = state.charter.engine
        if isinstance(engine, Embedded) and not state.validators():
            yield Due(Duty.BLOCK, engine.operator, None, since, None)
        else:
            yield Due(Duty.BLOCK, "", Role.VALIDATOR, since, None)


def _objections(verified: VerifiedLedger, now: int) -> Iterator[Due]:
    """Changes that wait: the holder of the seat alone can object, and k institutions together; of a seat that nobody holds, these."""
    state = verified.state
    for change in state.office_changes.values():
        if now < change.due:
            key = state.key_of(*change.seat)
            institution, role = change.seat if key is not None else ("", None)
            yield Due(Duty.OBJECTION, institution, role, verified.time_of(change.number), change.due, change.id, key)


def _cosignatures(verified: VerifiedLedger) -> Iterator[Due]:
    """The witnesses who have not cosigned all that this copy has. Those who are suspended do not count, so nothing is due of them."""
    if not verified.witnesses.seats:
        return
    state = verified.state
    sizes = {one.institution: one.size for one in verified.witnesses.cosigned}
    for key, institution in state.witnesses().items():
        size = sizes.get(institution, 0)
        if size < verified.head.size and not state.offices[key].is_suspended(verified.time):
            yield Due(Duty.COSIGNATURE, institution, Role.OBSERVER, verified.time_of(size), None, key=key)
