"""Reading a ledger from tiles: entries and proofs are right, and no byte can be changed without being named."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.log import Log, Snapshot, check_tiles, export, read_tile
from veche.log.publish import Publisher
from veche.log.source import Folder
from veche.log.tiles import ENTRIES, WIDTH, Tile, pack, tiles_of

from .small_log import ORIGIN, Memory, entries_of, files_of, flip, head_of, publish

LARGE = 66_000  # three levels of hash tiles


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Memory, Checkpoint, list[bytes]]:
    """A ledger of 66,000 entries in memory; its leaf hashes."""
    entries = entries_of(LARGE)
    folder = tmp_path_factory.mktemp("large")
    head = publish(folder, entries)
    return Memory(files_of(folder)), head.checkpoint, [merkle.leaf_hash(e) for e in entries]


def small(count: int) -> tuple[Memory, Checkpoint]:
    """A ledger put together by hand: every tile straight from its definition."""
    entries = entries_of(count)
    leaves = [merkle.leaf_hash(e) for e in entries]
    files = {"checkpoint": head_of(entries).to_bytes()}
    for tile in tiles_of(count):
        span = 1 if tile.level == ENTRIES else WIDTH**tile.level
        starts = [(tile.index * WIDTH + i) * span for i in range(tile.width)]
        if tile.level == ENTRIES:
            files[tile.name] = pack([entries[start] for start in starts])
        else:
            files[tile.name] = b"".join(merkle.root(leaves[start : start + span]) for start in starts)
    return Memory(files), head_of(entries).checkpoint


def test_all_proofs_of_a_small_ledger() -> None:
    count = 40
    source, head = small(count)
    log = Log(source, head)
    leaves = [merkle.leaf_hash(e) for e in entries_of(count)]
    for size in range(count + 1):
        assert log.root(size) == merkle.root(leaves[:size])
        for index in range(size):
            assert log.leaf_hash(index) == leaves[index]
            assert log.inclusion_proof(index, size) == merkle.inclusion_proof(leaves[:size], index)
        for old in range(size + 1):
            assert log.consistency_proof(old, size) == merkle.consistency_proof(leaves, old, size)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_proofs_of_a_large_ledger(large: tuple[Memory, Checkpoint, list[bytes]], data: st.DataObject) -> None:
    source, head, leaves = large
    log = Log(source, head)
    near = st.sampled_from([1, 255, 256, 257, 65535, 65536, 65537, LARGE - 1, LARGE])
    size = data.draw(near | st.integers(1, LARGE))
    old = data.draw(st.integers(0, size))
    index = data.draw(st.integers(0, size - 1))
    root = log.root(size)
    assert root == merkle.root(leaves[:size])
    merkle.verify_inclusion(leaves[index], index, size, log.inclusion_proof(index, size), root)
    merkle.verify_consistency(old, log.root(old), size, root, log.consistency_proof(old, size))


@settings(deadline=None)
@given(st.integers(0, LARGE), st.integers(0, 1000))
def test_ranges_of_entries(large: tuple[Memory, Checkpoint, list[bytes]], start: int, count: int) -> None:
    source, head, leaves = large
    end = min(start + count, LARGE)
    entries = list(Log(source, head).entries(start, end))
    assert [merkle.leaf_hash(e) for e in entries] == leaves[start:end]


def test_nothing_outside_the_tree() -> None:
    source, head = small(300)
    log = Log(source, head)
    for start, end in [(-1, 3), (5, 4), (0, 301), (301, 301)]:
        with pytest.raises(ValueError, match="no entries"):
            list(log.entries(start, end))
    for size in (-1, 301):
        with pytest.raises(ValueError, match="no tree"):
            log.root(size)
    with pytest.raises(ValueError, match="no leaf"):
        log.inclusion_proof(300)
    with pytest.raises(ValueError, match="no tree"):
        log.inclusion_proof(3, 301)
    with pytest.raises(ValueError, match="no tree"):
        log.consistency_proof(3, 301)
    with pytest.raises(ValueError, match="cannot extend"):
        log.consistency_proof(4, 3)


@pytest.mark.parametrize("count", [0, 1, 256, 257, 600])
def test_a_good_ledger_passes(count: int) -> None:
    source, head = small(count)
    done: list[tuple[int, int]] = []
    check_tiles(source, count, head.root, lambda *progress: done.append(progress))
    assert [d for d, _ in done] == [*range(WIDTH, count, WIDTH), *([count] if count else [])]


def read_everything(source: Memory, head: Checkpoint) -> None:
    """What a node does that reads all entries and shows that each is in the tree."""
    log = Log(source, head)
    for index, entry in enumerate(log.entries()):
        merkle.verify_inclusion(merkle.leaf_hash(entry), index, log.size, log.inclusion_proof(index), head.root)


def test_every_byte_counts() -> None:
    """In each file of a ledger with full and partial tiles: the check names the file that was changed."""
    source, head = small(258)
    check_tiles(source, head.size, head.root)
    for name, good in source.files.items():
        if name != "checkpoint":
            for at in range(len(good)):
                source.files[name] = flip(good, at, 1 << at % 8)
                with pytest.raises(DoesNotHold) as error:
                    check_tiles(source, head.size, head.root)
                assert error.value.step == "tiles"
                assert name in error.value.message
            source.files[name] = good


def test_every_byte_counts_for_a_reader() -> None:
    """A reader may not need a file; if it does, it names it. What it needs not: tiles that others replace."""
    source, head = small(258)
    read_everything(source, head)
    for name, good in source.files.items():
        if name != "checkpoint":
            for at in range(0, len(good), 23):
                source.files[name] = flip(good, at, 1 << at % 8)
                with pytest.raises(DoesNotHold) as error:
                    read_everything(source, head)
                assert name in error.value.message
            source.files[name] = good


def both_checks(source: Memory, head: Checkpoint) -> list[Callable[[], object]]:
    return [lambda: check_tiles(source, head.size, head.root), lambda: read_everything(source, head)]


def test_every_length_counts() -> None:
    source, head = small(258)
    checks = both_checks(source, head)
    for name, good in source.files.items():
        if name != "checkpoint":
            for wrong in (b"", good[:-1], good[: len(good) // 2], good + b"\0", good + good):
                source.files[name] = wrong
                for check in checks:
                    with pytest.raises(DoesNotHold) as error:
                        check()
                    assert name in error.value.message
            source.files[name] = good


def test_missing_and_extra_files_are_named() -> None:
    source, head = small(300)
    checks = both_checks(source, head)
    for name in [name for name in source.files if name != "checkpoint"]:
        good = source.files.pop(name)
        for check in checks:
            with pytest.raises(DoesNotHold, match="missing") as error:
                check()
            assert error.value.where == name
        source.files[name] = good
    for name in ("tile/0/000.p/5", "tile/0/002", "tile/2/000.p/1", "tile/entries/001.p/45"):
        source.files[name] = b""
        with pytest.raises(DoesNotHold, match="no such file") as error:
            check_tiles(source, head.size, head.root)
        assert error.value.where == name
        del source.files[name]


def test_a_whole_other_ledger_is_refused() -> None:
    """Entries and tiles that agree with each other, but not with the root."""
    entries = entries_of(300)
    source, _ = small(300)
    other = head_of([*entries[:299], b"x"]).checkpoint
    with pytest.raises(DoesNotHold, match="do not make up the root"):
        check_tiles(source, 300, other.root)
    with pytest.raises(DoesNotHold, match="does not make up the root"):
        Log(source, other)
    with pytest.raises(DoesNotHold):
        check_tiles(source, 299, head_of(entries[:299]).checkpoint.root)


def test_entries_moved_between_length_and_content_are_refused() -> None:
    """Bundles that split otherwise into as many entries."""
    source, head = small(3)
    assert source.files["tile/entries/000.p/3"] == b"\0\0\0\x07entry 1\0\x07entry 2"
    source.files["tile/entries/000.p/3"] = b"\0\x02\0\x07\0\x05entry\0\x09 1\0\x07entry"[:21] + b""
    with pytest.raises(DoesNotHold):
        check_tiles(source, 3, head.root)


@pytest.mark.parametrize("size", [1, 44, 45, 256, 257])
def test_narrower_tiles_are_cut_from_wider_ones(size: int) -> None:
    """A client that holds an earlier head asks for its partial tiles, which were replaced since."""
    earlier, head = small(size)
    now, _ = small(300)
    for name, data in earlier.files.items():
        if name != "checkpoint":
            assert read_tile(now, Tile.parse(name)) == data
    log = Log(now, head)
    assert list(log.entries()) == entries_of(size)
    assert log.root(size) == head.root
    with pytest.raises(DoesNotHold, match="missing"):
        read_tile(now, Tile(0, 1, 45))


def test_a_snapshot_stays_while_the_ledger_goes_on(tmp_path: Path) -> None:
    entries = entries_of(700)
    publisher = Publisher(tmp_path)
    start = publisher.publish(0, entries[:300], head_of(entries[:300]))
    (tmp_path / "attachment").mkdir()
    attachment = "attachment/" + "ab" * 32
    (tmp_path / attachment).write_bytes(b"{}")
    snapshot = Snapshot(Folder(tmp_path))
    before = {name: snapshot.read(name) for name in snapshot.names()}
    publisher.publish(start, entries[start:], head_of(entries))
    assert {name: snapshot.read(name) for name in snapshot.names()} == before
    check_tiles(snapshot, 300, head_of(entries[:300]).checkpoint.root)
    assert snapshot.checkpoint() == head_of(entries[:300])
    assert snapshot.names("attachment/") == [attachment]
    with pytest.raises(DoesNotHold, match="no such file"):
        check_tiles(Folder(tmp_path), 300, head_of(entries[:300]).checkpoint.root)


def test_a_reader_goes_on_while_tiles_are_replaced(tmp_path: Path) -> None:
    """The tile disappears between looking for it and looking for the next wider one: there always is one."""
    entries = entries_of(700)
    publisher = Publisher(tmp_path)
    sizes = iter([20, 30, 300, 600])
    start = publisher.publish(0, entries[:10], head_of(entries[:10]))

    class Racing(Folder):
        def get(self, name: str) -> bytes | None:
            nonlocal start
            data = super().get(name)
            if data is None and (size := next(sizes, 0)):
                start = publisher.publish(start, entries[start:size], head_of(entries[:size]))
            return data

    assert read_tile(Racing(tmp_path), Tile(ENTRIES, 0, 5)) == pack(entries[:5])
    assert next(sizes, None) is None


def test_what_else_is_in_the_folder(tmp_path: Path) -> None:
    """It is not seen unless it has the name of a public file; then it must be one."""
    head = publish(tmp_path, entries_of(300))
    source = Folder(tmp_path)
    names = source.names()
    for name in (
        "other",
        "tile/note.txt",
        "tile/0/000.p/300",
        "tile/0/000 copy",
        "tile/64/000",
        "tile/0/x001/x002/003.p/400/5",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "tile/3").symlink_to(tmp_path / "tile/0")
    assert source.names() == names
    check_tiles(source, 300, head.checkpoint.root)
    path = tmp_path / "tile/0/000"
    moved = path.rename(tmp_path / "moved")
    ways: list[Callable[[], None]] = [lambda: path.symlink_to(moved), lambda: os.mkfifo(path), path.mkdir]
    for make in ways:
        make()
        assert source.names() == names
        with pytest.raises(DoesNotHold, match=r"not a file|cannot be read") as error:
            source.read("tile/0/000")
        assert error.value.where == "tile/0/000"
        path.rmdir() if path.is_dir() else path.unlink()


def test_behind_a_link_to_a_folder_nothing_is_there(tmp_path: Path) -> None:
    publish(tmp_path / "ledger", entries_of(3))
    names = Folder(tmp_path / "ledger").names()
    (tmp_path / "linked").symlink_to(tmp_path / "ledger")
    assert Folder(tmp_path / "linked").names() == names
    (tmp_path / "ledger/tile").rename(tmp_path / "elsewhere")
    (tmp_path / "ledger/tile").symlink_to(tmp_path / "elsewhere")
    assert Folder(tmp_path / "ledger").names() == ["checkpoint"]
    with pytest.raises(DoesNotHold, match="missing"):
        Folder(tmp_path / "ledger").read("tile/0/000.p/3")


@pytest.mark.parametrize("size", [2**62, 2**63 - 1])
def test_nothing_grows_with_a_size_that_nobody_vouches_for(size: int, tmp_path: Path) -> None:
    """A checkpoint of some hundred bytes would have its reader list as many tiles as it says."""
    publish(tmp_path / "ledger", entries_of(300))
    claim = SignedCheckpoint(Checkpoint(ORIGIN, size, bytes(32)), head_of([]).signatures)
    (tmp_path / "ledger/checkpoint").write_bytes(claim.to_bytes())
    folder = Folder(tmp_path / "ledger")
    checks: list[Callable[[], object]] = [
        lambda: Snapshot(folder).names(),
        lambda: check_tiles(folder, size, bytes(32)),
        lambda: check_tiles(Snapshot(folder), size, bytes(32)),
        lambda: Log(folder, claim.checkpoint),
        lambda: export(folder, tmp_path / "ledger.tar"),
    ]
    for check in checks:
        with pytest.raises(DoesNotHold, match=r"no such file|missing"):
            check()


def test_nothing_else_is_read(tmp_path: Path) -> None:
    """Whatever name a stranger asks for: only public files are found."""
    folder = tmp_path / "ledger"
    publish(folder, entries_of(3))
    for path in (folder / "key", tmp_path / "key", folder / "tile" / "key"):
        path.write_bytes(b"secret")
    names = ["key", "../key", "tile/key", "tile/../key", "attachment/../key", "./checkpoint", str(tmp_path / "key"), ""]
    for name in [*names, "tile", "tile/0/000", "checkpoint/key"]:
        assert Folder(folder).get(name) is None
    assert Folder(folder).get("checkpoint") is not None
