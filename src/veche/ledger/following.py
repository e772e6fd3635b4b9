"""Blocks that others made, executed anew by a ledger of one's own: what the rules derive must be what is in the log, byte for byte."""

from collections.abc import Iterable, Iterator, Sequence

from veche.errors import DoesNotHold, Refused
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import BALLOT, is_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.frame import begins_block
from veche.ledger.ledger import Executed, Ledger
from veche.ledger.rules import DERIVED
from veche.texts import Clause, Message, Said


def blocks(entries: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Entries of a log from where a block begins, block by block."""
    block: list[bytes] = []
    for entry in entries:
        if begins_block(entry) and block:
            yield block
            block = []
        block.append(entry)
    if block:
        yield block


def follow(ledger: Ledger, block: Sequence[bytes]) -> tuple[Executed, list[bytes]]:
    """Execute the next logged block, whose entries these are; and which of them were handed in. Nothing is durable yet.

    Raises DoesNotHold (as a verifier does, if only with the step L7) if it is not what the rules make of what was handed in, and what
    :meth:`Ledger.execute` raises.
    """
    try:
        entry = _entry(block[0])
        said, handed_in = [], []
        for data in block[1:]:
            kind = BALLOT if is_ballot(data) else decode(data)[0]
            if kind == DoubleSigning.kind:
                said.append(DoubleSigning.parse(decode(data)[1]))
            elif kind not in DERIVED:
                handed_in.append(data)
        # Blocks that append nothing are not in the log: only this one says when the last of them was.
        executed = ledger.execute(entry.height, entry.time, handed_in, said, whole=True, previous=entry.previous)
    except Refused as refused:
        raise _wrong(ledger, Clause(refused.said)) from None
    if ledger.executing != list(block):
        ledger.discard()
        raise _wrong(ledger, Message("the rules make another block of what was handed in"))
    return executed, handed_in


def _entry(data: bytes) -> BlockEntry:
    item = decode(data)
    if item[0] != BlockEntry.kind or len(item) != 2:
        raise Refused("shape", Message("no block begins there"))
    return BlockEntry.parse(item[1])


def _wrong(ledger: Ledger, what: Said) -> DoesNotHold:
    return DoesNotHold(
        "L7",
        Message("entry {done}", done=str(ledger.size)),
        Message("The block from entry {number} on does not hold: {what}.", number=str(ledger.size), what=what),
        Message("Keep this copy as evidence and compare it with another node's."),
    )
