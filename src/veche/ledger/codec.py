"""The codec of entries: CBOR (RFC 8949) arrays of unsigned integers, bytes, text and arrays. docs/protocol.md, section 2.

An entry is ``[kind, body, signatures]`` for what offices write, ``[kind, body]`` for what is derived, and
``["ballot", ...]`` for ballots. Hashes are over the bytes as received, so there must be one encoding only:
what does not re-encode to the same bytes is refused.
"""

import hashlib
from typing import Any

import cbor2

from veche.errors import Refused

MAX_ENTRY = 65_535
MAX_DEPTH = 8
MAX_ITEMS = 4_096


def encode(item: list[Any]) -> bytes:
    """The one encoding of an entry. Raises Refused if it is over 65,535 bytes."""
    data = cbor2.dumps(item)
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.", "Shorten its texts.")
    return data


class _NoTags(dict[int, Any]):
    """For the library: every tag is an error.

    Those that it knows (shared references, decimals, regular expressions) could keep a computer busy for hours with a
    thousand bytes; an array that holds an array a thousand times, and so on, is one of them.
    """

    def __missing__(self, tag: int) -> Any:
        def refuse(*_: object) -> None:
            raise ValueError(tag)

        return refuse


_NO_TAGS = _NoTags()


def decode(data: bytes) -> list[Any]:
    """Decode an entry strictly. Raises Refused("codec", ...) for everything but the one canonical encoding."""
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.")
    try:
        item = cbor2.loads(
            data, semantic_decoders=_NO_TAGS, max_depth=MAX_DEPTH, allow_indefinite=False, strict_hashable_types=True
        )
    except (cbor2.CBORError, ValueError, TypeError):
        raise Refused("codec", "The entry is not CBOR, or has tags, or is nested too deeply.") from None
    if type(item) is not list or not item or type(item[0]) is not str:
        raise Refused("codec", "The entry is not an array that begins with its kind.")
    _check(item, MAX_ITEMS, MAX_DEPTH)
    if cbor2.dumps(item) != data:
        raise Refused("codec", "The entry is not in its canonical encoding.")
    return item


def _check(items: list[Any], room: int, depth: int) -> int:
    """Check that only what may occur does, ``room`` items and ``depth`` arrays in one another at most; the room that is left.

    The library counts arrays that have something in them, so an empty one would be one too deep.
    """
    if not depth:
        raise Refused("codec", f"The entry is more than {MAX_DEPTH} arrays deep.")
    room -= len(items)
    if room <= 0:
        raise Refused("codec", f"The entry holds more than {MAX_ITEMS} items.")
    for item in items:
        kind = type(item)
        if kind is list:
            room = _check(item, room, depth - 1)
        elif kind is int:
            if not 0 <= item < 1 << 64:
                raise Refused("codec", "The entry holds a number that is not an unsigned 64-bit integer.")
        elif kind is not bytes and kind is not str:
            raise Refused(
                "codec", f"The entry holds a {kind.__name__}; only numbers, bytes, text and arrays may occur."
            )
    return room


def digest(data: bytes) -> bytes:
    """SHA-256: the id of an entry (poll id, committee id, ledger id)."""
    return hashlib.sha256(data).digest()
