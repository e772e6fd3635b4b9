"""What a program must never forget, in a folder that must never be there twice.

A journal is a text file of one event a line, only ever appended to, each line durable before anything is done upon it:

    <hash> <inode> <changed> <event>

``hash`` = SHA-256 of the hash before it (nothing for the first) and the rest of the line.

**Copies and restored backups.** Beside the journal lies ``place``, which holds the newest line. Each event replaces it by a new
file, made durable, *before* the line goes into the journal with that file's inode and the time of its last change
(st_ctime_ns, which no program can set). In ``place`` itself the second number is the time at which that file was begun. So a
folder is where its journal was written if

- ``place`` has the last line's event, its inode and its time of change: nothing happened; or
- ``place`` is one event ahead of the journal, bears the inode that it names, and was changed within a minute of being begun: a
  crash between the two. Opening the journal appends that line.

Anything else is a copy, a backup that was restored, in whatever way, or a backup over which the program went on. Such a
folder is not settled: nothing is to be done in it until a person has said that no other is in use. What is appended to it
until then (``settle``) bears two zeros and leaves ``place`` alone, so that a crash before the end leaves a copy.

What this cannot detect: a whole disk or virtual machine put back to an earlier state below the file system; somebody who
edits the files on purpose; a backup that was made between the two writes and put back into the same inode within the minute.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from veche.durable.append import AppendOnly
from veche.durable.draft import Draft, draft_name, sweep
from veche.durable.files import place_of, write_private
from veche.durable.system import PRIVATE, plainly, sync
from veche.errors import UserError, because
from veche.texts import N_, Message

CRASH = 60_000_000_000
"""Nanoseconds within which a file is begun and named, by a program that crashes before it writes the same into the journal."""

Line = tuple[str, int, int, list[str]]
"""Hash, inode, time, and the words of the event."""


class Journal:
    """The open journal of a folder, locked against other programs until it is closed.

    A subclass says in ``KINDS`` how many words follow the first one of each kind of event.
    """

    KINDS: ClassVar[Mapping[str, int]] = {"settled": 0}
    NAME: ClassVar[str] = N_("The journal")

    def __init__(self, folder: Path, file: AppendOnly) -> None:
        self._folder = folder
        self._file = file
        self._place = folder / "place"
        self._last = ""
        self.events: list[list[str]] = []
        self.settled = self._read()
        """Whether this is the folder in which the journal was written, and no copy."""

    @classmethod
    def create(cls, folder: Path) -> None:
        """Begin a new journal. A crash before its end leaves a folder that is not settled, or no journal."""
        write_private(folder / "journal", b"")
        with cls.open(folder) as journal:
            journal.settle()

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Self]:
        """Open and lock, and complete what a crash interrupted. Raises UserError if it is missing, damaged, or in use by another program."""
        path = folder / "journal"
        try:
            file = AppendOnly(path)
        except OSError as error:
            raise UserError(
                Message(
                    "{name} {path} cannot be opened: {why}.", name=Message(cls.NAME), path=path, why=because(error)
                ),
                Message("Without its journal the program does not know what it has signed, so it does nothing."),
            ) from None
        with file:
            yield cls(folder, file)

    def append(self, *words: str) -> None:
        """Write one event down. When this returns it survives a loss of power, and may be acted upon. Raises UserError."""
        if self.settled:
            self._replace_place(words)
        self._write_line(*(place_of(self._place) if self.settled else (0, 0)), list(words))

    def settle(self) -> None:
        """From now on this is the folder in which the journal is written: the person's word, or a new folder. Raises UserError."""
        self.settled = True
        self.append("settled")

    def about(self, kind: str, subject: bytes) -> list[str] | None:
        """The event of this kind about this subject (its first word, in hexadecimal digits), if there is one."""
        return next((words for words in self.events if words[0] == kind and words[1] == subject.hex()), None)

    def last(self, kind: str) -> list[str] | None:
        """The newest event of this kind, if there is one."""
        return next((words for words in reversed(self.events) if words[0] == kind), None)

    def _replace_place(self, words: tuple[str, ...]) -> None:
        with plainly(self._place), Draft(self._place, PRIVATE, None) as draft:
            status = os.fstat(draft.descriptor)
            draft.write(_line(self._last, status.st_ino, status.st_ctime_ns, words))
            draft.finish(new=False)
            sync(self._place)  # the time at which it got its name, too

    def _write_line(self, inode: int, time: int, words: list[str]) -> None:
        line = _line(self._last, inode, time, words)
        self._file.append(line)  # a line that stays though this fails binds to what was never done: no harm
        self._last = line[:64].decode()
        self.events.append(words)

    def _read(self) -> bool:
        """Read all of it; whether the folder is settled."""
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        lines: list[Line] = []
        before = ""
        for number, text in enumerate(data[:whole].splitlines(), 1):
            line = self._parse(text, self._last)
            if line is None:
                raise UserError(
                    Message(
                        "Line {line} of {path} was changed or damaged.", line=str(number), path=self._folder / "journal"
                    ),
                    Message("The program does not know what it has signed, so it does nothing."),
                )
            before, self._last = self._last, line[0]
            self.events.append(line[3])
            lines.append(line)
        self._file.cut(whole)
        try:
            content, place = self._place.read_bytes().removesuffix(b"\n"), place_of(self._place)
        except OSError:
            return False
        if lines and (same := self._parse(content, before)):
            _, inode, changed, words = lines[-1]
            return (inode, changed, words) == (*place, same[3])
        ahead = self._parse(content, self._last)
        if ahead is None or ahead[1] != place[0] or not 0 <= place[1] - ahead[2] <= CRASH:
            return False
        with plainly(self._place):
            sweep(draft_name(self._place, None))
            sync(self._place)
            sync(self._folder)
        self._write_line(*place, ahead[3])
        return True

    def _parse(self, line: bytes, last: str) -> Line | None:
        """A line that follows the one with the hash ``last``; None if it does not."""
        words = line.decode("ascii", "replace").split(" ")
        if len(words) < 4 or not all(number.isdecimal() and len(number) <= 20 for number in words[1:3]):
            return None
        inode, time, event = int(words[1]), int(words[2]), words[3:]
        if len(event) - 1 != self.KINDS.get(event[0]) or line + b"\n" != _line(last, inode, time, event):
            return None
        return words[0], inode, time, event


def _line(last: str, inode: int, time: int, words: list[str] | tuple[str, ...]) -> bytes:
    text = " ".join([str(inode), str(time), *words])
    return f"{hashlib.sha256(f'{last}{text}'.encode()).hexdigest()} {text}\n".encode()
