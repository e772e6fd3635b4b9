"""The result of a poll in a terminal: bars for all of it, and tables of who voted and how in its groups."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

import click
from rich import box
from rich.bar import Bar
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from veche.audit.poll_view import AnswerView, PollView, QuestionView
from veche.audit.poll_words import ResultRow, names, result_rows, share_of
from veche.ledger.shape import Text
from veche.terminal.foreign import MARK, marked
from veche.texts import Localizable, Message, Number, Words, one_line

BAR, TEXT = 36, 40
"""Columns of a bar, and the most for the text beside it."""
COLOUR = "#2A7D76"  # choices have no colour of their own: every bar looks the same
UNBROKEN = 1000
"""The width of what does not go to a terminal, but into a file or another program."""


def in_language(said: Localizable | Text, language: str) -> str:
    """A text in this language, in one line whoever wrote it."""
    return one_line((Words(*said) if isinstance(said, Text) else said).text(language))


def put(shown: RenderableType) -> None:
    """Print what has columns, no wider than the terminal if it goes to one."""
    if sys.stdout.isatty():
        Console(highlight=False, markup=False, emoji=False).print(shown)
        return
    console = Console(highlight=False, markup=False, emoji=False, width=UNBROKEN, file=StringIO())
    console.print(shown)
    assert isinstance(console.file, StringIO)
    click.echo("".join(f"{line.rstrip()}\n" for line in console.file.getvalue().split("\n")[:-1]), nl=False)


def results(poll: PollView, language: str) -> Group:
    """All that a poll's result says: of the whole, and of its groups."""
    return Group(bars(poll, language), *(Padding(part, (1, 0, 0, 2)) for part in groups(poll, language)))


def bars(poll: PollView, language: str) -> Group:
    """The questions, each with a row for every answer: its number, text and bar, its votes, and their share of all ballots.

    A question for which several answers may be chosen adds up to more than 100 %.
    """
    parts = []
    for number, question in enumerate(poll.questions, 1):
        table = answer_bars(question.answers, result_rows(question, poll.weight), poll.weight, language)
        parts.append(Padding(Group(asked(number, question.text, language), table), (1, 0, 0, 2)))
    return Group(*parts)


@dataclass(frozen=True)
class Marked:
    """Somebody else's text for rich, each line of it marked, in the room that there is."""

    text: str
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Styled(marked(self.text, "", options.max_width), style=self.style)


@dataclass(frozen=True)
class Ruled:
    """A table whose border marks every line of it, as a line of somebody else's text is marked. Where it is too narrow for the longest
    words in it, its rows stand one below another, each cell with what the column is called."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(box=box.SQUARE, header_style="dim")
        for number, title in enumerate(self.titles):
            table.add_column(Styled(title), justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*map(Styled, row))
        if Measurement.get(console, options.update_width(UNBROKEN), table).minimum <= options.max_width:
            yield table
            return
        for first, *cells in self.rows:
            yield Marked(first, "bold")
            yield Marked("\n".join(f"{title}: {cell}" for title, cell in zip(self.titles[1:], cells, strict=True)))


def asked(number: int, question: Localizable, language: str) -> Marked:
    """A question with its number."""
    return Marked(f"{number}. {question.text(language)}", "bold")


def answer_bars(answers: Sequence[AnswerView], rows: Sequence[ResultRow], whole: int, language: str) -> Table:
    """The answers to one question with their votes, of ballots that weigh ``whole`` together; each line marked as somebody else's text."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBROKEN
    width = BAR if columns >= 100 else BAR // 3
    room = max(10, min(TEXT, columns - width - 30))
    table = Table.grid(padding=(0, 1))
    for justify in ("left", "right", "left", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    best = max(1, whole, *(row.votes for row in rows))
    for number, (answer, row) in enumerate(zip(answers, rows, strict=True), 1):
        first, *more = textwrap.wrap(in_language(row.text, language), room) or [""]
        bar = Bar(best, 0, row.votes, width=width, color=COLOUR)
        votes, share = Number(row.votes).text(language), row.share.text(language)
        table.add_row(MARK.strip(), "–" if answer.blank else str(number), Styled(first), bar, votes, share)
        for line in more:
            table.add_row(MARK.strip(), "", Styled(line))
    return table


def groups(poll: PollView, language: str) -> Iterator[RenderableType]:
    """Tables of a poll with several groups, or with weights: who voted, and what each group that was counted apart chose."""
    if poll.has_groups:
        yield turnouts(poll, language)
    if poll.cells:
        for place, question in enumerate(poll.questions):
            yield Group(asked(place + 1, question.text, language), cells(poll, place, question, language))


def turnouts(poll: PollView, language: str) -> Ruled:
    """A row a group: its ballots, what each weighs, and how many may vote."""
    titles = [
        Message("Group"),
        Message("Ballots"),
        Message("Weight of each"),
        Message("On the roll"),
        Message("Turnout"),
    ]
    rows = []
    for group in poll.groups:
        known = group.people is not None
        people = Number(group.people or 0).text(language) if known else "–"
        share = share_of(group.counted, group.people or 0).text(language) if known else "–"
        numbers = (Number(group.counted).text(language), Number(group.weight).text(language), people, share)
        rows.append((in_language(group.name, language), *numbers))
    return Ruled([title.text(language) for title in titles], rows)


def cells(poll: PollView, place: int, question: QuestionView, language: str) -> Ruled:
    """A row for each group, or groups, that were counted apart, with the votes for each answer of the question at this place."""
    titles = [Message("Group"), *(answer.text for answer in question.answers)]
    rows = []
    for cell in poll.cells:
        votes = [Number(answer.votes or 0).text(language) for answer in cell.questions[place].answers]
        rows.append((in_language(names(cell.names), language), *votes))
    return Ruled([in_language(title, language) for title in titles], rows)
