"""Whose database it is. A node believes its own database, which it wrote after checking everything; it believes no other.

A folder that was copied, unpacked or lent has a database too, and whoever made it could have put anything into it. So a
writer marks the database with a code that only this user of this machine can make, for this very file: a secret of 32 bytes
that lies among the user's own files (mode 0600), over the file's number in its file system. A copy is another file.
"""

import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from veche.durable import Exists, read_private, write_private

SECRET = "node.secret"


def mark_of(database: Path) -> bytes:
    """The mark that this user's own database bears. Raises UserError if the user's secret cannot be read or made."""
    status = database.stat()
    return hmac.digest(_secret(), b"veche: own database %d" % status.st_ino, hashlib.sha256)


def is_own(database: Path, mark: bytes) -> bool:
    """Whether the database with this mark was written here, by this user."""
    return hmac.compare_digest(mark_of(database), mark)


def _secret() -> bytes:
    path = user_state_path("veche", appauthor=False) / SECRET
    if not path.exists():
        with suppress(Exists):  # another program of the same user was quicker
            write_private(path, os.urandom(32).hex().encode() + b"\n")
    return bytes.fromhex(read_private(path).decode("ascii"))
