"""The node's database: the rules' state, and the log's tail, which is not yet in full, durable bundles. SQLite in WAL mode.

A block is one transaction. What is committed survives a loss of power (synchronous=FULL); what is not never was.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from veche.errors import DoesNotHold, UserError, because
from veche.ledger.guard import SCHEMA as SEAL
from veche.ledger.guard import Guard, check, check_ballots, seal
from veche.ledger.ownership import take
from veche.ledger.poll_state import PollState, Wrong
from veche.ledger.state import State
from veche.log.tiles import CHECKPOINT, pack, split_entries
from veche.texts import N_, Clause, Message, Said

DATABASE = "veche.db"
WRITE = N_("The ledger in {folder} cannot be written: {error}.")
READ = N_("The ledger in {folder} cannot be read: {error}.")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
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
        self.state = State(connection, twice=False)
        self._guard: Guard | None = None  # of the writer
        self._place: tuple[int, int] | None = None  # of the writer: which file its database is
        self._in_doubt = False  # whether a commit failed: the disk may have done it, and then said that it had not

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """To write: by the one who holds the folder's lock. The tables are made if they are missing."""
        with plainly(folder):
            store = cls(folder, sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False))
            try:
                store.db.executescript(_SETTINGS)
                store.check_schema()
                store.prepare()
                store._keep()
                take(folder)
                store._place = store._found()
            except BaseException:
                store.close()
                raise
        return store

    @classmethod
    def read(cls, folder: Path) -> "Store":
        """To read, as it is at this moment: what is committed later is not seen. Raises UserError if that cannot be done."""
        with plainly(folder, READ):
            address = f"{(folder / DATABASE).resolve().as_uri()}?mode=ro"
            store = cls(folder, sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False))
            try:
                store.db.execute("BEGIN")
                store.state.get("size")
            except BaseException:
                store.close()
                raise
        return store

    def check_place(self) -> None:
        """Raises UserError if the database that is written is no more the one in the folder: nobody would ever see what is added."""
        if self._place is not None and self._found() != self._place:
            raise UserError(
                Message(
                    "The ledger's database in {folder} was moved, replaced or removed while it was in use.",
                    folder=self._folder,
                ),
                Message("Nothing more is taken in. Put the folder back, and look who touched it: veche ledger run"),
            )

    def _found(self) -> tuple[int, int] | None:
        """Which file the database in the folder is; None if there is none."""
        try:
            status = (self._folder / DATABASE).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def prepare(self) -> None:
        """Make the tables that are missing."""
        self.db.execute(_TAIL)
        self.db.execute(SEAL)
        self.state.prepare()

    def check_schema(self) -> None:
        """Raises Disagrees if there are other tables than this program makes."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
            Store(self._folder, empty).prepare()
            tables = "SELECT name, sql FROM main.sqlite_master ORDER BY name"
            found, wanted = self.db.execute(tables).fetchall(), empty.execute(tables).fetchall()
        if not set(found) <= set(wanted):  # those that are missing, where a creation was cut short, are made
            raise Disagrees(self._folder, Message("its tables are of another version of this program, or were changed"))

    def check(self) -> None:
        """Compare all that is on disk and counts with what was written. Raises Disagrees."""
        with self.plainly(READ), self.as_disagreement():
            check(self.db)

    def check_ballots(self, poll: PollState) -> None:
        """The same for the ballots' rows of one poll, with the sums that are in memory."""
        groups = {grp: (group.counted, group.rows) for grp, group in enumerate(poll.groups)}
        with self.as_disagreement():
            check_ballots(self.db, poll.number, groups)

    @contextmanager
    def as_disagreement(self) -> Iterator[None]:
        """In this ``with``, what is found wrong with the state raises Disagrees."""
        try:
            yield
        except Wrong as wrong:
            raise Disagrees(self._folder, wrong.what) from None

    def seal(self) -> None:
        """Seal the tables as they are, as part of a transaction: by whoever has derived all of it just now."""
        seal(self.db)

    def _keep(self) -> None:
        self.check()
        self._guard = Guard(self.db)

    def close(self) -> None:
        self.db.close()

    def plainly(self, doing: str = WRITE) -> AbstractContextManager[None]:
        """Say in a plain sentence what the disk did: whatever it refuses in this ``with`` raises UserError."""
        return plainly(self._folder, doing)

    # Transactions

    def begin(self) -> None:
        """Begin a transaction, in which the state may be changed."""
        with self.plainly():
            self.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable. A crash before COMMIT leaves it undone, one after it leaves it done."""
        with self.plainly():
            if self._guard is None:
                self.db.execute("COMMIT")
                return
            self._guard.write_down(self.db)
            self._in_doubt = True
            self.db.execute("COMMIT")
            self._in_doubt = False
            self._guard.settle()

    def roll_back(self) -> None:
        """Take it back, if one is open (SQLite ends a transaction itself when the disk is full)."""
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        if self._in_doubt:
            self._keep()
            self._in_doubt = False
        elif self._guard is not None:
            self._guard.forget()

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
        with self.plainly(READ):
            next_number: int | None = None
            for number, count, entries in self.db.execute(
                "SELECT number, count, entries FROM tail WHERE number + count > ? ORDER BY number", (start,)
            ):
                if number != next_number and (next_number is not None or number > start):
                    raise Disagrees(
                        self._folder, Message("entries are missing before entry {number}", number=str(number))
                    )
                next_number = number + count
                stop = count if end is None else end - number
                try:
                    held = split_entries(entries, number, count, DATABASE)
                except DoesNotHold as error:
                    raise Disagrees(self._folder, Clause(error.said)) from None
                found += held[max(start - number, 0) : max(stop, 0)]
        return found

    def drop(self, before: int) -> None:
        """Forget the entries before this number, as part of a transaction: full, durable bundles hold them."""
        self.db.execute("DELETE FROM tail WHERE number + count <= ?", (before,))
        self.state.put("published", before)


class Disagrees(UserError):
    """The database of a ledger's folder is not what follows from the log: nothing more may be derived from it."""

    def __init__(self, folder: Path, what: Said) -> None:
        """``what`` is wrong, as half a sentence."""
        super().__init__(
            Message("The database of the ledger in {folder} cannot be relied on: {what}.", folder=folder, what=what),
            mend(folder),
        )


