"""Ed25519 keys of offices and of the log (RFC 8032), and the files that hold them.

A key file holds the 32-byte seed as 64 hexadecimal digits and a newline, mode 0600, and is written once:
a file that exists is never replaced. Whoever reads the file is the office.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veche.durable import read_private_as, write_private
from veche.errors import UserError
from veche.handed import only_line
from veche.texts import Message


class BadSignature(ValueError):
    """A signature that the key did not make over this message."""


class SigningKey:
    """An Ed25519 secret key. ``public`` is the 32-byte public key by which the ledger knows the office."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(os.urandom(32))

    @property
    def seed(self) -> bytes:
        """The 32 bytes of which the key is made, for the files of other programs."""
        return self._key.private_bytes_raw()

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read a key file. Raises UserError if it is missing, malformed or readable by others."""

        def read(content: bytes) -> SigningKey:
            try:
                return cls(bytes.fromhex(only_line(content)))
            except ValueError:
                raise UserError(
                    Message("{path} is not a Veche key file.", path=path),
                    Message("It should hold 64 hexadecimal digits."),
                ) from None

        return read_private_as(path, read)

    def save(self, path: Path) -> None:
        """Write the key to a new file, whole or not at all. Raises UserError: a key is never replaced."""
        write_private(path, self.seed.hex().encode() + b"\n")

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.hex()[:8]}…)"


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature. Raises BadSignature."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise BadSignature("the signature does not fit the key and the message") from None
