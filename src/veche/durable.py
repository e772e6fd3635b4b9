"""Files that are written whole, survive a loss of power, and are used by one program at a time.

    write_new      a new file: whole or not at all, never in the place of another
    replace        the same in the place of what is there: a reader sees the old file or the new one
    whole_file     either of them for content that comes in pieces
    write_private  a new file that only its owner reads (0600), in a folder that only they enter (0700)
    AppendOnly     a file that grows at its end, each piece durable before anything is done upon it
    Batch          many files, flushed together
    make_folder    a folder and those above it that are missing
    Lock, holder   one program at a time; who that is

Each of them is durable when it returns: contents were flushed before they got their name, and the folder after it.
How: the content is written to a draft, ``.NAME.unfinished``, which gets its name when it is complete. Whoever writes a
draft holds a lock on it, which the system drops when the process ends, however it ends. So a draft that is not locked
was left by a crash: the next writer of the same file removes it and begins anew. It never blocks anybody, and two
programs that write one file at once do so one after the other.

What they cannot promise: a disk that says "flushed" and is not; a file system without locks (there they refuse); and on
Windows, where a folder cannot be flushed, the name is as durable as NTFS makes it.

Everything that cannot be done raises :class:`~veche.errors.UserError` with a sentence: the disk is full, the folder is read only.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from filelock import lock_descriptor

from veche.errors import UserError

PUBLIC, PRIVATE = 0o644, 0o600
"""Modes of files; the user's umask may take more away."""
PUBLIC_FOLDER, PRIVATE_FOLDER = 0o755, 0o700
UNFINISHED = ".unfinished"
"""How the names of drafts end."""

_PATIENCE = 5.0  # seconds, for another program that writes the same file
_PAUSE = 0.01
_POSIX = os.name == "posix"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
FOREIGN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _NO_LINK
"""How to open a file that somebody else may have put there: a link is not followed, a pipe blocks nobody (where there is POSIX)."""
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


class Exists(UserError):
    """A file that was to be new is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The file {path} exists already; it is never replaced.", "Choose another name, or keep using it."
        )


class Held(UserError):
    """A lock that another program holds."""


# One file


def write_new(path: Path, content: bytes, mode: int = PUBLIC, drafts: Path | None = None) -> None:
    """Write a new file. A crash leaves no file or the whole one. Raises Exists, and UserError if it cannot be written.

    ``drafts``: a folder of the same file system for the draft, where ``path``'s own is read by others by its listing.
    """
    with _plainly(path), _Draft(path, mode, drafts) as draft:
        if os.path.lexists(path):
            raise Exists(path)
        draft.write(content)
        draft.finish(new=True)


def replace(path: Path, content: bytes, mode: int = PUBLIC, drafts: Path | None = None) -> None:
    """Write a file in the place of what is there, if anything is. A crash leaves the old one or the new one, whole.

    Raises UserError if it cannot be written; then the old one is still there. ``drafts`` as in :func:`write_new`.
    """
    with _plainly(path), _Draft(path, mode, drafts) as draft:
        draft.write(content)
        draft.finish(new=False)


@contextmanager
def whole_file(path: Path, *, new: bool, mode: int = PUBLIC) -> Iterator[BinaryIO]:
    """A file that gets its name when the block ends without an error, as by :func:`write_new` or :func:`replace`.

    If the block raises, nothing is left. An OSError in it counts as one of this file: it becomes a UserError.
    """
    with _plainly(path), _Draft(path, mode, None) as draft:
        if new and os.path.lexists(path):
            raise Exists(path)
        with os.fdopen(draft.descriptor, "wb", closefd=False) as file:
            yield file
        draft.finish(new=new)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file with mode 0600, in a folder that is made with mode 0700 if it is missing. Raises as :func:`write_new`."""
    make_folder(path.parent, PRIVATE_FOLDER)
    write_new(path, content, PRIVATE)


