"""What the demo shows: on the terminal, and if wanted into a picture."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text as Styled

from veche.durable import replace
from veche.ledger.shape import Text
from veche.terminal.results import in_language
from veche.texts import Localizable

WIDTH = 100


class Screen:
    """Prints in one language. While ``pictured`` is true, what is printed is also kept for the picture, but for what moves."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        # A terminal that is wider is not filled: long lines are hard to read. One that is narrower wraps.
        self.console = Console(highlight=False)
        self.console.width = min(self.console.width, WIDTH) if self.console.is_terminal else WIDTH
        self._picture = Console(
            file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, color_system="truecolor", highlight=False
        )
        self._part = 0
        self.pictured = True

    @property
    def _consoles(self) -> list[Console]:
        return [self.console, self._picture] if self.pictured else [self.console]

    def words(self, said: Localizable | Text) -> str:
        """A text in the demo's language: what others wrote in one line, what the demo says as it stands."""
        return said.text(self.lang) if isinstance(said, Localizable) else in_language(said, self.lang)

    def show(self, what: RenderableType) -> None:
        for console in self._consoles:
            console.print(what)

    def command(self, line: str) -> None:
        """A command, in one line, so that it can be pasted."""
        for console in self._consoles:
            console.print(Styled(f"    {line}", style="bold"), soft_wrap=True)

    def title(self, title: Localizable, lines: Localizable) -> None:
        body = Styled(self.words(lines), justify="left")
        self.show(Panel(body, title=Styled(self.words(title), style="bold cyan"), border_style="cyan", padding=(1, 2)))

    def part(self, title: Localizable, pictured: bool = False) -> None:
        """A new part of the story, in the picture or not."""
        self._part += 1
        self.pictured = pictured
        self.show("")
        self.show(Rule(Styled(f"{self._part} · {self.words(title)}", style="bold cyan"), style="cyan", align="left"))

    def say(self, text: Localizable) -> None:
        """A sentence or two of the story."""
        self.show(Padding(Styled(self.words(text)), (0, 0, 0, 2)))

    def fact(self, text: Localizable) -> None:
        """Something that happened just now, by the program's word."""
        self.mark("✓", "green", Styled(self.words(text)))

    def mark(self, sign: str, style: str, what: Styled) -> None:
        """A paragraph with a sign before it."""
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_row(Styled(sign, style=style), what)
        self.put(row)

    def put(self, what: RenderableType) -> None:
        """A table or the like, indented as the text is."""
        self.show(Padding(what, (0, 0, 0, 2)))

    @contextmanager
    def progress(self, text: Localizable, total: int) -> Iterator["Bar"]:
        """A bar that fills while the block runs, and then stays."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(max(5, min(30, self.console.width - len(self.words(text)) - 20))),
            TextColumn("{task.completed:>6.0f}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            bar = Bar(progress, progress.add_task(self.words(text), total=total))
            yield bar
            progress.update(bar.task, total=max(bar.done, 1), completed=max(bar.done, 1))
        if self.pictured:
            self._picture.print(Styled.assemble(f"  {self.words(text)} ", ("━" * 30, "green"), f" {bar.done:>6}"))

    def save(self, path: Path) -> None:
        """Write the picture. Raises UserError."""
        # Without the fonts that rich would have fetched from elsewhere: any font of fixed width fits.
        picture = re.sub(r"@font-face \{.*?\}\s*", "", self._picture.export_svg(title="veche demo"), flags=re.DOTALL)
        replace(path, picture.encode())


class Bar:
    """A progress bar."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self.task = task
        self.done = 0

    def step(self, count: int = 1) -> None:
        self.done += count
        self._progress.update(self.task, completed=self.done)

    def reach(self, done: int, total: int) -> None:
        """As the verifiers report it."""
        self.done = done
        self._progress.update(self.task, completed=done, total=total)
