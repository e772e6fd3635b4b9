"""A ledger in a folder: the log, the state that it leads to, and the files that the world reads.

    veche.db         the node's own: the state, and every entry that is not yet in a full, durable bundle of tile/
    log.key          the key that signs checkpoints (embedded engine), mode 0600
    checkpoint, tile/, attachment/   what everybody may copy (docs/protocol.md, section 5)

The database decides: a block is committed there in one transaction, and only then acknowledged. Tiles and checkpoint are
made from it afterwards; a crash in between is repaired by :meth:`Ledger.publish`, the same code as in normal work.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path

from veche.durable import Lock, make_folder, replace
from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.charter import Charter
from veche.ledger.entry import digest
from veche.ledger.machine import Machine
from veche.ledger.rules.ballot import Checked
from veche.ledger.state import State
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.publish import Publisher
from veche.log.tiles import ENTRIES, WIDTH, Tile, unpack

DATABASE = "veche.db"
LOG_KEY = "log.key"
BEAT = 60
"""How often, in seconds, the time of a block that appends nothing is written down."""

Verdict = Checked | Refused | None


class Ledger:
    """The one writer of a ledger's folder (it holds a lock on it). ``time`` is given to it; it reads no clock."""

    def __init__(self, folder: Path, key: SigningKey) -> None:
        """Open a ledger, and repair what a crash left unpublished. Raises UserError if it is missing, in use or cannot be written."""
        if not (folder / DATABASE).exists():
            raise UserError(f"There is no ledger in {folder}.", "Begin one with: veche ledger init")
        self._open(folder, key)
        try:
            if not self.state.founded:
                raise UserError(f"The ledger in {folder} has no charter.", "Begin it with: veche ledger init")
            self.publish()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, folder: Path, charter: bytes, key: SigningKey) -> "Ledger":
        """Begin a ledger with this charter entry. Raises Refused, UserError.

        A crash leaves a ledger without charter at most, which is begun by calling this again.
        """
        parsed = Charter.parse(charter)
        if parsed.log_key != key.public:
            raise UserError(
                "This is not the log's key that the charter names.", "Give the key file that belongs to the charter."
            )
        made = cls.__new__(cls)
        made._open(folder, key)
        try:
            if made.state.founded:
                raise UserError(f"There is a ledger in {folder} already.", "Choose an empty folder.")
            with _plainly(folder):
                made.db.execute("BEGIN IMMEDIATE")
                made.machine.found(charter)
                made._store(parsed.time)
            made.publish()
        except BaseException:
            made.close()
            raise
        return made

    def _open(self, folder: Path, key: SigningKey) -> None:
        self.folder = folder
        self._key = key
        self._resources = ExitStack()
        try:
            with _plainly(folder):
                make_folder(folder)
                self._resources.enter_context(Lock(folder / "lock", f"the ledger in {folder}", "writing"))
                self.db = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False)
                self._resources.enter_context(closing(self.db))
                self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;")
                self.db.execute("CREATE TABLE IF NOT EXISTS tail (number INTEGER PRIMARY KEY, data BLOB) STRICT")
                self.state = State(self.db)
                self.machine = Machine(self.state, self.entry)
                self._publisher = Publisher(folder)
                self._bundle = lru_cache(maxsize=64)(self._read_bundle)
                self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        """Take memory from disk: at the start, and after a block that failed, of which memory may hold a part."""
        self.state.forget()
        self.machine.load()
        self.height, self.time = self.state.get("beat_height"), self.state.get("beat")
        row = self.db.execute("SELECT value FROM meta WHERE name = 'frontier'").fetchone()
        self._frontier = merkle.Frontier() if row is None else merkle.Frontier.from_bytes(row[0])

    def close(self) -> None:
        self._resources.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        return self._frontier.size

    # Blocks

    def block(
        self, time: int, entries: Sequence[bytes] = (), verdicts: Sequence[Verdict] | None = None
    ) -> list[int | Refused]:
        """Make the next block at this time, of those entries that the rules admit, durable when this returns.

        The answer has for each entry its number in the log or why it was refused. ``verdicts`` are those of
        :meth:`Machine.check`. A block that neither appends anything nor ends a standstill only moves the time on.
        Raises UserError if the disk is full or the folder cannot be written: then there was no block.
        """
        time = max(time, self.time)
        try:
            with _plainly(self.folder):
                self.db.execute("BEGIN IMMEDIATE")
                self.machine.begin(self.height + 1, time, self.time)
                answers = [self._admit(data, verdicts[i] if verdicts else None) for i, data in enumerate(entries)]
                if self.machine.matters:
                    self._store(time)
                else:
                    self._skip(time)
        except BaseException:
            if self.db.in_transaction:  # SQLite ends a transaction itself when the disk is full
                self.db.execute("ROLLBACK")
            self._load()
            raise
        return answers

    def _admit(self, data: bytes, verdict: Verdict) -> int | Refused:
        try:
            return self.machine.admit(data, verdict)
        except Refused as refusal:
            return refusal

    def _store(self, time: int) -> None:
        """Commit the block: entries, state and frontier at once. A crash before COMMIT leaves the block undone, one after it leaves it done."""
        self.machine.end()
        first = self._frontier.size
        for data in self.machine.appended:
            self._frontier.append(merkle.leaf_hash(data))
        self.db.executemany("INSERT INTO tail VALUES (?, ?)", enumerate(self.machine.appended, first))
        self.state.put("frontier", self._frontier.to_bytes())
        self.height, self.time = self.machine.height, time
        self.state.put("beat", time)
        self.state.put("beat_height", self.height)
        self.db.execute("COMMIT")

    def _skip(self, time: int) -> None:
        """A block that appends nothing: nothing changed but the time, which is written down now and then.

        A crash loses at most a minute of beats: the ledger then seems to have stood still a minute longer.
        """
        self.db.execute("ROLLBACK")
        self.machine.load()
        self.height += 1
        if time - self.state.get("beat") >= BEAT:
            self.db.execute("BEGIN IMMEDIATE")
            self.state.put("beat", time)
            self.state.put("beat_height", self.height)
            self.db.execute("COMMIT")
        self.time = time

    # Reading

    def entry(self, number: int) -> bytes:
        """An entry of the log by its number. Raises UserError if there is none."""
        row = self.db.execute("SELECT data FROM tail WHERE number = ?", (number,)).fetchone()
        if row is not None:
            return bytes(row[0])
        if not 0 <= number < self.size:
            raise UserError(f"The ledger has no entry {number}; it has {self.size}, numbered from 0.")
        return self._bundle(number // WIDTH)[number % WIDTH]

    def _read_bundle(self, index: int) -> list[bytes]:
        tile = Tile(ENTRIES, index)
        return unpack(tile, (self.folder / tile.name).read_bytes())

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The head of the log, signed by the log's key."""
        head = Checkpoint(self.state.charter.origin, self._frontier.size, self._frontier.root())
        return SignedCheckpoint(head, (sign(head, self._key),))

    # Publishing

    def publish(self) -> None:
        """Write tiles and checkpoint up to the last block, then forget the entries that full bundles hold.

        Idempotent; a crash at any point is repaired by calling it again, as opening the ledger does. Raises UserError if
        the disk is full or the folder cannot be written, and DoesNotHold if files there are of another ledger.
        """
        with _plainly(self.folder):
            self._publish()

    def _publish(self) -> None:
        start = self.state.get("published")
        tail = [
            bytes(data)
            for (data,) in self.db.execute("SELECT data FROM tail WHERE number >= ? ORDER BY number", (start,))
        ]
        end = self._publisher.publish(start, tail, self.checkpoint)
        if end != start:
            try:
                self.db.execute("BEGIN IMMEDIATE")
                self.db.execute("DELETE FROM tail WHERE number < ?", (end,))
                self.state.put("published", end)
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    def attach(self, content: bytes) -> bytes:
        """Store an attachment (a 32-byte salt, then the content) beside the log; the answer is its hash."""
        name = digest(content)
        folder = self.folder / "attachment"
        make_folder(folder)
        replace(folder / name.hex(), content, drafts=self.folder)  # in the folder itself others would see the draft
        return name


@contextmanager
def _plainly(folder: Path) -> Iterator[None]:
    """Say in a plain sentence what the disk did. Nothing is lost: what was not committed was not acknowledged."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a mistake of this program, not of the disk
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserError(
            f"The ledger in {folder} cannot be written: {error}.",
            "Make room on the disk or give the right to write there, then start again; nothing acknowledged is lost.",
        ) from error
