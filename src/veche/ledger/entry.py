"""The codec of entries: CBOR (RFC 8949) arrays of unsigned integers, bytes, text and arrays. docs/protocol.md, section 2.

An entry is ``[kind, body, signatures]`` for what offices write, ``[kind, body]`` for what is derived, and
``["ballot", ...]`` for ballots. Hashes are over the bytes as received, so there must be one encoding only:
what does not re-encode to the same bytes is refused.
"""

import hashlib
from typing import Any

import cbor2

from veche.errors import Refused
from veche.keys import BadSignature, SigningKey, verify

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
    _check(item, MAX_ITEMS)
    if cbor2.dumps(item) != data:
        raise Refused("codec", "The entry is not in its canonical encoding.")
    return item


def _check(items: list[Any], room: int) -> int:
    """Check that only what may occur does, ``room`` items at most; the room that is left."""
    room -= len(items)
    if room <= 0:
        raise Refused("codec", f"The entry holds more than {MAX_ITEMS} items.")
    for item in items:
        kind = type(item)
        if kind is list:
            room = _check(item, room)
        elif kind is int:
            if not 0 <= item < 1 << 64:
                raise Refused("codec", "The entry holds a number that is not an unsigned 64-bit integer.")
        elif kind is not bytes and kind is not str:
            raise Refused(
                "codec", f"The entry holds a {kind.__name__}; only numbers, bytes, text and arrays may occur."
            )
    return room


def digest(data: bytes) -> bytes:
    """SHA-256: the identity of an entry (poll id, committee id, ledger id)."""
    return hashlib.sha256(data).digest()


def signed_message(ledger: bytes, kind: str, body: list[Any]) -> bytes:
    """What offices sign: the ledger's id (32 bytes; empty for the charter itself) and the entry's kind and body."""
    return b"veche-entry-v1|" + ledger.hex().encode() + b"|" + digest(cbor2.dumps([kind, body])).hex().encode()


def sign(ledger: bytes, kind: str, body: list[Any], keys: list[SigningKey]) -> bytes:
    """A signed entry: ``[kind, body, [[key, signature], ...]]``, signatures in ascending order of their keys."""
    message = signed_message(ledger, kind, body)
    signatures = [[key.public, key.sign(message)] for key in sorted(keys, key=lambda key: key.public)]
    return encode([kind, body, signatures])


def add_signature(ledger: bytes, entry: bytes, key: SigningKey) -> bytes:
    """Add one more office's signature to a signed entry (the second organiser, the k-th office)."""
    item = decode(entry)
    if len(item) != 3:
        raise Refused("codec", "The entry is not one that offices sign.")
    kind, body, signatures = item
    others = [pair for pair in signatures if pair[0] != key.public]
    others.append([key.public, key.sign(signed_message(ledger, kind, body))])
    return encode([kind, body, sorted(others)])


def signatures(item: list[Any]) -> list[tuple[bytes, bytes]]:
    """The (key, signature) pairs of a decoded entry, not verified. Raises Refused("shape" or "signature", ...)."""
    if len(item) != 3 or type(item[1]) is not list or type(item[2]) is not list:
        raise Refused("shape", f"A {item[0]} entry is an array of kind, body and signatures.")
    pairs: list[tuple[bytes, bytes]] = []
    for pair in item[2]:
        match pair:
            case [bytes(key), bytes(signature)] if len(key) == 32 and len(signature) == 64:
                pass
            case _:
                raise Refused("shape", "A signature is an array of a 32-byte key and 64 bytes.")
        if pairs and key <= pairs[-1][0]:
            raise Refused("signature", "The signatures are not in ascending order of their keys.")
        pairs.append((key, signature))
    if not pairs:
        raise Refused("signature", "The entry is not signed.")
    return pairs


def check_signatures(message: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    """Verify each signature over :func:`signed_message`. Raises Refused("signature", ...)."""
    for key, signature in pairs:
        try:
            verify(key, message, signature)
        except BadSignature:
            raise Refused("signature", f"The signature by key {key.hex()[:16]}… does not hold.") from None
