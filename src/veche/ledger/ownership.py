"""Whose database it is. A node believes its own database, which it wrote after checking everything; it believes no other.

A folder that was copied, unpacked or lent has a database too, and whoever made it could have put anything into it. So a
writer notes among the user's own files where it writes: the inode of an empty file beside the database, ``place``, and the
time of its last change, which no program can set. A folder that was copied, or put back from a copy, has another ``place``.
Of a database that is not this node's own nothing is read at all.
"""

from contextlib import suppress
from pathlib import Path

from platformdirs import user_state_path

from veche.durable import Exists, place_of, write_private

PLACE = "place"


def take(folder: Path) -> None:
    """Note that this user's own node writes the database in this folder. Raises UserError if it cannot be noted."""
    with suppress(Exists):
        write_private(folder / PLACE, b"")
    with suppress(Exists):
        write_private(_note(folder), f"{folder.absolute()}\n".encode())


def is_own(folder: Path) -> bool:
    """Whether the database in this folder was written here, by this user."""
    return (folder / PLACE).is_file() and _note(folder).is_file()


def _note(folder: Path) -> Path:
    inode, changed = place_of(folder / PLACE)
    return user_state_path("veche", appauthor=False) / "own" / f"{inode}-{changed}"
