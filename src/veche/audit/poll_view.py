"""A poll as people ask about it: where it stands, who may vote, how many did, and its numbers. Text, page, JSON and CSV are made of it.

It is made of the state alone, so that a list of polls costs next to nothing; what needs the bytes of the ledger as well is a
:class:`~veche.audit.poll_report.PollReport`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from veche.audit.values import NAME
from veche.ledger.entries.poll import Choice
from veche.ledger.entries.result import Numbers
from veche.ledger.life import Stage, stage
from veche.ledger.poll_state import PollState
from veche.ledger.rules.due import delayed
from veche.ledger.shape import Attachment
from veche.ledger.state import State
from veche.texts import Localizable, Message, Words

LEFT_BLANK = Message("Left blank")


class Next(StrEnum):
    """What the ledger's next block does to a poll by its time alone."""

    VOID = "void"
    TALLY = "tally"
    TOO_FEW = "too-few"
    REOPEN = "reopen"


@dataclass(frozen=True)
class AnswerView:
    """An answer, or (``blank``) that the question was left blank, with its weighted votes; None as long as nothing is decrypted."""

    text: Localizable
    blank: bool
    votes: int | None


@dataclass(frozen=True)
class QuestionView:
    """A question: choose ``min`` to ``max`` of the answers. If it may be left blank (``blank``), that is the last of ``answers``."""

    text: Localizable
    min: int
    max: int
    blank: bool
    answers: list[AnswerView]

    @property
    def decided(self) -> bool:
        """Whether its votes are known."""
        return all(answer.votes is not None for answer in self.answers)


def by_answer(answers: Sequence[Localizable], blank: bool, numbers: Sequence[int] | None) -> list[AnswerView]:
    """The one place that names and orders what the numbers of a result stand for.

    In a ledger and in an archive the number of blank votes is the first; people find it after the answers.
    """
    votes: Sequence[int | None] = [None] * (blank + len(answers)) if numbers is None else numbers
    rows = [AnswerView(text, False, n) for text, n in zip(answers, votes[int(blank) :], strict=True)]
    return [*rows, AnswerView(LEFT_BLANK, True, votes[0])] if blank else rows


def question_views(choices: Sequence[Choice], result: Numbers | None) -> list[QuestionView]:
    """The questions of a poll with a result of all of it or of a part."""
    return [
        QuestionView(
            Words(*choice.text), choice.least, choice.most, choice.blank,
            by_answer([Words(*text) for text in choice.answers], choice.blank, None if result is None else result[place]),
        )
        for place, choice in enumerate(choices)
    ]  # fmt: skip


@dataclass(frozen=True)
class RegistrarView:
    """A registrar of the poll's class. ``people``: how many are on all of its rolls of the poll; None before it ``published`` its keys."""

    institution: str
    source: str
    published: bool
    people: int | None


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
class GroupView:
    """A group of voters, a district for instance. ``counted``: ballots, each voter once, as everybody sees in the log before any decryption.

    ``people``: how many may vote, by the longest of the rolls that count; None before there is one.
    """

    name: Words
    weight: int
    counted: int
    people: int | None
    accounts: list[AccountReport]


