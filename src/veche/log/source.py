"""Where a ledger's public files are read from: a folder, or an export, which is one plain tar file of them.

    checkpoint · tile/... · attachment/<SHA-256 of its content> · witness/<key> · head/<size>

Both are read strictly. Names other than these do not exist: a folder may hold other things beside them, which are not
seen, and so is what lies behind a link to a folder. What has one of these names is a file of a bounded size, or it is wrong:
so no link, pipe or endless file is ever read (docs/protocol.md, section 5). In a folder, where mail, editors and copies that
were cut short leave their marks, a file of no bytes is as good as none, and the form of a checkpoint is put right. An export has one form only: ustar headers with nothing in them but name and size, names in ascending order, the
padding of POSIX tar and not a byte more; so equal ledgers give equal exports, and any `tar` unpacks them.
"""

import errno
import os
import re
import stat
import tarfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from veche.durable import FOREIGN, NAMED, whole_file
from veche.errors import DoesNotHold, UserError, because
from veche.handed import what_else
from veche.log.checkpoint import SignedCheckpoint, put_right
from veche.log.note import NOTE_LIMIT
from veche.log.tiles import CHECKPOINT, ENTRIES, ENTRY_LIMIT, Tile
from veche.texts import Message, Said

WITNESS = "witness/"
"""Where the newest head that each witness cosigned lies, under the hexadecimal digits of their key."""
HEAD = "head/"
"""Where the heads are kept at whose end others became validators, under their sizes."""
ATTACHMENT_LIMIT = 64 * 1024 * 1024  # bytes
_ATTACHMENT = re.compile(r"attachment/[0-9a-f]{64}")
_FOLDER = re.compile(r"tile/(entries|[1-9]?[0-9])(/x[0-9]{3})*(/[0-9]{3}\.p)?")
"""A folder in which there may be tiles."""
_WITNESS = re.compile(r"witness/[0-9a-f]{64}")
_HEAD = re.compile(r"head/[1-9][0-9]{0,18}")
_NO_FILE = errno.ELOOP, errno.ENXIO
"""How a system says that something is a link, or a socket: so no file, whoever looks."""
_BLOCK = tarfile.BLOCKSIZE
_BEGINNINGS = b"attachment/", CHECKPOINT.encode() + b"\0", b"tile/"
"""How an export can begin: with the name of its first file."""


def size_limit(name: str) -> int | None:
    """The most bytes that the public file of this name may have; None if no public file has such a name."""
    if name == CHECKPOINT or _WITNESS.fullmatch(name) or _HEAD.fullmatch(name):
        return NOTE_LIMIT
    if _ATTACHMENT.fullmatch(name):
        return ATTACHMENT_LIMIT
    try:
        tile = Tile.parse(name)
    except ValueError:
        return None
    return tile.width * (2 + ENTRY_LIMIT if tile.level == ENTRIES else 32)


class Source(ABC):
    """The public files of one ledger, by name."""

    @abstractmethod
    def names(self, prefix: str = "") -> list[str]:
        """Every public file whose name begins with this, in ascending order."""

    @abstractmethod
    def get(self, name: str) -> bytes | None:
        """The content of a file, None if there is none of this name."""

    def read(self, name: str) -> bytes:
        """The content of a file. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``) if it is missing."""
        data = self.get(name)
        if data is None:
            raise _wrong(name, Message("the file is missing"))
        return data

    def checkpoint(self) -> SignedCheckpoint:
        """The ledger's head as it is there, read but not verified."""
        return SignedCheckpoint.parse(self.read(CHECKPOINT))


def head_name(size: int) -> str:
    """The name of the kept head of this size."""
    return f"{HEAD}{size}"


def kept_heads(source: Source) -> list[tuple[int, str]]:
    """The sizes of the heads that are kept, and the names of their files, in ascending order."""
    return sorted((int(name.removeprefix(HEAD)), name) for name in source.names(HEAD))


