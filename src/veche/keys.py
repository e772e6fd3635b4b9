"""Ed25519 keys of offices and of the log (RFC 8032), and the files that hold them.

A key file holds the 32-byte seed as 64 hexadecimal digits and a newline, mode 0600, and is written once:
a file that exists is never replaced. Whoever reads the file is the office.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from veche.errors import UserError


class BadSignature(ValueError):
    """A signature that the key did not make over this message."""


def write_secret(path: Path, content: bytes) -> None:
    """Write a secret to a new file with mode 0600, durably. Raises UserError if the file exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError(f"The key file {path} exists already.", "Choose another place, or keep using it.") from None
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_secret(path: Path) -> bytes:
    """Read a secret file. Raises UserError if it is missing or if other users may read it."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"The key file {path} cannot be read: {error.strerror}.", "Check the path.") from None
    if mode & 0o077:
        raise UserError(f"The key file {path} can be read by others.", f"Run: chmod 600 {path}")
    return content


class SigningKey:
    """An Ed25519 secret key. ``public`` is the 32-byte public key by which the ledger knows the office."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(os.urandom(32))

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        text = read_secret(path).strip()
        try:
            seed = bytes.fromhex(text.decode("ascii"))
            return cls(seed)
        except ValueError:
            raise UserError(f"{path} is not a Veche key file.", "It should hold 64 hexadecimal digits.") from None

    def save(self, path: Path) -> None:
        write_secret(path, self._key.private_bytes_raw().hex().encode() + b"\n")

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
