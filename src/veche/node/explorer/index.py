"""What a page has to find in the log and the rules do not remember: where blocks begin, and ballots by their codes. In a small
database of its own beside the ledger's, ``explorer.db``.

It follows from the published log alone. Whoever removes it loses nothing: it is made again, and so it is where it does not fit.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from veche.ledger.codec import decode, digest
from veche.ledger.entries import BlockEntry
from veche.ledger.entries.ballot import POLL_ID, is_ballot, read_ballot
from veche.ledger.poll_state import PollState
from veche.ledger.reader import Reader
from veche.ledger.store import READ, plainly
from veche.log.tiles import WIDTH
from veche.words import PREFIX

FILE = "explorer.db"
STEP = 0.2
"""Seconds for which entries are gone through before the thread rests."""
HASH = 8
"""Bytes of an entry's hash that are kept, to find it by."""
LIST = 1_024
"""So many codes are in one list, on average at most: whoever asks for it tells the node no more than that theirs may be one of them."""
MOST = 4 * LIST
"""More are in no list that is shown: nobody can choose where the codes of many ballots lie."""
MOST_BITS = 20
"""The beginning that the codes of a list share is at most the first two words."""
_SETTINGS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
_TABLES = """
CREATE TABLE IF NOT EXISTS made (ledger BLOB, size INTEGER, root BLOB, ballots INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS block (number INTEGER PRIMARY KEY, height INTEGER, time INTEGER) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS block_height ON block (height);
CREATE TABLE IF NOT EXISTS entry (hash BLOB, number INTEGER, PRIMARY KEY (hash, number)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ballot (number INTEGER PRIMARY KEY, poll INTEGER, code BLOB, later INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS ballot_code ON ballot (code);
"""


class Block(NamedTuple):
    """A block of the log: the number of its first entry, its height, its time (seconds since 1970), and how many entries it has."""

    number: int
    height: int
    time: int
    entries: int


class Coded(NamedTuple):
    """A ballot in a list: its number, that of its poll, the first bytes of its code, and the number of the one that replaced it."""

    number: int
    poll: int
    code: bytes
    later: int | None


