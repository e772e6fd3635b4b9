"""The publisher: what it writes, what it refuses, and that no crash breaks what was promised."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign, verify_checkpoint
from veche.log.log import Log, check_tiles
from veche.log.publish import UNFINISHED, Publisher
from veche.log.source import Folder
from veche.log.tiles import WIDTH, Tile, tiles_of

from .small_log import KEY, ORIGIN, POLICY, entries_of, files_of, flip, head_of, publish


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests simulate the loss of power; the disk itself need not be waited for."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 513, 1000]


@pytest.mark.parametrize("size", SIZES)
def test_files(tmp_path: Path, size: int) -> None:
    entries = entries_of(size)
    head = publish(tmp_path, entries)
    files = files_of(tmp_path)
    assert set(files) == {"checkpoint", *(tile.name for tile in tiles_of(size))}
    assert verify_checkpoint(files["checkpoint"], POLICY) == head
    check_tiles(Folder(tmp_path), size, head.checkpoint.root)
    assert list(Log(Folder(tmp_path), head.checkpoint).entries()) == entries


def test_no_empty_folders_are_left(tmp_path: Path) -> None:
    entries = entries_of(600)
    start = Publisher(tmp_path).publish(0, entries[:100], head_of(entries[:100]))
    assert (tmp_path / "tile/0/000.p").is_dir()
    Publisher(tmp_path).publish(start, entries, head_of(entries))
    assert {p.name for p in tmp_path.rglob("*") if p.is_dir() and not list(p.iterdir())} == {UNFINISHED}


@given(steps=st.lists(st.integers(0, 400), min_size=1, max_size=6), restarts=st.lists(st.booleans(), min_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_step_by_step_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], restarts: list[bool]
) -> None:
    """Publishing in any steps, by one publisher or by new ones, leaves the same files as publishing at once."""
    folder, at_once = tmp_path_factory.mktemp("steps"), tmp_path_factory.mktemp("once")
    entries = entries_of(sum(steps))
    publisher, start, size = Publisher(folder), 0, 0
    for step, restart in zip(steps, restarts, strict=False):
        size += step
        if restart:
            publisher = Publisher(folder)
        start = publisher.publish(start, entries[start:size], head_of(entries[:size]))
        assert start == size - size % WIDTH
    publish(at_once, entries)
    assert files_of(folder) == files_of(at_once)


def test_many_tiles(tmp_path: Path) -> None:
    """A tree with three levels of tiles, whose edge is read back from the disk."""
    entries = entries_of(66_000)
    start = Publisher(tmp_path).publish(0, entries[:65_700], head_of(entries[:65_700]))
    head = head_of(entries)
    Publisher(tmp_path).publish(start, entries[start:], head)
    check_tiles(Folder(tmp_path), 66_000, head.checkpoint.root)


def test_an_earlier_start_is_the_same(tmp_path: Path) -> None:
    """The caller may have forgotten that it got further: it publishes again what is there, and goes on."""
    entries = entries_of(1000)
    publish(tmp_path, entries[:900])
    publisher = Publisher(tmp_path)
    head = head_of(entries)
    assert publisher.publish(256, entries[256:], head) == 768
    check_tiles(Folder(tmp_path), 1000, head.checkpoint.root)


def test_more_signatures_under_the_same_head(tmp_path: Path) -> None:
    entries = entries_of(300)
    head = publish(tmp_path, entries)
    cosigned = head.add(cosign(head.checkpoint, "witness.example", KEY, 1))
    Publisher(tmp_path).publish(256, entries[256:], cosigned)
    assert Folder(tmp_path).checkpoint() == cosigned


def refused(folder: Path, start: int, entries: list[bytes], head: SignedCheckpoint) -> DoesNotHold:
    """Publishing is refused, and whatever was public still is."""
    before = files_of(folder)
    with pytest.raises(DoesNotHold) as error:
        Publisher(folder).publish(start, entries, head)
    after = files_of(folder)
    assert {name: data for name, data in after.items() if not name.startswith(UNFINISHED)} == before
    assert error.value.step == "tiles"
    return error.value


@pytest.mark.parametrize("size", [100, 256, 300, 512, 1000])
def test_another_history_is_refused(tmp_path: Path, size: int) -> None:
    entries = entries_of(size)
    publish(tmp_path, entries)
    for changed in (0, size // 2, size - 1):
        other = [*entries[:changed], b"another", *entries[changed + 1 :]]
        for more in (0, 1, 300):
            longer = other + entries_of(more, b"more")
            refused(tmp_path, 0, longer, head_of(longer))


def test_another_head_of_the_same_size_is_refused(tmp_path: Path) -> None:
    """Even if nothing is left of the entries that it stood for."""
    entries = entries_of(512)
    other = SignedCheckpoint(Checkpoint(ORIGIN, 512, bytes(32)), head_of(entries).signatures)
    (tmp_path / "checkpoint").write_bytes(other.to_bytes())
    with pytest.raises(DoesNotHold, match="another history"):
        Publisher(tmp_path).publish(0, entries, head_of(entries))


def test_a_partial_tile_that_no_head_covers_is_replaced(tmp_path: Path) -> None:
    """Left by a crash, of entries that the database then lost: nobody was promised anything."""
    entries = entries_of(300)
    good = files_of_published(tmp_path / "good", entries)
    publish(tmp_path / "left", [*entries[:100], *entries_of(200, b"lost")])
    for name in ("checkpoint", "tile/entries/000", "tile/0/000", "tile/1/000.p/1"):
        (tmp_path / "left" / name).unlink()
    publish(tmp_path / "left", entries)
    assert files_of(tmp_path / "left") == good


def test_a_step_back_is_refused(tmp_path: Path) -> None:
    entries = entries_of(600)
    publish(tmp_path, entries)
    for size in (0, 256, 599):
        assert "step back" in refused(tmp_path, 0, entries[:size], head_of(entries[:size])).message


def test_a_gap_is_refused(tmp_path: Path) -> None:
    entries = entries_of(600)
    assert "would be missing" in refused(tmp_path, 512, entries[512:], head_of(entries)).message
    publish(tmp_path / "a", entries[:300])
    assert "would be missing" in refused(tmp_path / "a", 512, entries[512:], head_of(entries)).message


def test_a_wrong_root_is_refused(tmp_path: Path) -> None:
    entries = entries_of(300)
    wrong = SignedCheckpoint(Checkpoint(ORIGIN, 300, bytes(32)), head_of(entries).signatures)
    assert refused(tmp_path, 0, entries, wrong).where == "checkpoint"


@pytest.mark.parametrize(("start", "count"), [(1, 299), (0, 299), (0, 301), (256, 45)])
def test_entries_that_do_not_fit_the_head(tmp_path: Path, start: int, count: int) -> None:
    with pytest.raises(ValueError, match="do not complete"):
        Publisher(tmp_path).publish(start, entries_of(count), head_of(entries_of(300)))


def test_a_full_tile_is_never_rewritten(tmp_path: Path) -> None:
    entries = entries_of(600)
    publish(tmp_path, entries[:520])
    for name in ("tile/entries/000", "tile/0/001"):
        path = tmp_path / name
        good = path.read_bytes()
        path.write_bytes(flip(good, 40, 0x80))
        assert refused(tmp_path, 0, entries, head_of(entries)).where == name
        path.write_bytes(good)
    publish(tmp_path, entries)


def test_a_missing_or_damaged_tile_below_the_start_is_noticed(tmp_path: Path) -> None:
    entries = entries_of(600)
    publish(tmp_path, entries[:520])
    path = tmp_path / "tile/0/000"
    good = path.read_bytes()
    path.unlink()
    assert refused(tmp_path, 512, entries[512:], head_of(entries)).where == "tile/0/000"
    path.write_bytes(good[:-1])
    assert refused(tmp_path, 512, entries[512:], head_of(entries)).where == "tile/0/000"
    path.write_bytes(flip(good, 0))
    refused(tmp_path, 512, entries[512:], head_of(entries))


def test_torn_files_are_replaced(tmp_path: Path) -> None:
    """Files that are no tiles at all, as a disk leaves them that lies about flushing."""
    entries = entries_of(600)
    good = files_of_published(tmp_path / "good", entries)
    publish(tmp_path / "torn", entries[:100])
    for name in ("tile/entries/000", "tile/0/000", "tile/0/001", "tile/entries/002.p/88", "tile/0/002.p/88"):
        path = tmp_path / "torn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(good[name][: len(good[name]) // 3])
    publish(tmp_path / "torn", entries)
    assert files_of(tmp_path / "torn") == good


def files_of_published(folder: Path, entries: list[bytes]) -> dict[str, bytes]:
    publish(folder, entries)
    return files_of(folder)


# --- crashes ---------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """The program ends here: nothing catches it."""


class Disk:
    """Watches what the publisher does to one folder, so that the disk after a loss of power can be told.

    A file's content is durable as of its last fsync; a name is durable as of the last fsync of its folder. What was
    not flushed may be there or not, and a file that was not flushed may be torn.
    """

    OPERATIONS = ("open", "write", "fsync", "replace", "unlink", "mkdir", "rmdir")

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.crash_at = -1
        self.count = 0
        self.opened: dict[int, Path] = {}  # descriptor -> path
        self.synced: dict[int, bytes] = {}  # file id -> content
        self.ids: dict[Path, int] = {}  # path -> file id
        self.names: dict[Path, dict[str, int | None]] = {}  # folder -> durable names; None is a folder
        self.pending: dict[Path, list[tuple[str, int | None, bool]]] = {}  # folder -> name, id, is there
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                self.names[path] = {}
        for path in folder.rglob("*"):
            if path.is_file():
                self.ids[path] = len(self.ids)
                self.synced[self.ids[path]] = path.read_bytes()
            self.names[path.parent][path.name] = self.ids.get(path)
        for name in self.OPERATIONS:
            monkeypatch.setattr(os, name, self.watch(name, getattr(os, name)))

    def watch(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            path = self.opened[args[0]] if name in ("write", "fsync") else Path(args[0])
            if name == "open" and not args[1] & os.O_CREAT:
                descriptor = real(*args, **kwargs)
                self.opened[descriptor] = path
                return descriptor
            if self.folder not in (path, *path.parents):
                return real(*args, **kwargs)
            self.count += 1
            if self.count - 1 == self.crash_at:
                if name == "write":  # half of it gets through
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise Crash
            result = real(*args, **kwargs)
            if name == "open":
                self.opened[result] = path
            self.note(name, path, args)
            return result

        return operation

    def note(self, name: str, path: Path, args: tuple[Any, ...]) -> None:
        if name == "open":
            self.ids[path] = max([*self.ids.values(), *self.synced, -1]) + 1 if path not in self.ids else self.ids[path]
            self.change(path, self.ids[path], True)
        elif name == "fsync" and path.is_dir():
            self.names[path] = {p.name: self.ids.get(p) for p in path.iterdir()}
            self.pending[path] = []
        elif name == "fsync":
            self.synced[self.ids[path]] = path.read_bytes()
        elif name == "replace":
            target = Path(args[1])
            self.ids[target] = self.ids.pop(path)
            self.change(path, None, False)
            self.change(target, self.ids[target], True)
        elif name == "unlink":
            self.ids.pop(path, None)
            self.change(path, None, False)
        elif name == "mkdir":
            self.names[path] = {}
            self.change(path, None, True)
        elif name == "rmdir":
            self.change(path, None, False)

    def change(self, path: Path, file: int | None, there: bool) -> None:
        self.pending.setdefault(path.parent, []).append((path.name, file, there))

    def after_power_loss(self, target: Path, keeps: Callable[[str], bool]) -> None:
        """Write the disk as it may come back; ``keeps`` decides for each name that was not flushed."""
        self.restore(self.folder, target, keeps)

    def restore(self, folder: Path, target: Path, keeps: Callable[[str], bool]) -> None:
        target.mkdir()
        names = dict(self.names[folder])
        for name, file, there in self.pending.get(folder, []):
            if keeps(name):
                if there:
                    names[name] = file
                else:
                    names.pop(name, None)
        for name, file in names.items():
            if file is not None:
                (target / name).write_bytes(self.synced.get(file, b"torn"))
            else:
                self.restore(folder / name, target / name, keeps)


def crashes(
    tmp_path: Path, old: list[bytes] | None, start: int, entries: list[bytes]
) -> Iterator[tuple[Path, Callable[[Path, Callable[[str], bool]], None]]]:
    """Publish ``entries`` over ``old`` and crash before each operation in turn, and at last after all of them.

    Before an operation is after the one before it: nothing but operations touches the disk.
    """
    at = 0
    while True:
        folder = tmp_path / str(at)
        if old is None:
            folder.mkdir()
        else:
            publish(folder, old)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(folder, patch)
            disk.crash_at = at
            try:
                Publisher(folder).publish(start, entries[start:], head_of(entries))
            except Crash:
                pass
            else:
                disk.crash_at = -2
        yield folder, disk.after_power_loss
        if disk.crash_at == -2:
            assert at > 20  # it did crash at many places
            return
        at += 1


def holds(folder: Path, entries: list[bytes]) -> int:
    """The published head is a part of these entries, and everything that it covers is there; returns its size."""
    signed = verify_checkpoint((folder / "checkpoint").read_bytes(), POLICY)
    size = signed.checkpoint.size
    assert list(Log(Folder(folder), signed.checkpoint).entries()) == entries[:size]
    return size


CASES = [(100, 0, 130), (100, 0, 256), (250, 0, 600), (300, 256, 520), (512, 512, 513)]


@pytest.mark.parametrize(("old", "start", "new"), CASES)
def test_the_program_is_killed(tmp_path: Path, old: int, start: int, new: int) -> None:
    """At any operation: the folder holds a good ledger, and publishing again completes it, to the same bytes."""
    entries = entries_of(new)
    good = files_of_published(tmp_path / "good", entries)
    sizes = []
    for folder, _ in crashes(tmp_path, entries[:old], start, entries):
        sizes.append(holds(folder, entries))
        Publisher(folder).publish(start, entries[start:], head_of(entries))
        assert files_of(folder) == good
    assert sizes == sorted(sizes)
    assert set(sizes) == {old, new}


@pytest.mark.parametrize(("old", "start", "new"), CASES)
@pytest.mark.parametrize("luck", ["nothing", "some"])
def test_the_power_fails(tmp_path: Path, old: int, start: int, new: int, luck: str) -> None:
    """The same when names that were not flushed are lost, all or some of them, and files are torn."""
    entries = entries_of(new)
    good = files_of_published(tmp_path / "good", entries)
    chance = random.Random(new)
    keeps = {"nothing": lambda name: False, "some": lambda name: chance.random() < 0.5}[luck]
    size = 0
    for folder, power_loss in crashes(tmp_path, entries[:old], start, entries):
        after = folder.with_name(folder.name + "-after")
        power_loss(after, keeps)
        size = holds(after, entries)
        assert size in (old, new)
        Publisher(after).publish(start, entries[start:], head_of(entries))
        assert files_of(after) == good
    assert size == new  # what publish() returned for was durable


def test_the_power_fails_at_first(tmp_path: Path) -> None:
    """The first publication: no head, or the head with everything, even if the head's name is the first on the disk."""
    entries = entries_of(300)
    there = False
    for folder, power_loss in crashes(tmp_path, None, 0, entries):
        after = folder.with_name(folder.name + "-after")
        power_loss(after, lambda name: name == "checkpoint")
        there = (after / "checkpoint").exists()
        assert not there or holds(after, entries) == 300
    assert there


