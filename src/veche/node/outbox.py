"""What a node has taken in and is in no block yet: in a small database of its own beside the ledger's, ``outbox.db``.

An entry lies here before anybody is told that it was taken in, and until it is in a block that is durable, or the rules have refused
it. What was in it when the node ended is offered again when it starts. Of what has come into the log, the numbers are remembered for
``REMEMBERED``, for whoever asks.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from veche.errors import UserError
from veche.ledger.ledger import Ledger
from veche.ledger.store import Disagrees, plainly
from veche.texts import Message

FILE = "outbox.db"
REMEMBERED = 7 * 86_400
"""Seconds, of the ledger's time, for which it is known by an entry's hash which number it has."""
_SETTINGS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
_TABLES = """
CREATE TABLE IF NOT EXISTS kept (hash BLOB PRIMARY KEY, entry BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS placed (hash BLOB PRIMARY KEY, number INTEGER NOT NULL, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS placed_time ON placed (time);
CREATE TABLE IF NOT EXISTS position (size INTEGER NOT NULL) STRICT;
"""


class Outbox:
    """The open outbox of a ledger's folder. Threads may use it one after the other. What the disk refuses raises UserError."""

    def __init__(self, ledger: Ledger) -> None:
        """Open it, and settle what came into the log before and was not noted: after a crash. The ledger is at rest."""
        self._folder = ledger.folder
        with _plainly(self._folder):
            self._db = sqlite3.connect(self._folder / FILE, isolation_level=None, check_same_thread=False)
            self._db.executescript(_SETTINGS)
            self._db.executescript(_TABLES)
            self._catch_up(ledger)

    def close(self) -> None:
        self._db.close()

    def _catch_up(self, ledger: Ledger) -> None:
        waiting = {row[0] for row in self._db.execute("SELECT hash FROM kept")}
        (position,) = self._db.execute("SELECT size FROM position").fetchone() or (ledger.size,)
        placed = []
        for number in range(position, ledger.size) if waiting else ():
            found = sha256(ledger.entry(number)).digest()
            if found in waiting:
                placed.append((found, number))
        self.settle(placed, ledger.time, ledger.size)

    def keep(self, entries: Iterable[bytes]) -> None:
        """Keep them, durably: all of them or none."""
        rows = [(sha256(entry).digest(), entry) for entry in entries]
        with _plainly(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", rows)

    def kept(self) -> list[bytes]:
        """All that is in no block yet."""
        with _plainly(self._folder):
            return [row[0] for row in self._db.execute("SELECT entry FROM kept")]

    def settle(self, placed: Sequence[tuple[bytes, int]], time: int, size: int) -> None:
        """Entries, by their hashes, are in the log under these numbers. ``time``: of the newest block; ``size``: of the log up to which
        all that came into it is said here, now or before."""
        with _plainly(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO placed VALUES (?, ?, ?)", [(*row, time) for row in placed])
            self._db.executemany("DELETE FROM kept WHERE hash = ?", [(found,) for found, _ in placed])
            self._db.execute("DELETE FROM placed WHERE time < ?", (time - REMEMBERED,))
            self._db.execute("DELETE FROM position")
            self._db.execute("INSERT INTO position VALUES (?)", (size,))

    def drop(self, refused: Sequence[bytes]) -> None:
        """Keep the entries with these hashes no longer: they were refused."""
        with _plainly(self._folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM kept WHERE hash = ?", [(found,) for found in refused])

    def number_of(self, entry: bytes) -> int | None:
        """The number in the log of the entry with this hash, if it is remembered."""
        with _plainly(self._folder):
            found = self._db.execute("SELECT number FROM placed WHERE hash = ?", (entry,)).fetchone()
        return None if found is None else int(found[0])


@contextmanager
def _plainly(folder: Path) -> Iterator[None]:
    """As :func:`veche.ledger.store.plainly`; a database that is damaged is this one, and not the ledger's."""
    try:
        with plainly(folder):
            yield
    except Disagrees as error:
        raise UserError(
            Message("What this node took in, and is in no block yet, cannot be read: {file} is damaged.", file=folder / FILE),
            Message(
                "The ledger is whole. Move that file away, keep it, and start again. Entries that were in it and that no other node has are "
                "lost: ask those who handed in since the last block to look, and to hand in again."
            ),
        ) from error  # fmt: skip
