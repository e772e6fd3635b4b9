"""Longer texts of others as a terminal shows them: each line is indented and marked.

Whoever wrote a poll's background, a notice or a reason may want it to look like what the program says. A text that stands in a
sentence of the program's is one line (:func:`veche.texts.one_line`, which ``Message`` asks for every value); one that stands by
itself has a mark before each of its lines, the broken ones too. Nothing else that the program prints begins with it.
"""

import shutil
import textwrap

from veche.terminal.say import WIDEST
from veche.texts import one_line

MARK = "│ "
"""What a line of somebody else's text begins with."""


def beside(label: str, text: str) -> str:
    """A text after a label of ours. Where it is too long for a line it goes on below, each of those lines with the mark."""
    parts = textwrap.wrap(one_line(text), max(20, _width() - len(label) - len(MARK)), break_long_words=False) or [""]
    return f"\n{' ' * len(label)}{MARK}".join([label + parts[0], *parts[1:]])


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)


def marked(text: str, indent: str = "  ", room: int = WIDEST) -> str:
    """A text of any length, in lines no wider than the terminal and than ``room``, each with the mark."""
    width = min(_width(), room) - len(indent) - len(MARK)
    lines = [one_line(line) for line in text.replace("\r\n", "\n").strip("\n").split("\n")]
    parts = [part for line in lines for part in textwrap.wrap(line, max(20, width)) or [""]]
    return "\n".join(f"{indent}{MARK}{part}".rstrip() for part in parts)
