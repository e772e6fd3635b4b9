"""What a verified ledger says of one poll, in plain values: for the command line, the page and the JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from veche.audit.charter_words import consequences
from veche.audit.ledger import VerifiedLedger
from veche.ledger.codec import decode
from veche.ledger.entries.office import Role
from veche.ledger.entries.poll import Choice
from veche.ledger.entries.result import Numbers
from veche.ledger.entries.statements import Contest, Outcome, read_said
from veche.ledger.life import Phase
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.signing import signatures
from veche.texts import Localizable, Words

DAY = 86_400
HOUR = 3_600
SHORT = 3 * DAY
"""A poll that is open for less is shown by the hour."""
MOST_STEPS = 400


@dataclass(frozen=True)
class AnswerReport:
    """An answer and its votes, weighted; None as long as nothing is decrypted."""

    text: Words
    votes: int | None


@dataclass(frozen=True)
class QuestionReport:
    """A question: choose ``least`` to ``most`` of the answers. ``blank``: how many left it blank, where that is allowed."""

    text: Words
    least: int
    most: int
    answers: list[AnswerReport]
    blank_allowed: bool
    blank: int | None


@dataclass(frozen=True)
class AccountReport:
    """A registrar's numbers for a group: used <= issued <= people. ``issued`` is None as long as it has not said it.

    ``counts``: whether its permits are taken in the group; they are not if its roll is too short.
    """

    registrar: str
    people: int
    issued: int | None
    used: int
    counts: bool = True


@dataclass(frozen=True)
class GroupReport:
    """A group of voters. ``counted``: ballots, each once; it is what everybody sees in the log, before any decryption."""

    name: Words
    weight: int
    counted: int
    accounts: list[AccountReport]


@dataclass(frozen=True)
class CellReport:
    """Groups (by index) that were counted together, and their result: for each question a number for each ciphertext."""

    groups: list[int]
    counted: int
    result: list[list[int]]


@dataclass(frozen=True)
class TrusteeReport:
    """A trustee by the index in the committee. ``shared``: handed in all their shares."""

    index: int
    institution: str
    shared: bool


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

    ``by``: the institutions that signed it.
    """

    kind: str
    entry: int
    time: int
    text: Words
    by: list[str]
    status: str = ""
    due: int = 0


@dataclass(frozen=True)
class PollReport:
    """A poll. ``status``: announced, open, counting, decided, too-few, void or cancelled. Times are seconds since 1970.

    ``ballots``: accepted, superseded ones too; ``counted``: the last of each credential. ``people``: the largest of
    the registrars' rolls, None before they said it. ``without_keys``: the registrars that published no permit keys (until the
    poll opens: have not yet). ``challenge``: until when people can ask registrars for their rows, None before there is a
    result. ``result_missing``: enough trustees have decrypted it, and nobody has handed in what that gives. ``filled``: offices that were filled before it without their holders. ``consequences``: what follows from the
    numbers of its class (:mod:`veche.audit.charter_words`). ``warnings`` are :mod:`veche.audit.poll_warnings`'s.
    """

    id: str
    entry: int
    title: Words
    status: str
    opens: int
    closes: int
    closing: int
    closed: int | None
    decided: int | None
    challenge: int | None
    ballots: int
    counted: int
    smallest: int
    people: int | None
    threshold: int
    result_missing: bool
    mode: str
    trustees: list[TrusteeReport]
    questions: list[QuestionReport]
    groups: list[GroupReport]
    cells: list[CellReport]
    turnout_step: int
    turnout: list[TurnoutStep]
    statements: list[StatementReport]
    uuid: str
    fingerprint: str
    without_keys: list[str]
    consequences: list[Localizable]
    filled: list[FilledSeat] = field(default_factory=list)
    warnings: list[Localizable] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """The weight of all counted ballots together: what the shares of the answers are of."""
        return sum(group.counted * group.weight for group in self.groups)

    @property
    def contests(self) -> list[StatementReport]:
        """What stands above the result: the objections of k institutions."""
        return [said for said in self.statements if said.kind == Contest.kind]

    @property
    def answers(self) -> list[StatementReport]:
        """All other statements about the poll."""
        return [said for said in self.statements if said.kind != Contest.kind]

    @property
    def without_share(self) -> list[str]:
        """The trustees who have not handed in all their shares, though there is a tally."""
        tallied = self.status in (Phase.COUNTING, Phase.DECIDED)
        return [trustee.institution for trustee in self.trustees if tallied and not trustee.shared]


