"""What a verified ledger says of one poll, in plain values: for the command line, the page and the JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from veche.audit.ledger import VerifiedLedger
from veche.ledger.entry import decode
from veche.ledger.poll import Choice
from veche.ledger.state import PollState
from veche.texts import Localizable, Words

DAY = 86_400
HOUR = 3_600
SHORT = 3 * DAY
"""A poll that is open for less is shown by the hour."""
MOST_STEPS = 400


@dataclass(frozen=True)
class Answer:
    """An answer and its votes, weighted; None as long as nothing is decrypted."""

    text: Words
    votes: int | None


@dataclass(frozen=True)
class Question:
    """A question: choose ``least`` to ``most`` of the answers. ``blank``: how many left it blank, where that is allowed."""

    text: Words
    least: int
    most: int
    answers: list[Answer]
    blank_allowed: bool
    blank: int | None


@dataclass(frozen=True)
class Account:
    """A registrar's numbers for a group: used <= issued <= people. ``issued`` is None as long as it has not said it."""

    registrar: str
    people: int
    issued: int | None
    used: int


@dataclass(frozen=True)
class Group:
    """A group of voters. ``counted``: ballots, each once; it is what everybody sees in the log, before any decryption."""

    name: Words
    weight: int
    counted: int
    accounts: list[Account]


@dataclass(frozen=True)
class Cell:
    """Groups (by index) that were counted together, and their result: for each question a number for each ciphertext."""

    groups: list[int]
    counted: int
    result: list[list[int]]


@dataclass(frozen=True)
class Trustee:
    """A trustee by the index in the committee. ``shared``: handed in all her shares."""

    index: int
    institution: str
    shared: bool


@dataclass(frozen=True)
class Step:
    """How many counted ballots came in the time from ``start`` on, for an hour, a day or several (UTC)."""

    start: int
    ballots: int


@dataclass(frozen=True)
class Statement:
    """What offices said about a poll: ``kind`` is outcome (status will, done or not), cancel or notice. Times in seconds."""

    kind: str
    entry: int
    time: int
    text: Words
    status: str = ""
    due: int = 0


