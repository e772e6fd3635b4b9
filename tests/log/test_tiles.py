"""Names and contents of tiles, as c2sp.org/tlog-tiles gives them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.tiles import ENTRIES, ENTRY_LIMIT, WIDTH, Edge, Tile, pack, partial_of, span, tiles_of, unpack

from .small_log import entries_of


@pytest.mark.parametrize(
    ("tile", "name"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),  # the example of the specification
        (Tile(ENTRIES, 0), "tile/entries/000"),
        (Tile(ENTRIES, 999, 255), "tile/entries/999.p/255"),
        (Tile(63, 1000, 1), "tile/63/x001/000.p/1"),
        (Tile(2, 12), "tile/2/012"),
    ],
)
def test_names(tile: Tile, name: str) -> None:
    assert tile.name == name
    assert Tile.parse(name) == tile


@settings(deadline=None)
@given(st.integers(-1, 63), st.integers(0, 2**62), st.integers(1, WIDTH))
def test_every_name_is_read_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.name) == tile


@pytest.mark.parametrize(
    "name",
    [
        "",
        "checkpoint",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",  # a leading group of zeros
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/64/000",
        "tile/-1/000",
        "tile/+0/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1.p/1",
        "tile/0/000/../000",
        "tile/0/000\n",
        "tile/0/\u0661\u0661\u0661",
        "tile/\u0661/000",
        "/tile/0/000",
        "Tile/0/000",
        "tile/data/000",
        "tile/0/" + "x001/" * 20 + "001",
    ],
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a tile"):
        Tile.parse(name)


def test_the_tree_of_70000_entries() -> None:
    """The example of the specification: 273 full tiles and one of 112; one full and one of 17; one of 1."""
    hashes = [t for t in tiles_of(70_000) if t.level != ENTRIES]
    assert sum(t.level == 0 and t.width == WIDTH for t in hashes) == 273
    assert [t for t in hashes if t.level == 1] == [Tile(1, 0), Tile(1, 1, 17)]
    assert partial_of(70_000) == [Tile(ENTRIES, 273, 112), Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert len(hashes) == 273 + 1 + 2 + 1
    assert sum(t.level == ENTRIES for t in tiles_of(70_000)) == 274


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (0, []),
        (1, ["tile/entries/000.p/1", "tile/0/000.p/1"]),
        (256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]),
        (65536, ["tile/1/000", "tile/2/000.p/1"]),
    ],
)
def test_small_trees(size: int, names: list[str]) -> None:
    made = [tile.name for tile in tiles_of(size)]
    assert made[-len(names) :] == names if names else not made


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_bundles(entries: list[bytes]) -> None:
    data = pack(entries)
    assert len(data) == sum(2 + len(e) for e in entries)
    assert unpack(Tile(ENTRIES, 3, len(entries)), data) == entries


def test_the_longest_entry() -> None:
    longest = b"x" * ENTRY_LIMIT
    assert unpack(Tile(ENTRIES, 0, 1), pack([longest])) == [longest]
    with pytest.raises(ValueError, match="does not fit"):
        pack([longest + b"x"])


def test_bundles_of_another_length_are_refused() -> None:
    entries = entries_of(20)
    data = pack(entries)
    tile = Tile(ENTRIES, 2, 20)
    for at in range(len(data)):
        with pytest.raises(DoesNotHold, match="cut off") as error:
            unpack(tile, data[:at])
        assert error.value.where == tile.name
    for more in (b"\0", b"\0\0", b"\0\x01x"):
        with pytest.raises(DoesNotHold, match="follow entry 531"):
            unpack(tile, data + more)


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_the_edge_is_the_tree(steps: list[int]) -> None:
    """However leaves are grouped: the root, every full tile and every partial one."""
    leaves = [merkle.leaf_hash(b"%d" % i) for i in range(sum(steps))]
    edge = Edge()
    tiles: dict[Tile, list[bytes]] = {}
    for step in steps:
        tiles.update(edge.extend(leaves[edge.size : edge.size + step]))
    size = len(leaves)
    assert edge.size == size
    assert edge.root() == merkle.root(leaves)
    tiles.update(edge.partial())
    assert set(tiles) == {t for t in tiles_of(size) if t.level != ENTRIES}
    for tile, row in tiles.items():
        first = tile.index * WIDTH * span(tile.level)
        starts = range(first, first + tile.width * span(tile.level), span(tile.level))
        assert row == [merkle.root(leaves[start : start + span(tile.level)]) for start in starts]