class Folder(Source):
    """A ledger's folder, which a publisher may be writing to at this moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reached: set[str] = set()  # the folders below it that are no links
        if not path.is_dir():
            raise UserError(
                Message("There is no folder {path}.", path=path),
                Message("Give the folder of a ledger, or an exported file."),
            )

    def names(self, prefix: str = "") -> list[str]:
        names = [CHECKPOINT] if os.path.lexists(self.path / CHECKPOINT) else []
        for top in ("attachment", "head", "tile", "witness"):
            if f"{top}/".startswith(prefix[: len(top) + 1]):
                names += self._names_below(top)
        return sorted(name for name in names if name.startswith(prefix))

    def _names_below(self, top: str) -> Iterator[str]:
        """The names of public files below a folder, whatever has them."""
        if not self._reaches(top):
            return
        for path, folders, files in os.walk(self.path / top, onerror=_raise):
            below = Path(path).relative_to(self.path).as_posix()
            for entry in (*folders, *files):
                if size_limit(name := f"{below}/{entry}") is not None and not self._is_empty(name):
                    yield name
            folders[:] = [entry for entry in folders if _FOLDER.fullmatch(f"{below}/{entry}")]

    def _reaches(self, folder: str) -> bool:
        """Whether this folder is there, and neither it nor one above it is a link."""
        if folder in self._reached or not folder:
            return True
        try:
            there = stat.S_ISDIR((self.path / folder).lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _unreadable(self.path / folder, error) from None
        if there and self._reaches(folder.rpartition("/")[0]):
            self._reached.add(folder)
            return True
        return False

    def _is_empty(self, name: str) -> bool:
        """Whether there is a file of this name with nothing in it. What is something else is looked at when it is read."""
        try:
            info = (self.path / name).lstat()
        except OSError:
            return False
        return stat.S_ISREG(info.st_mode) and info.st_size == 0

    def read(self, name: str) -> bytes:
        """See :class:`Source`. Raises UserError if it is the checkpoint that is missing: then nobody claims anything of this folder."""
        if name == CHECKPOINT and self.get(name) is None:
            raise UserError(
                Message(
                    "The folder {folder} has no checkpoint, or an empty one: without it there is no ledger to be read.",
                    folder=self.path,
                ),
                Message("Copy the folder anew, with all that is in it."),
            )
        return super().read(name)

    def get(self, name: str) -> bytes | None:
        """See :class:`Source`. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``) on what has the name of a public
        file and is a link, a folder or the like, or larger than such a file can be; UserError if the file cannot be read here, which
        says nothing of the ledger."""
        limit = size_limit(name)
        if limit is None or not self._reaches(name.rpartition("/")[0]):
            return None
        try:
            descriptor = os.open(self.path / name, FOREIGN)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise _unreadable(self.path / name, error) from None
            raise _wrong(name, Message("the file cannot be read ({strerror})", strerror=because(error))) from None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode) or info.st_size > limit:
                raise _wrong(name, Message("this is not a file of at most {limit} bytes", limit=limit))
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                data = file.read(limit)
            return (put_right(data) if name == CHECKPOINT or name.startswith((WITNESS, HEAD)) else data) or None
        finally:
            os.close(descriptor)


class Export(Source):
    """An exported ledger. Opening reads the headers only, so that its size does not matter; close it after use.

    Raises :class:`~veche.errors.DoesNotHold` (step ``export``), with the offset, unless it is in its one form.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = threading.Lock()  # held while the descriptor's place is moved, so that threads may read
        try:
            self._descriptor = os.open(path, NAMED)
        except OSError as error:
            raise UserError(
                Message("The export {path} cannot be read: {strerror}.", path=str(path), strerror=because(error)),
                Message("Check the path."),
            ) from None
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise UserError(
                    Message("{path} is neither a file nor a folder.", path=path), Message("Check the path.")
                )
            self._index = self._read_index()  # name -> (offset, size)
        except BaseException:
            self.close()
            raise

    def names(self, prefix: str = "") -> list[str]:
        return [name for name in self._index if name.startswith(prefix)]

    def get(self, name: str) -> bytes | None:
        if name not in self._index:
            return None
        offset, size = self._index[name]
        return self._bytes(offset, size)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "Export":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            self.close()

    def _read_index(self) -> dict[str, tuple[int, int]]:
        index: dict[str, tuple[int, int]] = {}
        offset, last = 0, ""
        while (header := self._bytes(offset, _BLOCK)) != bytes(_BLOCK):
            name, size = _parse_header(offset, header)
            if name <= last:
                raise _not_export(offset, Message("{name} comes after {last}", name=name, last=last))
            index[name] = (offset + _BLOCK, size)
            end = offset + _BLOCK + size
            offset = _round_up(end, _BLOCK)
            if any(self._bytes(end, offset - end)):
                raise _not_export(end, Message("{name} is not followed by zeros", name=name))
            last = name
        size = _round_up(offset + 2 * _BLOCK, tarfile.RECORDSIZE)
        if any(self._bytes(offset, size - offset)) or os.fstat(self._descriptor).st_size != size:
            raise _not_export(offset, Message("something follows the last file"))
        return index

    def _bytes(self, offset: int, size: int) -> bytes:
        data = b""
        while len(data) < size:
            with self._at:  # there is no pread on Windows
                os.lseek(self._descriptor, offset + len(data), os.SEEK_SET)
                more = os.read(self._descriptor, size - len(data))
            if not more:
                size = os.fstat(self._descriptor).st_size
                raise DoesNotHold(
                    "export",
                    Message("byte {offset}", offset=str(size)),
                    Message("This exported ledger is cut off: its {size} bytes are not all of it.", size=size),
                    Message("Download or copy it anew."),
                )
            data = data + more if data else more
        return data


