"""One byte changed anywhere in what a ledger or an archive publishes is found, and the place is named."""

import random
import shutil
from pathlib import Path

import pytest
from doctor import ORIGIN, flip, publish, replace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veche.audit.archive import verify
from veche.audit.export import write_archive
from veche.audit.ledger import open_ledger, verify_ledger
from veche.ballot.archive.archive import Archive
from veche.errors import DoesNotHold, Refused, UserError
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.log.log import export
from veche.log.source import Folder
from veche.log.tiles import CHECKPOINT

from .city import City

FLIPS = 400


@pytest.fixture
def copy(small: City, tmp_path: Path) -> Path:
    """The public files alone."""
    for name in Folder(small.folder).names():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(small.folder / name, tmp_path / "copy" / name)
    return tmp_path / "copy"


def refused(folder: Path) -> DoesNotHold:
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(folder))
    error = caught.value
    assert error.step.startswith("L") and error.where and "\n" not in error.message
    return error


def test_any_byte_of_any_file(small: City, copy: Path) -> None:
    """All bytes of the small files, and of the bundle evenly spread ones."""
    verify_ledger(Folder(copy))
    for name in Folder(copy).names():
        good = (copy / name).read_bytes()
        step = max(1, len(good) // FLIPS)
        for at in range(0, len(good), step):
            (copy / name).write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
            error = refused(copy)
            if name != CHECKPOINT:
                named = error.step == "L3" and name in error.message
                assert named or (error.step, error.where) == ("L1", "entry 0"), (name, at, error.message)
            else:
                assert error.step in ("L1", "L2", "L3"), (at, error.message)
        for other in (good + b"\0", good + good):
            (copy / name).write_bytes(other)
            refused(copy)
        (copy / name).write_bytes(good[:-1])
        if name == CHECKPOINT:  # whose form mail and editors change; what it says is the same
            verify_ledger(Folder(copy))
        else:
            refused(copy)
        for there in (True, False):
            (copy / name).unlink()
            if there:
                (copy / name).write_bytes(b"")
            if name == CHECKPOINT:
                with pytest.raises(UserError, match="has no checkpoint"):
                    verify_ledger(Folder(copy))
            else:
                refused(copy)
        (copy / name).write_bytes(good)
    verify_ledger(Folder(copy))


def test_the_checkpoint_of_another_key(small: City, large: City, copy: Path) -> None:
    """A small ledger is one chunk: its signature is checked all the same."""
    entries = small.entries()
    publish(copy.parent / "same", entries, ORIGIN, small.log_key)
    verify_ledger(Folder(copy.parent / "same"))
    publish(copy.parent / "other", entries, ORIGIN, large.log_key)
    error = refused(copy.parent / "other")
    assert error.step == "L2"
    publish(copy.parent / "name", entries, "veche.example/other", small.log_key)
    assert refused(copy.parent / "name").step == "L2"


class Shifty(Folder):
    """A disk that gives a bundle once as it is, and from then on with a bit of a replaced ballot changed."""

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path)
        self.at = at
        self.seen = 0

    def get(self, name: str) -> bytes | None:
        data = super().get(name)
        if data is not None and name.startswith("tile/entries"):
            self.seen += 1
            if self.seen > 1:
                return data[: self.at] + bytes([data[self.at] ^ 1]) + data[self.at + 1 :]
        return data


def test_a_file_that_changes_while_it_is_verified(small: City) -> None:
    """A replaced ballot is read again to be taken out of the sums: a lying disk must not choose what is taken out."""
    ballot = next(entry for entry in small.entries() if is_ballot(entry) and read_ballot(entry).turn == 1)
    (name,) = Folder(small.folder).names("tile/entries")
    bundle = Folder(small.folder).read(name)
    source = Shifty(small.folder, bundle.index(ballot) + 200)
    with pytest.raises(DoesNotHold, match="changed while it was verified") as caught:
        verify_ledger(source)
    assert (caught.value.step, caught.value.where, source.seen) == ("L3", name, 2)


def test_any_byte_of_an_export(small: City, tmp_path: Path) -> None:
    export(Folder(small.folder), tmp_path / "good")
    good = (tmp_path / "good").read_bytes()
    bad = tmp_path / "bad"
    for at in range(0, len(good), max(1, len(good) // FLIPS)):
        bad.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
        with pytest.raises((DoesNotHold, UserError)) as caught:
            verify_ledger(open_ledger(bad))
        if isinstance(caught.value, DoesNotHold):
            assert caught.value.step in ("L1", "L2", "L3") and caught.value.where
        else:  # by its first header an export is known
            assert at < 512 and "is no exported ledger" in caught.value.message


def test_any_byte_of_an_archive(small: City, tmp_path: Path) -> None:
    made = write_archive(small.verified, small.poll("poll"), tmp_path / "poll.bel")
    good = made.archive.read_bytes()
    for at in range(0, len(good), max(1, len(good) // FLIPS)):
        bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
        with pytest.raises(DoesNotHold) as caught, Archive.from_bytes(bad) as archive:
            verify(archive)
        assert caught.value.step.startswith("A") and caught.value.where


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_of_any_entry_under_a_checkpoint_that_fits(
    small: City, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The operator's own key signs the doctored log. (What a block says of its time is the operator's word: see test_operator.)"""
    entries = small.entries()
    number = data.draw(
        st.sampled_from([i for i, entry in enumerate(entries) if not entry.startswith(b"\x82\x65block")])
    )
    at, bit = data.draw(st.integers(0, len(entries[number]) - 1)), data.draw(st.integers(0, 7))
    entries = replace(entries, number, flip(entries[number], 8 * at + bit))
    error = refused(publish(tmp_path_factory.mktemp("doctored") / "ledger", entries, ORIGIN, small.log_key))
    assert error.step in ("L1", "L4", "L5", "L6", "L7") or number == 0
    if error.step in ("L5", "L6"):
        assert f"entry {number}" == error.where or "rule" in error.message


def test_entries_that_are_nothing(small: City, tmp_path: Path) -> None:
    """Junk at the end of the log, in a block of its own, as a peer of no mean wit might write it."""
    entries = small.entries()
    last = max(i for i, entry in enumerate(entries) if decode(entry)[0] == "block")
    height, time, *_ = decode(entries[last])[1]
    generator = random.Random(7)
    from veche.ledger.codec import encode

    block = encode(["block", [height + 1, time + 10, time]])
    junk = [
        b"", b"\x00", b"\x80", b"\x81\x60", b"\xff" * 9, b"\x9f\xff", b"\x81\x61\xff", b"\xf6", b"\x82\x66result\x80", b"\x81\x65block",
        b"\x87\x66ballot", b"\x87\x66ballot\x00\x00\x00\x00\x00\x00", b"\x82\x65block\x83\x1b" + b"\xff" * 8 + b"\x00\x00",
        b"\x81" * 3000, b"\x1b" + b"\xff" * 8, b"\x83\x64poll\x80\x80", *(generator.randbytes(generator.randrange(1, 80)) for _ in range(40)),
    ]  # fmt: skip
    for i, item in enumerate(junk):
        error = refused(publish(tmp_path / str(i), [*entries, block, item], ORIGIN, small.log_key))
        assert error.step in ("L4", "L5", "L6", "L7") and error.where == f"entry {len(entries) + 1}", item
    with pytest.raises(Refused):
        decode(junk[0])
