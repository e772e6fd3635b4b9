"""What the command line says, in the language of whoever reads it, no wider than their terminal.

The language is that of ``--lang``, else VECHE_LANG, else what the system says (LC_ALL, LC_MESSAGES, LANG), else English.
"""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import click

from veche.errors import UserError
from veche.texts import ENGLISH, Localizable, Message, languages

ASKED = "VECHE_LANG"
SYSTEM = ("LC_ALL", "LC_MESSAGES", "LANG")
WIDEST = 100
"""Longer lines are hard to read: a terminal that is wider is not filled."""

GOES_ON = "      "
"""Where a broken line goes on."""

_POINT = "  · "
_WHOLE = re.compile(r" +(veche |│)")
"""Lines that are left as they are: a command to be copied, and others' text, which is broken where it is marked."""

YES, NO = Message("yes"), Message("no")

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
    """Print a paragraph or more on the standard output (or error). Commands that stand in a line of their own are not broken."""
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


def confirm(said: Localizable, err: bool = False) -> bool:
    """Ask whether to do it; no is what an empty answer means. Yes and no may be said in any language, and by their first letter."""
    hint = f"[{spoken(YES)[:1]}/{spoken(NO)[:1].upper()}]"
    answer = _Word((YES, NO), letters=True)
    question = f"{wrapped(spoken(said), err)} {hint}"
    return click.prompt(question, default=spoken(NO), show_default=False, type=answer, err=err) is YES


def agreed(said: Localizable, otherwise: Localizable, err: bool = False) -> None:
    """The same where nothing is done for no. Raises UserError with ``otherwise``, what then has not happened."""
    if not confirm(said, err):
        raise UserError(otherwise)


def one_of(said: Localizable, *words: Message, err: bool = False) -> Message:
    """Ask until the answer is one of these words, in any language."""
    offered = ", ".join(map(spoken, words))
    return click.prompt(f"{wrapped(spoken(said), err)} ({offered})", type=_Word(words), err=err)


def prompt(said: Localizable, type: Any = str, err: bool = False) -> Any:
    """Ask until the answer is of this type of click's."""
    return click.prompt(wrapped(spoken(said), err), type=type, err=err)


class _Word(click.ParamType[Message]):
    """One of several words as somebody types it, in any case and language; with ``letters`` its first letter is enough."""

    name = "word"

    def __init__(self, words: Sequence[Message], letters: bool = False) -> None:
        self._known = {
            typed.casefold(): word
            for word in words
            for text in map(word.text, languages())
            for typed in ((text, text[:1]) if letters else (text,))
        }
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        typed = str(value).strip().casefold()
        if typed not in self._known:
            offered = ", ".join(map(spoken, self._words))
            self.fail(spoken(Message("Answer with one of these words: {words}.", words=offered)), param, ctx)
        return self._known[typed]


def wrapped(text: str, err: bool = False) -> str:
    """The text no wider than the terminal, if it goes to one."""
    width = columns(err)
    if width is None:
        return text
    return "\n".join(line if _WHOLE.match(line) else _broken(line, width) for line in text.split("\n"))


def columns(err: bool = False, widest: int = WIDEST) -> int | None:
    """How wide a line may be on the standard output (or error); None if that is no terminal."""
    stream = sys.stderr if err else sys.stdout
    return min(widest, shutil.get_terminal_size().columns) if stream.isatty() else None


def _broken(line: str, width: int) -> str:
    """Whoever wrote a part of a long line chooses where it goes on, so what goes on is moved to the right: none of our lines begins there."""
    first, *words = re.findall(r"\s*\S+", line) or [line]
    start = GOES_ON if line.startswith(_POINT) else " " * (len(line) - len(line.lstrip())) + GOES_ON
    parts = [first]
    for word in words:
        bare = word.lstrip()
        if len(parts[-1] + word) <= max(20, width) or (len(start + bare) > width and len(parts[-1]) < width):
            parts[-1] += word  # a hash that fits into no line at all stays where it is
        else:
            parts.append(start + bare)
    return "\n".join(parts)
