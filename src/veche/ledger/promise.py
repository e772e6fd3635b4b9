"""A validator's promise that a ballot will be in a block: what a voter has in hand before it is. docs/protocol.md, section 5.

It counts heights, so that neither clocks nor halts make a liar of anybody.
"""

from typing import Self

import msgspec

from veche.errors import DoesNotHold
from veche.keys import BadSignature, SigningKey, verify
from veche.texts import Message

HEIGHTS = 600
"""In a block at most so many heights after that of the promise."""


class Promise(msgspec.Struct, frozen=True):
    """``validator``: its ledger key; ``entry``: SHA-256 of it; both in hexadecimal digits. ``height``: of the last block when it was made."""

    validator: str
    entry: str
    height: int
    signature: str

    @classmethod
    def make(cls, ledger: bytes, entry: bytes, height: int, key: SigningKey) -> Self:
        """``entry``: SHA-256 of it."""
        return cls(key.public.hex(), entry.hex(), height, key.sign(_signed(ledger, entry.hex(), height)).hex())

    def check(self, ledger: bytes) -> None:
        """Raises DoesNotHold (step ``promise``) unless the key made it, for this ledger."""
        try:
            verify(
                bytes.fromhex(self.validator), _signed(ledger, self.entry, self.height), bytes.fromhex(self.signature)
            )
        except (BadSignature, ValueError):
            raise DoesNotHold(
                "promise",
                Message("the signature"),
                Message("The signature under this promise does not hold for this ledger."),
            ) from None


def _signed(ledger: bytes, entry: str, height: int) -> bytes:
    return f"veche-promise-v1|{ledger.hex()}|{entry}|{height}".encode()
