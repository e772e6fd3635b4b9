"""Files that are written once, whole and durably.

A crash leaves either no file or the whole file. What is left of a torn write has the suffix ``.new`` and is written over
by the next attempt. All of it is private to the user (mode 0600, folders 0700).
"""

import os
from pathlib import Path

from veche.errors import UserError
from veche.keys import read_secret


def make_folder(folder: Path) -> None:
    """Create a private folder, durably, with those above it that are missing. Raises UserError if it cannot be."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(folder, error) from None


def write_once(path: Path, content: bytes) -> None:
    """Write a new file. When this returns, the file survives a loss of power.

    The caller holds the folder's lock, so nobody creates the file in between. Raises UserError if it exists, or if it
    cannot be written (a full disk, a folder that is read only): then there is no such file.
    """
    if path.exists():
        raise UserError(f"The file {path} exists already; it is never replaced.")
    make_folder(path.parent)
    new = path.with_name(path.name + ".new")
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)  # a crash before this line: no file; after it: the whole file
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None


def read(path: Path) -> bytes:
    """Read a private file. Raises UserError if it is missing or if others may read it."""
    return read_secret(path)


def keep(path: Path, top: Path) -> None:
    """Make sure that a file of ``write_once`` below the folder ``top`` survives a loss of power.

    It may have been left by a program that ended between giving the file its name and making the name durable. So this
    comes before anything that is in the file leaves.
    """
    try:
        for folder in path.parents:
            sync_folder(folder)
            if folder == top:
                return
    except OSError as error:
        raise cannot_write(path, error) from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def cannot_write(path: Path, error: OSError) -> UserError:
    """What to say when the disk refuses."""
    return UserError(f"{path} cannot be written: {error.strerror}.", "Nothing was signed. Make room, then try again.")
