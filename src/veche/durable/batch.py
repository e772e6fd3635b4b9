"""Many files that are flushed together."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from veche.durable.draft import UNFINISHED
from veche.durable.system import NO_LINK, PUBLIC, PUBLIC_FOLDER, patiently, plainly, sync, sync_folder, write_all


class Batch:
    """Many files at once: all are written before the first is flushed, so that the disk is kept busy.

    For a folder with one writer, who holds its lock. A crash leaves some of the files, each whole, under their names, and
    others in ``drafts``, which the next batch empties. Whoever needs all or none writes a last file that says so, with
    :func:`replace`, after ``finish``.
    """

    def __init__(self, top: Path, drafts: Path) -> None:
        """``top``: the folder below which files are written; ``drafts``: a folder of the same file system, made if missing."""
        self._top, self._drafts = top, drafts
        self._renames: list[tuple[Path, Path]] = []
        self._folders: dict[Path, None] = {}  # an ordered set
        with plainly(drafts):
            with suppress(FileExistsError):
                drafts.mkdir(PUBLIC_FOLDER)
            for left_by_a_crash in drafts.iterdir():
                left_by_a_crash.unlink()

    def keep(self, path: Path) -> None:
        """A file below ``top`` that is there already: its name is made durable with the others, for a crash may have
        been before that."""
        for folder in path.parents:
            if folder == self._top:
                return
            self._folders[folder] = None

    def write(self, path: Path, content: bytes, mode: int = PUBLIC) -> None:
        """Write a file below ``top``; it gets its name with ``finish``, in the place of what is there. Raises UserError."""
        draft = self._drafts / str(len(self._renames))
        with plainly(path):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, mode)
            try:
                write_all(descriptor, content)
            finally:
                os.close(descriptor)
        self._renames.append((draft, path))
        self.keep(path)

    def finish(self) -> None:
        """Make the files durable: first their contents, then their names. Raises UserError."""
        with plainly(self._top):
            for draft, _ in self._renames:
                sync(draft)
            for draft, path in self._renames:
                for folder in reversed(path.parents):
                    if folder in self._folders and not folder.exists():
                        folder.mkdir(PUBLIC_FOLDER)
                patiently(partial(draft.replace, path))
            for folder in self._folders:  # from a file's own folder upwards
                sync_folder(folder)
            sync_folder(self._top)


def write_shared(folder: Path, names: Iterable[str], content: bytes) -> list[str]:
    """Write one content under many names, in the place of the files there: two flushes, however many names there are.

    A crash leaves the file under some of them, whole. The answer is the names that something else stands in the way of: a folder,
    or what the file system will not name. Raises UserError if nothing can be written.
    """
    left = []
    draft = folder / f".{secrets.token_hex(16)}{UNFINISHED}"  # nobody can have put anything there
    with plainly(folder):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, PUBLIC)
        try:
            try:
                write_all(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            for name in names:
                try:
                    _share(draft, folder / name, content)
                except OSError:
                    left.append(name)
        finally:
            draft.unlink()
        sync_folder(folder)
    return left


def _share(draft: Path, path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, or with few of them
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, PUBLIC)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
