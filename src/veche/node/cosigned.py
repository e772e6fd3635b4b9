"""What the ledger's own witnesses cosigned, as a node takes it in from anybody: the newest of each, if it is theirs and of this log.

Only keys that hold an observer's seat have a place, one file each, so a flood fills nothing; and what is no newer than what is there is
looked at no further.
"""

import threading
from pathlib import Path

from veche.audit.witnesses import identify
from veche.durable import make_folder, replace
from veche.errors import UserError
from veche.ledger.reader import read_own
from veche.ledger.store import plainly
from veche.log.checkpoint import SignedCheckpoint
from veche.log.cosigned import CosignedHead, cosigned_by, is_newer, read_cosigned
from veche.log.source import WITNESS, Folder
from veche.texts import Message


class NoWitness(UserError):
    """The key is not that of a witness of this ledger."""


class Later(UserError):
    """The head is longer than what is published here."""


class CosignedHeads:
    """Those beside the ledger in a folder. Any thread may use it, and there may be several of one folder in a process."""

    _writing = threading.Lock()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size, self._seats = -1, frozenset[bytes]()

    def newest(self, key: bytes) -> CosignedHead | None:
        """What lies here under this key."""
        return read_cosigned(Folder(self._folder), key)

    def take(self, key: bytes, signed: SignedCheckpoint) -> bool:
        """Keep a head that this witness cosigned; whether it is newer than what was here.

        Raises NoWitness, also if it is not by this key; Later; and DoesNotHold if it is not final, or of another log: then it is two histories.
        """
        with self._writing:
            return self._take(key, signed)

    def _take(self, key: bytes, signed: SignedCheckpoint) -> bool:
        source = Folder(self._folder)
        size = source.checkpoint().checkpoint.size
        if size == self._size and key not in self._seats:
            raise _no_witness()
        if signed.checkpoint.size > size:
            raise Later(Message("This node has not come so far."), Message("Hand it in again in a moment."))
        given, there = cosigned_by(signed, key), read_cosigned(source, key)
        if given is None:
            raise _no_witness()
        if there is not None and not is_newer(given, there):
            return False
        with read_own(self._folder) as reader:
            self._size, self._seats = size, frozenset(reader.state.witnesses())
            if key not in self._seats:
                raise _no_witness()
            by, _ = identify(reader.log, reader.state, signed)
        if by != key:
            raise _no_witness()
        path = self._folder / f"{WITNESS}{key.hex()}"
        with plainly(self._folder):
            make_folder(path.parent)
            replace(path, signed.to_bytes(), drafts=self._folder)
        return True


def _no_witness() -> NoWitness:
    return NoWitness(
        Message("This is not by a witness of this ledger."),
        Message("Witnesses are its observers, but for those who run it: veche ledger show."),
    )