def open_source(path: Path) -> Source:
    """A ledger's folder or an export of it, whichever is at this path."""
    if path.is_dir():
        return Folder(path)
    _must_begin_as_export(path)
    return Export(path)


def _must_begin_as_export(path: Path) -> None:
    """Raises UserError if a file is something else altogether. What begins as an export is one, however it goes on."""
    try:
        if not path.is_file():
            return  # Export says what it is
        with path.open("rb") as file:
            begins = file.read(4096)
    except OSError:
        return
    if not begins.startswith(_BEGINNINGS):
        raise UserError(
            Message("The file {path} is no exported ledger. {what}", path=path, what=what_else(begins) or ""),
            Message("Give a ledger's folder, or a file made with veche export."),
        )


def write_export(path: Path, names: Iterable[str], source: Source) -> None:
    """Write these files of a source into a new export; ``names`` in ascending order.

    It appears under its name when it is complete and durable. Raises :class:`~veche.errors.UserError` if the file
    exists or cannot be written.
    """
    with whole_file(path, new=True) as file:
        for name in names:
            data = source.read(name)
            file.write(_header(name, len(data)))
            file.write(data)
            file.write(bytes(-len(data) % _BLOCK))
        end = file.tell()
        file.write(bytes(_round_up(end + 2 * _BLOCK, tarfile.RECORDSIZE) - end))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)  # mode 0644, owner 0, time 0
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def _parse_header(offset: int, header: bytes) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        limit = size_limit(info.name)
        exact = limit is not None and 0 <= info.size <= limit and _header(info.name, info.size) == header
    except (tarfile.HeaderError, ValueError):
        raise _not_export(offset, Message("this is not the header of a file")) from None
    if not exact:
        raise _not_export(
            offset,
            Message("{name!r} has no place in a ledger, or its header says more than name and size", name=info.name),
        )
    return info.name, info.size


def _round_up(size: int, block: int) -> int:
    return -(-size // block) * block


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _unreadable(error.filename, error) from None


def _unreadable(path: Path | str, error: OSError) -> UserError:
    """The machine failed: whether what is there holds is not known."""
    return UserError(
        Message("{filename} cannot be read: {strerror}.", filename=path, strerror=because(error)),
        Message("Check the path, and that you may use it."),
    )


def _wrong(name: str, message: Said) -> DoesNotHold:
    return DoesNotHold("tiles", name, Message("{name}: {what}.", name=name, what=message))


def _not_export(offset: int, message: Said) -> DoesNotHold:
    return DoesNotHold(
        "export",
        Message("byte {offset}", offset=str(offset)),
        Message("This is not an exported ledger: at byte {offset}, {value}.", offset=str(offset), value=message),
    )
