"""One program at a time, and who that is."""

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from filelock import lock_descriptor

from veche.durable.system import FOREIGN, NO_LINK, PUBLIC, plainly, write_all
from veche.errors import UserError
from veche.texts import Localizable, Message, Verbatim

_TRIES, _PAUSE = 10, 0.01  # seconds between them


class Held(UserError):
    """A lock that another program holds."""


class Lock:
    """One program at a time: ``with Lock(folder / "lock", Message("Another program is writing …"))``. It holds between the threads of a process, too.

    The system drops it when the process ends, however it ends. The file stays; while the lock is held it says who holds
    it (:func:`holder`). It is taken anew by each ``with``, never waited for: Held says in a sentence who has it.
    """

    def __init__(self, path: Path, taken: Localizable, mode: int = PUBLIC) -> None:
        """``taken`` says that another program has it, in a sentence without its full stop; ``mode`` is that of the file."""
        self._path, self._taken, self._mode = path, taken, mode
        self._descriptor = -1

    def __enter__(self) -> "Lock":
        with plainly(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | NO_LINK, self._mode)
            try:
                # Whoever finds the record of a holder that crashed takes the lock for an instant, see holder.
                for _ in range(_TRIES):
                    if lock_descriptor(descriptor, blocking=False):
                        break
                    time.sleep(_PAUSE)
                else:
                    raise Held(
                        Message("{taken}{process}.", taken=self._taken, process=_named(self._path)),
                        Message("Wait for it, or end it."),
                    )
                os.ftruncate(descriptor, 0)
                write_all(descriptor, f"\n{os.getpid()}\n".encode())
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

    It says what the holder wrote into the file. The lock is tried only while that is there: whoever can take it finds
    that the holder has gone, perhaps by a crash, and lets it go again at once, which :class:`Lock` waits for. Two programs
    that find this out at the same instant may take each other for the holder; asked again, they see the truth.
    """
    process = _record(path)
    if process is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDWR | NO_LINK)
    except OSError:
        try:
            descriptor = os.open(path, os.O_RDONLY | NO_LINK)
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
        with os.fdopen(os.open(path, FOREIGN), "rb") as file:
            file.seek(1)
            return int(file.read(20))
    except (OSError, ValueError):
        return None


def _named(path: Path) -> Localizable:
    process = _record(path)
    return Verbatim("") if process is None else Message(" (process {process})", process=str(process))