def read_private(path: Path) -> bytes:
    """Read a file of :func:`write_private`. Raises UserError if it is missing or if other users may read it.

    Where there are no POSIX modes (Windows) the folder's own protection must do.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"The file {path} cannot be read: {error.strerror}.", "Check the path.") from None
    if _POSIX and mode & 0o077:
        raise UserError(f"The file {path} can be read by others.", f"Run: chmod 600 {path}")
    return content


def remove(path: Path) -> None:
    """Remove a file, durably; it may be gone already. Raises UserError."""
    with _plainly(path):
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def must_be_new(path: Path) -> None:
    """To be asked before long work. Raises UserError if something is at this path already, or if its folder is missing."""
    if os.path.lexists(path):
        raise Exists(path)
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent}.", "Make it first.")


def settle(path: Path, top: Path) -> None:
    """Make sure that a file of this module that is there survives a loss of power, its folders up to ``top`` too.

    A program may have ended between giving the file its name and making the name durable. So this comes before anything
    that relies on the file leaves. It also removes the draft that such a crash leaves. Raises UserError.
    """
    with _plainly(path):
        draft = _draft_name(path, path.parent)
        if os.path.lexists(draft):
            _sweep(draft)
        for folder in path.parents:
            sync_folder(folder)
            if folder == top:
                return


# Folders


def make_folder(folder: Path, mode: int = PUBLIC_FOLDER) -> None:
    """Make a folder, with those above it that are missing, durably. It may be there already. Raises UserError.

    A crash leaves a part of them; the next call goes on from there, and makes the last of them durable first.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    there = missing[-1].parent if missing else folder
    with _plainly(folder):
        with suppress(PermissionError):  # where we may not even look, no crash of ours left anything
            sync_folder(there.parent)
        for path in reversed(missing):
            with suppress(FileExistsError):  # another program was faster
                path.mkdir(mode)
            sync_folder(path.parent)
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def remove_folder(folder: Path) -> None:
    """Remove a folder of files, durably; it may be gone already. A crash leaves a part of it, for the next call. Raises UserError."""
    with _plainly(folder):
        if folder.exists():
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
            folder.rmdir()
        if folder.parent.exists():
            sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    if _POSIX:  # elsewhere a folder cannot be opened
        _sync(folder)


class AppendOnly:
    """A file that grows at its end, and on whose every piece something may be done as soon as it is written down.

    One program at a time: it is locked while it is open. A crash leaves the last piece whole, or a part of it, or
    nothing: the reader knows by its content, and cuts a part off with ``cut``.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that is there. Raises OSError, and Held if another program has it open."""
        self._path = path
        self._size = 0
        self._descriptor = os.open(path, os.O_RDWR | _NO_LINK)
        try:
            if not lock_descriptor(self._descriptor, blocking=False):
                raise Held(f"Another program is using {path} now.", "Wait for it, or end it.")
        except BaseException:
            os.close(self._descriptor)
            raise

    def read(self) -> bytes:
        """All of it. Raises UserError."""
        with _plainly(self._path), os.fdopen(self._descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()

    def cut(self, size: int) -> None:
        """Keep so many bytes, and make them durable: the last piece may be of a program that ended before that. Raises UserError."""
        with _plainly(self._path):
            os.ftruncate(self._descriptor, size)
            os.fsync(self._descriptor)
            os.lseek(self._descriptor, size, os.SEEK_SET)
        self._size = size

    def append(self, content: bytes) -> None:
        """Write a piece. When this returns it survives a loss of power.

        Raises UserError if the disk refuses; then the piece is taken back, unless the disk refuses that, too.
        """
        try:
            _write(self._descriptor, content)
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
                os.lseek(self._descriptor, self._size, os.SEEK_SET)
            raise cannot_write(self._path, error) from None
        self._size += len(content)

    def __enter__(self) -> "AppendOnly":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


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
        with _plainly(drafts):
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
        with _plainly(path):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, mode)
            try:
                _write(descriptor, content)
            finally:
                os.close(descriptor)
        self._renames.append((draft, path))
        self.keep(path)

    def finish(self) -> None:
        """Make the files durable: first their contents, then their names. Raises UserError."""
        with _plainly(self._top):
            for draft, _ in self._renames:
                _sync(draft)
            for draft, path in self._renames:
                for folder in reversed(path.parents):
                    if folder in self._folders and not folder.exists():
                        folder.mkdir(PUBLIC_FOLDER)
                draft.replace(path)
            for folder in self._folders:  # from a file's own folder upwards
                sync_folder(folder)
            sync_folder(self._top)


# Locks


class Lock:
    """One program at a time: ``with Lock(folder / "lock", "the ledger in …")``. It holds between the threads of a process, too.

    The system drops it when the process ends, however it ends. The file stays; while the lock is held it says who holds
    it (:func:`holder`). It is taken anew by each ``with``, never waited for: Held says in a sentence who has it.
    """

    def __init__(self, path: Path, what: str, doing: str = "using") -> None:
        """``what`` and ``doing`` complete the sentence "Another program is using …"."""
        self._path, self._what, self._doing = path, what, doing
        self._descriptor = -1

    def __enter__(self) -> "Lock":
        with _plainly(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | _NO_LINK, PUBLIC)
            try:
                # Whoever finds the record of a holder that crashed takes the lock for an instant, see holder.
                for _ in range(10):
                    if lock_descriptor(descriptor, blocking=False):
                        break
                    time.sleep(_PAUSE)
                else:
                    raise Held(
                        f"Another program is {self._doing} {self._what}{_named(self._path)}.", "Wait for it, or end it."
                    )
                os.ftruncate(descriptor, 0)
                _write(descriptor, f"\n{os.getpid()}\n".encode())
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            with suppress(OSError):  # a record that stays is that of a crash
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)


