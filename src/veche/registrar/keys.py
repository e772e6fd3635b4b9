"""The folder in which a registrar keeps its RSA keys: ``keys/<poll>/<group>.pem``, mode 0600.

Whoever reads one of these files can make permits for that group of that poll.
"""

import os
import secrets
import threading
from collections import OrderedDict
from pathlib import Path

from veche.errors import UserError
from veche.keys import read_secret, write_secret
from veche.permit.blind_rsa import IssuerKey

_KEPT = 512  # keys in memory


class RegistrarKeys:
    """A registrar's RSA keys, one per poll (64 hex digits) and group (index). Safe for threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: OrderedDict[tuple[str, int], IssuerKey] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, poll: str, group: int, bits: int) -> IssuerKey:
        """The key for this group, new if there is none. A key once made is never replaced.

        The file gets its name only when it is complete, and only if the name is free: after a crash, and between two
        processes that do this at once, there is one key, or none, but never half of one.
        """
        path = self._path(poll, group)
        if not path.exists():
            draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            write_secret(draft, IssuerKey.generate(bits).to_pem())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was faster: its key is the key
            finally:
                draft.unlink()
            _sync(path.parent)
            _sync(self._folder)
        return self.load(poll, group)

    def load(self, poll: str, group: int) -> IssuerKey:
        """The key that was made for this group. Raises UserError if its file is missing, damaged or open to others."""
        with self._lock:
            if (poll, group) in self._loaded:
                self._loaded.move_to_end((poll, group))
                return self._loaded[poll, group]
        key = IssuerKey.from_pem(read_secret(self._path(poll, group)))
        with self._lock:
            self._loaded[poll, group] = key
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        return key

    def destroy(self, poll: str) -> None:
        """Remove all keys of a poll. Doing it again does no harm. Copies in backups are the operator's to destroy."""
        with self._lock:
            for known in [known for known in self._loaded if known[0] == poll]:
                del self._loaded[known]
        folder = self._folder / poll
        if folder.exists():
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()
            _sync(self._folder)

    def _path(self, poll: str, group: int) -> Path:
        return self._folder / poll / f"{group}.pem"


def _sync(folder: Path) -> None:
    """Make what happened to the names in a folder durable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be read: {error.strerror}.", "Check its permissions.") from None
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
