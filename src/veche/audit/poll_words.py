"""What is said of a poll, wherever it is said: in the terminal, on the page, in lists. Sentences are put together here, and results made rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from veche.audit.percents import percents
from veche.audit.poll_report import StatementReport
from veche.audit.poll_view import AnswerView, CellView, Next, PollView, QuestionView, people_of
from veche.audit.witnesses import Witnesses
from veche.ledger.life import Stage
from veche.texts import DATE, N_, SECOND, Listed, Localizable, Message, Moment, Percent, Plural

STAGES = {
    Stage.ANNOUNCED: N_("announced"),
    Stage.UNOPENED: N_("cannot open"),
    Stage.OPEN: N_("open"),
    Stage.CLOSED: N_("closed"),
    Stage.COUNTING: N_("being counted"),
    Stage.DECIDED: N_("decided"),
    Stage.TOO_FEW: N_("too few ballots"),
    Stage.VOID: N_("void"),
    Stage.CANCELLED: N_("cancelled"),
}
"""The name of each stage, for lists and labels."""


def stage_name(status: str) -> Message:
    """The name of a stage, by its value in JSON."""
    return Message(STAGES[Stage(status)])


def standing(poll: PollView) -> Message:
    """Where a poll stands and what comes next, in a sentence or two."""
    match poll.status:
        case Stage.ANNOUNCED:
            return _announced(poll)
        case Stage.UNOPENED:
            return Message(
                "It cannot open: {missing} did not publish permit keys before {time}. The next block makes it void.",
                missing=", ".join(poll.missing), time=Moment(poll.opens),
            )  # fmt: skip
        case Stage.OPEN:
            return Message("Open until {time}.", time=Moment(poll.closing))
        case Stage.CLOSED:
            return _closed(poll)
        case Stage.COUNTING if poll.result_missing:
            return Message(
                "Closed and decrypted; nobody has handed in the result yet. Anybody can find it: veche poll result {poll}",
                poll=poll.id[:12],
            )
        case Stage.COUNTING:
            return Message(
                "Closed; {shares} of the {threshold} trustees that are needed have decrypted.",
                shares=sum(trustee.shared for trustee in poll.trustees), threshold=poll.threshold,
            )  # fmt: skip
        case Stage.DECIDED:
            return Message(
                "Decided; decrypted by {threshold} of {size} trustees.",
                threshold=poll.threshold, size=len(poll.trustees),
            )  # fmt: skip
        case Stage.TOO_FEW:
            return Message(
                "Closed with fewer than {smallest} ballots: to keep them secret they are never opened.",
                smallest=poll.smallest,
            )
        case Stage.VOID:
            return Message("Void: it never opened, because too few registrars published permit keys.")
        case Stage.CANCELLED:
            return Message("Cancelled: no ballot will ever be opened.")


def _announced(poll: PollView) -> Message:
    time, missing = Moment(poll.opens), ", ".join(poll.missing)
    if not missing:
        return Message("Announced; opens {time}.", time=time)
    if len(poll.registrars) - len(poll.missing) >= poll.registrars_needed:
        return Message("Announced; opens {time}. No permit keys yet from: {missing}.", time=time, missing=missing)
    return Message(
        "Announced; opens {time} if {needed} of its {all} registrars have published permit keys by then. They are missing from: {missing}.",
        time=time, needed=poll.registrars_needed, all=len(poll.registrars), missing=missing,
    )  # fmt: skip


def _closed(poll: PollView) -> Message:
    time = Moment(poll.closing)
    match poll.next:
        case Next.TOO_FEW:
            return Message(
                "Closed {time} with fewer than {smallest} ballots: the next block says so, and they are never opened.",
                time=time, smallest=poll.smallest,
            )  # fmt: skip
        case Next.REOPEN:
            return Message(
                "It was to close {time}, and there is no tally: either this copy of the ledger is old, or the ledger has halted. Then "
                "the next block opens the poll again for a while, for those who could not vote.",
                time=time,
            )
    return Message("Closed {time}; the next block tallies it.", time=time)


def turnout(poll: PollView) -> Message:
    """How many voted, what their ballots weigh, and of how many people that is."""
    return _turnout(poll.counted, poll.weight, poll.people, poll.rolls_differ)


def group_turnout(poll: PollView, cell: CellView) -> Message:
    """The same of groups that were counted together."""
    return _turnout(
        cell.counted, cell.weight, people_of([poll.groups[group] for group in cell.groups]), poll.rolls_differ
    )


def _turnout(counted: int, weight: int, people: int | None, differ: bool) -> Message:
    said: Message = ballots(counted)
    if people is not None and differ:
        said = Plural(
            "{ballots} ({share} of the {count} person on the longest roll)",
            "{ballots} ({share} of the {count} people on the longest rolls)",
            people, ballots=said, share=share_of(counted, people),
        )  # fmt: skip
    elif people is not None:
        said = Plural(
            "{ballots} ({share} of the {count} person on the roll)", "{ballots} ({share} of the {count} people on the roll)",
            people, ballots=said, share=share_of(counted, people),
        )  # fmt: skip
    return said if weight == counted else Message("{turnout}, which weigh {weight}", turnout=said, weight=weight)


def share_of(part: int, whole: int) -> Percent:
    """A part of a whole."""
    return Percent(percents([part], whole)[0])


def rolls(poll: PollView) -> Message | None:
    """Whose roll has how many people, where they differ."""
    if not poll.rolls_differ:
        return None
    numbers = [
        Message("{registrar}: {people}", registrar=registrar.institution, people=registrar.people)
        for registrar in poll.registrars
        if registrar.people is not None
    ]
    return Message(
        "The registrars' rolls differ: {numbers}. Shares are of the longest roll that counts, in each group.",
        numbers=Listed(tuple(numbers), "; "),
    )


def names(groups: Sequence[Localizable]) -> Localizable:
    """Groups that were counted together: Centre + North."""
    return Listed(tuple(groups), " + ")


@dataclass(frozen=True)
class ResultRow:
    """An answer with its votes and their share of the whole."""

    text: Localizable
    votes: int
    share: Percent

    @property
    def label(self) -> Message:
        """The row in one sentence, for those who cannot see its bar."""
        return Message("{answer}: {share}, {votes}", answer=self.text, share=self.share, votes=votes(self.votes))


def vouched(witnesses: Witnesses) -> Message:
    """For how much of the ledger a quorum of its witnesses vouches."""
    if not witnesses.quorum:
        return Message("None: this ledger's charter asks for no witnesses.")
    cosigned, seats, needed = len(witnesses.cosigned), witnesses.seats, witnesses.quorum
    if cosigned < needed:
        return Message(
            "{cosigned} of {seats} have cosigned heads, and {needed} are needed.",
            cosigned=cosigned,
            seats=seats,
            needed=needed,
        )
    return Message(
        "{cosigned} of {seats} have cosigned heads; the {needed} that are needed vouch for the first {entries}.",
        cosigned=cosigned, seats=seats, needed=needed, entries=entries(witnesses.size),
    )  # fmt: skip


def vouching(witnesses: Witnesses) -> list[Message]:
    """Who vouched for one ledger for all, of the charter's witnesses and of others, when and for how much; that nobody did, where one
    institution keeps it."""
    said = [
        Message(
            "“{institution}” cosigned {entries}, {time}.",
            institution=one.institution, entries=entries(one.size), time=Moment(one.time, SECOND),
        )
        for one in witnesses.cosigned
    ]  # fmt: skip
    said += [
        Message(
            "{name}, from outside of the ledger, cosigned {entries}, {time}. Its key: {vkey}",
            name=one.name, entries=entries(one.size), time=Moment(one.time, SECOND), vkey=one.vkey,
        )
        for one in witnesses.outside
    ]  # fmt: skip
    if not said and witnesses.alone:
        said.append(
            Message(
                "One institution signs this ledger's heads, and no witness's cosignature is here: as far as this copy shows, nobody outside knows "
                "whether all see one ledger."
            )
        )
    return said


def ballots(count: int) -> Plural:
    """21 ballots."""
    return Plural("{count} ballot", "{count} ballots", count)


def entries(count: int) -> Plural:
    """As ``ballots``, for entries of a ledger."""
    return Plural("{count} entry", "{count} entries", count)


def votes(count: int) -> Plural:
    """As ``ballots``, for votes."""
    return Plural("{count} vote", "{count} votes", count)


def listing(poll: PollView) -> tuple[Message, Message]:
    """What a list says of a poll beside its name: the time that matters most where it stands, and how many voted."""
    voted = Message("{counted} voted", counted=poll.counted)
    if poll.people is not None:
        voted = Message("{counted} of {people} voted", counted=poll.counted, people=poll.people)
    if not poll.recounted and not poll.counted and poll.status not in (Stage.ANNOUNCED, Stage.UNOPENED, Stage.VOID):
        voted = Message("ballots not read")
    match poll.status:
        case Stage.ANNOUNCED:
            return Message("opens {time}", time=Moment(poll.opens)), voted
        case Stage.UNOPENED | Stage.VOID:
            return Message("was to open {time}", time=Moment(poll.opens)), voted
        case Stage.OPEN:
            return Message("closes {time}", time=Moment(poll.closing)), voted
        case Stage.DECIDED:
            return Message("since {time}", time=Moment(poll.decided or 0)), voted
        case Stage.CANCELLED:
            return Message("was to close {time}", time=Moment(poll.closing)), voted
    return Message("closed {time}", time=Moment(poll.closing)), voted


def notes(poll: PollView) -> Iterator[Message]:
    """What should be known of a poll at once, in a list: what it waits for, what the next block does, that it is contested."""
    if poll.contested:
        yield Message("Contested: see what was said.")
    if poll.next is not None or poll.result_missing or (poll.status == Stage.ANNOUNCED and poll.missing):
        yield standing(poll)


def lead(poll: PollView) -> Iterator[Message]:
    """The sentences that a poll begins with."""
    yield standing(poll)
    if poll.status in (Stage.ANNOUNCED, Stage.UNOPENED, Stage.VOID):
        return
    if not poll.recounted and not poll.counted:
        yield Message("How many voted is not known here: the ballots were not read.")
    elif not poll.recounted:
        yield Message(
            "Counted, as its tally says: {turnout}. The ballots were not counted again here.", turnout=turnout(poll)
        )
    elif poll.status == Stage.OPEN:
        yield Message("So far {turnout}.", turnout=turnout(poll))
    else:
        yield Message("Counted: {turnout}.", turnout=turnout(poll))
    merged = [names(cell.names) for cell in poll.cells if len(cell.groups) > 1]
    if merged:
        yield Message(
            "Counted together, because fewer than {smallest} ballots are never decrypted: {groups}.",
            smallest=poll.smallest, groups=Listed(tuple(merged), "; "),
        )  # fmt: skip
    different = rolls(poll)
    if different is not None:
        yield different
    if poll.without_share:
        yield no_share(poll)


def no_share(poll: PollView) -> Message:
    """Which trustees gave no share, whether or not it was needed."""
    return Message("No share from: {trustees}.", trustees=", ".join(poll.without_share))


def rows_until(time: int) -> Message:
    """The end of the challenge window."""
    return Message("People can ask registrars for their rows of the roll until {time}.", time=Moment(time))


def result_rows(question: QuestionView, weight: int) -> list[ResultRow]:
    """The answers with their votes, of ballots that weigh this much together; none as long as there is no result."""
    return rows(question.answers, weight) if question.decided else []


def rows(answers: Sequence[AnswerView], weight: int) -> list[ResultRow]:
    """Rows of these answers, whose votes are known."""
    votes = [answer.votes or 0 for answer in answers]
    shares = map(Percent, percents(votes, weight))
    return [ResultRow(answer.text, *row) for answer, row in zip(answers, zip(votes, shares, strict=True), strict=True)]


def heading(statement: StatementReport) -> Message:
    """What kind of statement it is."""
    match statement.kind, statement.status:
        case "outcome", "will" if statement.due:
            return Message("The city will do this by {day}", day=Moment(statement.due, DATE))
        case "outcome", "will":
            return Message("The city will do this")
        case "outcome", "done":
            return Message("The city has done this")
        case "outcome", _:
            return Message("The city will not do this")
        case "cancel", _:
            return Message("Cancelled")
        case "contest", _:
            return Message("Contested by {institutions}", institutions=", ".join(statement.by))
    return Message("Notice")
