"""What a verified ledger says of one poll, in plain values: for the command line, the page and the JSON."""

from dataclasses import dataclass, field, fields

from veche.audit.charter_words import consequences
from veche.audit.known import Known
from veche.audit.ledger import VerifiedLedger
from veche.audit.poll_view import PollView, view_poll
from veche.ledger.codec import decode
from veche.ledger.entries.office import Role
from veche.ledger.entries.statements import Contest, Outcome, read_said
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.signing import signatures
from veche.texts import Localizable, Words

DAY = 86_400
HOUR = 3_600
SHORT = 3 * DAY
"""A poll that is open for less is shown by the hour."""
MOST_STEPS = 400


@dataclass(frozen=True)
class FilledSeat:
    """An office with a part in the poll that was filled, or got another key, without its holder: by which entry, and when."""

    institution: str
    role: Role
    entry: int
    time: int


@dataclass(frozen=True)
class TurnoutStep:
    """How many counted ballots came in the time from ``start`` on, for an hour, a day or several (UTC)."""

    start: int
    ballots: int


@dataclass(frozen=True)
class StatementReport:
    """What offices said about a poll: ``kind`` is outcome (status will, done or not), cancel, contest or notice. Times in seconds.

    ``by``: the institutions that signed it. ``due``: the day by which an outcome is promised, as a time within it; 0 if none is named.
    """

    kind: str
    entry: int
    time: int
    text: Words
    by: list[str]
    status: str = ""
    due: int = 0


@dataclass(frozen=True, kw_only=True)
class PollReport(PollView):
    """What a verified ledger says of a poll, beyond a :class:`PollView`.

    ``closed``: the time of its tally, None before. ``ballots``: accepted, superseded ones too. ``mode``: how the committee's key was made.
    ``turnout``: counted ballots by the hour or day (``turnout_step`` seconds). ``statements``: outcomes and all else that offices said.
    ``uuid``, ``fingerprint``: of the Belenios election. ``consequences``: what follows from the
    numbers of its class (:mod:`veche.audit.charter_words`). ``filled``: offices that were filled before it without their holders.
    ``warnings`` are :mod:`veche.audit.poll_warnings`'s.
    """

    closed: int | None
    ballots: int
    mode: str
    turnout_step: int
    turnout: list[TurnoutStep]
    statements: list[StatementReport]
    uuid: str
    fingerprint: str
    consequences: list[Localizable]
    filled: list[FilledSeat]
    warnings: list[Localizable] = field(default_factory=list)

    @property
    def contests(self) -> list[StatementReport]:
        """What stands above the result: the objections of k institutions."""
        return [said for said in self.statements if said.kind == Contest.kind]

    @property
    def answers(self) -> list[StatementReport]:
        """All other statements about the poll."""
        return [said for said in self.statements if said.kind != Contest.kind]


def report_poll(verified: VerifiedLedger, poll: PollState, now: int | None = None) -> PollReport:
    """Everything about a poll of a verified ledger, as of ``now``: the time of the ledger's last block unless another is given."""
    state, definition = verified.state, poll.definition
    committee = state.committee(definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    step = turnout_step(min(poll.closing, verified.time) - definition.opens)
    view = view_poll(state, poll, verified.time if now is None else now)
    return PollReport(
        **{one.name: getattr(view, one.name) for one in fields(view)},
        closed=_derived_time(verified, poll, "tally") or _derived_time(verified, poll, "too-few"),
        ballots=len(state.accepted_ballots(poll)),
        mode=committee.mode,
        turnout_step=step,
        turnout=_turnout(verified, poll, step),
        statements=_statements(verified, poll),
        uuid=poll.frozen.uuid,
        fingerprint=poll.frozen.fingerprint,
        consequences=[*consequences(state.charter, poll.poll_class)],
        filled=_filled(verified, poll, committee),
    )


def _derived_time(verified: VerifiedLedger, poll: PollState, kind: str) -> int | None:
    number = verified.derived.get((kind, poll.id))
    return None if number is None else verified.time_of(number)


def promised_until(due: int) -> int | None:
    """When an outcome is late that names the day of ``due``: when this day, in UTC, is over. None if it names none (0)."""
    return due // DAY * DAY + DAY if due else None


def turnout_step(seconds: int) -> int:
    """An hour for short polls, a day for others, and more days where there would be too many columns."""
    if seconds < SHORT:
        return HOUR
    return DAY * -(-seconds // (DAY * MOST_STEPS))


def _turnout(verified: VerifiedLedger, poll: PollState, step: int) -> list[TurnoutStep]:
    """Counted ballots by the day or hour of their block, from opening to closing, none left out."""
    counts: dict[int, int] = {}
    for number in verified.state.counted_ballots(poll):
        start = verified.time_of(number) // step * step
        counts[start] = counts.get(start, 0) + 1
    last = min(poll.closing, verified.time + 1)
    starts = range(poll.definition.opens // step * step, last, step) if counts else range(0)
    return [TurnoutStep(start, counts.get(start, 0)) for start in starts]


def _filled(verified: VerifiedLedger, poll: PollState, committee: CommitteeState) -> list[FilledSeat]:
    """Its registrars, its trustees and the organisers who signed it; and whoever watches or agrees on the ledger, for all polls."""
    offices = verified.state.offices
    serve = [*poll.registrar_keys.values(), *committee.trustee_keys.values()]
    serve += [key for key, _ in signatures(decode(verified.entry(poll.number)))]
    serve += [
        key for key, office in offices.items() if office.active and office.role in (Role.VALIDATOR, Role.OBSERVER)
    ]
    found = dict.fromkeys((offices[key].institution, offices[key].role, offices[key].origin) for key in serve)
    return [FilledSeat(*seat, verified.time_of(seat[-1])) for seat in found if 0 < seat[-1] < poll.number]


def _statements(verified: VerifiedLedger, poll: PollState) -> list[StatementReport]:
    return [statement(verified, number) for number in verified.state.statements(poll.id)]


def statement(verified: Known, number: int) -> StatementReport:
    """An outcome, cancel, contest or notice entry, by its number in the log."""
    data = verified.entry(number)
    said = read_said(data)
    by = list(dict.fromkeys(verified.state.offices[key].institution for key, _ in signatures(decode(data))))
    time, text = verified.time_of(number), Words(*said.text)
    if isinstance(said, Outcome):
        return StatementReport(said.kind, number, time, text, by, str(said.status), said.due)
    return StatementReport(said.kind, number, time, text, by)
