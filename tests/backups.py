"""How people restore a backup over what is there."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path


def sync_in_place(backup: Path, folder: Path) -> None:
    """``rsync -a --inplace --delete backup/ folder``: what has the same size and time (in seconds) is left alone."""
    _sync(backup, folder, in_place=True)


def sync(backup: Path, folder: Path) -> None:
    """``rsync -a --delete backup/ folder``: as :func:`sync_in_place`, but what differs is replaced by a new file."""
    _sync(backup, folder, in_place=False)


def _sync(backup: Path, folder: Path, in_place: bool) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if not (backup / path.relative_to(folder)).exists():
            path.rmdir() if path.is_dir() else path.unlink()
    for path in backup.rglob("*"):
        there = folder / path.relative_to(backup)
        if path.is_dir():
            there.mkdir(exist_ok=True)
        elif not there.exists() or _looks(path) != _looks(there):
            if not in_place:
                there.unlink(missing_ok=True)
            there.write_bytes(path.read_bytes())
            shutil.copystat(path, there)


def _looks(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, int(status.st_mtime)


def copy_over(backup: Path, folder: Path) -> None:
    """``cp -a backup/. folder``: the old contents in the files that are there."""
    shutil.copytree(backup, folder, dirs_exist_ok=True)


def copy_anew(backup: Path, folder: Path) -> None:
    """``rm -r folder; cp -a backup folder``."""
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


def unpack(backup: Path, folder: Path) -> None:
    """``tar -C backup -c . | tar -C folder -x``."""
    packed = subprocess.run(["tar", "-C", backup, "-c", "."], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-C", folder, "-x"], check=True, input=packed)


def move_in(backup: Path, folder: Path) -> None:
    """A folder that was made beside it takes its place."""
    beside = folder.with_name("beside")
    shutil.copytree(backup, beside)
    shutil.rmtree(folder)
    beside.rename(folder)


WAYS: tuple[Callable[[Path, Path], None], ...] = (sync_in_place, sync, copy_over, copy_anew, unpack, move_in)
