"""Files that are written once, whole and durably.

A crash leaves either no file or the whole file. What is left of a torn write has the suffix ``.new`` and is written over by
the next attempt. All of it is private to the user (mode 0600, folders 0700).
"""

import os
from pathlib import Path

from veche.errors import UserError
from veche.keys import read_secret


def make_folder(folder: Path) -> None:
    """Create a private folder, durably, with those above it that are missing."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)


def write_once(path: Path, content: bytes) -> None:
    """Write a new file. When this returns, the file survives a loss of power. Raises UserError if it exists.

    The caller holds the folder's lock, so nobody creates the file in between.
    """
    if path.exists():
        raise UserError(f"The file {path} exists already; it is never replaced.")
    make_folder(path.parent)
    new = path.with_name(path.name + ".new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)  # a crash before this line: no file; after it: the whole file
    sync_folder(path.parent)


def read(path: Path) -> bytes:
    """Read a private file. Raises UserError if it is missing or if others may read it."""
    return read_secret(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
