"""A second state machine, driven through the entries of a log: steps L4 to L7 of docs/protocol.md, section 6.1."""

import sqlite3
from array import array
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Any, NoReturn, Protocol

from veche.errors import DoesNotHold, Refused
from veche.ledger import rules
from veche.ledger.checks import Verdict
from veche.ledger.codec import decode, digest
from veche.ledger.entries import BlockEntry, Charter, DoubleSigning, Validators, read_entry
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.machine import Machine
from veche.ledger.state import State
from veche.log.log import Bundle, read_tile
from veche.log.source import Source
from veche.log.tiles import ENTRIES, WIDTH, Tile, unpack
from veche.texts import Clause, Localizable, Message

CHUNK = 2048
"""Entries that are checked together, by the kernel on all cores."""
AHEAD = 2
"""Chunks that are being checked meanwhile: one more than is needed, so that no core waits for the end of a chunk."""


class Replayed(Protocol):
    """What is known of a log that was replayed, whole or as far as its frame goes: see :class:`Replay`."""

    machine: Machine
    derived: dict[tuple[str, bytes], int]
    block_numbers: "array[int]"
    block_times: "array[int]"
    block_heights: "array[int]"


class Replay:
    """Drives a state machine through the entries of a log, and compares. Use it as a context manager: it owns a thread.
    What is finished can go on when the log has grown (:meth:`go_on`), as a context manager once more.

    ``derived``: at which number of the log something was derived, by kind and poll or committee. ``block_numbers``,
    ``block_times`` and ``block_heights``: where blocks begin.
    """

    def __init__(self, source: Source, size: int, database: str = "", beyond: Sequence[bytes] = ()) -> None:
        """``database``: a new file for the state; by default it is private, in memory as long as it is small, and gone with
        the process. ``beyond``: entries that follow those of the source, to be fed after them.
        """
        self._source = source
        self._size = size
        self._beyond = beyond
        self._bundle = lru_cache(maxsize=64)(self._read_bundle)
        connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-131072;")
        state = State(connection)
        state.prepare()
        connection.execute("BEGIN")
        self.machine = Machine(state, self._read)
        self.done = 0
        self.derived: dict[tuple[str, bytes], int] = {}
        self.block_numbers, self.block_times, self.block_heights = array("Q"), array("Q"), array("Q")
        self._digests: list[bytes] = []  # of each bundle: replaced ballots are read a second time, and must be the same
        self._matched = 0  # how many entries of the current block the log has shown
        self._buffer: list[bytes] = []
        self._goes_on = False  # since the last look, no block has begun yet
        self._ahead: deque[tuple[list[bytes], Future[list[Verdict]]]] = deque()
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "Replay":
        self._pool = ThreadPoolExecutor(AHEAD, "veche-verify")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def begin(self, bundle: Bundle) -> None:
        """Take the first bundle, which begins with the charter. Raises DoesNotHold (L1) if it does not."""
        try:
            self.machine.genesis(bundle.entries[0])
        except Refused as refusal:
            raise DoesNotHold("L1", Message("entry 0"), Message("Entry 0: {value}", value=refusal.said)) from None
        self.done, self._matched = 1, 1
        self._note_block(0, self.machine.time)
        self.feed(Bundle(bundle.entries[1:], bundle.digest))

    def feed(self, bundle: Bundle) -> None:
        """Take the next entries. What is wrong with them may be raised by a later call."""
        self._digests.append(bundle.digest)
        self._buffer += bundle.entries
        while len(self._buffer) >= CHUNK:
            self._chunk(self._buffer[:CHUNK])
            del self._buffer[:CHUNK]

    def go_on(self, source: Source, size: int) -> None:
        """After :meth:`finish`: the log has ``size`` entries now, and they are in this source. What is fed next begins where it ended,
        with a block: a head that was within one is odd, and nothing goes on from it."""
        del self._digests[self._size // WIDTH :]  # a bundle that was not full has more entries now
        self._bundle.cache_clear()
        self._source, self._size, self._goes_on = source, size, True
        self.machine.state.db.execute("BEGIN")

    def finish(self) -> None:
        """Take the end of the log. Raises DoesNotHold if something is missing there."""
        self._chunk(self._buffer)
        self._buffer = []
        while self._ahead:
            self._admit_next()
        self.machine.complete()
        appended = self.machine.block.appended
        if self._matched != len(appended):
            self._wrong(
                "L7",
                Message(
                    "the log breaks off where a {appended} entry is due", appended=decode(appended[self._matched])[0]
                ),
            )
        self._end_block()

    def _chunk(self, entries: list[bytes]) -> None:
        """Begin to check these entries, and admit those whose turn has come."""
        assert self._pool is not None, "it is used as a context manager"
        self._ahead.append((entries, self._pool.submit(self.machine.check(entries).run)))
        if len(self._ahead) > AHEAD:
            self._admit_next()

    def _admit_next(self) -> None:
        entries, verdicts = self._ahead.popleft()
        self._admit(entries, verdicts.result())

    def _admit(self, entries: list[bytes], verdicts: list[Verdict]) -> None:
        self.machine.expect(verdicts)
        for position, data in enumerate(entries):
            appended = self.machine.block.appended
            if self._matched < len(appended):
                if data != appended[self._matched]:
                    kind = decode(appended[self._matched])[0]
                    self._wrong(
                        "L7",
                        Message("a {kind} entry is due here, and the log has another entry or other values", kind=kind),
                    )
                self._matched += 1
                self._note_derived(data)
            else:
                verdict = verdicts[position]
                if verdict is None and is_ballot(data):
                    # Its poll was not known when the chunk was prepared: check together what is left of such ones.
                    left = [place for place in range(position, len(entries)) if verdicts[place] is None]
                    for place, found in zip(
                        left, self.machine.check([entries[place] for place in left]).run(), strict=True
                    ):
                        verdicts[place] = found
                    verdict = verdicts[position]
                self._next(data, verdict)
            self.done += 1

    def _next(self, data: bytes, verdict: Verdict) -> None:
        """An entry that nothing derived: a new block, or one that somebody handed in."""
        try:
            if not is_ballot(data):
                item = decode(data)
                if item[0] in (BlockEntry.kind, Validators.kind):
                    self._complete_block(data, item)
                    return
                if item[0] == DoubleSigning.kind:
                    self._note(data)
                    return
                if item[0] in rules.DERIVED or item[0] == Charter.kind:
                    self._wrong("L7", Message("the rules do not derive a {item} entry here", item=item[0]))
            if self.machine.block.complete:
                self._wrong("L7", Message("an entry stands behind that of the validators, which ends a block"))
            if self._goes_on:
                self._wrong("L4", Message("the block before had ended, and no other begins"))
            self.machine.admit(data, verdict)
        except Refused as refusal:
            step = "L6" if is_ballot(data) else "L5"
            self._wrong(step, Message("{what} (rule {rule})", what=Clause(refusal.said), rule=refusal.rule))
        self._matched += 1

    def _note(self, data: bytes) -> None:
        """What consensus said of a validator. Raises Refused."""
        if self._goes_on or self.machine.block.complete:
            self._wrong("L4", Message("the block before had ended, and no other begins"))
        said = read_entry(data)
        assert isinstance(said, DoubleSigning)
        self.machine.note(said)
        self._matched += 1

    def _complete_block(self, data: bytes, item: list[Any]) -> None:
        """The current block ends: with the set of validators if that has changed in it, then with the next block."""
        self.machine.complete()
        appended = self.machine.block.appended
        if self._matched < len(appended):
            if data != appended[self._matched]:
                self._wrong("L7", Message("the validators have changed, and the log has another entry or other values"))
            self._matched += 1
        elif item[0] == Validators.kind:
            self._wrong("L7", Message("the rules do not derive a {item} entry here", item=item[0]))
        else:
            self._end_block()
            self._begin_block(data, item)

    def _begin_block(self, data: bytes, item: list[Any]) -> None:
        try:
            if len(item) != 2:
                raise Refused("shape", Message("the block is not an array of kind and body"))
            entry = BlockEntry.parse(item[1])
            self.machine.begin(entry.height, entry.time, entry.previous)
        except Refused as refusal:
            self._wrong("L4", refusal.said)
        if data != self.machine.block.appended[0]:
            self._wrong("L4", Message("the block names another frame than that of the log before it"))
        self._matched, self._goes_on = 1, False
        self._note_block(self.done, entry.time)

    def _note_block(self, number: int, time: int) -> None:
        self.block_numbers.append(number)
        self.block_times.append(time)
        self.block_heights.append(self.machine.height)

    def _note_derived(self, data: bytes) -> None:
        kind, body = decode(data)
        if kind not in (BlockEntry.kind, Validators.kind):
            self.derived[kind, body[0]] = self.done

    def _end_block(self) -> None:
        if not self.machine.block.matters:
            self._wrong(
                "L4",
                Message("the block before appends nothing, and neither a halt nor a change of validators is before it"),
            )
        self.machine.end()

    def _read(self, number: int) -> bytes:
        if number >= self._size:
            return self._beyond[number - self._size]
        return self._bundle(number // WIDTH)[number % WIDTH]

    def _read_bundle(self, index: int) -> list[bytes]:
        tile = Tile(ENTRIES, index, min(WIDTH, self._size - index * WIDTH))
        data = read_tile(self._source, tile)
        if digest(data) != self._digests[index]:
            hint = Message("Copy the ledger to a place where nobody writes, and verify the copy.")
            raise DoesNotHold(
                "L3", tile.name, Message("{name}: the file changed while it was verified.", name=tile.name), hint
            )
        return unpack(tile, data)

    def _wrong(self, step: str, message: Localizable) -> NoReturn:
        raise DoesNotHold(
            step,
            Message("entry {done}", done=str(self.done)),
            Message("Entry {done}: {what}.", done=str(self.done), what=Clause(message)),
            Message("Keep this copy as evidence and compare it with another node's."),
        )
