"""What a ledger says of its polls, in a terminal: one poll whole, or all of them in a list."""

from collections.abc import Sequence

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from veche.audit.poll_report import PollReport, StatementReport
from veche.audit.poll_view import PollView
from veche.audit.poll_words import heading, lead, listing, notes, rows_until, stage_name
from veche.terminal.foreign import marked
from veche.terminal.results import UNBROKEN, bars, groups, in_language, put
from veche.terminal.say import columns, language, say, spoken
from veche.texts import Listed, Message, Plural, Verbatim

TITLE = 30
"""So many columns at least a list leaves to titles."""


def say_standing(poll: PollReport) -> None:
    """Where it stands, how many voted, and who objects: what comes before everything else."""
    say(Listed(tuple(lead(poll)), " "))
    for said in poll.contests:
        say_statement(said)


def say_registrars(poll: PollReport) -> None:
    """Whose permits a voter shows, and who has published the keys for them."""
    say(
        Plural(
            "A voter shows the permit of {count} of its {all} registrars:", "A voter shows permits of {count} of its {all} registrars:",
            poll.permits_needed, all=len(poll.registrars),
        )
    )  # fmt: skip
    for registrar in poll.registrars:
        if registrar.people is None:
            said = Message("no permit keys published")
        else:
            said = Plural("{count} person on its roll", "{count} people on its roll", registrar.people)
        say(Message("  · {registrar}: {said}", registrar=registrar.institution, said=said))


def say_result(poll: PollReport) -> None:
    """The result, if there is one, then who voted in which group, what was said of it, and what to look at."""
    if poll.has_result:
        put(bars(poll, language()))
    for table in groups(poll, language()):
        put(Padding(table, (1, 0, 0, 2)))
    if poll.challenge is not None:
        say(rows_until(poll.challenge))
    for said in poll.answers:
        say_statement(said)
    for warning in poll.warnings:
        say(Message("Look at this: {warning}", warning=warning))


def say_statement(said: StatementReport) -> None:
    """What an office said, with who it was and where it stands."""
    say(Message("{heading} (entry {entry}):", heading=heading(said), entry=str(said.entry)))
    click.echo(marked(spoken(said.text)))


def say_list(polls: Sequence[PollView]) -> None:
    """A line for each poll, and below them what should be known at once. In a terminal that is too narrow it takes more lines."""
    rows = [
        (poll.id[:12], *(spoken(cell) for cell in (stage_name(poll.status), *listing(poll))), in_language(poll.title, language()))
        for poll in polls
    ]  # fmt: skip
    width, needed = columns(widest=UNBROKEN), sum(max(map(len, cells)) + 2 for cells in [*zip(*rows, strict=True)][:-1])
    if width is not None and needed + TITLE > width:
        for *cells, title in rows:
            say(Verbatim("  ".join(cells)))
            click.echo(marked(title))
    else:
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")  # a title that was broken would begin a line
        for *cells, title in rows:
            table.add_row(*cells, Styled(title))
        put(table)
    for poll in polls:
        for note in notes(poll):
            say(Verbatim(f"{poll.id[:12]}: {spoken(note)}"))
