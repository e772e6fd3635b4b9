"""The frame of a node's log, kept beside it in a small database, ``frame.db``, for whoever takes it before the ballots. docs/adr/0028.

It follows from the published log alone. Whoever removes it loses nothing: it is made again, and so it is where it does not fit.
"""

import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

from veche.errors import DoesNotHold, UserError
from veche.ledger.entries.charter import read_charter
from veche.ledger.frame import Framing, Item, by_block, pack_items
from veche.ledger.store import plainly
from veche.log.log import Log, Snapshot
from veche.log.source import Folder
from veche.log.tiles import WIDTH
from veche.logs import log as logged

FILE = "frame.db"
PAUSE = 0.5
"""Seconds between two looks whether the log has grown."""
STEP = 0.1
"""Seconds for which it is gone through before the thread rests, three times as long."""
REST = 3
_TABLES = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS made (charter BLOB, start INTEGER, root BLOB, frontier BLOB, awaited INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS item (place INTEGER PRIMARY KEY, number INTEGER, entry BLOB) STRICT;
"""


class Frames:
    """That of the log in a folder, with which a thread goes on from :meth:`begin` to :meth:`close`. Bundles are asked for on one other
    thread."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._source = folder, Folder(folder)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="veche-frame", daemon=True)
        self._asked: sqlite3.Connection | None = None

    def begin(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._asked is not None:
            self._asked.close()

    def bundle(self, index: int, width: int) -> bytes | None:
        """The first ``width`` items of a bundle; None if there are not so many yet."""
        with suppress(sqlite3.Error):
            if self._asked is None:
                self._asked = self._connect()
            rows = self._asked.execute(
                "SELECT number, entry FROM item WHERE place >= ? ORDER BY place LIMIT ?", (index * WIDTH, width)
            ).fetchall()
            if len(rows) == width:
                return pack_items(Item(*row) for row in rows)
        return None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._folder / FILE, isolation_level=None, check_same_thread=False)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(self._connect()) as db, plainly(self._folder):
                    db.executescript(_TABLES)
                    self._follow(db)
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    with suppress(OSError):
                        (self._folder / FILE).unlink()  # what is damaged is made again
            except (DoesNotHold, UserError, OSError) as error:
                logged().warning("the frame of the log stands still", reason=str(error))
                self._stop.wait(60 * PAUSE)

    def _follow(self, db: sqlite3.Connection) -> None:
        """Go on whenever the log has grown, until the end."""
        framing = self._begin(db)
        while not self._stop.wait(PAUSE):
            if framing is None:
                framing = self._begin(db)
                continue
            snapshot = Snapshot(self._source)
            head = snapshot.checkpoint().checkpoint
            if head.size == framing.start:
                continue
            log = Log(snapshot, head)
            blocks = by_block(
                Item(number, entry) for number, entry in enumerate(log.entries(framing.start), framing.start)
            )
            ended = False
            while not ended and not self._stop.is_set():
                end = time.monotonic() + STEP
                db.execute("BEGIN")
                while time.monotonic() < end and not ended:
                    block = next(blocks, None)
                    ended = block is None
                    if block is not None:
                        place = framing.size
                        found = framing.take(block)
                        db.executemany(
                            "INSERT INTO item VALUES (?, ?, ?)", [(place + at, *item) for at, item in enumerate(found)]
                        )
                start, frontier, awaited = framing.place
                db.execute(
                    "UPDATE made SET start = ?, root = ?, frontier = ?, awaited = ?",
                    (start, log.root(start), frontier, awaited),
                )
                db.execute("COMMIT")
                self._stop.wait(REST * STEP)

    def _begin(self, db: sqlite3.Connection) -> Framing | None:
        """Where it stands, if that is in this very log; else from the beginning. None as long as nothing is published."""
        try:
            head = self._source.checkpoint().checkpoint
        except DoesNotHold:
            return None
        log = Log(Snapshot(self._source), head)
        charter = log.entry(0)
        made = db.execute("SELECT charter, start, root, frontier, awaited FROM made").fetchone()
        if (
            made is not None
            and made[0] == charter
            and made[1] <= log.size
            and (not made[1] or log.root(made[1]) == made[2])
        ):
            return Framing(read_charter(charter).halt, made[1], made[3], bool(made[4]))
        db.execute("BEGIN")
        db.execute("DELETE FROM made")
        db.execute("DELETE FROM item")
        db.execute("INSERT INTO made VALUES (?, 0, ?, ?, 0)", (charter, b"", b""))
        db.execute("COMMIT")
        return Framing(read_charter(charter).halt)