def report_poll(verified: VerifiedLedger, poll: PollState) -> PollReport:
    """Everything about a poll of a verified ledger."""
    state, definition = verified.state, poll.definition
    committee = state.committee(definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    shared = poll.complete
    closed = _derived_time(verified, poll, "tally") or _derived_time(verified, poll, "too-few")
    groups = _groups(verified, poll)
    step = turnout_step(min(poll.closing, verified.time) - definition.opens)
    return PollReport(
        id=poll.id.hex(),
        entry=poll.number,
        title=Words(*definition.title),
        status=_status(poll, verified.time),
        opens=definition.opens,
        closes=definition.closes,
        closing=poll.closing,
        closed=closed,
        decided=poll.decided,
        challenge=poll.challenge_until(state.charter),
        ballots=len(state.accepted_ballots(poll)),
        counted=sum(poll.counted),
        smallest=poll.poll_class.smallest,
        people=_people(poll),
        threshold=committee.threshold,
        result_missing=bool(poll.openers) and poll.result is None,
        mode=committee.mode,
        trustees=[TrusteeReport(i, name, i in shared) for i, name in enumerate(committee.poll_class.trustees, 1)],
        questions=_questions(definition.questions, poll.result.total if poll.result else None),
        groups=groups,
        cells=_cells(poll),
        turnout_step=step,
        turnout=_turnout(verified, poll, step),
        statements=_statements(verified, poll),
        uuid=poll.frozen.uuid,
        fingerprint=poll.frozen.fingerprint,
        without_keys=[
            seat.institution
            for registrar, seat in enumerate(poll.poll_class.registrars)
            if registrar not in poll.permit_keys
        ],
        filled=_filled(verified, poll, committee),
        consequences=[*consequences(state.charter, poll.poll_class)],
    )


def _status(poll: PollState, time: int) -> str:
    return "open" if poll.open_at(time) else str(poll.phase)


def _derived_time(verified: VerifiedLedger, poll: PollState, kind: str) -> int | None:
    number = verified.derived.get((kind, poll.id))
    return None if number is None else verified.time_of(number)


def _people(poll: PollState) -> int | None:
    rolls = [sum(row.people for row in keys.groups) for keys in poll.permit_keys.values()]
    return max(rolls, default=None)


def _questions(choices: Sequence[Choice], result: Numbers | None) -> list[QuestionReport]:
    made = []
    for position, choice in enumerate(choices):
        numbers: Sequence[int | None] = [None] * choice.ciphertexts if result is None else result[position]
        blank = numbers[0] if choice.blank else None
        answers = [
            AnswerReport(Words(*text), n) for text, n in zip(choice.answers, numbers[int(choice.blank) :], strict=True)
        ]
        made.append(QuestionReport(Words(*choice.text), choice.least, choice.most, answers, choice.blank, blank))
    return made


def _groups(verified: VerifiedLedger, poll: PollState) -> list[GroupReport]:
    accounts = verified.state.issuances(poll)
    return [
        GroupReport(
            Words(*group.name),
            group.weight,
            poll.groups[place].counted,
            [
                AccountReport(
                    poll.poll_class.registrars[registrar].institution,
                    keys.groups[place].people,
                    accounts[registrar].groups[place].issued if registrar in accounts else None,
                    poll.admitted.get((registrar, place), 0),
                    registrar in poll.counting[place],
                )
                for registrar, keys in sorted(poll.permit_keys.items())
            ],
        )
        for place, group in enumerate(poll.definition.groups)
    ]


def _cells(poll: PollState) -> list[CellReport]:
    """What was counted apart; nothing if there is one total only, or no result yet."""
    if poll.tally is None or poll.result is None or not poll.result.cells:
        return []
    return [
        CellReport(
            [member.group for member in cell.members],
            sum(member.counted for member in cell.members),
            [list(row) for row in result],
        )
        for cell, result in zip(poll.tally.cells, poll.result.cells, strict=True)
    ]


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


def statement(verified: VerifiedLedger, number: int) -> StatementReport:
    """An outcome, cancel, contest or notice entry, by its number in the log."""
    data = verified.entry(number)
    said = read_said(data)
    by = list(dict.fromkeys(verified.state.offices[key].institution for key, _ in signatures(decode(data))))
    time, text = verified.time_of(number), Words(*said.text)
    if isinstance(said, Outcome):
        return StatementReport(said.kind, number, time, text, by, str(said.status), said.due)
    return StatementReport(said.kind, number, time, text, by)