def test_the_power_fails_twice(tmp_path: Path) -> None:
    """A crash of the program, publishing again, then a loss of power right after: what was returned for is there."""
    entries = entries_of(600)
    for folder, _ in crashes(tmp_path, entries[:250], 0, entries):
        with pytest.MonkeyPatch.context() as patch:
            # Names that the first run did not flush are not durable, though they are to be seen.
            disk = Disk(folder, patch)
            for path in disk.names:
                disk.pending[path] = [(name, file, True) for name, file in disk.names[path].items()]
                if path.name not in ("tile", folder.name):
                    disk.names[path] = {}
            Publisher(folder).publish(0, entries, head_of(entries))
        after = folder.with_name(folder.name + "-after")
        disk.after_power_loss(after, lambda name: False)
        assert holds(after, entries) == 600


def test_a_tile_is_there_before_a_head_that_needs_it(tmp_path: Path) -> None:
    """At the moment when the checkpoint is replaced, every tile of its tree is in its place."""
    entries = entries_of(600)
    publish(tmp_path, entries[:250])
    seen = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "checkpoint":
            seen.append(all((tmp_path / tile.name).is_file() for tile in tiles_of(600)))
            seen.append((tmp_path / Tile(0, 0, 250).name).is_file())  # the old head's are there still
        real(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", replace)
        Publisher(tmp_path).publish(0, entries, head_of(entries))
    assert seen == [True, True]
