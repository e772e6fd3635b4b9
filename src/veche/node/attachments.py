"""The files that entries name by their hash, which lie beside the log: had from whoever has them, and kept like the log itself.

They bind nobody: a poll counts by their hashes, so one that nobody has ends nothing, and is asked for again, ever more seldom. No disk is
filled with them: an office alone may name any number. Whoever puts an empty file in the place of one has withdrawn it on their own node:
it is neither served nor fetched again. docs/protocol.md, section 5; docs/adr/0024-followers.md.
"""

import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veche.durable import make_folder, replace
from veche.errors import DoesNotHold, VecheError
from veche.ledger.codec import digest
from veche.ledger.reader import Reader, read_own
from veche.log.source import ATTACHMENT_LIMIT
from veche.log.tiles import wrong
from veche.logs import log
from veche.node.addresses import AddressBook
from veche.node.web import ONCE, NoAnswer, Wire
from veche.texts import Message

FOLDER = "attachment"
EVERY = 20.0
"""Seconds between two looks whether entries name further ones."""
SOON, SELDOM = 10.0, 86_400.0
"""Seconds after which one that nobody had is asked for again: at first, then twice as many each time, at most."""
MOST_BYTES = 4 << 30
"""Bytes of all of them together, beyond which none is fetched."""
SPARED = 1 << 30
"""Bytes that are left free on the disk: the log needs them."""


def place(folder: Path, hashed: bytes) -> Path:
    """Where the one with this hash lies, in the folder of a ledger."""
    return folder / FOLDER / hashed.hex()


def missing(reader: Reader, folder: Path, start: int = 0) -> list[bytes]:
    """The hashes that entries from ``start`` on name, and of which nothing lies in this folder, not even an empty file."""
    named = dict.fromkeys(one.hash for one in reader.attachments(start))
    return [hashed for hashed in named if not place(folder, hashed).exists()]


@dataclass
class _Wanted:
    """``due``: when it is asked for, by the steady clock."""

    due: float = 0.0
    pause: float = SOON


class Attachments:
    """Fetches those of the ledger in a folder, on a thread of its own while it is used in a ``with``. ``every``: for tests."""

    def __init__(self, folder: Path, wire: Wire, book: AddressBook, every: float = EVERY) -> None:
        self._folder, self._wire, self._book, self._every = folder, wire, book, every
        self._read = 0  # entries that were looked through
        self._wanted: dict[bytes, _Wanted] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="veche-attachments", daemon=True)

    def __enter__(self) -> "Attachments":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(self._every)  # one that comes slowly is not waited for: nothing of it is written yet

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except (VecheError, OSError) as error:  # the log is what matters, and says itself what is wrong with it
                log().warning("attachments are not fetched", reason=str(error))
            self._stop.wait(self._every)

    def look(self) -> None:
        """Find out what entries name, and ask for what is due. Raises UserError if the disk refuses, or the ledger cannot be read."""
        with read_own(self._folder) as reader:
            for hashed in missing(reader, self._folder, self._read) if reader.size > self._read else ():
                self._wanted[hashed] = _Wanted()
            self._read = reader.size
        now = time.monotonic()
        due = [hashed for hashed, wanted in self._wanted.items() if wanted.due <= now]
        if not due or not self._has_room():
            return
        doors = self._book.choose()
        for hashed in due:
            if self._stop.is_set():
                return
            if place(self._folder, hashed).exists() or self._fetch(hashed, doors):
                del self._wanted[hashed]
                if not self._has_room():
                    return
            else:
                wanted = self._wanted[hashed]
                wanted.due, wanted.pause = time.monotonic() + wanted.pause, min(2 * wanted.pause, SELDOM)

    def _has_room(self) -> bool:
        folder = self._folder / FOLDER
        here = sum(one.stat().st_size for one in folder.iterdir()) if folder.is_dir() else 0
        free = shutil.disk_usage(self._folder).free
        return here + ATTACHMENT_LIMIT <= MOST_BYTES and free >= SPARED + ATTACHMENT_LIMIT

    def _fetch(self, hashed: bytes, doors: Sequence[str]) -> bool:
        """Have one from the first who has it; whether anybody had. Whoever gives another file is left."""
        name = f"{FOLDER}/{hashed.hex()}"
        for url in doors:
            try:
                content = self._wire.get(url, name, ATTACHMENT_LIMIT, ONCE)
                if not content:
                    continue
                if digest(content) != hashed:
                    raise wrong(name, Message("it is not the file that the entry names"))
            except NoAnswer:
                continue
            except DoesNotHold as error:
                log().warning("a node is left", node=url, reason=error.message)
                self._book.leave(url, error.said)
                continue
            if self._stop.is_set():
                return False
            target = place(self._folder, hashed)
            make_folder(target.parent)
            replace(target, content, drafts=self._folder)
            return True
        return False
