"""The folder in which a registrar keeps its RSA keys: ``keys/<poll>/<group>.pem``, mode 0600.

Whoever reads one of these files can make permits for that group of that poll.
"""

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from veche.durable import Exists, read_private, remove_folder, settle, write_private
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

        After a crash, and between two processes that do this at once, there is one key, or none, but never half of one;
        and when it is told to anybody it is durable.
        """
        path = self._path(poll, group)
        if not path.exists():
            with suppress(Exists):  # another process was faster: its key is the key
                write_private(path, IssuerKey.generate(bits).to_pem())
        settle(path, self._folder)
        return self.load(poll, group)

    def load(self, poll: str, group: int) -> IssuerKey:
        """The key that was made for this group. Raises UserError if its file is missing, damaged or open to others."""
        with self._lock:
            if (poll, group) in self._loaded:
                self._loaded.move_to_end((poll, group))
                return self._loaded[poll, group]
        key = IssuerKey.from_pem(read_private(self._path(poll, group)))
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
        remove_folder(self._folder / poll)

    def _path(self, poll: str, group: int) -> Path:
        return self._folder / poll / f"{group}.pem"
