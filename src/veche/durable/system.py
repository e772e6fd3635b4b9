"""What the other files of this package ask of the operating system, and what they say when it refuses."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from veche.errors import UserError, because
from veche.texts import Message, Said

PUBLIC, PRIVATE = 0o644, 0o600
"""Modes of files; the user's umask may take more away."""
PUBLIC_FOLDER, PRIVATE_FOLDER = 0o755, 0o700
POSIX = sys.platform != "win32"
NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
NAMED = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""How to open what the user named: through a link if they did so, but a pipe blocks nobody (where there is POSIX)."""
FOREIGN = NAMED | NO_LINK
"""How to open a file that somebody else may have put there: a link is not followed, a pipe blocks nobody (where there is POSIX)."""


_PATIENCE = 10.0  # seconds for which a reader is waited for, where files that are read stay as they are
_PAUSE = 0.01


def patiently(do: Callable[[], object]) -> None:
    """Rename or remove a file. On Windows nothing is done to one that somebody has open, if only to read it for an instant: a node's
    checkpoint, say. So it is tried for a while. Raises OSError."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            do()
            return
        except PermissionError:
            if POSIX or time.monotonic() > end:
                raise
        time.sleep(_PAUSE)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it, in as many pieces as the system wants. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync(path: Path) -> None:
    """Make a file's contents, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY if POSIX else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    if POSIX:  # elsewhere a folder cannot be opened
        sync(folder)


def cannot_write(path: Path, error: OSError, hint: Said = "") -> UserError:
    """What to say when the disk refuses."""
    return UserError(
        Message("{path} cannot be written: {value}.", path=path, value=because(error)),
        hint or Message("Make room, or give the right to write there; then try again."),
    )


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """In this block an OSError says what cannot be written: it becomes a UserError."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from None
