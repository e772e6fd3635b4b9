"""Verify a ledger from its bytes up. docs/protocol.md, section 6.

Nothing of the node is believed or used: not its database, not a verdict that it remembers. The verifier reads the public files
(a folder or an export), drives a state machine of its own through every entry, and compares what the rules derive with
what the log says. It raises :class:`~veche.errors.DoesNotHold` at the first thing that does not hold.
"""

import sqlite3
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from veche.errors import DoesNotHold, Refused
from veche.ledger import rules
from veche.ledger.charter import Charter
from veche.ledger.entry import decode, digest
from veche.ledger.machine import Machine
from veche.ledger.rules.ballot import Checked, is_ballot
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint
from veche.log.log import Log, Snapshot, checked_bundles, read_tile
from veche.log.source import Export, Source, open_source
from veche.log.tiles import ENTRIES, WIDTH, Tile, pack, unpack
from veche.texts import N_

CHUNK = 2048

STEPS = {
    "L1": N_(
        "There is a well formed checkpoint, and the log that it heads begins with a charter signed by all its offices."
    ),
    "L2": N_("The checkpoint is of this ledger, and signed by the log's key that the charter names."),
    "L3": N_("Every tile is there, and each byte of it follows from the entries, up to the root that is signed."),
    "L4": N_("Every block follows the one before, and so does its time."),
    "L5": N_("Every entry is in its one encoding, signed by offices that may write it, and admitted by the rules."),
    "L6": N_("Every ballot was cast in time, by a credential with enough permits, and all its proofs hold."),
    "L7": N_("All that is derived (tallies, results, what is void) is what the rules derive, no more and no less."),
    "L8": N_("Every attachment that is there has the hash that is its name."),
}
"""What each step checks, in one sentence. All are taken while the entries are read once, from the first to the last."""

CANNOT_SHOW = (
    N_(
        "That this is the newest state of the ledger, and the one that everybody else sees: compare size and root with another node's."
    ),
    N_(
        "That each permit was given to a person with the right to vote, and one to each: for that, k registrars must be honest "
        "or watched. Everyone can ask a registrar for their own row of the roll."
    ),
    N_("That the voters' own devices sealed what they chose, and that nobody stood behind them."),
    N_("That no quorum of trustees decrypted single ballots outside the ledger."),
)
"""What no ledger can show, however well it is verified."""

Progress = Callable[[int, int], None]
Verdict = Checked | Refused | None


class VerifiedLedger:
    """A ledger that holds, up to ``head``, with the state that its entries lead to.

    ``ledger`` is its id; ``derived`` says at which number of the log something was derived, by kind and poll or committee.
    """

    def __init__(self, source: Source, head: Checkpoint, replay: "Replay") -> None:
        self.source = source
        self.head = head
        self.state = replay.machine.state
        self.ledger = replay.machine.ledger
        self.derived = replay.derived
        self._numbers, self._times = replay.block_numbers, replay.block_times

    @property
    def time(self) -> int:
        """The time of the last block in the log, in seconds since 1970."""
        return self._times[-1]

    @cached_property
    def log(self) -> Log:
        """The entries and the proofs, each checked once more against the head when it is read."""
        return Log(self.source, self.head)

    def entry(self, number: int) -> bytes:
        """An entry of the log by its number."""
        return self.log.entry(number)

    def time_of(self, number: int) -> int:
        """The time of the block in which this entry stands."""
        return self._times[bisect_right(self._numbers, number) - 1]


def open_ledger(path: Path) -> Source:
    """The ledger at this path, a folder or an exported file. Raises UserError, or DoesNotHold (L1) for a damaged export."""
    with _as_step("L1"):
        return open_source(path)


def verify_ledger(source: Source, progress: Progress | None = None) -> VerifiedLedger:
    """Verify everything that this source holds. Raises DoesNotHold at the first thing that does not hold.

    ``progress(done, all)`` counts entries. Raises Unsupported if the ledger follows rules that this program does not know.
    """
    with _as_step("L1"):
        snapshot = source if isinstance(source, Export) else Snapshot(source)
        signed = snapshot.checkpoint()
    head = signed.checkpoint
    if head.size < 2:
        raise DoesNotHold("L1", "checkpoint", "The log has not even a charter and its block.")
    with Replay(snapshot, head.size) as replay, _as_step("L3"):
        for bundle in checked_bundles(snapshot, head.size, head.root):
            replay.remember(bundle)
            if not replay.done:
                bundle = replay.found(bundle)
                _check_signature(signed, replay.machine.state.charter)
            replay.feed(bundle)
            if progress is not None:
                progress(replay.done, head.size)
        replay.finish()
    if progress is not None:
        progress(head.size, head.size)
    _check_attachments(snapshot)
    return VerifiedLedger(snapshot, head, replay)


@contextmanager
def _as_step(step: str) -> Iterator[None]:
    """Name this step in the errors of those who read files and know no steps (``tiles``, ``note``, ``checkpoint``, ``export``)."""
    try:
        yield
    except DoesNotHold as error:
        if error.step in STEPS:
            raise
        raise DoesNotHold(step, error.where, error.message, error.hint) from None


