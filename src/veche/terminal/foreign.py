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


def marked(text: str, indent: str = "  ") -> str:
    """A text of any length, in lines no wider than the terminal, each with the mark."""
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns) - len(indent) - len(MARK)
    lines = [one_line(line) for line in text.replace("\r\n", "\n").strip("\n").split("\n")]
    parts = [part for line in lines for part in textwrap.wrap(line, max(20, width)) or [""]]
    return "\n".join(f"{indent}{MARK}{part}".rstrip() for part in parts)