class Index:
    """The open index of a ledger's folder, for one thread. What the disk refuses raises UserError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with plainly(folder):
            self._db = self._open()
        self._fits = False  # whether it was held against the log since it was opened

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            (self._folder / FILE).unlink()  # what is damaged is made again
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._folder / FILE, isolation_level=None, check_same_thread=False)
        try:
            db.executescript(_SETTINGS)
            db.executescript(_TABLES)
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()

    # What is written

    def go_on(self, reader: Reader) -> bool:
        """Go through the entries that have been published since, for ``STEP`` seconds at most; whether there are more of them."""
        with plainly(self._folder):
            if not self._fits:
                self._begin(reader)
            start, end = self.size, time.monotonic() + STEP
            while start < reader.size and time.monotonic() < end:
                start = self._take(reader, start)
            return start < reader.size

    def _begin(self, reader: Reader) -> None:
        """Begin again, unless what is here is of this very log."""
        made = self._db.execute("SELECT ledger, size, root FROM made").fetchone()
        if made is None or made[0] != reader.id or made[1] > reader.size or reader.log.root(made[1]) != made[2]:
            self._db.execute("BEGIN IMMEDIATE")
            for table in ("made", "block", "entry", "ballot"):
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("INSERT INTO made VALUES (?, 0, ?, 0)", (reader.id, reader.log.root(0)))
            self._db.execute("COMMIT")
        self._fits = True

    def _take(self, reader: Reader, start: int) -> int:
        """Note the entries from ``start`` to the end of their bundle; where that is."""
        end = min(reader.size, (start // WIDTH + 1) * WIDTH)
        blocks, others = [], []
        ballots: dict[bytes, list[tuple[int, bytes]]] = {}
        for number, data in enumerate(reader.log.entries(start, end), start):
            if is_ballot(data):
                ballots.setdefault(data[POLL_ID], []).append((number, read_ballot(data).ballot))
                continue
            item = decode(data)
            if item[0] == BlockEntry.kind:
                block = BlockEntry.parse(item[1])
                blocks.append(
                    (number if block.height else 0, block.height, block.time)
                )  # the charter comes before its block
            else:
                others.append((digest(data)[:HASH], number))
        coded, replaced = [], []
        for poll_id, found in ballots.items():
            poll = reader.state.poll(poll_id)
            assert poll is not None, "a ballot that was admitted has a poll"
            coded += list(_coded(poll, found))
            for number, _ in found:
                before = reader.state.replaced_by(poll.number, number)
                if before is not None:
                    replaced.append((number, before))
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT INTO block VALUES (?, ?, ?)", blocks)
            self._db.executemany("INSERT INTO entry VALUES (?, ?)", others)
            self._db.executemany("INSERT INTO ballot VALUES (?, ?, ?, NULL)", coded)
            self._db.executemany("UPDATE ballot SET later = ? WHERE number = ?", replaced)
            changed = (end, reader.log.root(end), len(coded))
            self._db.execute("UPDATE made SET size = ?, root = ?, ballots = ballots + ?", changed)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return end

    # What is asked

    @contextmanager
    def still(self) -> Iterator[None]:
        """In this ``with`` nothing changes for this reader."""
        with plainly(self._folder, READ):
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    @property
    def size(self) -> int:
        """How many of the log's first entries are in it."""
        return self._made("size")

    @property
    def ballots(self) -> int:
        """How many ballots are in it."""
        return self._made("ballots")

    def _made(self, name: str) -> int:
        row = self._db.execute(f"SELECT {name} FROM made").fetchone()
        return 0 if row is None else int(row[0])

    def block_of(self, number: int) -> Block | None:
        """The block in which the entry with this number stands; None if that is not in the index yet."""
        if number >= self.size:
            return None
        rows = self._db.execute(
            "SELECT number, height, time FROM block WHERE number <= ? ORDER BY number DESC LIMIT 1", (number,)
        )
        return self._block(rows)

    def block_at(self, height: int) -> Block | None:
        """The block of this height; None if it appended nothing, or is not in the index yet."""
        return self._block(self._db.execute("SELECT number, height, time FROM block WHERE height = ?", (height,)))

    def after(self, height: int) -> Block | None:
        """The first block of the log above this height."""
        rows = self._db.execute(
            "SELECT number, height, time FROM block WHERE height > ? ORDER BY height LIMIT 1", (height,)
        )
        return self._block(rows)

    def _block(self, rows: sqlite3.Cursor) -> Block | None:
        found = rows.fetchone()
        return None if found is None else self._counted([found], self._next(found[0]))[0]

    def _next(self, number: int) -> int:
        """Where the block ends that begins with the entry of this number."""
        row = self._db.execute(
            "SELECT number FROM block WHERE number > ? ORDER BY number LIMIT 1", (number,)
        ).fetchone()
        return self.size if row is None else int(row[0])

    def blocks(self, below: int, count: int) -> list[Block]:
        """The newest blocks below this height, so many at most, the newest first."""
        rows = self._db.execute(
            "SELECT number, height, time FROM block WHERE height < ? ORDER BY height DESC LIMIT ?", (below, count)
        ).fetchall()
        return self._counted(rows, self._next(rows[0][0])) if rows else []

    @staticmethod
    def _counted(rows: Sequence[tuple[int, int, int]], end: int) -> list[Block]:
        """Blocks that follow one another, the newest first, of which the first one ends before entry ``end``."""
        ends = [end, *(number for number, _, _ in rows)]
        return [Block(*row, end - row[0]) for row, end in zip(rows, ends, strict=False)]

    def by_hash(self, beginning: bytes) -> list[int]:
        """The numbers of entries, ballots left out, whose hash begins so (with at most ``HASH`` bytes): the first few."""
        rows = self._db.execute("SELECT number FROM entry WHERE hash >= ? AND hash < ? LIMIT 20",
                                (beginning, _after(beginning)))  # fmt: skip
        return [number for (number,) in rows]

    @property
    def bits(self) -> int:
        """How many bits the codes of a list share, so that there are no more than ``LIST`` in it on average."""
        return min(MOST_BITS, (self.ballots // LIST).bit_length())

    def coded(self, bits: int, place: int) -> list[Coded]:
        """The ballots whose codes begin with these bits, in the order of their codes. ``place`` is less than two to the ``bits``."""
        first, last = place << 80 - bits, (place + 1 << 80 - bits) - 1
        rows = self._db.execute(
            "SELECT number, poll, code, later FROM ballot WHERE code BETWEEN ? AND ? ORDER BY code, number LIMIT ?",
            (first.to_bytes(PREFIX, "big"), last.to_bytes(PREFIX, "big"), MOST),
        )
        return [Coded(*row) for row in rows]


def _coded(poll: PollState, found: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    codes = poll.frozen.kernel.codes([ballot for _, ballot in found])
    for (number, _), code in zip(found, codes, strict=True):
        yield number, poll.number, code[:PREFIX]


def _after(beginning: bytes) -> bytes:
    """The first that is greater than everything that begins so."""
    return beginning + b"\xff" * (HASH + 1)
