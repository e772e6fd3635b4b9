"""Signatures of offices under entries. docs/protocol.md, section 2.

What is signed is the ledger's id with the entry's kind and body, so a statement is good in one ledger, and as one thing.
"""

from typing import Any

import cbor2

from veche.errors import Refused
from veche.keys import BadSignature, SigningKey, verify
from veche.ledger.codec import decode, digest, encode, outline, part
from veche.texts import Message

_ARRAY = 4
"""The first three bits of an array (RFC 8949)."""


def signed_message(ledger: bytes, kind: str, body: list[Any]) -> bytes:
    """What offices sign: the ledger's id (32 bytes; empty for the charter itself) and the entry's kind and body."""
    return _message(ledger, cbor2.dumps([kind, body]))


def _message(ledger: bytes, signed: bytes) -> bytes:
    return b"veche-entry-v1|" + ledger.hex().encode() + b"|" + digest(signed).hex().encode()


class Unread:
    """An entry that is no ballot, of which nothing was made yet but its kind.

    So nobody's bytes are worth more than a look before it is known that an office wrote them.
    """

    def __init__(self, data: bytes) -> None:
        """Raises Refused("codec", ...)."""
        self._data = data
        self._begins = outline(data)
        self.kind: str = part(data[self._begins[0] : self._begins[1]])

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The (key, signature) pairs, not verified. Raises Refused("shape" or "signature", ...)."""
        if len(self._begins) != 4 or self._data[self._begins[1]] >> 5 != _ARRAY:
            raise _no_signed_entry(self.kind)
        return _pairs(self.kind, part(self._data[self._begins[2] :]))

    def check_unsigned(self) -> None:
        """Raise Refused("shape", ...) unless this is an array of kind and body, of which nobody signs anything."""
        if len(self._begins) != 3 or self._data[self._begins[1]] >> 5 != _ARRAY:
            raise Refused("shape", Message("A {kind} entry is an array of kind and body.", kind=self.kind[:40]))

    def message(self, ledger: bytes) -> bytes:
        """As :func:`signed_message`. The encoding is deterministic: an array of three, cut off before its last item, is one of two."""
        return _message(ledger, b"\x82" + self._data[1 : self._begins[2]])

    def body(self) -> list[Any]:
        """The body, made of its bytes."""
        return list(part(self._data[self._begins[1] : self._begins[2]]))


def sign(ledger: bytes, kind: str, body: list[Any], keys: list[SigningKey]) -> bytes:
    """A signed entry: ``[kind, body, [[key, signature], ...]]``, signatures in ascending order of their keys."""
    message = signed_message(ledger, kind, body)
    signatures = [[key.public, key.sign(message)] for key in sorted(keys, key=lambda key: key.public)]
    return encode([kind, body, signatures])


def add_signature(ledger: bytes, entry: bytes, key: SigningKey) -> bytes:
    """Add one more office's signature to a signed entry (the second organiser, the k-th office)."""
    item = decode(entry)
    if len(item) != 3:
        raise Refused("codec", Message("The entry is not one that offices sign."))
    kind, body, signatures = item
    others = [pair for pair in signatures if pair[0] != key.public]
    others.append([key.public, key.sign(signed_message(ledger, kind, body))])
    return encode([kind, body, sorted(others)])


def signatures(item: list[Any]) -> list[tuple[bytes, bytes]]:
    """The (key, signature) pairs of a decoded entry, not verified. Raises Refused("shape" or "signature", ...)."""
    if len(item) != 3 or type(item[1]) is not list:
        raise _no_signed_entry(item[0])
    return _pairs(item[0], item[2])


def _no_signed_entry(kind: str) -> Refused:
    return Refused("shape", Message("A {kind} entry is an array of kind, body and signatures.", kind=kind[:40]))


def _pairs(kind: str, item: Any) -> list[tuple[bytes, bytes]]:
    if type(item) is not list:
        raise _no_signed_entry(kind)
    pairs: list[tuple[bytes, bytes]] = []
    for pair in item:
        match pair:
            case [bytes(key), bytes(signature)] if len(key) == 32 and len(signature) == 64:
                pass
            case _:
                raise Refused("shape", Message("A signature is an array of a 32-byte key and 64 bytes."))
        if pairs and key <= pairs[-1][0]:
            raise Refused("signature", Message("The signatures are not in ascending order of their keys."))
        pairs.append((key, signature))
    if not pairs:
        raise Refused("signature", Message("The entry is not signed."))
    return pairs


def check_signatures(message: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    """Verify each signature over :func:`signed_message`. Raises Refused("signature", ...)."""
    for key, signature in pairs:
        try:
            verify(key, message, signature)
        except BadSignature:
            raise Refused(
                "signature", Message("The signature by key {key}… does not hold.", key=key.hex()[:16])
            ) from None
