"""What the command line says, in the language of whoever reads it, no wider than their terminal.

The language is that of ``--lang``, else VECHE_LANG, else what the system says (LC_ALL, LC_MESSAGES, LANG), else English.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import click

from veche.texts import ENGLISH, Localizable, Message, languages

ASKED = "VECHE_LANG"
SYSTEM = ("LC_ALL", "LC_MESSAGES", "LANG")
WIDEST = 100
"""Longer lines are hard to read: a terminal that is wider is not filled."""

GOES_ON = "      "
"""Where a broken line goes on."""

POINT = "  · "
"""One of several points: a sentence, however it is indented."""

_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def choose_language(language: str | None) -> None:
    """Speak this language from now on, in this context; None: that of the environment."""
    _chosen.set(language)


def language() -> str:
    """The language in which the program speaks, one of ``languages()``."""
    return _chosen.get() or of_environment(os.environ)


def of_environment(environment: Mapping[str, str]) -> str:
    """The language that an environment asks for; of the system's three variables the first that is set decides."""
    asked = environment.get(ASKED) or next((environment[name] for name in SYSTEM if environment.get(name)), "")
    spoken = asked.split(":")[0].split(".")[0].split("_")[0].split("-")[0].lower()
    return spoken if spoken in languages() else ENGLISH


def spoken(said: Localizable) -> str:
    """A text in the language of whoever reads it."""
    return said.text(language())


def say(said: Localizable, err: bool = False) -> None:
    """Print a paragraph or more on the standard output (or error). Lines that begin with a space, but for points, are left as they are:
    commands, tables."""
    click.echo(wrapped(spoken(said), err), err=err)


def say_error(said: Localizable, advice: Localizable) -> None:
    """A sentence that something went wrong, and what to do next, on the standard error."""
    lead = spoken(Message("Error:"))
    first, _, rest = wrapped(f"{lead} {spoken(said)}", True).partition("\n")
    click.echo(
        click.style(lead, fg="red", bold=True) + first.removeprefix(lead) + (f"\n{rest}" if rest else ""), err=True
    )
    if spoken(advice):
        say(advice, err=True)


def confirm(said: Localizable, abort: bool = False, err: bool = False) -> bool:
    """Ask whether to do it; no is what an empty answer means. Raises click.Abort for no, with ``abort``."""
    return click.confirm(spoken(said), abort=abort, err=err)


def prompt(said: Localizable, type: Any = str, err: bool = False) -> Any:
    """Ask until the answer is of this type of click's."""
    return click.prompt(spoken(said), type=type, err=err)


def wrapped(text: str, err: bool = False) -> str:
    """The text no wider than the terminal, if it goes to one."""
    width = columns(err)
    if width is None:
        return text
    return "\n".join(
        line if line.startswith(" ") and not line.startswith(POINT) else _broken(line, width)
        for line in text.split("\n")
    )


def columns(err: bool = False, widest: int = WIDEST) -> int | None:
    """How wide a line may be on the standard output (or error); None if that is no terminal."""
    stream = sys.stderr if err else sys.stdout
    return min(widest, shutil.get_terminal_size().columns) if stream.isatty() else None


def _broken(line: str, width: int) -> str:
    """Whoever wrote a part of a long line chooses where it goes on, so what goes on is moved to the right: none of our lines begins there."""
    parts = textwrap.wrap(
        line, max(20, width), subsequent_indent=GOES_ON, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(parts) or line
