"""The result of a poll as bars."""

from rich.bar import Bar
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from veche.audit.percents import percents
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.terminal.show import result_of
from veche.texts import Localizable, Message, Number, Percent, Words

WIDTH = 36
COLOUR = "#2A7D76"  # choices have no colour of their own: every bar looks the same


def in_language(said: Localizable | Text, language: str) -> str:
    return (Words(*said) if isinstance(said, Text) else said).text(language)


def answers_of(question: Choice) -> list[Localizable]:
    """What the numbers of a result stand for, in their order."""
    answers = [Words(*answer) for answer in question.answers]
    return [Message("Left blank"), *answers] if question.blank else [*answers]


def bars(poll: PollState, lang: str) -> Group:
    """One row an answer: text, bar, number, share of the ballots (with their weights) of the question that chose it.

    Shares are of all ballots: a question for which several answers may be chosen adds up to more than 100 %.
    """
    result = result_of(poll)
    assert result is not None, "the caller has looked"
    parts = []
    for question, numbers in zip(poll.definition.questions, result, strict=True):
        table = Table.grid(padding=(0, 1))
        table.add_column(max_width=40)
        table.add_column(width=WIDTH)
        table.add_column(justify="right")
        table.add_column(justify="right", style="dim")
        whole = max(1, ballots_of(poll))
        best = max(numbers)
        for answer, number, share in zip(answers_of(question), numbers, percents(numbers, whole), strict=True):
            bar = Bar(max(1, best, whole), 0, number, width=WIDTH, color=COLOUR)
            table.add_row(Styled(answer.text(lang)), bar, Number(number).text(lang), Percent(share).text(lang))
        parts.append(Padding(Group(Styled(in_language(question.text, lang), style="bold"), table), (1, 0, 0, 2)))
    return Group(*parts)


def ballots_of(poll: PollState) -> int:
    """The weight of all ballots that count together."""
    return sum(counted * group.weight for counted, group in zip(poll.counted, poll.definition.groups, strict=True))