def _check_signature(signed: SignedCheckpoint, charter: Charter) -> None:
    with _as_step("L2"):
        signed.verify(Policy.log(charter.origin, charter.log_key))


def _check_attachments(source: Source) -> None:
    with _as_step("L8"):
        names = source.names("attachment/")
    for name in names:
        if digest(source.read(name)).hex() != name.removeprefix("attachment/"):
            raise DoesNotHold(
                "L8", name, f"{name}: the content has another hash than its name says.", "Remove the file."
            )


class Replay:
    """Drives a state machine through the entries of a log, and compares.

    Ballots are checked in chunks, one chunk ahead, by the kernel on all cores. Use it as a context manager: it owns a thread.
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
        self.derived: dict[tuple[str, bytes], int] = {}
        self._bundles: list[bytes] = []  # SHA-256 of each
        self.block_numbers, self.block_times = array("Q"), array("Q")
        self._matched = 0
        self._buffer: list[bytes] = []
        self._ahead: tuple[list[bytes], Future[list[Verdict]]] | None = None
        self._pool = ThreadPoolExecutor(1, "veche-verify")

    def __enter__(self) -> "Replay":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def remember(self, bundle: list[bytes]) -> None:
        """Note what the next bundle was when it was checked: replaced ballots are read a second time, and must be the same."""
        self._bundles.append(digest(pack(bundle)))

    def found(self, entries: list[bytes]) -> list[bytes]:
        """Begin with the charter, the first of these entries; the answer is the others."""
        try:
            self.machine.found(entries[0])
        except Refused as refusal:
            raise DoesNotHold("L1", "entry 0", f"Entry 0: {refusal.message}") from None
        self.done, self._matched = 1, 1
        self._note_block(0, self.machine.time)
        return entries[1:]

    def feed(self, entries: list[bytes]) -> None:
        """Take the next entries. What is wrong with them may be raised by a later call."""
        self._buffer += entries
        while len(self._buffer) >= CHUNK:
            self._chunk(self._buffer[:CHUNK])
            del self._buffer[:CHUNK]

    def finish(self) -> None:
        """Take the end of the log. Raises DoesNotHold if something is missing there."""
        self._chunk(self._buffer)
        self._chunk([])
        if self._matched != len(self.machine.appended):
            self._wrong(
                "L7", f"the log breaks off where a {decode(self.machine.appended[self._matched])[0]} entry is due"
            )
        self._end_block()

    def _chunk(self, entries: list[bytes]) -> None:
        """Begin to check these entries, and admit those of the chunk before."""
        ready = self._ahead
        self._ahead = entries, self._pool.submit(self.machine.check(entries).run)
        if ready is not None:
            self._admit(ready[0], ready[1].result())

    def _admit(self, entries: list[bytes], verdicts: list[Verdict]) -> None:
        for position, data in enumerate(entries):
            if self._matched < len(self.machine.appended):
                if data != self.machine.appended[self._matched]:
                    kind = decode(self.machine.appended[self._matched])[0]
                    self._wrong("L7", f"a {kind} entry is due here, and the log has another entry or other values")
                self._matched += 1
                self._note_derived(data)
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
                    self._wrong("L7", f"the rules do not derive a {item[0]} entry here")
            self.machine.admit(data, verdict)
        except Refused as refusal:
            step = "L6" if is_ballot(data) else "L5"
            self._wrong(step, f"{refusal.message.rstrip('.')} (rule {refusal.rule})")
        self._matched += 1

    def _begin_block(self, item: list[object]) -> None:
        match item:
            case ["block", [int(height), int(time), int(previous)]] if max(height, time, previous) < 1 << 63:
                pass
            case _:
                self._wrong("L4", "the block is not an array of height, time and previous time")
        try:
            self.machine.begin(height, time, previous)
        except Refused as refusal:
            self._wrong("L4", refusal.message)
        self._matched = 1
        self._note_block(self.done, time)

    def _note_block(self, number: int, time: int) -> None:
        self.block_numbers.append(number)
        self.block_times.append(time)

    def _note_derived(self, data: bytes) -> None:
        kind, body = decode(data)
        if kind != "block":
            self.derived[kind, body[0]] = self.done

    def _end_block(self) -> None:
        if not self.machine.matters:
            self._wrong("L4", "the block before appends nothing and does not follow a standstill")
        self.machine.end()

    def _read(self, number: int) -> bytes:
        return self._bundle(number // WIDTH)[number % WIDTH]

    def _read_bundle(self, index: int) -> list[bytes]:
        tile = Tile(ENTRIES, index, min(WIDTH, self._size - index * WIDTH))
        data = read_tile(self._source, tile)
        if digest(data) != self._bundles[index]:
            hint = "Copy the ledger to a place where nobody writes, and verify the copy."
            raise DoesNotHold("L3", tile.name, f"{tile.name}: the file changed while it was verified.", hint)
        return unpack(tile, data)

    def _wrong(self, step: str, message: str) -> NoReturn:
        raise DoesNotHold(
            step,
            f"entry {self.done}",
            f"Entry {self.done}: {message.rstrip('.')}.",
            "Keep this copy as evidence and compare it with another node's.",
        )
