"""Small ledgers for the tests of this folder, and a source in memory whose bytes a test may change."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from veche.keys import SigningKey
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, sign
from veche.log.publish import Publisher
from veche.log.source import Source

ORIGIN = "city.example/ledger"
KEY = SigningKey(hashlib.sha256(b"the log's key in tests").digest())
POLICY = Policy.log(ORIGIN, KEY.public)


def entries_of(count: int, what: bytes = b"entry") -> list[bytes]:
    """Short entries, all different, of different lengths; the first one is empty."""
    return [b"%s %d" % (what, i) if i else b"" for i in range(count)]


def head_of(entries: Sequence[bytes]) -> SignedCheckpoint:
    head = Checkpoint(ORIGIN, len(entries), merkle.root([merkle.leaf_hash(e) for e in entries]))
    return SignedCheckpoint(head, (sign(head, KEY),))


def publish(folder: Path, entries: Sequence[bytes]) -> SignedCheckpoint:
    head = head_of(entries)
    Publisher(folder).publish(0, entries, head)
    return head


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Memory(Source):
    """The public files of a ledger in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = dict(files)

    def names(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self.files if name.startswith(prefix))

    def get(self, name: str) -> bytes | None:
        return self.files.get(name)


def flip(data: bytes, at: int, mask: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
