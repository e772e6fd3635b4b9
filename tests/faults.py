"""A program that ends at a file operation of its own: at each of them in turn, before it or after it.

    for disk in crashes(lambda: write_new(path, b"…"), ready):
        ...     # the program ended at disk.stopped. Look at what it left, and work on.

An operation is a call of the system that changes what is on the disk, or makes it durable. From the crash on every
further one fails as well, so that no ``finally`` of a dead program tidies up after it. What the operating system does
when a process ends is done: files are closed, locks dropped.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from veche.errors import UserError

BEFORE, AFTER, TORN, FULL = "before", "after", "torn", "full"
"""How it ends: before the operation; after it; with half of it done (a write), or half of what was written on the disk
(a flush). Or the disk refuses it, once, and the program goes on."""


class Crash(BaseException):
    """The program ends here, as far as anybody can tell from the disk."""


@dataclass(frozen=True)
class Operation:
    """``name`` of a function of ``os``, and the file or folder that it changes."""

    name: str
    path: Path


class Disk:
    """While the block runs: ``done`` so far, and ``durable``, the paths whose content or whose names are flushed.

    A name in a folder is durable if the folder is, which it is no more when a name is added.
    """

    def __init__(self, stop: int | Callable[[Operation], bool] = 0, how: str = BEFORE) -> None:
        """``stop``: the number of the operation (from 1; 0: none), or a function that says whether it is this one."""
        self.done: list[Operation] = []
        self.durable: set[str] = set()
        self.stopped: Operation | None = None
        self._stop, self.how = stop, how
        self._flushed: dict[int, int] = {}  # inode -> bytes that a loss of power leaves
        self._patch = pytest.MonkeyPatch()

    @property
    def could_not_remove(self) -> bool:
        """Whether what was refused was only to tidy up, so that a draft may be left until that file is written again."""
        return self.how == FULL and self.stopped is not None and self.stopped.name == "unlink"

    def __enter__(self) -> "Disk":
        for name, path_of in _OPERATIONS.items():
            self._patch.setattr(os, name, self._watched(name, getattr(os, name), path_of))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _watched(self, name: str, original: Callable[..., Any], path_of: Callable[..., Path]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_CREAT | os.O_TRUNC):
                return original(*arguments, **named)
            if self.stopped is not None and self.how != FULL:
                raise Crash
            operation = Operation(name, path_of(*arguments))
            if self.how == TORN and not self._can_be_torn(name, arguments[0]):
                return self._do(operation, original, arguments, named)
            self.done.append(operation)
            if not (self._stop(operation) if callable(self._stop) else len(self.done) == self._stop):
                return self._do(operation, original, arguments, named)
            self.stopped = operation
            if self.how == FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self.how == TORN:
                self._tear(name, original, arguments)
            if self.how == AFTER:
                self._do(operation, original, arguments, named)
            raise Crash

        return call

    def _do(self, operation: Operation, original: Callable[..., Any], arguments: Any, named: Any) -> Any:
        if operation.name == "write":
            status = os.fstat(arguments[0])
            self._flushed.setdefault(status.st_ino, status.st_size)
        answer = original(*arguments, **named)
        path = operation.path
        if operation.name == "fsync":
            self.durable.add(str(path))
            status = os.fstat(arguments[0])
            self._flushed[status.st_ino] = status.st_size
        elif operation.name in ("write", "ftruncate"):
            self.durable.discard(str(path))
        elif operation.name in ("open", "mkdir"):
            self.durable.discard(str(path.parent))
        elif operation.name in ("link", "rename", "replace"):
            source = str(Path(arguments[0]))
            (self.durable.add if source in self.durable else self.durable.discard)(str(path))
            self.durable.discard(str(path.parent))
        if operation.name in ("unlink", "rename", "replace"):
            self.durable.discard(str(Path(arguments[0])))
        return answer

    def _can_be_torn(self, name: str, what: Any) -> bool:
        return name in ("write", "fsync") and stat.S_ISREG(os.fstat(what).st_mode)

    def _tear(self, name: str, original: Callable[..., Any], arguments: Any) -> None:
        if name == "write":
            original(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        else:
            status = os.fstat(arguments[0])
            before = self._flushed.get(status.st_ino, status.st_size)
            os.truncate(_path_of(arguments[0]), before + (status.st_size - before) // 2)


def _path_of(descriptor: int, *_: Any) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


_OPERATIONS: dict[str, Callable[..., Path]] = {
    **dict.fromkeys(("write", "fsync", "ftruncate"), _path_of),
    **dict.fromkeys(("link", "rename", "replace"), lambda source, target: Path(target)),
    **dict.fromkeys(("open", "mkdir", "unlink", "rmdir"), lambda path, *_: Path(path)),
}


def crashes(
    work: Callable[[], object],
    ready: Callable[[], object] = lambda: None,
    hows: tuple[str, ...] = (BEFORE, AFTER, TORN),
    only: Callable[[Operation], bool] = lambda operation: True,
) -> Iterator[Disk]:
    """Do ``work`` until it ends at its first operation, then at its second, and so on; each time after ``ready``.

    ``only`` picks the operations at which it ends, where others are for another test. With FULL among ``hows`` the work may go on after a refusal; it has to say it, as a UserError, or to do without.
    """
    for how in hows:
        for number in count(1):
            ready()
            numbers = count(1)
            with Disk(lambda operation: only(operation) and next(numbers) == number, how) as disk:  # noqa: B023
                try:
                    work()
                    assert disk.stopped is None or how == FULL, "the crash was swallowed"
                except Crash:
                    assert how != FULL
                except UserError:
                    assert how == FULL and disk.stopped is not None
            if disk.stopped is None:
                assert number > 1 or how == TORN, "this work does nothing that could fail"
                break
            yield disk
