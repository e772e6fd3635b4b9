"""What a command answers to scripts that ask for --json: one document on the standard output, be it a success or an error.

docs/schema/veche.json says what each has in it. An error is told to people as well, on the standard error, and the exit code is the same.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import click

from veche.audit.values import values
from veche.cli.earnest import marked
from veche.cli.streams import print_json
from veche.errors import DoesNotHold, Refused, VecheError

OPTION = "--json"
_answered: ContextVar[bool] = ContextVar("answered", default=False)


def emit(data: Any) -> None:
    """Answer, as :func:`values` writes it; what is of a ledger says whether that is a test."""
    _answered.set(True)
    print_json(marked(values(data)))


def begin() -> None:
    """A command line begins: nothing was answered yet."""
    _answered.set(False)


def emit_error(error: Exception, code: int, words: Sequence[str], meaning: str = "") -> None:
    """Answer with an error that ends the program with this code, if ``words`` (the command line) ask for JSON.

    A command that has answered already has said what it found: then the exit code says the rest. ``meaning``: what the step that does not
    hold checks.
    """
    if OPTION not in words or _answered.get():
        return
    said: dict[str, Any] = {"exit": code}
    if isinstance(error, Refused):
        said["rule"] = error.rule
    if isinstance(error, DoesNotHold):
        said |= {"step": error.step, "where": error.where}
    if meaning:
        said["meaning"] = meaning
    if isinstance(error, VecheError):
        said |= {"message": error.message, "hint": error.hint}
    elif isinstance(error, click.ClickException):
        said |= {"message": error.format_message(), "hint": ""}
    else:
        said |= {"message": str(error), "hint": ""}
    emit({"error": said})
