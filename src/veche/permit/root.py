"""The one secret of a voter: 256 random bits, from which all her devices derive the same permits.

Whoever has it can vote in her place, and find her ballots: it is never sent anywhere.
"""

import hmac
import os
from pathlib import Path

from veche.errors import UserError
from veche.keys import read_secret, write_secret

ROOT_SIZE = 32


class Root:
    """The voter's root, 32 bytes. Equality takes constant time; the repr shows nothing."""

    __slots__ = ("secret",)

    def __init__(self, secret: bytes) -> None:
        """Raises UserError unless ``secret`` is 32 bytes."""
        if len(secret) != ROOT_SIZE:
            raise UserError(f"A root is {ROOT_SIZE} bytes, not {len(secret)}.", "Copy all of it.")
        self.secret = secret

    @classmethod
    def generate(cls) -> "Root":
        """A new root from the operating system's generator."""
        return cls(os.urandom(ROOT_SIZE))

    @classmethod
    def from_hex(cls, text: str) -> "Root":
        """Read 64 hexadecimal digits, either case. Raises UserError on anything else."""
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            raise UserError("This is not a root.", f"It should be {2 * ROOT_SIZE} hexadecimal digits.") from None
        return cls(secret)

    def hex(self) -> str:
        """The 64 digits that the voter carries to a second device: show them to nobody else."""
        return self.secret.hex()

    @classmethod
    def load(cls, path: Path) -> "Root":
        """Read a root's file. Raises UserError if it is missing, malformed or readable by others."""
        try:
            return cls.from_hex(read_secret(path).decode("ascii").strip())
        except UnicodeDecodeError:
            raise UserError(f"{path} does not hold a root.", "It should hold 64 hexadecimal digits.") from None

    def save(self, path: Path) -> None:
        """Write the root to a new file with mode 0600. Raises UserError if it exists: a root is never replaced."""
        write_secret(path, self.hex().encode() + b"\n")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Root) and hmac.compare_digest(self.secret, other.secret)

    __hash__ = None  # type: ignore[assignment]  # no tables keyed by secrets

    def __repr__(self) -> str:
        return "Root(...)"
