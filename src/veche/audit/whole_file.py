"""Files that are there in full or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from veche.errors import UserError


def must_be_new(path: Path) -> None:
    """Raises UserError if something is at this path already, or if its folder is missing."""
    if path.exists() or path.is_symlink():
        raise UserError(f"The file {path} exists already.", "Choose another name, or remove it.")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent}.", "Make it first.")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that gets its name when it is complete and durable, when the block ends without an error.

    Replaces what is at ``path``. A crash leaves at most a file of another name (``.NAME.*.unfinished``) beside it, to be thrown
    away. Raises UserError if it cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(".unfinished", f".{path.name}.", path.parent)
    except OSError as error:
        raise UserError(f"The file {path} cannot be written: {error.strerror}.", "Choose another folder.") from None
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        unfinished.replace(path)
    except OSError as error:
        raise UserError(f"The file {path} cannot be written: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
