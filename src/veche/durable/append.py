"""A file that grows: a journal."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import lock_descriptor

from veche.durable.lock import Held
from veche.durable.system import NO_LINK, cannot_write, plainly, write_all
from veche.texts import Message


class AppendOnly:
    """A file that grows at its end, and on whose every piece something may be done as soon as it is written down.

    One program at a time: it is locked while it is open. A crash leaves the last piece whole, or a part of it, or
    nothing: the reader knows by its content, and cuts a part off with ``cut``.
    """

    def __init__(self, path: Path) -> None:
        """Open a file that is there. Raises OSError, and Held if another program has it open."""
        self._path = path
        self._size = 0
        self._descriptor = os.open(path, os.O_RDWR | NO_LINK)
        try:
            if not lock_descriptor(self._descriptor, blocking=False):
                raise Held(
                    Message("Another program is using {path} now.", path=path), Message("Wait for it, or end it.")
                )
        except BaseException:
            os.close(self._descriptor)
            raise

    def read(self) -> bytes:
        """All of it. Raises UserError."""
        with plainly(self._path), os.fdopen(self._descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()

    def cut(self, size: int) -> None:
        """Keep so many bytes, and make them durable: the last piece may be of a program that ended before that. Raises UserError."""
        with plainly(self._path):
            os.ftruncate(self._descriptor, size)
            os.fsync(self._descriptor)
            os.lseek(self._descriptor, size, os.SEEK_SET)
        self._size = size

    def append(self, content: bytes) -> None:
        """Write a piece. When this returns it survives a loss of power.

        Raises UserError if the disk refuses; then the piece is taken back, unless the disk refuses that, too.
        """
        try:
            write_all(self._descriptor, content)
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
