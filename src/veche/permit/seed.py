"""The one secret of a voter: 256 random bits, from which all their devices derive the same permits.

Whoever has it can vote in the voter's place, and find the voter's ballots: it is never sent anywhere.
"""

import hmac
import os
from pathlib import Path

from veche.durable import read_private_as, write_private
from veche.errors import UserError
from veche.handed import only_line
from veche.texts import Message

SEED_SIZE = 32


class Seed:
    """The voter's seed, 32 bytes. Equality takes constant time; the repr shows nothing."""

    __slots__ = ("secret",)

    def __init__(self, secret: bytes) -> None:
        """Raises UserError unless ``secret`` is 32 bytes."""
        if len(secret) != SEED_SIZE:
            raise UserError(
                Message("A seed is {seed_size} bytes, not {secret}.", seed_size=SEED_SIZE, secret=len(secret)),
                Message("Copy all of it."),
            )
        self.secret = secret

    @classmethod
    def generate(cls) -> "Seed":
        """A new seed from the operating system's generator."""
        return cls(os.urandom(SEED_SIZE))

    @classmethod
    def from_hex(cls, text: str) -> "Seed":
        """Read 64 hexadecimal digits, either case. Raises UserError on anything else."""
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            raise UserError(
                Message("This is not a seed."), Message("It should be {value} hexadecimal digits.", value=2 * SEED_SIZE)
            ) from None
        return cls(secret)

    def hex(self) -> str:
        """The 64 digits that the voter carries to a second device: show them to nobody else."""
        return self.secret.hex()

    @classmethod
    def load(cls, path: Path) -> "Seed":
        """Read a seed's file. Raises UserError if it is missing, malformed or readable by others."""

        def read(content: bytes) -> Seed:
            try:
                return cls.from_hex(only_line(content))
            except (ValueError, UserError):
                raise UserError(
                    Message("{path} does not hold a seed.", path=path), Message("It should hold 64 hexadecimal digits.")
                ) from None

        return read_private_as(path, read)

    def save(self, path: Path) -> None:
        """Write the seed to a new file with mode 0600. Raises UserError if it exists: a seed is never replaced."""
        write_private(path, self.hex().encode() + b"\n")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seed) and hmac.compare_digest(self.secret, other.secret)

    __hash__ = None  # type: ignore[assignment]  # no tables keyed by secrets

    def __repr__(self) -> str:
        return "Seed(...)"
