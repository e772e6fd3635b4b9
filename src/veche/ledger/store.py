"""The node's database: the rules' state, and the log's tail, which is not yet in full, durable bundles. SQLite in WAL mode.

A block is one transaction. What is committed survives a loss of power (synchronous=FULL); what is not never was.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from veche.errors import UserError
from veche.ledger.ownership import take
from veche.ledger.state import State
from veche.log.tiles import pack, split_entries

DATABASE = "veche.db"
_SETTINGS = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;
PRAGMA wal_autocheckpoint=8000; -- pages: about four full blocks
PRAGMA secure_delete=OFF; -- what is deleted here has been published
"""
_TAIL = "CREATE TABLE IF NOT EXISTS tail (number INTEGER PRIMARY KEY, count INTEGER, entries BLOB) STRICT"
"""One row a block: the number of its first entry, how many it has, and the entries as in a bundle."""


class Store:
    """One connection to the database of a ledger's folder. Everything that the disk refuses raises UserError."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self.db = connection
        self.state = State(connection)

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """To write: by the one who holds the folder's lock. The tables are made if they are missing."""
        with plainly(folder):
            store = cls(folder, sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False))
            try:
                store.db.executescript(_SETTINGS)
                store.db.execute(_TAIL)
                store.state.prepare()
                take(folder)
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def read(cls, folder: Path) -> "Store":
        """To read, as it is at this moment: what is committed later is not seen. Raises UserError if that cannot be done."""
        with plainly(folder, "read"):
            address = f"{(folder / DATABASE).resolve().as_uri()}?mode=ro"
            store = cls(folder, sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False))
            try:
                store.db.execute("BEGIN")
                store.state.get("size")
            except BaseException:
                store.close()
                raise
        return store

    def close(self) -> None:
        self.db.close()

    def plainly(self, what: str = "written") -> AbstractContextManager[None]:
        """Say in a plain sentence what the disk did: whatever it refuses in this ``with`` raises UserError."""
        return plainly(self._folder, what)

    # Transactions

    def begin(self) -> None:
        """Begin a transaction, in which the state may be changed."""
        with self.plainly():
            self.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable. A crash before COMMIT leaves it undone, one after it leaves it done."""
        with self.plainly():
            self.db.execute("COMMIT")

    def roll_back(self) -> None:
        """Take it back, if one is open (SQLite ends a transaction itself when the disk is full)."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done in it, or take it back if it raises."""
        self.begin()
        try:
            with self.plainly():
                yield
            self.commit()
        except BaseException:
            with suppress(sqlite3.Error):
                self.roll_back()
            raise

    # The tail of the log

    def append(self, first: int, entries: Sequence[bytes]) -> None:
        """Put the entries of a block behind the tail, the first of them with this number."""
        with self.plainly():
            self.db.execute("INSERT INTO tail VALUES (?, ?, ?)", (first, len(entries), pack(entries)))

    def tail(self, start: int, end: int | None = None) -> list[bytes]:
        """The entries of the tail from number ``start`` up to ``end`` (all by default)."""
        found: list[bytes] = []
        with self.plainly("read"):
            for number, count, entries in self.db.execute(
                "SELECT number, count, entries FROM tail WHERE number + count > ? ORDER BY number", (start,)
            ):
                stop = count if end is None else end - number
                held = split_entries(entries, number, count, DATABASE)
                found += held[max(start - number, 0) : max(stop, 0)]
        return found

    def drop(self, before: int) -> None:
        """Forget the entries before this number, as part of a transaction: full, durable bundles hold them."""
        self.db.execute("DELETE FROM tail WHERE number + count <= ?", (before,))
        self.state.put("published", before)


@contextmanager
def plainly(folder: Path, what: str = "written") -> Iterator[None]:
    """Say in a plain sentence what the disk did to a ledger's folder: what it refuses in this ``with`` raises UserError.

    Nothing is lost: what was not committed was not acknowledged.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a mistake of this program, not of the disk
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserError(
            f"The ledger in {folder} cannot be {what}: {error}.",
            "Make room on the disk or give the right to write there, then start again; nothing acknowledged is lost.",
        ) from error
