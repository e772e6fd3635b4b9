"""Verify a ledger from its bytes up. docs/protocol.md, section 6.

Nothing of the node is believed or used: not its database, not a verdict that it remembers. The verifier reads the public files
(a folder or an export), drives a state machine of its own through every entry, and compares what the rules derive with
what the log says. It raises :class:`~veche.errors.DoesNotHold` at the first thing that does not hold.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import NoReturn

from veche.errors import DoesNotHold, Refused
from veche.ledger import rules
from veche.ledger.checkpoint import Checkpoint, Policy
from veche.ledger.entry import decode, digest
from veche.ledger.log import Snapshot, checked_bundles, read_tile
from veche.ledger.machine import Machine
from veche.ledger.rules.ballot import Checked, is_ballot
from veche.ledger.source import Export, Source
from veche.ledger.state import State
from veche.ledger.tiles import ENTRIES, WIDTH, Tile, unpack

CHUNK = 2048

STEPS = {
    "1": "The checkpoint is well formed and the log begins with a charter.",
    "2": "The checkpoint is of this ledger and signed by the log's key that the charter names.",
    "3": "Every tile is there, no other file is, and each byte of them follows from the entries, up to the signed root.",
    "4": "Every block follows the one before, and its time does.",
    "5": "Every entry is in its one encoding, signed by offices that may write it, and admitted by the rules.",
    "6": "Every ballot was cast in time by a credential with enough permits, and all its proofs hold.",
    "7": "Everything derived (tallies, results, what is void) is what the rules derive from the entries.",
    "8": "Every attachment has the hash that is its name.",
}

Progress = Callable[[int, int], None]
Verdict = Checked | Refused | None


class VerifiedLedger:
    """A ledger that holds, up to ``head``, with the state that its entries lead to."""

    def __init__(self, source: Source, head: Checkpoint, state: State, ledger: bytes) -> None:
        self.source = source
        self.head = head
        self.state = state
        self.ledger = ledger


def verify_ledger(source: Source, progress: Progress | None = None) -> VerifiedLedger:
    """Verify everything that this source holds. Raises DoesNotHold at the first thing that does not hold.

    ``progress(done, all)`` counts entries. Raises Unsupported if the ledger follows rules that this program does not know.
    """
    snapshot = source if isinstance(source, Export) else Snapshot(source)
    signed = snapshot.checkpoint()
    head = signed.checkpoint
    if head.size < 2:
        raise DoesNotHold("1", "checkpoint", "The log has not even a charter and its block.")
    replay = Replay(snapshot, head.size)
    for bundle in checked_bundles(snapshot, head.size, head.root):
        replay.feed(bundle)
        if replay.founded and not replay.signature_checked:
            signed.verify(Policy.log(replay.machine.state.charter.origin, replay.machine.state.charter.log_key))
            replay.signature_checked = True
        if progress is not None:
            progress(replay.done, head.size)
    replay.finish()
    if progress is not None:
        progress(head.size, head.size)
    _check_attachments(snapshot)
    return VerifiedLedger(snapshot, head, replay.machine.state, replay.machine.ledger)


def _check_attachments(source: Source) -> None:
    for name in source.names("attachment/"):
        if digest(source.read(name)).hex() != name.removeprefix("attachment/"):
            raise DoesNotHold(
                "8", name, f"{name}: the content has another hash than its name says.", "Remove the file."
            )


class Replay:
    """Drives a state machine through the entries of a log, and compares.

    Ballots are checked in chunks, one chunk ahead, by the kernel on all cores.
    """

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._size = size
        self._bundle = lru_cache(maxsize=64)(self._read_bundle)
        # An unnamed database: private, in memory as long as it is small, and gone with the process.
        self.machine = Machine(State(sqlite3.connect("", isolation_level=None, check_same_thread=False)), self._read)
        self.machine.state.db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-131072;"
        )
        self.machine.state.db.execute("BEGIN")
        self.done = 0
        self.founded = False
        self.signature_checked = False
        self._matched = 0
        self._buffer: list[bytes] = []
        self._ahead: tuple[list[bytes], Future[list[Verdict]]] | None = None
        self._pool = ThreadPoolExecutor(1, "veche-verify")

    def feed(self, entries: list[bytes]) -> None:
        """Take the next entries. What is wrong with them may be raised by a later call."""
        self._buffer += entries
        while len(self._buffer) >= CHUNK:
            self._chunk(self._buffer[:CHUNK])
            del self._buffer[:CHUNK]

    def finish(self) -> None:
        """Take the end of the log. Raises DoesNotHold if something is missing there."""
        try:
            self._chunk(self._buffer)
            self._chunk([])
        finally:
            self._pool.shutdown()
        if self._matched != len(self.machine.appended):
            self._wrong(
                "7", f"the log breaks off where a {decode(self.machine.appended[self._matched])[0]} entry is due"
            )
        self._end_block()

    def _chunk(self, entries: list[bytes]) -> None:
        """Begin to check these entries, and admit those of the chunk before."""
        if not self.founded and entries:
            entries = self._found(entries)
        ready = self._ahead
        self._ahead = entries, self._pool.submit(self.machine.check(entries).run)
        if ready is not None:
            self._admit(ready[0], ready[1].result())

    def _found(self, entries: list[bytes]) -> list[bytes]:
        try:
            self.machine.found(entries[0])
        except Refused as refusal:
            raise DoesNotHold("1", "entry 0", f"Entry 0: {refusal.message}") from None
        self.founded, self.done, self._matched = True, 1, 1
        return entries[1:]

    def _admit(self, entries: list[bytes], verdicts: list[Verdict]) -> None:
        for position, data in enumerate(entries):
            if self._matched < len(self.machine.appended):
                if data != self.machine.appended[self._matched]:
                    kind = decode(self.machine.appended[self._matched])[0]
                    self._wrong("7", f"a {kind} entry is due here, and the log has another entry or other values")
                self._matched += 1
            else:
                verdict = verdicts[position]
                if verdict is None and is_ballot(data):
                    # Its poll was not known when the chunk was prepared: check what is left of the chunk together.
                    verdicts[position:] = self.machine.check(entries[position:]).run()
                    verdict = verdicts[position]
                self._next(data, verdict)
            self.done += 1

    def _next(self, data: bytes, verdict: Verdict) -> None:
        """An entry that nothing derived: a new block, or one that somebody handed in."""
        try:
            if not is_ballot(data):
                item = decode(data)
                if item[0] == "block":
                    self._end_block()
                    self._begin_block(item)
                    return
                if item[0] in rules.DERIVED or item[0] == "charter":
                    self._wrong("7", f"the rules do not derive a {item[0]} entry here")
            self.machine.admit(data, verdict)
        except Refused as refusal:
            step = "6" if is_ballot(data) else "5"
            self._wrong(step, f"{refusal.message} (rule {refusal.rule})")
        self._matched += 1

    def _begin_block(self, item: list[object]) -> None:
        match item:
            case ["block", [int(height), int(time), int(previous)]]:
                pass
            case _:
                self._wrong("4", "the block is not an array of height, time and previous time")
        try:
            self.machine.begin(height, time, previous)
        except Refused as refusal:
            self._wrong("4", refusal.message)
        self._matched = 1

    def _end_block(self) -> None:
        if not self.machine.matters:
            self._wrong("4", "the block before appends nothing and does not follow a standstill")
        self.machine.end()

    def _read(self, number: int) -> bytes:
        return self._bundle(number // WIDTH)[number % WIDTH]

    def _read_bundle(self, index: int) -> list[bytes]:
        tile = Tile(ENTRIES, index, min(WIDTH, self._size - index * WIDTH))
        return unpack(tile, read_tile(self._source, tile))

    def _wrong(self, step: str, message: str) -> NoReturn:
        raise DoesNotHold(
            step,
            f"entry {self.done}",
            f"Entry {self.done}: {message}.",
            "Keep this copy as evidence and compare it with another node's.",
        )
