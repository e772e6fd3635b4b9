"""An operator's lies in one vocabulary: how a log is changed, and published under its own key as if nothing had been.

For the tests, and for vectors/make_doctored.py. Every function that takes the entries of a log gives those of another, and
leaves those that it was given as they are. Places are counted from 0, as in the log.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import BALLOT, cast_ballot, is_ballot
from veche.ledger.entries.charter import read_charter
from veche.ledger.frame import frame_leaf
from veche.ledger.signing import sign as sign_entry
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.publish import Publisher

ORIGIN = "veche.example/city"
"""The origin of the log of every city that :class:`veche.world.World` plays."""


# Publishing


def head(entries: Sequence[bytes], origin: str, log_key: SigningKey, raw: bool = False) -> SignedCheckpoint:
    """The checkpoint over these entries as :func:`publish` takes them, signed by this key under this name."""
    entries = entries if raw else framed(entries)
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    over = Checkpoint(origin, len(entries), root)
    return SignedCheckpoint(over, (sign(over, log_key),))


def publish(folder: Path, entries: Sequence[bytes], origin: str, log_key: SigningKey, raw: bool = False) -> Path:
    """What an operator can publish who has the log's key: these entries, with tiles and checkpoint that fit. The folder.

    Blocks name the frame of what is published, unless all is to be as it is (``raw``)."""
    entries = entries if raw else framed(entries)
    Publisher(folder).publish(0, entries, head(entries, origin, log_key, raw=True))
    return folder


def framed(entries: Sequence[bytes]) -> list[bytes]:
    """The same, each block naming the frame of the log before it. Blocks that are in no form stay as they are."""
    return _framed(entries)[0]


def frame_before(entries: Sequence[bytes], place: int) -> list[int]:
    """The numbers of the entries in the frame of the log before the block at this place."""
    return _framed(entries[: place + 1])[1]


def frame_of(entries: Sequence[bytes], numbers: Sequence[int]) -> tuple[int, bytes]:
    """What a block names if the frame before it is these entries."""
    leaves = [frame_leaf(number, merkle.leaf_hash(entries[number])) for number in numbers]
    return len(leaves), merkle.root(leaves)


def _framed(entries: Sequence[bytes]) -> tuple[list[bytes], list[int]]:
    """The entries with their blocks put right, and which of them are in the frame of the log before the last block."""
    made: list[bytes] = []
    frame, block = list[int](), [0]  # numbers of entries: before this block, and in it but for ballots
    halt, alone, last = 0, False, ""
    for number, data in enumerate(entries):
        item = [BALLOT] if is_ballot(data) else _read(data)
        kind = item[0] if item else ""
        if not number:
            with suppress(Refused):
                halt = read_charter(data).halt
        elif kind == "block":
            if number > 1:
                frame += block if len(block) > 1 or alone else []
                block = []
            body = item[1] if len(item) == 2 else None
            if isinstance(body, list) and len(body) in (3, 5) and all(isinstance(one, int) for one in body[:3]):
                data = encode([kind, [*body[:3], *frame_of(made, frame or [0])]])
                alone = body[1] - body[2] > halt or last == "validators"
        if kind != BALLOT and number:
            block.append(number)
        made.append(data)
        last = kind
    return made, frame


def _read(data: bytes) -> list[Any]:
    try:
        return decode(data)
    except Refused:
        return []


# Looking


def find(entries: Sequence[bytes], kind: str, number: int = 0, about: bytes = b"") -> int:
    """The place of the number-th entry of this kind (about this poll or committee); a negative number counts from the end."""
    found = [
        place
        for place, entry in enumerate(entries)
        if (item := decode(entry))[0] == kind and (not about or about in (item[1], item[1][0]))
    ]
    return found[number]


def block_of(entries: Sequence[bytes], place: int) -> int:
    """The place of the block in which this entry stands."""
    return next(at for at in range(place, -1, -1) if decode(entries[at])[0] == "block")


# One entry


def edit(entry: bytes, where: Sequence[int], value: object) -> bytes:
    """The entry with another value at a path of indices. Its signatures stay, and hold no more."""
    item = decode(entry)
    inner = item
    for step in where[:-1]:
        inner = inner[step]
    assert inner[where[-1]] != value
    inner[where[-1]] = value
    return encode(item)


def sign_anew(ledger: bytes, entry: bytes, *keys: SigningKey) -> bytes:
    """What an entry says, signed by these offices and no others."""
    kind, body = decode(entry)[:2]
    return sign_entry(ledger, kind, body, list(keys))


def cast_anew(secret: bytes, entry: bytes) -> bytes:
    """What a ballot's entry says, with the cast signature of this credential: whoever has it can do that."""
    return cast_ballot(secret, decode(entry)[:6])


def flip(entry: bytes, bit: int) -> bytes:
    """The entry with one bit, counted from its beginning, the other way round."""
    changed = bytearray(entry)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# The log


def replace(entries: Sequence[bytes], place: int, entry: bytes) -> list[bytes]:
    """Another entry in this place."""
    return [*entries[:place], entry, *entries[place + 1 :]]


def change(entries: Sequence[bytes], place: int, where: Sequence[int], value: Any) -> list[bytes]:
    """Another value in the entry at this place, see :func:`edit`."""
    return replace(entries, place, edit(entries[place], where, value))


def drop(entries: Sequence[bytes], *places: int) -> list[bytes]:
    """Without the entries at these places."""
    gone = {range(len(entries))[place] for place in places}
    return [entry for place, entry in enumerate(entries) if place not in gone]


def drop_block(entries: Sequence[bytes], place: int) -> list[bytes]:
    """Without this entry, and without the block that it is alone in, so that no empty block gives it away."""
    kinds = [decode(entry)[0] for entry in entries[place - 1 : place + 2]]
    assert kinds[0] == "block" and kinds[2:] in ([], ["block"]), kinds
    return drop(entries, place - 1, place)


def insert(entries: Sequence[bytes], place: int, *more: bytes) -> list[bytes]:
    """These entries before the one at this place."""
    return [*entries[:place], *more, *entries[place:]]


def swap(entries: Sequence[bytes], a: int, b: int) -> list[bytes]:
    """Two entries, each in the other's place."""
    return replace(replace(entries, a, entries[b]), b, entries[a])
