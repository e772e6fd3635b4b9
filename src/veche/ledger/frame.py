"""The frame of a log: what it would hold if nobody had voted. docs/protocol.md, sections 2.2 and 5.

Nearly all of a log is ballots. The frame is all else: megabytes where the log has gigabytes. Each block names how many entries it
has and the root of a tree over them, so that whoever joins takes the frame first, and sees that none of it is missing. docs/adr/0025.

A bundle of it has 256 items at most, each an entry behind its number in the log (8 bytes, big-endian) and its length (2 bytes).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.validators import Validators
from veche.log.merkle import Frontier, leaf_hash
from veche.log.tiles import ENTRY_LIMIT, WIDTH, wrong
from veche.texts import Message

_NUMBER, _LENGTH = 8, 2
MOST_BYTES = WIDTH * (_NUMBER + _LENGTH + ENTRY_LIMIT)
"""Of a bundle."""
FRAMED = "framed/"
"""Where all but the ballots of a copy lies until these are there, in its folder."""
_BLOCK = b"\x82\x65block"
"""How a block's entry begins, and no other: an array of two, and that word."""


class Item(NamedTuple):
    """An entry of the frame: its number in the log, and its bytes."""

    number: int
    entry: bytes


def frame_leaf(number: int, hashed: bytes) -> bytes:
    """The leaf hash in the frame's tree of the entry with this number, of which ``hashed`` is the leaf hash in the log's."""
    return leaf_hash(number.to_bytes(_NUMBER) + hashed)


def frame_name(index: int, width: int) -> str:
    """Where the first ``width`` items of a bundle are found at a node's door; what is found there never changes."""
    return f"frame/{index}/{width}"


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """Index and width of each bundle of a frame of so many items."""
    for start in range(0, size, WIDTH):
        yield start // WIDTH, min(WIDTH, size - start)


def pack_items(items: Iterable[Item]) -> bytes:
    """The bytes of a bundle."""
    return b"".join(number.to_bytes(_NUMBER) + len(entry).to_bytes(_LENGTH) + entry for number, entry in items)


def unpack_items(name: str, data: bytes, width: int) -> list[Item]:
    """The inverse, for a bundle of this many items. Raises DoesNotHold (step ``tiles``) with its name."""
    items, at = [], 0
    for _ in range(width):
        start = at + _NUMBER + _LENGTH
        end = start + int.from_bytes(data[start - _LENGTH : start])
        if end > len(data) or start > len(data):
            raise wrong(name, Message("the file is cut off"))
        items.append(Item(int.from_bytes(data[at : at + _NUMBER]), data[start:end]))
        at = end
    if at != len(data):
        raise wrong(name, Message("bytes follow its last entry"))
    return items


def begins_block(entry: bytes) -> bool:
    """Whether a block of the log begins with this entry. (The charter's is its second.)"""
    return entry.startswith(_BLOCK)


def by_block(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items of a log or of its frame, from where a block begins, block by block; the charter and its block are one."""
    block: list[Item] = []
    for item in items:
        if begins_block(item.entry) and block and len(block) + block[0].number != 1:
            yield block
            block = []
        block.append(item)
    if block:
        yield block


class Framing:
    """Finds the frame of a log while its blocks go by. ``size`` and ``root`` are those of the frame so far; ``start`` is where the next
    block begins. ``halt``: seconds between two blocks above which the ledger halted."""

    def __init__(self, halt: int, start: int = 0, frontier: bytes = b"", awaited: bool = False) -> None:
        """From the beginning, or where another stood (:meth:`to_bytes`)."""
        self._halt, self.start, self._awaited = halt, start, awaited
        self._frontier = Frontier.from_bytes(frontier) if frontier else Frontier()

    @property
    def size(self) -> int:
        return self._frontier.size

    @property
    def root(self) -> bytes:
        return self._frontier.root()

    @property
    def place(self) -> tuple[int, bytes, bool]:
        """What :class:`Framing` is made of again."""
        return self.start, self._frontier.to_bytes(), self._awaited

    def take(self, block: Sequence[Item]) -> list[Item]:
        """The next block of the log, whole; what of it belongs into the frame. Raises DoesNotHold if the block names another frame than
        was found before it."""
        rest = [item for item in block if not is_ballot(item.entry)]
        said = BlockEntry.parse(decode(rest[1 if not rest[0].number else 0].entry)[1])
        matters = len(rest) > 1 or said.time - said.previous > self._halt or self._awaited
        if not block[0].number:
            self.append(rest[:1])
        if (said.framed, said.frame) != (self.size, self.root):
            raise wrong("frame/", Message("the block names another frame than that of the log before it"))
        if matters:
            self.append(rest if block[0].number else rest[1:])
        self._awaited = begins(block[-1].entry, Validators.kind)
        self.start = block[-1].number + 1
        return rest if matters else []

    def append(self, items: Iterable[Item]) -> None:
        """Add what belongs into the frame."""
        for number, entry in items:
            self._frontier.append(frame_leaf(number, leaf_hash(entry)))


def begins(entry: bytes, kind: str) -> bool:
    """Whether an entry that is derived is of this kind."""
    return entry.startswith(b"\x82" + bytes([0x60 + len(kind)]) + kind.encode())
