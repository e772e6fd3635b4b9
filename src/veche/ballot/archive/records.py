"""The container of a Belenios archive: records like those of an old-style tar file, spelled in exactly one way.

A record is a header of 512 bytes and the content, padded with zeros to a multiple of 512. There is no magic, no owner,
one modification time for the whole file, and nothing after the last record. So the header is rebuilt from name, size
and time, and compared. A record's name is the SHA-256 of its content and its kind.

Source: found by experiment with belenios-tool 3.0; docs/protocol.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from veche.ballot.archive.parts import Header
from veche.ballot.canonical import decode, encode, sha256
from veche.errors import DoesNotHold, Unsupported
from veche.texts import Message, Said

STEP = "A1"
BLOCK = 512
MAX_RECORD = 1 << 29
"""The largest record that this program reads into memory: 512 MiB hold a list of seven million credentials."""

Kind = Literal["data", "event"]
_NAME = re.compile(rb"([0-9a-f]{64})\.(data|event)\.json")
_SIZE_AND_TIME = re.compile(rb"([0-7]{11})\0([0-7]{11})\0")
_FIRST = b"BELENIOS"


@dataclass(frozen=True, slots=True)
class Span:
    """Where the content of a record lies in the file, and its SHA-256 as 64 hexadecimal digits."""

    digest: str
    offset: int
    size: int


def header_bytes(name: bytes, size: int, time: int) -> bytes:
    """The header of a record. ``name`` has at most 99 bytes, ``size`` is below 8^11, ``time`` in seconds below 8^11."""
    numbers = b"0000644\0" + b"0000000\0" * 2 + b"%011o\0%011o\0" % (size, time)
    head = name.ljust(100, b"\0") + numbers
    checksum = sum(head) + 8 * ord(" ") + ord("0")
    return (head + b"%06o\0 0" % checksum).ljust(BLOCK, b"\0")


def record_bytes(name: bytes, content: bytes, time: int) -> bytes:
    """A whole record with its padding."""
    return header_bytes(name, len(content), time) + content + bytes(-len(content) % BLOCK)


def first_record(time: int) -> bytes:
    """The record with which every archive begins."""
    return record_bytes(_FIRST, encode(Header(version=1, timestamp=str(time))), time)


class RecordReader:
    """Reads an archive's records one after the other, never more of the file than it has.

    Iterating gives the kind of each record, where its content lies, and the content. The file is the caller's to close.
    Raises DoesNotHold (A1) for whatever is not byte for byte as Belenios writes it, Unsupported for another version.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, 2)
        self.position = 0
        self.number = 0
        self.time = -1
        if self.size == 0:
            raise DoesNotHold(STEP, Message("the file"), Message("The file is empty."))
        record = self._next_record()
        if record is None or record[0] != _FIRST:
            raise _not_an_archive()
        header = decode(record[1], Header, Message("the first record"))
        if header.version != 1:
            raise Unsupported(
                Message(
                    "The archive is of version {version}, and this program knows version 1 only.",
                    version=header.version,
                )
            )
        if header.timestamp != str(self.time):
            raise DoesNotHold(
                STEP, Message("the first record"), Message("The archive's timestamp is not the time of its records.")
            )

    def __iter__(self) -> Iterator[tuple[Kind, Span, bytes]]:
        while (record := self._next_record()) is not None:
            name, content = record
            match = _NAME.fullmatch(name)
            if match is None:
                raise self._fault(Message("has a name that no record of an archive has"))
            span = Span(sha256(content), self.position - _padded(len(content)), len(content))
            if span.digest != match[1].decode():
                raise self._fault(Message("is not what its name says: the hash of its content differs"))
            yield "data" if match[2] == b"data" else "event", span, content

    def read(self, span: Span) -> bytes:
        """The content of a record read before. DoesNotHold (A1) if somebody changed the file in the meantime."""
        self.file.seek(span.offset)
        content = self.file.read(span.size)
        if sha256(content) != span.digest:
            raise DoesNotHold(
                STEP,
                Message("the file"),
                Message("The file changed while it was read."),
                Message("Copy it, and check the copy."),
            )
        return content

    def _next_record(self) -> tuple[bytes, bytes] | None:
        """Name and content of the next record, whose header is compared with what the writer would have written."""
        self.file.seek(self.position)
        block = self.file.read(BLOCK)
        if not block:
            return None
        self.number += 1
        if self.number == 1 and not block.startswith(_FIRST):
            raise _not_an_archive()
        if not any(block):
            raise self._fault(Message("is nothing but zeros, which no archive has"))
        if len(block) < BLOCK:
            raise self._fault(Message("has but a part of its header: the file was cut"))
        name, numbers = block[:100].rstrip(b"\0"), _SIZE_AND_TIME.fullmatch(block, 124, 148)
        if numbers is None:
            raise self._fault(Message("has a header that is not written as Belenios writes it"))
        size, time = int(numbers[1], 8), int(numbers[2], 8)
        if self.number == 1:
            self.time = time
        if time != self.time:
            raise self._fault(Message("has a time of its own, but all records of an archive have one time"))
        if block != header_bytes(name, size, time):
            raise self._fault(Message("has a header that is not written as Belenios writes it"))
        start = self.position + BLOCK
        if start + _padded(size) > self.size:
            raise self._fault(Message("goes on after the end of the file: the file was cut"))
        if size > MAX_RECORD:
            raise Unsupported(
                Message(
                    "Record {number} has {size} bytes, more than the {max_record} that this program reads.",
                    number=self.number,
                    size=size,
                    max_record=MAX_RECORD,
                )
            )
        content = self.file.read(size)
        padding = self.file.read(_padded(size) - size)
        if len(content) != size or any(padding):
            raise self._fault(Message("is not padded with zeros"))
        self.position = start + _padded(size)
        return name, content

    def _fault(self, what: Said) -> DoesNotHold:
        return DoesNotHold(
            STEP,
            Message("record {number}", number=self.number),
            Message("Record {number} {what}.", number=self.number, what=what),
        )


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _not_an_archive() -> DoesNotHold:
    return DoesNotHold(
        STEP,
        Message("the file"),
        Message("This is not a Belenios archive: it does not begin with a record named BELENIOS."),
    )
