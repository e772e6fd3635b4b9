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


def encode(item: list[Any]) -> bytes:
    """The one encoding of an entry. Raises Refused if it is over 65,535 bytes."""
    data = cbor2.dumps(item)
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.", "Shorten its texts.")
    return data


def _check(item: object, depth: int) -> None:
    kind = type(item)
    if kind is list:
        if depth == MAX_DEPTH:
            raise Refused("codec", "The entry is nested too deeply.")
        for part in item:  # type: ignore[attr-defined]
            _check(part, depth + 1)
    elif kind is int:
        if item < 0 or item >= 1 << 64:  # type: ignore[operator]
            raise Refused("codec", "The entry holds a number that is not an unsigned 64-bit integer.")
    elif kind is not bytes and kind is not str:
        raise Refused("codec", f"The entry holds a {kind.__name__}; only numbers, bytes, text and arrays may occur.")


def decode(data: bytes) -> list[Any]:
    """Decode an entry strictly. Raises Refused("codec", ...) for everything but the one canonical encoding."""
    if len(data) > MAX_ENTRY:
        raise Refused("codec", f"The entry has {len(data)} bytes; 65,535 are the most.")
    try:
        item = cbor2.loads(data)
    except (cbor2.CBORError, ValueError, EOFError, RecursionError, OverflowError, TypeError, MemoryError, LookupError):
        raise Refused("codec", "The entry is not CBOR.") from None
    if type(item) is not list or not item or type(item[0]) is not str:
        raise Refused("codec", "The entry is not an array that begins with its kind.")
    _check(item, 0)
    if cbor2.dumps(item) != data:
        raise Refused("codec", "The entry is not in its canonical encoding.")
    return item


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


def signers(ledger: bytes, item: list[Any]) -> list[bytes]:
    """The keys that signed a decoded entry, every signature checked. Raises Refused("signature", ...)."""
    if len(item) != 3 or type(item[1]) is not list or type(item[2]) is not list:
        raise Refused("shape", f"A {item[0]} entry is an array of kind, body and signatures.")
    message = signed_message(ledger, item[0], item[1])
    keys: list[bytes] = []
    for pair in item[2]:
        match pair:
            case [bytes(key), bytes(signature)] if len(key) == 32 and len(signature) == 64:
                pass
            case _:
                raise Refused("shape", "A signature is an array of a 32-byte key and 64 bytes.")
        if keys and key <= keys[-1]:
            raise Refused("signature", "The signatures are not in ascending order of their keys.")
        try:
            verify(key, message, signature)
        except BadSignature:
            raise Refused("signature", f"The signature by key {key.hex()[:16]}… does not hold.") from None
        keys.append(key)
    if not keys:
        raise Refused("signature", "The entry is not signed.")
    return keys
