"""One file: written whole, new or in the place of another; and private ones."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO, TypeVar

from veche.durable.draft import Draft, Exists, draft_name, sweep
from veche.durable.folders import make_folder
from veche.durable.system import NAMED, POSIX, PRIVATE, PRIVATE_FOLDER, PUBLIC, patiently, plainly, sync, sync_folder
from veche.errors import UserError, because
from veche.texts import Message

T = TypeVar("T")

_PRIVATE_LIMIT = 1 << 26
"""Bytes of the largest private file that is read: what a committee's ceremony keeps is far below."""


def write_new(path: Path, content: bytes, mode: int = PUBLIC, drafts: Path | None = None) -> None:
    """Write a new file. A crash leaves no file or the whole one. Raises Exists, and UserError if it cannot be written.

    ``drafts``: a folder of the same file system for the draft, where ``path``'s own is read by others by its listing.
    """
    _must_be_free(path, drafts)
    with plainly(path), Draft(path, mode, drafts) as draft:
        draft.write(content)
        draft.finish(new=True)


def replace(path: Path, content: bytes, mode: int = PUBLIC, drafts: Path | None = None) -> None:
    """Write a file in the place of what is there, if anything is. A crash leaves the old one or the new one, whole.

    Raises UserError if it cannot be written; then the old one is still there. ``drafts`` as in :func:`write_new`.
    """
    with plainly(path), Draft(path, mode, drafts) as draft:
        draft.write(content)
        draft.finish(new=False)


@contextmanager
def whole_file(path: Path, *, new: bool, mode: int = PUBLIC) -> Iterator[BinaryIO]:
    """A file that gets its name when the block ends without an error, as by :func:`write_new` or :func:`replace`.

    If the block raises, nothing is left. An OSError in it counts as one of this file: it becomes a UserError.
    """
    if new:
        _must_be_free(path, None)
    with plainly(path), Draft(path, mode, None) as draft:
        with os.fdopen(draft.descriptor, "wb", closefd=False) as file:
            yield file
        draft.finish(new=new)


def _must_be_free(path: Path, drafts: Path | None) -> None:
    """Raises Exists if something is there. It may be what a crash has left, so its draft goes, as far as that is allowed."""
    if os.path.lexists(path):
        with suppress(OSError):
            sweep(draft_name(path, drafts))
        raise Exists(path)


def place_of(path: Path) -> tuple[int, int]:
    """Where a file lives: its inode, and the time of its last change in nanoseconds (st_ctime_ns, which no program can set).

    A copy has another place, and so has a file that was put back. Raises OSError.
    """
    status = path.stat()
    return status.st_ino, status.st_ctime_ns


def write_private(path: Path, content: bytes) -> None:
    """Write a new file with mode 0600, in a folder that is made with mode 0700 if it is missing. Raises as :func:`write_new`."""
    make_folder(path.parent, PRIVATE_FOLDER)
    write_new(path, content, PRIVATE)


def read_private(path: Path) -> bytes:
    """Read a file of :func:`write_private`. Raises UserError if it is missing, no file, or if other users may read it."""
    return read_private_as(path, bytes)


def read_private_as(path: Path, parse: Callable[[bytes], T]) -> T:
    """The same of a file that a person named. ``parse`` says what it holds, or raises, before it is asked who may read it: a file that
    was named by mistake stays as open as it is.

    Where there are no POSIX modes (Windows) the folder's own protection must do.
    """
    try:
        descriptor = os.open(path, NAMED)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise UserError(Message("{path} is not a file.", path=path), Message("Check the path."))
            content = file.read(_PRIVATE_LIMIT + 1)
    except OSError as error:
        raise UserError(
            Message("The file {path} cannot be read: {strerror}.", path=path, strerror=because(error)),
            Message("Check the path."),
        ) from None
    if len(content) > _PRIVATE_LIMIT:
        raise UserError(
            Message("The file {path} is too long to be what is wanted here.", path=path), Message("Check the path.")
        )
    parsed = parse(content)
    if POSIX and mode & 0o077:
        raise UserError(
            Message("The file {path} can be read by others.", path=path), Message("Run: chmod 600 {path}", path=path)
        )
    return parsed


def put_in_place(new: Path, path: Path) -> None:
    """Give a file that another program has written (a database) its name, in the place of what is there, if anything is.

    A crash leaves the old one or the new one, whole. Raises UserError if that cannot be done; then the old one is still there.
    """
    with plainly(path):
        sync(new)
        patiently(lambda: new.replace(path))
        sync_folder(path.parent)


def move_aside(path: Path, folder: Path) -> None:
    """Move a file or a folder, whatever it is, durably into a folder: under its name, or under it and a number if that is taken.

    Raises UserError; then it is where it was.
    """
    with plainly(path):
        names = (f"{path.name}.{number}" if number else path.name for number in count())
        path.rename(next(new for name in names if not os.path.lexists(new := folder / name)))
        sync_folder(folder)
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, durably; it may be gone already, and its folder too. Raises UserError."""
    with plainly(path):
        patiently(lambda: path.unlink(missing_ok=True))
        if path.parent.exists():
            sync_folder(path.parent)


def drop(path: Path) -> None:
    """Remove a file; a crash may bring it back, and it may be gone already. Raises OSError."""
    patiently(lambda: path.unlink(missing_ok=True))


def must_be_new(path: Path) -> None:
    """To be asked before long work. Raises UserError if something is at this path already, or if its folder is missing."""
    if os.path.lexists(path):
        raise Exists(path)
    if not path.parent.is_dir():
        raise UserError(Message("There is no folder {parent}.", parent=path.parent), Message("Make it first."))


def settle(path: Path, top: Path) -> None:
    """Make sure that a file of this module that is there survives a loss of power, its folders up to ``top`` too.

    A program may have ended between giving the file its name and making the name durable. So this comes before anything
    that relies on the file leaves. It also removes the draft that such a crash leaves. Raises UserError.
    """
    with plainly(path):
        sweep(draft_name(path, None))
        for folder in path.parents:
            sync_folder(folder)
            if folder == top:
                return
