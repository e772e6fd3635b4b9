"""A ledger as far as its frame goes: everything but the ballots, replayed by the same machine. docs/adr/0028.

Whoever has a final head, the last block under it and the frame that this names knows that nothing but ballots is kept from them. All
rules are asked as ever; only tallies stand as they are in the log, for nobody here has added up the ballots: whoever shows one says so.
"""

import sqlite3
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from veche.audit.ledger import VerifiedLedger, check_succession
from veche.errors import DoesNotHold, Refused
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.charter import read_charter
from veche.ledger.frame import Item, begins_block, by_block, frame_leaf
from veche.ledger.machine import TALLIES, Machine
from veche.ledger.state import State
from veche.ledger.walk import walk
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.merkle import Frontier, leaf_hash
from veche.log.source import Source
from veche.log.tiles import WIDTH, wrong
from veche.texts import Clause, Message


class Named(NamedTuple):
    """What a head's last block says of the frame before it, and what is in that block and behind it but ballots."""

    size: int
    root: bytes
    tail: list[Item]


def named_frame(log: Log) -> Named:
    """Which frame a log has, by its last block. Raises DoesNotHold."""
    tail: list[Item] = []
    for start in range((log.size - 1) // WIDTH * WIDTH, -1, -WIDTH):
        bundle = [Item(start + at, entry) for at, entry in enumerate(log.entries(start, min(start + WIDTH, log.size)))]
        for place in reversed(range(len(bundle))):
            if begins_block(bundle[place].entry):
                said = _block(bundle[place].entry)
                return Named(said.framed, said.frame, [*bundle[place:], *tail])
        tail = [*bundle, *tail]
    raise wrong("checkpoint", Message("there is no block under this head"))


def check_frame(named: Named, items: Sequence[Item]) -> None:
    """Raise DoesNotHold unless these are all items of that frame, in their order."""
    tree = Frontier()
    for number, entry in items:
        tree.append(frame_leaf(number, leaf_hash(entry)))
    numbers = [item.number for item in (*items, *named.tail[:1])]
    if (tree.size, tree.root()) != (named.size, named.root) or any(one >= other for one, other in pairwise(numbers)):
        raise wrong("frame/", Message("this is not the frame that the last block names"))


class Framed(VerifiedLedger):
    """A ledger whose ballots were not read. What needs them is not here, and its state says so (:attr:`State.unread`). Entries of the frame
    are at hand; for any other the source is asked."""

    def __init__(self, source: Source, signed: SignedCheckpoint, replay: "_Replay") -> None:
        super().__init__(source, signed, replay)
        self._replay = replay

    def entry(self, number: int) -> bytes:
        return self._replay.entry(number)


def read_frame(source: Source, signed: SignedCheckpoint, named: Named, items: Sequence[Item]) -> Framed:
    """The ledger under a head as far as these items of its frame say, which :func:`check_frame` has held against it.

    ``source``: the tiles, of which few are read. Raises DoesNotHold: L1, L2 and L10 as for a whole ledger, L7 for what the rules do not
    make of it.
    """
    log = Log(source, signed.checkpoint)
    try:
        charter = read_charter(items[0].entry)
    except (Refused, IndexError):
        raise DoesNotHold("L1", Message("entry 0"), Message("The log does not begin with a charter.")) from None
    walked = walk(source, charter, signed)
    signed.verify(walked.policy(signed.checkpoint.size))
    replay = _Replay(log)
    last = [item for item in named.tail if not is_ballot(item.entry)]
    for block in by_block(items):
        replay.take(block)
    replay.take(last, log.size)
    check_succession(replay, walked, signed.checkpoint.size)
    return Framed(source, signed, replay)


class _Replay:
    """As :class:`veche.audit.replay.Replay`, of the frame."""

    def __init__(self, log: Log) -> None:
        db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        state = State(db)
        state.prepare()
        state.put("unread", 1)
        self._log, self._entries = log, dict[int, bytes]()
        self.machine = Machine(state, self.entry, log.root)
        self.derived: dict[tuple[str, bytes], int] = {}
        self.block_numbers, self.block_times, self.block_heights = array("Q"), array("Q"), array("Q")

    def entry(self, number: int) -> bytes:
        """One of the frame; of any other the log is asked."""
        found = self._entries.get(number)
        return self._log.entry(number) if found is None else found

    def take(self, block: Sequence[Item], end: int = 0) -> None:
        """The next block of the frame, or the last of the log, which ends at entry ``end``."""
        self._entries.update(block)
        try:
            if block[0].number == 0:
                self.machine.genesis(block[0].entry)
                if self.machine.block.appended != [entry for _, entry in block]:
                    raise Refused("block", Message("The rules make another block of what was handed in."))
            else:
                self.machine.follow_frame(block, end)
        except Refused as refused:
            number = str(block[0].number)
            raise DoesNotHold(
                "L7",
                Message("entry {done}", done=number),
                Message(
                    "The block from entry {number} on does not hold: {what}.", number=number, what=Clause(refused.said)
                ),
                Message("Keep this copy as evidence and compare it with another node's."),
            ) from None
        self.machine.end()
        self.block_numbers.append(block[0].number)
        self.block_times.append(self.machine.time)
        self.block_heights.append(self.machine.height)
        for item in block[1:]:
            kind, body = decode(item.entry)[:2]
            if kind in TALLIES:
                self.derived[kind, body[0]] = item.number


def _block(entry: bytes) -> BlockEntry:
    try:
        return BlockEntry.parse(decode(entry)[1])
    except (Refused, IndexError):
        raise wrong("checkpoint", Message("its last block is not in form")) from None
