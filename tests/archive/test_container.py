"""Step A1: the container, byte for byte."""

import hashlib
import resource
from itertools import pairwise

import pytest

from veche.ballot.archive import records as archive_records
from veche.ballot.archive.archive import Archive
from veche.ballot.archive.records import header_bytes
from veche.errors import Unsupported

from .assemble import TIME, Parts, compact, record, sha
from .check import refused, unsupported, verdict


def test_the_good_archive_is_good(good: Parts) -> None:
    report = verdict(good)
    assert report.result == b'{"result":[[2,5],[5,1,1,1]]}'
    assert (report.ballots, report.counted, report.total_weight, report.credentials, report.shares) == (4, 3, 7, 4, 4)
    assert report.trustees == "1 single, 2 of 3"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"BELENIOS", "cut"),
        (bytes(1024), "does not begin"),
        (b"PK\x03\x04" + bytes(2000), "does not begin"),
        (b'{"version":1}\n' * 100, "does not begin"),
        (record("BELENIOT", b"{}", TIME), "does not begin"),
        (record("BELENIOS2", b"{}", TIME), "does not begin"),
        (b"BELENIOS".ljust(512, b"\0"), "header"),
        (b"BELENIOS".ljust(512, b"7"), "header"),
    ],
)
def test_what_is_no_archive(content: bytes, words: str) -> None:
    refused(content, "A1", words)


def test_a_header_alone_holds_no_poll() -> None:
    refused(archive_records.first_record(TIME), "A2", "no event")


def boundaries(archive: bytes) -> list[int]:
    found, position = [0], 0
    while position < len(archive):
        size = int(archive[position + 124 : position + 135], 8)
        position += 512 + size + -size % 512
        found.append(position)
    return found


def test_a_file_cut_inside_a_record(good: Parts) -> None:
    content = good.to_bytes()
    places = boundaries(content)
    for start, end in pairwise(places[1:]):
        for cut in (start + 1, start + 511, start + 512, start + 513, end - 512, end - 1):
            if start < cut < end:
                refused(content[:cut], "A1", "cut")


def test_a_record_taken_out(good: Parts) -> None:
    content = good.to_bytes()
    places = boundaries(content)
    for start, end in pairwise(places[1:-1]):
        refused(content[:start] + content[end:], "A2", "")


def test_two_records_exchanged(good: Parts) -> None:
    content = good.to_bytes()
    places = boundaries(content)
    for a, b, c in zip(places[1:], places[2:], places[3:], strict=False):
        refused(content[:a] + content[b:c] + content[a:b] + content[c:], "A2", "")


def test_a_record_twice(good: Parts) -> None:
    content = good.to_bytes()
    places = boundaries(content)
    for a, b in pairwise(places[1:]):
        refused(content[:b] + content[a:b] + content[b:], "A2", "")


@pytest.mark.parametrize(
    ("tail", "words"),
    [(bytes(512), "zeros"), (bytes(1024), "zeros"), (b"\0", "zeros"), (b"x", "header"), (bytes(100_000), "zeros")],
)
def test_something_after_the_end(good: Parts, tail: bytes, words: str) -> None:
    refused(good.to_bytes() + tail, "A1", words)


FIELDS = {
    "mode": (100, b"0000600\0"),
    "owner": (108, b"0001750\0"),
    "group": (116, b"0001750\0"),
    "size with a space": (124, b"        1731"),
    "size in binary": (124, b"\x80\0\0\0\0\0\0\0\0\0\x01\0"),
    "negative size": (124, b"-0000000001\0"),
    "time": (136, b"15300513674\0"),
    "negative time": (136, b"-0000000001\0"),
    "type": (156, b"\0"),
    "directory": (156, b"5"),
    "link": (157, b"target"),
    "magic": (257, b"ustar\x0000"),
    "GNU magic": (257, b"ustar  \0"),
    "user": (265, b"root"),
    "prefix": (345, b"folder"),
    "last byte": (511, b"\x01"),
    "name after its end": (90, b"x"),
}


