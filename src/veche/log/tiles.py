"""The ledger on disk and on the web: tiles of hashes and bundles of entries (c2sp.org/tlog-tiles).

    checkpoint                     the signed head: written last, after everything that it covers is durable
    tile/<L>/<N>[.p/<W>]           up to 256 hashes of level L: leaf hashes at 0, roots of full tiles of L-1 above
    tile/entries/<N>[.p/<W>]       up to 256 entries, each behind its length in two bytes, big-endian

A file with 256 hashes or entries is *full* and never changes. The one at the right end of each level may be *partial*;
it begins with every narrower partial tile that was ever there, so only the widest is kept on disk, and whoever serves
the others cuts them from it (:func:`veche.log.log.read_tile`).

:mod:`veche.log.publish` writes these files, :mod:`veche.log.log` reads them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.texts import Message, Said

WIDTH = 256
ENTRY_LIMIT = 0xFFFF  # bytes
ENTRIES = -1  # the "level" of entry bundles, beside those of hashes
CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Tile:
    """One file below ``tile/``: its level (or :data:`ENTRIES`), its index in the level, and how many items it has."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def name(self) -> str:
        """The path below the ledger's folder: ``tile/0/x001/x234/067.p/5``."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @classmethod
    def parse(cls, name: str) -> "Tile":
        """The inverse of :attr:`name`; ``ValueError`` for any other string."""
        full, _, width = name.partition(".p/")
        _, _, rest = full.partition("/")
        level, _, groups = rest.partition("/")
        digits = groups.replace("/x", "").removeprefix("x").replace("/", "")
        if len(name) > 80 or not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"{name!r} is not the name of a tile")
        try:
            tile = cls(ENTRIES if level == "entries" else int(level), int(digits), int(width or WIDTH))
        except ValueError:
            raise ValueError(f"{name!r} is not the name of a tile") from None
        if tile.name != name or not (0 < tile.width <= WIDTH and ENTRIES <= tile.level < 64):
            raise ValueError(f"{name!r} is not the name of a tile")
        return tile


def span(level: int) -> int:
    """How many entries one item of a tile at this level stands for."""
    return 1 if level == ENTRIES else int(WIDTH**level)


def levels_of(size: int) -> list[int]:
    """The levels on which the tree of this size has tiles: :data:`ENTRIES`, then those of hashes from 0 up."""
    levels, level = [], 0
    while size // span(level):
        levels.append(level)
        level += 1
    return [ENTRIES, *levels] if levels else []


def partial_of(size: int) -> list[Tile]:
    """The partial tiles of the tree of this size: at most one a level."""
    tiles = []
    for level in levels_of(size):
        index, width = divmod(size // span(level), WIDTH)
        if width:
            tiles.append(Tile(level, index, width))
    return tiles


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of the tree of this size: for each level the full ones, from left to right; then the partial ones."""
    for level in levels_of(size):
        for index in range(size // span(level) // WIDTH):
            yield Tile(level, index)
    yield from partial_of(size)


def is_tile_of(tile: Tile, size: int) -> bool:
    """Whether the tree of this size has this tile, found without listing them."""
    full, width = divmod(size // span(tile.level), WIDTH)
    return tile.index < full if tile.width == WIDTH else (tile.index, tile.width) == (full, width)


def pack(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle. Raises ``ValueError`` on an entry longer than :data:`ENTRY_LIMIT`."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_LIMIT:
            raise ValueError(f"an entry of {len(entry)} bytes does not fit into a bundle")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def unpack(tile: Tile, data: bytes) -> list[bytes]:
    """The entries of a bundle, ``tile.width`` of them. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``) with
    the name of the bundle and the entry at which it breaks off or goes on too long."""
    return split_entries(data, tile.index * WIDTH, tile.width, tile.name)


def split_entries(data: bytes, first: int, count: int, where: str) -> list[bytes]:
    """The inverse of :func:`pack`: ``count`` entries, the first of them with number ``first``. Raises
    :class:`~veche.errors.DoesNotHold` (step ``tiles``) with ``where`` and the entry that breaks off or goes on too long."""
    entries, at, end = [], 0, len(data)
    for number in range(first, first + count):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > end:
            raise wrong(where, Message("entry {number} is cut off", number=str(number)))
        entries.append(data[start:at])
    if at != end:
        raise wrong(
            where, Message("bytes follow entry {first}, from byte {at} on", first=str(first + count - 1), at=str(at))
        )
    return entries


def split_hashes(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes of a hash tile, ``tile.width`` of them. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``)."""
    if len(data) != merkle.HASH_SIZE * tile.width:
        raise wrong(tile.name, Message("{data} bytes are not {width} hashes", data=len(data), width=tile.width))
    return [data[at : at + merkle.HASH_SIZE] for at in range(0, len(data), merkle.HASH_SIZE)]


def wrong(where: str, message: Said) -> DoesNotHold:
    """An error of this step: what is wrong with the file ``where``."""
    return DoesNotHold("tiles", where, Message("{where}: {what}.", where=where, what=message))


class Row(NamedTuple):
    """A hash tile and its hashes."""

    tile: Tile
    hashes: list[bytes]


class Edge:
    """The right edge of a tree in tiles: at each level the hashes of the tile that is not full yet.

    What :class:`veche.log.merkle.Frontier` is for single hashes, this is for tiles: enough to go on, and to name the root.
    """

    __slots__ = ("rows", "size")

    def __init__(self) -> None:
        self.size = 0
        self.rows: list[list[bytes]] = [[]]

    def copy(self) -> "Edge":
        other = Edge()
        other.size, other.rows = self.size, [row.copy() for row in self.rows]
        return other

    def extend(self, leaf_hashes: Sequence[bytes]) -> Iterator[Row]:
        """Append leaves; yields each hash tile with its hashes when it becomes full. Exhaust the iterator."""
        for start in range(0, len(leaf_hashes), WIDTH):
            rest: Sequence[bytes] = leaf_hashes[start : start + WIDTH]
            while rest:
                room = WIDTH - len(self.rows[0])
                self.rows[0] += rest[:room]
                self.size += len(rest[:room])
                rest = rest[room:]
                yield from self._close()

    def _close(self) -> Iterator[Row]:
        level = 0
        while len(self.rows[level]) == WIDTH:
            row, self.rows[level] = self.rows[level], []
            yield Row(Tile(level, self.size // span(level + 1) - 1), row)
            if level + 1 == len(self.rows):
                self.rows.append([])
            self.rows[level + 1].append(merkle.root(row))
            level += 1

    def partial(self) -> Iterator[Row]:
        """The tiles that are not full, with their hashes, from level 0 up."""
        for level, row in enumerate(self.rows):
            if row:
                yield Row(Tile(level, self.size // span(level + 1), len(row)), row)

    def root(self) -> bytes:
        """The root of the whole tree: a row's tree is the last leaf of the row above."""
        last: list[bytes] = []
        for row in self.rows:
            if row or last:
                last = [merkle.root(row + last)]
        return last[0] if last else merkle.EMPTY_ROOT
