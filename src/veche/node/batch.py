"""Entries that one validator passes on to another together: a CBOR array of byte strings, and no other CBOR, behind the sender's
ledger key and its signature.

With one request a batch brings in as much as a client does with hundreds: so what a validator did not sign is not looked at, or
strangers would fill a node with twenty requests. A validator may lie, too, so a batch is read by hand: a decoder of all of CBOR makes
numbers, fractions and patterns of what it finds, for seconds.
"""

from collections.abc import Container, Sequence
from hashlib import sha256

import cbor2

from veche.keys import BadSignature, SigningKey, verify

MOST = 256
"""Entries in a batch."""
MOST_BYTES = 2 << 20
"""Bytes of a batch, and of what is answered."""
SIGNED = 32 + 64
"""Bytes of the sender's key and its signature, which come first."""
_BYTES, _ARRAY = 2, 4
"""Major types (RFC 8949, section 3)."""
_WIDTHS = {24: 1, 25: 2, 26: 4}
"""How many bytes of a length follow."""


class Stranger(Exception):
    """No validator has signed it for this node."""


def sign(data: bytes, ledger: bytes, to: bytes, key: SigningKey) -> bytes:
    """A batch, signed with a validator's ledger key for the node whose ledger key is ``to``. ``ledger``: the id."""
    return key.public + key.sign(_signed(data, ledger, to)) + data


def verified(data: bytes, ledger: bytes, own: bytes, validators: Container[bytes]) -> bytes:
    """The batch that one of these validators has signed for the node whose ledger key is ``own``. Raises Stranger."""
    key, signature, data = data[:32], data[32:SIGNED], data[SIGNED:]
    if key not in validators:
        raise Stranger
    try:
        verify(key, _signed(data, ledger, own), signature)
    except BadSignature:
        raise Stranger from None
    return data


def _signed(data: bytes, ledger: bytes, to: bytes) -> bytes:
    return f"veche-batch-v1|{ledger.hex()}|{to.hex()}|{sha256(data).hexdigest()}".encode()


def write(entries: Sequence[bytes]) -> bytes:
    return cbor2.dumps(list(entries))


def read(data: bytes) -> list[bytes]:
    """The inverse of :func:`write`. Raises ValueError for anything else."""
    count, at = _head(data, 0, _ARRAY)
    if count > MOST:
        raise ValueError(f"{count} entries")
    entries = []
    for _ in range(count):
        length, at = _head(data, at, _BYTES)
        if length > len(data) - at:
            raise ValueError("it ends in the middle of an entry")
        entries.append(data[at : at + length])
        at += length
    if at != len(data):
        raise ValueError("something follows")
    return entries


def _head(data: bytes, at: int, major: int) -> tuple[int, int]:
    """The length that stands here, of an item of this type, and where the item goes on."""
    if at >= len(data) or data[at] >> 5 != major:
        raise ValueError("another item is expected")
    small = data[at] & 0x1F
    if small < 24:
        return small, at + 1
    end = at + 1 + _WIDTHS.get(small, len(data))
    if end > len(data):
        raise ValueError("a length without an end")
    return int.from_bytes(data[at + 1 : end], "big"), end
