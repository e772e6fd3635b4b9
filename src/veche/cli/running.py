"""How ``veche ledger run`` and ``veche node run`` stay: what they serve, what ends them, and what they show meanwhile."""

import os
import signal
import sys
import time as clock_time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType

from rich.console import Console
from rich.live import Live

from veche import logs
from veche.audit.witnesses import read_witnesses
from veche.clock import system
from veche.engine.engine import Engine
from veche.engine.inbox import CLEANING, PAUSE, Inbox
from veche.errors import DoesNotHold, VecheError
from veche.ledger.reader import read_own
from veche.terminal.running import Running, table
from veche.terminal.say import language, say
from veche.texts import Localizable, Message

EVERY = 1.0
"""Seconds between two looks at the ledger."""


def say_browser(address: tuple[str, int]) -> None:
    """Say where a browser finds the pages of a node whose door is there."""
    host, port = address
    at = f"[{host}]" if ":" in host else host
    say(Message("A browser shows the ledger at http://{host}:{port}.", host=at, port=str(port)))


@contextmanager
def until_told() -> Iterator[Callable[[], bool]]:
    """Whether somebody has asked for the end, with Ctrl-C or as systemd does; in between neither ends the process."""
    told = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal told
        told = True

    previous = [(number, signal.signal(number, end)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield lambda: told
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


def serve(
    inbox: Inbox,
    engine: Engine,
    check: Callable[[], None],
    display: "Display",
    told: Callable[[], bool],
    seconds: float | None,
) -> None:
    """Hand in what comes into the inbox, until ``told`` or until so many seconds are over. ``check`` raises what broke."""
    cleaned = clock_time.monotonic()
    finish = cleaned + seconds if seconds is not None else None
    while not told() and (finish is None or clock_time.monotonic() < finish):
        check()
        served = inbox.serve(engine)
        display.look(served)
        if clock_time.monotonic() - cleaned > CLEANING:
            inbox.clean()
            cleaned = clock_time.monotonic()
        if not served:
            clock_time.sleep(PAUSE)


class Display:
    """A ledger's folder while its engine runs in this process. Use it in a ``with``, and call :meth:`look` again and again.

    It looks from outside, as any reader does, at what is published: the engine is not disturbed, and what is shown is what others see.
    """

    def __init__(self, folder: Path, lines: bool) -> None:
        """``lines``: write to the log, even on a terminal."""
        self._folder = folder
        self._lines = lines
        self._live = (
            None if lines or not sys.stdout.isatty() else Live(console=Console(highlight=False), auto_refresh=False)
        )
        self._since, self._next, self._handed_in = system().time, 0.0, 0
        self._size: int | None = None

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def look(self, handed_in: int, last: bool = False) -> None:
        """Show what is new, at most once in a while, and at last. ``handed_in``: how many entries came since the last call."""
        self._handed_in += handed_in
        if (self._live is None and not self._lines) or (clock_time.monotonic() < self._next and not last):
            return
        self._next = clock_time.monotonic() + EVERY
        with suppress(
            VecheError, OSError
        ):  # a display is no reason to stop: what is wrong with the ledger, its engine finds
            seen = self._read()
            if self._live is not None:
                self._live.update(table(seen, language()), refresh=True)
            elif self._size is not None and seen.size != self._size:
                logs.log().info("grown", entries=seen.size - self._size, size=seen.size)
            self._size = seen.size

    def _read(self) -> Running:
        with read_own(self._folder) as reader:
            state, head, now = reader.state, reader.head.checkpoint, system().time
            trouble: Localizable | None = None
            witnesses: tuple[int, int] | None = None
            try:
                found = read_witnesses(reader.log, state)
                witnesses = (found.count(head.size), found.seats) if found.seats else None
            except DoesNotHold as error:
                trouble = error.said
            return Running(
                reader.charter.origin, self._since, state.get("height"), reader.time, head.size, head.root, self._handed_in,
                _waiting(self._folder), Counter(state.poll_stages(now)), len(state.forming_committees()),
                witnesses, trouble,
            )  # fmt: skip


def _waiting(folder: Path) -> int:
    """How many entries lie in the inbox."""
    try:
        with os.scandir(folder / "inbox") as there:
            return sum(one.name.endswith(".entry") and not one.name.startswith(".") for one in there)
    except OSError:
        return 0