def mend(folder: Path) -> Message:
    """What to do about a database that is missing, or not what follows from the log."""
    return Message("Make it anew from the public files: veche ledger rebuild --ledger {folder}", folder=folder)


def must_exist(folder: Path) -> None:
    """Raise UserError if there is no database in a ledger's folder."""
    if not (folder / DATABASE).is_file():
        if is_public(folder):
            raise UserError(Message("The ledger in {folder} has no database.", folder=folder), mend(folder))
        raise UserError(
            Message("There is no ledger in {folder}.", folder=folder), Message("Begin one with: veche ledger init")
        )


def is_public(folder: Path) -> bool:
    """Whether there are public files in a ledger's folder, from which its database can be made anew."""
    return (folder / CHECKPOINT).exists()


@contextmanager
def whole(folder: Path) -> Iterator[None]:
    """In this ``with``, a database that turns out to be damaged raises Disagrees."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
            raise Disagrees(folder, Message("it is damaged ({error})", error=because(error))) from error
        raise


@contextmanager
def plainly(folder: Path, doing: str = WRITE) -> Iterator[None]:
    """Say in a plain sentence what the disk did to a ledger's folder: what it refuses in this ``with`` raises UserError.

    ``doing``: READ or WRITE.

    Nothing is lost: what was not committed was not acknowledged.
    """
    try:
        with whole(folder):
            yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a mistake of this program, not of the disk
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserError(
            Message(doing, folder=folder, error=because(error)),
            Message(
                "Make room on the disk or give the right to write there, then start again; nothing acknowledged is lost."
            ),
        ) from error
