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
_UINT, _BYTES, _TEXT, _ARRAY = 0, 2, 3, 4  # CBOR's major types


def encode(item: list[Any]) -> bytes:
    """The one encoding of an entry. Raises Refused if it is over 65,535 bytes."""
    data = cbor2.dumps(item)
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.", "Shorten its texts.")
    return data


def decode(data: bytes) -> list[Any]:
    """Decode an entry strictly. Raises Refused("codec", ...) for everything but the one canonical encoding.

    Written out here rather than left to a library: of CBOR only four kinds of item may occur. A general decoder knows tags
    (shared references, decimals, regular expressions) with which a thousand bytes can keep a computer busy for hours.
    """
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.")
    item, end = _read(data, 0, 0)
    if end != len(data):
        raise Refused("codec", "Something follows the end of the entry.")
    if type(item) is not list or not item or type(item[0]) is not str:
        raise Refused("codec", "The entry is not an array that begins with its kind.")
    return item


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The item that begins at ``at``, and where it ends (RFC 8949, section 3; only what section 4.2.1 calls deterministic)."""
    if at >= len(data):
        raise Refused("codec", "The entry breaks off.")
    major, number = data[at] >> 5, data[at] & 31
    at += 1
    if number >= 24:
        if number > 27:
            raise Refused("codec", "The entry holds an item of indefinite length, or none that CBOR knows.")
        size = 1 << number - 24
        number = int.from_bytes(data[at : at + size], "big")
        at += size
        if at > len(data):
            raise Refused("codec", "The entry breaks off.")
        if number < 24 or (size > 1 and number >> 4 * size == 0):
            raise Refused("codec", "The entry holds a number that is not in its shortest form.")
    if major == _UINT:
        return number, at
    if major in (_BYTES, _TEXT):
        end = at + number
        if end > len(data):
            raise Refused("codec", "The entry breaks off.")
        part = data[at:end]
        if major == _BYTES:
            return part, end
        try:
            return part.decode(), end
        except UnicodeDecodeError:
            raise Refused("codec", "The entry holds text that is not UTF-8.") from None
    if major == _ARRAY:
        if depth == MAX_DEPTH:
            raise Refused("codec", "The entry is nested too deeply.")
        if number > len(data) - at:
            raise Refused("codec", "The entry breaks off.")
        items = []
        for _ in range(number):
            item, at = _read(data, at, depth + 1)
            items.append(item)
        return items, at
    raise Refused("codec", "Only unsigned numbers, bytes, text and arrays may occur in an entry.")


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