def holder(path: Path) -> str | None:
    """Who holds the lock with this file, as "process 123"; None if nobody does.

    It says what the holder wrote into the file. The lock is touched only while that is there: whoever can take it finds
    that the holder has gone, perhaps by a crash, and lets it go again at once, which :class:`Lock` waits for. Two programs
    that find this out at the same instant may take each other for the holder; asked again, they see the truth.
    """
    process = _record(path)
    if process is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDWR | _NO_LINK)
    except OSError:
        try:
            descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
        except OSError:
            return None
    try:
        if not lock_descriptor(descriptor, blocking=False):
            return f"process {process}"
        with suppress(OSError):  # whoever may not write leaves the record to the next
            os.ftruncate(descriptor, 0)
    except OSError:  # no lock may be tried here, so the record is all there is
        return f"process {process}"
    finally:
        os.close(descriptor)
    return None


def _record(path: Path) -> int | None:
    """What the lock's file says. The first byte is the one that Windows locks against readers, so nothing is in it."""
    try:
        with path.open("rb") as file:
            file.seek(1)
            return int(file.read(20))
    except (OSError, ValueError):
        return None


def _named(path: Path) -> str:
    process = _record(path)
    return "" if process is None else f" (process {process})"


# Drafts


class _Draft:
    """The file in which ``path`` is written, locked. Removed at the end, unless it has become ``path``."""

    def __init__(self, path: Path, mode: int, drafts: Path | None) -> None:
        self._path = path
        self._mode = mode
        self._name = _draft_name(path, path.parent if drafts is None else drafts)

    def __enter__(self) -> "_Draft":
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.descriptor = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, self._mode)
            except FileExistsError:
                if not _sweep(self._name):
                    if time.monotonic() > end:
                        raise Held(f"Another program is writing {self._path}.", "Wait for it, or end it.") from None
                    time.sleep(_PAUSE)
                continue
            try:
                # Between these two lines somebody may have taken the new draft for one that a crash left.
                if lock_descriptor(self.descriptor, blocking=False) and _is_named(self.descriptor, self._name):
                    return self
            except BaseException:
                os.close(self.descriptor)
                raise
            os.close(self.descriptor)

    def write(self, content: bytes) -> None:
        _write(self.descriptor, content)

    def finish(self, new: bool) -> None:
        """Make the content durable, give it its name, and make that durable."""
        os.fsync(self.descriptor)
        if not _POSIX:  # a file that is open cannot be renamed there
            self._close()
        if new:
            _name_new(self._name, self._path)
        else:
            self._name.replace(self._path)
        sync_folder(self._path.parent)  # a crash before this leaves the file, or none, or the old one

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the draft if it still has this name: while it is locked nobody else removes it or takes its name."""
        if not _POSIX:
            self._close()
        try:
            with suppress(FileNotFoundError):
                if not _POSIX or _is_named(self.descriptor, self._name):
                    self._name.unlink()
        except OSError:  # it is swept by the next writer; what was done is done
            pass
        finally:
            self._close()

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _draft_name(path: Path, folder: Path) -> Path:
    return folder / f".{path.name}{UNFINISHED}"


def _sweep(draft: Path) -> bool:
    """Remove a draft that a crash left; False if some program is writing it.

    It may be a second name of the finished file (a crash between the two steps of :func:`_name_new`): so it is never
    written to, only removed.
    """
    if not _POSIX:
        try:
            draft.unlink(missing_ok=True)
        except PermissionError:  # it is open
            return False
        return True
    try:
        descriptor = os.open(draft, FOREIGN)
    except FileNotFoundError:
        return True
    try:
        if not lock_descriptor(descriptor, blocking=False):
            return False
        with suppress(FileNotFoundError):
            if _is_named(descriptor, draft):
                draft.unlink()
        return True
    finally:
        os.close(descriptor)


def _name_new(draft: Path, path: Path) -> None:
    """Give a draft its name, if the name is free. Raises Exists."""
    try:
        if _POSIX:
            path.hardlink_to(draft)  # a crash before the draft is removed leaves two names of one whole file
        else:
            draft.rename(path)  # never replaces on Windows
    except FileExistsError:
        raise Exists(path) from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(path):  # nobody who uses this module makes it in between: they would hold the draft
            raise Exists(path) from None
        draft.rename(path)


def _is_named(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(path: Path) -> None:
    """Make a file's contents, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY if _POSIX else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError, hint: str = "") -> UserError:
    """What to say when the disk refuses."""
    return UserError(
        f"{path} cannot be written: {error.strerror or error}.",
        hint or "Make room, or give the right to write there; then try again.",
    )


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from None
