"""What happened to a node, in sentences, and what it remembers of other nodes: kept over restarts, and bounded whatever others do.

The file is its person's alone (0600): it says whom this node talks to.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from veche.durable import PRIVATE, replace
from veche.node.dashboard.facts import Work
from veche.texts import Localizable, Words

FILE = "dashboard.json"
"""In the ledger's folder."""
OF_A_KIND = 50
"""Sentences of one kind that are kept: so many liars push out no result."""
LONGEST = 400
"""Characters of one."""
MOST_NODES = 512
"""Nodes of which it is remembered when they agreed."""
MOST_BYTES = 1 << 20
"""Of the file."""


class Line(msgspec.Struct, frozen=True):
    """A sentence in both languages, when it became true, in seconds since 1970, and what kind of thing happened."""

    at: int
    kind: str
    en: str
    ru: str

    @property
    def says(self) -> Localizable:
        return Words(self.en, self.ru)


class Kept(msgspec.Struct):
    """What is written down. ``agreed``: when nodes last agreed, by address; ``stages``: of the polls that are not over, by id; None before the
    first look. ``work``: what is under way; ``charter``: the entry, of the ledger that is joined; ``woke``: when the machine last did;
    ``decided``: people know of two histories, and this copy is the right one."""

    lines: list[Line] = []
    agreed: dict[str, int] = {}
    stages: dict[str, str] | None = None
    work: Work | None = None
    charter: bytes = b""
    woke: int = 0
    decided: bool = False


class Diary:
    """That of the ledger in a folder. Any thread may use it."""

    def __init__(self, folder: Path) -> None:
        """A file that is damaged is as none."""
        self._file, self._lock = folder / FILE, threading.Lock()
        self._kept, self._written = Kept(), b""
        with suppress(OSError, msgspec.MsgspecError, RecursionError):
            if self._file.stat().st_size <= MOST_BYTES:
                self._written = self._file.read_bytes()
                self._kept = msgspec.json.decode(self._written, type=Kept)

    @property
    def kept(self) -> Kept:
        return self._kept

    def lines(self) -> list[Line]:
        """The newest first."""
        with self._lock:
            return sorted(self._kept.lines, key=lambda line: -line.at)

    def note(self, kind: str, said: Localizable, at: int) -> None:
        """Something happened."""
        with self._lock:
            line = Line(at, kind, said.text("en")[:LONGEST], said.text("ru")[:LONGEST])
            same = [one for one in self._kept.lines if one.kind == kind]
            if len(same) >= OF_A_KIND:
                self._kept.lines.remove(same[0])
            self._kept.lines.append(line)

    def agreed(self, times: Mapping[str, int]) -> None:
        """When nodes agreed."""
        with self._lock:
            found = self._kept.agreed | dict(times)
            newest = sorted(found.items(), key=lambda one: -one[1])[:MOST_NODES]
            self._kept.agreed = dict(newest)

    def save(self) -> None:
        """Write it down, if anything is new. Raises UserError if the disk refuses."""
        with self._lock:
            data = msgspec.json.encode(self._kept)
        if data != self._written:
            replace(self._file, data, PRIVATE)
            self._written = data