@pytest.mark.parametrize("number", [0, 1, 7, -1])
@pytest.mark.parametrize("name", FIELDS)
def test_a_header_that_belenios_does_not_write(good: Parts, name: str, number: int) -> None:
    content = bytearray(good.to_bytes())
    start = boundaries(bytes(content))[:-1][number]
    offset, value = FIELDS[name]
    content[start + offset : start + offset + len(value)] = value
    refused(bytes(content), "A1", "")  # With the old checksum,
    content[start + 148 : start + 156] = b" " * 8
    content[start + 148 : start + 156] = b"%06o\0 " % sum(content[start : start + 512])
    refused(bytes(content), "A1", "")  # and with one that fits.


@pytest.mark.parametrize("form", [b"%07o\0", b" %05o\0 ", b"%06o \0", b"%06o  "])
def test_a_checksum_in_another_form(good: Parts, form: bytes) -> None:
    content = bytearray(good.to_bytes())
    number = int(content[512 * 2 + 148 : 512 * 2 + 154], 8)
    content[1024 + 148 : 1024 + 156] = form % number
    refused(bytes(content), "A1", "header")


def test_padding_that_is_not_zero(good: Parts) -> None:
    content = bytearray(good.to_bytes())
    assert content[-1] == 0
    content[-1] = 1
    refused(bytes(content), "A1", "padded")


@pytest.mark.parametrize("size", [2**30, 2**31, 8**11 - 1])
def test_a_size_that_the_file_does_not_have(good: Parts, size: int) -> None:
    name = "0" * 64 + ".data.json"
    content = good.to_bytes() + header_bytes(name.encode(), size, TIME) + bytes(512)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(content, "A1", "cut")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_a_record_that_is_too_large_to_read(good: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_records, "MAX_RECORD", 2000)
    with pytest.raises(Unsupported, match="more than the 2,000"):
        Archive.from_bytes(good.to_bytes())


@pytest.mark.parametrize(
    "name",
    [
        "{}.data.jso",
        "{}.data",
        "{}.DATA.json",
        "{}.event.json.data.json",
        "./{}.data.json",
        "../{}.data.json",
        " {}.data.json",
        "{}.data.json ",
        "{}.data.json\n",
        "BELENIOS",
        "",
        "x",
    ],
)
def test_a_name_that_no_record_has(good: Parts, name: str) -> None:
    content = good.to_bytes()
    extra = record(name.format(sha(b"x")), b"x", TIME)
    refused(content[:1024] + extra + content[1024:], "A1", "name")


def test_a_name_that_is_not_the_hash(good: Parts) -> None:
    content = good.to_bytes()
    for name in (sha(b"y"), sha(b"x").upper(), hashlib.sha1(b"x").hexdigest()):
        refused(content[:1024] + record(f"{name}.data.json", b"x", TIME) + content[1024:], "A1", "name")


@pytest.mark.parametrize(
    ("header", "step", "words"),
    [
        ({"version": 1, "timestamp": TIME}, "A3", "timestamp"),
        ({"version": 1, "timestamp": str(TIME + 1)}, "A1", "timestamp"),
        ({"version": 1, "timestamp": f"0{TIME}"}, "A3", "timestamp"),
        ({"version": 1, "timestamp": f"{TIME}\n"}, "A3", "timestamp"),
        ({"timestamp": str(TIME), "version": 1}, "A3", "canonical"),
        ({"version": 1, "timestamp": str(TIME), "x": 1}, "A3", "unknown field"),
        ({"version": "1", "timestamp": str(TIME)}, "A3", "version"),
        ({"version": 1.0, "timestamp": str(TIME)}, "A3", ""),
        ({"version": True, "timestamp": str(TIME)}, "A3", ""),
        ({"version": 1}, "A3", "timestamp"),
        ([], "A3", "object"),
    ],
)
def test_a_first_record_that_belenios_does_not_write(good: Parts, header: object, step: str, words: str) -> None:
    refused(record("BELENIOS", compact(header), TIME) + good.to_bytes()[1024:], step, words)


def test_another_version_gets_no_verdict(good: Parts) -> None:
    first = record("BELENIOS", compact({"version": 2, "timestamp": str(TIME)}), TIME)
    unsupported(first + good.to_bytes()[1024:], "version 2")
