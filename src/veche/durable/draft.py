"""A file while it is being written: under another name, locked, until it is complete."""

import errno
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import lock_descriptor

from veche.durable.lock import Held
from veche.durable.system import FOREIGN, NO_LINK, POSIX, patiently, sync_folder, write_all
from veche.errors import UserError
from veche.texts import Message

UNFINISHED = ".unfinished"
"""How the names of drafts end."""

_PATIENCE = 5.0  # seconds, for another program that writes the same file
_PAUSE = 0.01
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


class Exists(UserError):
    """A file that was to be new is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            Message("The file {path} exists already; it is never replaced.", path=path),
            Message("Choose another name, or keep using it."),
        )


class Draft:
    """The file in which ``path`` is written, locked. Removed at the end, unless it has become ``path``."""

    def __init__(self, path: Path, mode: int, drafts: Path | None) -> None:
        self._path = path
        self._mode = mode
        self._name = draft_name(path, drafts)
        self._named = False

    def __enter__(self) -> "Draft":
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.descriptor = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, self._mode)
            except FileExistsError:
                if not sweep(self._name):
                    if time.monotonic() > end:
                        raise Held(
                            Message("Another program is writing {path}.", path=self._path),
                            Message("Wait for it, or end it."),
                        ) from None
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
        write_all(self.descriptor, content)

    def finish(self, new: bool) -> None:
        """Make the content durable, give it its name, and make that durable."""
        os.fsync(self.descriptor)
        if not POSIX:  # a file that is open cannot be renamed there
            self._close()
        if new:
            _name_new(self._name, self._path)
        else:
            if (
                self._path.exists() and not self._path.is_file()
            ):  # a device, a pipe: whoever is root would put a file in its place
                raise UserError(
                    Message("{path} is not a file, so nothing is written in its place.", path=self._path),
                    Message("Name a file, new or old."),
                )
            patiently(lambda: self._name.replace(self._path))
        self._named = True
        sync_folder(self._path.parent)  # a crash before this leaves the file, or none, or the old one

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the draft, if it is still there: while it is locked nobody else removes it or takes its name."""
        left = _is_named(self.descriptor, self._name) if POSIX else not self._named
        if not POSIX:
            self._close()
        try:
            if left:
                self._name.unlink(missing_ok=True)
        except OSError:  # it is swept by the next writer; what was done is done
            pass
        finally:
            self._close()

    def _close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def draft_name(path: Path, drafts: Path | None) -> Path:
    """What the draft of a file is called; it is beside the file, or in the folder ``drafts``."""
    return (path.parent if drafts is None else drafts) / f".{path.name}{UNFINISHED}"


def sweep(draft: Path) -> bool:
    """Remove a draft that a crash left; False if some program is writing it.

    It may be a second name of the finished file (a crash between the two steps of :func:`_name_new`): so it is never
    written to, only removed.
    """
    if not POSIX:
        try:
            draft.unlink(missing_ok=True)
        except PermissionError:  # it is open
            return False
        return True
    try:
        descriptor = os.open(draft, FOREIGN)
    except FileNotFoundError:
        return True
    except OSError:
        if draft.is_symlink():
            raise UserError(Message("{draft} is a link, and nothing is written through it.", draft=draft),
                            Message("Somebody put it there: remove it, or write elsewhere.")) from None  # fmt: skip
        raise
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
        if POSIX:
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
