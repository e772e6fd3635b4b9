"""An operator's lies in one vocabulary: how a log is changed, and published under its own key as if nothing had been.

For the tests, and for vectors/make_doctored.py. Every function that takes the entries of a log gives those of another, and
leaves those that it was given as they are. Places are counted from 0, as in the log.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_ballot
from veche.ledger.signing import sign as sign_entry
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.publish import Publisher

ORIGIN = "veche.example/city"
"""The origin of the log of every city that :class:`veche.world.World` plays."""


# Publishing


def head(entries: Sequence[bytes], origin: str, log_key: SigningKey) -> SignedCheckpoint:
    """The checkpoint over just these entries, signed by this key under this name."""
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    over = Checkpoint(origin, len(entries), root)
    return SignedCheckpoint(over, (sign(over, log_key),))


def publish(folder: Path, entries: Sequence[bytes], origin: str, log_key: SigningKey) -> Path:
    """What an operator can publish who has the log's key: these entries, with tiles and checkpoint that fit. The folder."""
    Publisher(folder).publish(0, entries, head(entries, origin, log_key))
    return folder


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