@dataclass(frozen=True)
class PollReport:
    """A poll. ``status``: announced, open, counting, decided, too-few, void or cancelled. Times are seconds since 1970.

    ``ballots``: accepted, superseded ones too; ``counted``: the last of each credential. ``people``: the largest of
    the registrars' rolls, None before they said it. ``warnings`` are :mod:`veche.audit.poll_warnings`'s.
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
    ballots: int
    counted: int
    smallest: int
    people: int | None
    threshold: int
    mode: str
    trustees: list[Trustee]
    questions: list[Question]
    groups: list[Group]
    cells: list[Cell]
    turnout_step: int
    turnout: list[Step]
    statements: list[Statement]
    uuid: str
    fingerprint: str
    warnings: list[Localizable] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """The weight of all counted ballots together: what the shares of the answers are of."""
        return sum(group.counted * group.weight for group in self.groups)


def report_poll(verified: VerifiedLedger, poll: PollState) -> PollReport:
    """Everything about a poll of a verified ledger."""
    state, definition = verified.state, poll.poll
    committee = state.committee(definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    result = None if poll.result is None else decode(poll.result)[1]
    shared = _shared(verified, poll)
    closed = _derived_time(verified, poll, "tally") or _derived_time(verified, poll, "too-few")
    groups = _groups(verified, poll)
    step = turnout_step(min(poll.closing, verified.time) - definition.opens)
    return PollReport(
        id=poll.id.hex(),
        entry=poll.entry,
        title=Words(*definition.title),
        status=_status(poll, verified.time),
        opens=definition.opens,
        closes=definition.closes,
        closing=poll.closing,
        closed=closed,
        decided=_derived_time(verified, poll, "result"),
        ballots=_ballots(verified, poll),
        counted=sum(poll.counted),
        smallest=poll.poll_class.smallest,
        people=_people(poll),
        threshold=committee.size if committee.mode == "single" else committee.poll_class.t,
        mode=committee.mode,
        trustees=[Trustee(i, name, i in shared) for i, name in enumerate(committee.poll_class.trustees, 1)],
        questions=_questions(definition.questions, result[2] if result else None),
        groups=groups,
        cells=_cells(poll, result[3] if result else []),
        turnout_step=step,
        turnout=_turnout(verified, poll, step),
        statements=_statements(verified, poll),
        uuid=poll.box.election.uuid,
        fingerprint=poll.box.fingerprint,
    )


def _status(poll: PollState, time: int) -> str:
    return "open" if poll.open_at(time) else poll.status


def _derived_time(verified: VerifiedLedger, poll: PollState, kind: str) -> int | None:
    number = verified.derived.get((kind, poll.id))
    return None if number is None else verified.time_of(number)


def _ballots(verified: VerifiedLedger, poll: PollState) -> int:
    row = verified.state.db.execute("SELECT count(*) FROM tracker WHERE poll = ?", (poll.entry,)).fetchone()
    return int(row[0])


def _shared(verified: VerifiedLedger, poll: PollState) -> set[int]:
    """The trustees who handed in a share of every part."""
    if poll.tally is None:
        return set()
    cells = len(decode(poll.tally)[1][3])
    wanted = 1 if cells == 1 else 1 + cells
    return {member for member, parts in verified.state.shares(poll).items() if len(parts) == wanted}


def _people(poll: PollState) -> int | None:
    rolls = [sum(people for _, people in rows) for rows in poll.box.permit_keys.values()]
    return max(rolls, default=None)


def _questions(choices: Sequence[Choice], result: list[list[int]] | None) -> list[Question]:
    made = []
    for position, choice in enumerate(choices):
        numbers: Sequence[int | None] = [None] * choice.ciphertexts if result is None else result[position]
        blank = numbers[0] if choice.blank else None
        answers = [
            Answer(Words(*text), n) for text, n in zip(choice.answers, numbers[int(choice.blank) :], strict=True)
        ]
        made.append(Question(Words(*choice.text), choice.least, choice.most, answers, choice.blank, blank))
    return made


def _groups(verified: VerifiedLedger, poll: PollState) -> list[Group]:
    rows = verified.state.db.execute("SELECT registrar, grp, issued FROM issuance WHERE poll = ?", (poll.entry,))
    issued = {(registrar, group): number for registrar, group, number in rows}
    return [
        Group(
            Words(*group.name),
            group.weight,
            poll.counted[place],
            [
                Account(
                    poll.poll_class.registrars[r][0],
                    keys[place][1],
                    issued.get((r, place)),
                    poll.admitted.get((r, place), 0),
                )
                for r, keys in sorted(poll.box.permit_keys.items())
            ],
        )
        for place, group in enumerate(poll.poll.groups)
    ]


def _cells(poll: PollState, results: list[list[list[int]]]) -> list[Cell]:
    """What was counted apart; nothing if there is one total only, or no result yet."""
    if not results or poll.tally is None:
        return []
    cells = decode(poll.tally)[1][3]
    return [
        Cell([group for group, _ in members], sum(counted for _, counted in members), result)
        for (members, _), result in zip(cells, results, strict=True)
    ]


def turnout_step(seconds: int) -> int:
    """An hour for short polls, a day for others, and more days where there would be too many columns."""
    if seconds < SHORT:
        return HOUR
    return DAY * -(-seconds // (DAY * MOST_STEPS))


def _turnout(verified: VerifiedLedger, poll: PollState, step: int) -> list[Step]:
    """Counted ballots by the day or hour of their block, from opening to closing, none left out."""
    counts: dict[int, int] = {}
    for number in verified.state.counted_entries(poll):
        start = verified.time_of(number) // step * step
        counts[start] = counts.get(start, 0) + 1
    last = min(poll.closing, verified.time + 1)
    starts = range(poll.poll.opens // step * step, last, step) if counts else range(0)
    return [Step(start, counts.get(start, 0)) for start in starts]


def _statements(verified: VerifiedLedger, poll: PollState) -> list[Statement]:
    rows = verified.state.db.execute("SELECT kind, entry FROM statement WHERE poll = ? ORDER BY entry", (poll.id,))
    return [statement(verified, kind, number) for kind, number in rows.fetchall()]


def statement(verified: VerifiedLedger, kind: str, number: int) -> Statement:
    """An outcome, cancel or notice entry."""
    body = decode(verified.entry(number))[1]
    time = verified.time_of(number)
    if kind == "outcome":
        return Statement(kind, number, time, Words(*body[2]), body[1], body[3])
    return Statement(kind, number, time, Words(*body[1]))
