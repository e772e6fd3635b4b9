"""A trustee's journal: what was seen and decrypted, written down before anything was done upon it.

A text file of one event a line, only ever appended to, each line durable before anything is done upon it:

    <hash> place <inode> <changed>                  where this journal lives, see below
    <hash> ledger <ledger>                          the one ledger that this trustee serves
    <hash> head <size> <root>                       a final head of that ledger; the next must go on from it
    <hash> decrypt <poll> <tally>                   the one tally of this poll, under the head last written down
    <hash> lost-poll <poll>                         never decrypted any more, see ``Trustee.adopt``
    <hash> lost-committee <committee>               no part taken any more, see ``Trustee.adopt``

``hash`` = SHA-256 of the hash before it (nothing for the first) and the rest of the line. A last line without newline was
torn by a crash; nothing was done upon it, so it is dropped.

**Copies and restored backups.** Two programs with one key could be led to decrypt two tallies of one poll. Beside the
journal lies an empty file, ``place``, that is never changed again; its inode and the time of its last change
(st_ctime_ns, which no program can set) are in the journal. A folder that was copied, or restored from a backup, has
another ``place``, and the program refuses. It also refuses if the ledger shows work of this trustee that the folder
does not know.
What this cannot detect: a whole disk or virtual machine put back to an earlier state below the file system, as long as the
ledger does not show what was forgotten; somebody who edits the journal on purpose; the same secrets used by another
program. Nobody can detect that from files alone: keep the machine's snapshots off, and the key on one machine.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from veche.durable import AppendOnly, place_of, write_private
from veche.errors import UserError

_LENGTHS = {"place": 2, "ledger": 1, "head": 2, "decrypt": 2, "lost-poll": 1, "lost-committee": 1}


class Journal:
    """The open journal of a trustee's folder, locked against other programs until it is closed."""

    def __init__(self, folder: Path, file: AppendOnly) -> None:
        self._folder = folder
        self._file = file
        self._last = ""
        self.events: list[list[str]] = []
        self._read()

    @classmethod
    def create(cls, folder: Path) -> None:
        """Begin the journal of a new trustee. A crash before its end leaves a folder that ``open`` refuses."""
        write_private(folder / "place", b"")
        write_private(folder / "journal", b"")
        with cls.open(folder) as journal:
            journal.settle()

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator["Journal"]:
        """Open and lock. Raises UserError if it is missing, damaged, or in use by another program."""
        path = folder / "journal"
        try:
            file = AppendOnly(path)
        except OSError as error:
            message = f"The trustee's journal {path} cannot be opened: {error.strerror}."
            raise UserError(message, "Without it the program does not know what it decrypted, so it refuses.") from None
        with file:
            yield cls(folder, file)

    def append(self, *words: str) -> None:
        """Write one event down. When this returns it survives a loss of power, and may be acted upon. Raises UserError."""
        text = " ".join(words)
        line = f"{_chain(self._last, text)} {text}\n"
        self._file.append(line.encode())  # a line that stays though this fails binds to what was never done: no harm
        self._last = line[:64]
        self.events.append(list(words))

    def settle(self) -> None:
        """Record where the journal lives now."""
        self.append("place", *self._place())

    def check_place(self) -> None:
        """Raise UserError if the folder is a copy of the one that this journal was written in."""
        settled = [words[1:] for words in self.events if words[0] == "place"]
        if not settled or settled[-1] != self._place():
            raise UserError(
                f"{self._folder} is a copy or a restored backup; another one may have decrypted with the same key.",
                "Use the original folder. If it is gone for good, adopt this one: polls that closed meanwhile are left"
                " to the other trustees.",
            )

    def about(self, kind: str, subject: bytes) -> list[str] | None:
        """The event of this kind about this poll or committee, if there is one."""
        return next((words for words in self.events if words[0] == kind and words[1] == subject.hex()), None)

    def last(self, kind: str) -> list[str] | None:
        """The newest event of this kind, if there is one."""
        return next((words for words in reversed(self.events) if words[0] == kind), None)

    def _place(self) -> list[str]:
        try:
            return [str(number) for number in place_of(self._folder / "place")]
        except OSError:
            return []

    def _read(self) -> None:
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            mark, _, text = line.decode("ascii", "replace").partition(" ")
            words = text.split(" ")
            if mark != _chain(self._last, text) or len(words) - 1 != _LENGTHS.get(words[0]):
                message = f"Line {number} of {self._folder / 'journal'} was changed or damaged."
                raise UserError(message, "The program does not know what it decrypted, so it refuses to go on.")
            self._last = mark
            self.events.append(words)
        self._file.cut(whole)


def _chain(last: str, text: str) -> str:
    return hashlib.sha256(f"{last}{text}".encode()).hexdigest()
