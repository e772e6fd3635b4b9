"""The standard streams, so that what cannot be shown stops nothing: no vote between two steps, and no verdict.

Whatever a terminal's encoding, a text is written, with the nearest signs that it has. Whoever reads the output may go away (a pipe),
the disk behind it may be full, or it may be closed from the beginning: the command does its work to the end, and the exit
code says afterwards that not all of it was shown (docs/protocol.md, section 6).
"""

import codecs
import errno
import io
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PIPE = 141
"""128 + SIGPIPE: who reads the output went away, as a shell says it."""
FAILED = 2
_NEAREST = {
    "\N{EM DASH}": "-", "\N{EN DASH}": "-", "\N{HYPHEN}": "-", "\N{NON-BREAKING HYPHEN}": "-", "\N{MINUS SIGN}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...", "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"', "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ",
    "\N{THIN SPACE}": " ", "\N{CHECK MARK}": "+", "\N{BALLOT X}": "x", "\N{MIDDLE DOT}": "*", "\N{BULLET}": "*",
    "\N{BOX DRAWINGS LIGHT VERTICAL}": "|", "\N{RIGHTWARDS ARROW}": "->", "\N{MULTIPLICATION SIGN}": "x",
}  # fmt: skip


def _drawn(sign: str) -> str:
    """Borders, corners and bars, of which tables and results are made, in letters; any other sign is a question mark."""
    if "\N{BOX DRAWINGS LIGHT HORIZONTAL}" <= sign <= "\N{BOX DRAWINGS HEAVY UP AND LIGHT DOWN}":
        return "-" if sign in "─━═╸╺" else "|" if sign in "│┃║" else "+"
    if "\N{FULL BLOCK}" <= sign <= "\N{LEFT ONE EIGHTH BLOCK}":
        return "#" if sign <= "\N{LEFT HALF BLOCK}" else " "
    return "?"


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """What to write where an encoding lacks a sign: never nothing, never an error."""
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_NEAREST.get(sign) or _drawn(sign) for sign in lacking), error.end


codecs.register_error("veche", _nearest)


class Outlet(io.RawIOBase):
    """A stream that takes everything. ``failure`` is the first error, after which nothing more is written."""

    def __init__(self, inner: Any) -> None:
        """``inner``: the raw stream of Python's own."""
        self._inner = inner
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._inner.isatty())

    def fileno(self) -> int:
        return int(self._inner.fileno())

    def write(self, data: Any) -> int:
        size = len(data)
        while self.failure is None:
            try:
                done: int | None = self._inner.write(data)
            except OSError as error:
                self.failure = error
            else:
                if done is not None:
                    return done
                time.sleep(0.01)  # a pipe that does not block, and is full
        return size


class Streams:
    """The two outputs of this process, guarded. Where they are somebody else's (a test's), they are left as they are."""

    def __init__(self) -> None:
        self._outlet: Outlet | None = None
        for descriptor in range(3):
            _hold(descriptor)
        if sys.stdout is None:  # closed by whoever started us: they want none of it
            sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        if sys.stdin is None:
            sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
        if sys.stderr is None:
            sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        if sys.stdout is sys.__stdout__:
            self._outlet, sys.stdout = _guarded(sys.stdout)
        if sys.stderr is sys.__stderr__:
            _, sys.stderr = _guarded(sys.stderr)

    def exit_code(self, code: int) -> int:
        """The exit code of a command that has ended with this one, once all that it said is written, as far as it can be."""
        with suppress(ValueError, AttributeError):  # somebody else's stream, which they have closed
            sys.stdout.flush()
        failure = self._outlet.failure if self._outlet is not None else None
        if code or failure is None:
            return code
        return PIPE if failure.errno == errno.EPIPE else FAILED

    @property
    def failure(self) -> OSError | None:
        """Why not all of the output could be written; None also if whoever read it went away."""
        found = self._outlet.failure if self._outlet is not None else None
        return None if found is None or found.errno == errno.EPIPE else found


def print_json(data: Any, indent: int = 2) -> None:
    """Print JSON, which says all that it says in any encoding."""
    encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
    print(json.dumps(data, ensure_ascii=not encoding.startswith("utf"), indent=indent))


def _hold(descriptor: int) -> None:
    """Keep the place of a standard stream that is closed: the next file that is opened, a ledger's database, must not be it."""
    try:
        os.fstat(descriptor)
    except OSError:
        with suppress(OSError):
            os.open(os.devnull, os.O_RDWR)


def _guarded(stream: Any) -> tuple[Outlet, io.TextIOWrapper]:
    buffer = stream.buffer
    outlet = Outlet(getattr(buffer, "raw", buffer))
    text = io.TextIOWrapper(
        io.BufferedWriter(outlet), stream.encoding, "veche", newline=None, line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )  # fmt: skip
    return outlet, text