def people_of(groups: Sequence[GroupView]) -> int | None:
    """How many may vote in these groups together; None as long as no registrar has said it."""
    known = [group.people for group in groups if group.people is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class CellView:
    """``groups`` (by index) that were counted together, their ballots, what these weigh together, and their result."""

    groups: list[int]
    names: list[Words]
    counted: int
    weight: int
    questions: list[QuestionView]


@dataclass(frozen=True)
class TrusteeReport:
    """A trustee by the index in the committee. ``shared``: handed in all their shares."""

    index: int
    institution: str
    shared: bool


@dataclass(frozen=True, kw_only=True)
class PollView:
    """A poll at a moment. Times are seconds since 1970; votes and weights are weighted, ballots are not.

    ``status``: where it stands; ``next``: what the next block does to it, None if nothing. ``closing``: ``closes``, moved by
    halts. ``contested``: the numbers of the entries that object to it.
    ``recounted``: whether the ballots were read and added up here; if not, what is said of their number is what the tally says, and 0 before.
    ``counted``: ballots, of each voter the last; ``weight``: what they weigh together; ``smallest``: fewer ballots are never decrypted.
    ``people``: how many may vote, of each group by the longest roll that counts, None before there is one; ``rolls_differ``:
    whether registrars have said different numbers.
    ``registrars_needed``: so many must publish permit keys for it to open; ``permits_needed``: of so many a voter shows permits.
    ``cells``: the results of districts or other groups, if there is more than one; small ones are counted with a neighbour, all of
    them together if need be.
    ``threshold``: so many trustees decrypt together; ``result_missing``: they have, and nobody has handed in what that gives.
    ``challenge``: until when people can ask registrars for their rows, None before there is a result.
    """

    id: str = field(metadata={NAME: "poll"})
    entry: int
    status: Stage
    next: Next | None
    title: Words
    background: Words
    class_name: str
    committee: str
    attachments: list[Attachment]
    opens: int
    closes: int
    closing: int
    decided: int | None
    challenge: int | None
    contested: list[int]
    recounted: bool
    counted: int
    weight: int
    smallest: int
    people: int | None
    rolls_differ: bool
    questions: list[QuestionView]
    groups: list[GroupView]
    cells: list[CellView]
    registrars: list[RegistrarView]
    registrars_needed: int
    permits_needed: int
    trustees: list[TrusteeReport]
    threshold: int
    result_missing: bool

    @property
    def has_result(self) -> bool:
        return all(question.decided for question in self.questions)

    @property
    def has_groups(self) -> bool:
        """Whether there is something to say of its groups: that there are several, or that a ballot of the one weighs more."""
        return len(self.groups) > 1 or any(group.weight != 1 for group in self.groups)

    @property
    def missing(self) -> list[str]:
        """The registrars that have not published permit keys (and, once it has opened, never did)."""
        return [registrar.institution for registrar in self.registrars if not registrar.published]

    @property
    def without_share(self) -> list[str]:
        """The trustees who have not handed in all their shares, though there is a tally."""
        tallied = self.status in (Stage.COUNTING, Stage.DECIDED)
        return [trustee.institution for trustee in self.trustees if tallied and not trustee.shared]


def stage_of(poll: PollState, now: float) -> Stage:
    """Where the poll stands; ``now`` in seconds since 1970."""
    return stage(poll.phase, poll.definition.opens, poll.closing, now, poll.has_enough_keys)


def view_poll(state: State, poll: PollState, now: int) -> PollView:
    """The poll as of ``now``, seconds since 1970."""
    definition, poll_class = poll.definition, poll.poll_class
    committee = state.committee(definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    groups = _groups(state, poll)
    rows = [tuple(row.people for row in keys.groups) for keys in poll.permit_keys.values()]
    shared = poll.complete
    return PollView(
        id=poll.id.hex(),
        entry=poll.number,
        status=stage_of(poll, now),
        next=_next(state, poll, now),
        title=Words(*definition.title),
        background=Words(*definition.background),
        class_name=definition.class_name,
        committee=definition.committee.hex(),
        attachments=list(definition.attachments),
        opens=definition.opens,
        closes=definition.closes,
        closing=poll.closing,
        decided=poll.decided,
        challenge=poll.challenge_until(state.charter),
        contested=list(poll.contests),
        recounted=not state.unread,
        counted=sum(poll.counted),
        weight=sum(group.counted * group.weight for group in groups),
        smallest=poll_class.smallest,
        people=people_of(groups),
        rolls_differ=len(set(rows)) > 1,
        questions=question_views(definition.questions, poll.result.total if poll.result else None),
        groups=groups,
        cells=_cells(poll),
        registrars=[
            RegistrarView(
                seat.institution, seat.source, place in poll.permit_keys,
                sum(row.people for row in poll.permit_keys[place].groups) if place in poll.permit_keys else None,
            )
            for place, seat in enumerate(poll_class.registrars)
        ],
        registrars_needed=len(poll_class.registrars) - poll_class.f,
        permits_needed=poll_class.k,
        trustees=[TrusteeReport(i, name, i in shared) for i, name in enumerate(committee.poll_class.trustees, 1)],
        threshold=committee.threshold,
        result_missing=bool(poll.openers) and poll.result is None,
    )  # fmt: skip


def _next(state: State, poll: PollState, now: int) -> Next | None:
    """After a halt the next block moves the closing; that there was one is sure once none can have tallied the poll for so long."""
    found = stage_of(poll, now)
    if found == Stage.UNOPENED:
        return Next.VOID
    if found != Stage.CLOSED:
        return None
    if now - poll.closing > state.charter.halt and delayed(state.charter, poll, now) > now:
        return Next.REOPEN
    if state.unread:
        return None  # a tally or none: the ballots say which
    return Next.TALLY if sum(poll.counted) >= poll.poll_class.smallest else Next.TOO_FEW


def _groups(state: State, poll: PollState) -> list[GroupView]:
    accounts = state.issuances(poll)
    made = []
    for place, group in enumerate(poll.definition.groups):
        rows = [
            AccountReport(
                poll.poll_class.registrars[registrar].institution,
                keys.groups[place].people,
                accounts[registrar].groups[place].issued if registrar in accounts else None,
                poll.admitted.get((registrar, place), 0),
                registrar in poll.counting[place],
            )
            for registrar, keys in sorted(poll.permit_keys.items())
        ]
        people = max((row.people for row in rows if row.counts), default=None)
        made.append(GroupView(Words(*group.name), group.weight, poll.groups[place].counted, people, rows))
    return made


def _cells(poll: PollState) -> list[CellView]:
    """What each group came to, or several together; nothing if the poll has one group, or no result yet."""
    groups = poll.definition.groups
    if poll.tally is None or poll.result is None or len(groups) == 1:
        return []
    results = poll.result.cells or (poll.result.total,)  # of one cell, with all groups, the total is the result
    return [
        CellView(
            [member.group for member in cell.members],
            [Words(*groups[member.group].name) for member in cell.members],
            sum(member.counted for member in cell.members),
            sum(member.counted * groups[member.group].weight for member in cell.members),
            question_views(poll.definition.questions, result),
        )
        for cell, result in zip(poll.tally.cells, results, strict=True)
    ]
