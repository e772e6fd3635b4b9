"""Folders: made with those above them, and removed."""

import errno
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from veche.durable.system import PRIVATE_FOLDER, PUBLIC_FOLDER, plainly, sync_folder
from veche.errors import UserError
from veche.texts import Message


def make_folder(folder: Path, mode: int = PUBLIC_FOLDER) -> None:
    """Make a folder, with those above it that are missing, durably. It may be there already. Raises UserError.

    A crash leaves a part of them; the next call goes on from there, and makes the last of them durable first.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    there = missing[-1].parent if missing else folder
    with plainly(folder):
        with suppress(PermissionError):  # where we may not even look, no crash of ours left anything
            sync_folder(there.parent)
        for path in reversed(missing):
            with suppress(FileExistsError):  # another program was faster
                path.mkdir(mode)
            sync_folder(path.parent)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner enters (0700), if it is missing. Raises UserError if it is there and is not such a one:
    a link, somebody else's, or open to others."""
    make_folder(folder, PRIVATE_FOLDER)
    if sys.platform != "win32":
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UserError(
                Message("The folder {folder} is not yours alone.", folder=folder),
                Message("Somebody else may have made it. Run: chmod 700 {folder}", folder=folder),
            )


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, durably; it may be gone already. A crash leaves a part of it, for the next call. Raises UserError."""
    with plainly(folder):
        if folder.exists():
            shutil.rmtree(folder)
        if folder.parent.exists():
            sync_folder(folder.parent)
