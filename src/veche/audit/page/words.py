"""What the page says of a poll beyond labels: sentences that are put together, and results as rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from veche.audit.percents import percents
from veche.audit.poll_report import PollReport, QuestionReport, StatementReport
from veche.audit.witnesses import Witnesses
from veche.texts import N_, Localizable, Message, Moment, Percent, Plural

STATUS = {
    "announced": N_("announced"),
    "open": N_("open"),
    "counting": N_("being counted"),
    "decided": N_("decided"),
    "too-few": N_("too few ballots"),
    "void": N_("void"),
    "cancelled": N_("cancelled"),
}
LEFT_BLANK = Message("Left blank")


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


def ballots(count: int) -> Plural:
    """21 ballots."""
    return Plural("{count} ballot", "{count} ballots", count)


def entries(count: int) -> Plural:
    """As ``ballots``, for entries of a ledger."""
    return Plural("{count} entry", "{count} entries", count)


def votes(count: int) -> Plural:
    """As ``ballots``, for votes."""
    return Plural("{count} vote", "{count} votes", count)


def lead(poll: PollReport) -> Iterator[Message]:
    """The sentences that a poll begins with."""
    count = ballots(poll.counted)
    if poll.status == "open":
        yield Message("So far {ballots}, each voter once.", ballots=count)
        return
    if poll.people:
        share = Percent(percents([poll.counted], poll.people)[0])
        yield Message("{ballots} counted, {share} of the roll.", ballots=count, share=share)
    else:
        yield Message("{ballots} counted.", ballots=count)
    if any(group.weight != 1 for group in poll.groups):
        yield Message("A ballot weighs as much as its group says, so there are more votes than ballots.")
    if poll.status == "too-few":
        yield Message("Fewer than {smallest} ballots: to keep them secret they are not opened.", smallest=poll.smallest)
    if poll.status == "counting":
        done = sum(trustee.shared for trustee in poll.trustees)
        yield Message(
            "{done} of {size} trustees have added their share; {threshold} are needed.",
            done=done, size=len(poll.trustees), threshold=poll.threshold,
        )  # fmt: skip
    if poll.without_share:
        yield no_share(poll)
    if poll.status == "cancelled":
        yield Message("No ballot will ever be opened.")


def no_share(poll: PollReport) -> Message:
    """Which trustees gave no share, whether or not it was needed."""
    return Message("No share from: {trustees}.", trustees=", ".join(poll.without_share))


def rows_until(time: int) -> Message:
    """The end of the challenge window."""
    return Message("People can ask registrars for their rows of the roll until {time}.", time=Moment(time))


def result_rows(question: QuestionReport, weight: int) -> list[ResultRow]:
    """The answers with their votes, of ballots that weigh this much together; none as long as there is no result."""
    texts = [answer.text for answer in question.answers]
    counts = [answer.votes for answer in question.answers]
    if question.blank_allowed:
        counts.append(question.blank)
    known = [count for count in counts if count is not None]
    return rows([*texts, *([LEFT_BLANK] if question.blank_allowed else [])], known, weight) if known == counts else []


def rows(texts: Sequence[Localizable], votes: Sequence[int], weight: int) -> list[ResultRow]:
    """Rows of these answers."""
    shares = map(Percent, percents(votes, weight))
    return [ResultRow(*row) for row in zip(texts, votes, shares, strict=True)]


def answer_texts(question: QuestionReport) -> list[Localizable]:
    """What the numbers of a group's result stand for, in their order."""
    return [*([LEFT_BLANK] if question.blank_allowed else []), *(answer.text for answer in question.answers)]


def heading(statement: StatementReport) -> Message:
    """What kind of statement it is."""
    match statement.kind, statement.status:
        case "outcome", "will":
            return Message("The city will do this by {time}", time=Moment(statement.due))
        case "outcome", "done":
            return Message("The city has done this")
        case "outcome", _:
            return Message("The city will not do this")
        case "cancel", _:
            return Message("Cancelled")
        case "contest", _:
            return Message("Contested by {institutions}", institutions=", ".join(statement.by))
    return Message("Notice")
