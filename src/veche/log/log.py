"""Reading a ledger from its tiles: entries, proofs, the check of every byte, and exports of it.

Nothing that is read is believed. A head (size and root) that the caller verified vouches for the tiles at the right
edge of the tree, these for the tiles below them, and the leaf hashes for the entries.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.receipt import Receipt
from veche.log.source import WITNESS, Source, kept_heads, write_export
from veche.log.tiles import (
    CHECKPOINT,
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    is_tile_of,
    levels_of,
    pack,
    partial_of,
    span,
    split_hashes,
    tiles_of,
    unpack,
    wrong,
)
from veche.texts import Message, Verbatim

_CACHED_TILES = 1024  # of 8 kB each

Progress = Callable[[int, int], None]
"""Called with the number of entries done and of all entries."""


def read_tile(source: Source, tile: Tile) -> bytes:
    """The bytes of a tile, cut from a wider one if that replaced it: what to serve to whoever asks for it.

    A publisher may be replacing it at this moment: it writes a wider one before it removes the narrower, so that
    looking from narrow to wide finds one. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``) if there is none.
    """
    for width in range(tile.width, WIDTH + 1):
        data = source.get(Tile(tile.level, tile.index, width).name)
        if data is not None:
            return data if width == tile.width else _cut(tile, data)
    raise wrong(tile.name, Message("the file is missing"))


def _cut(tile: Tile, data: bytes) -> bytes:
    if tile.level != ENTRIES:
        return data[: merkle.HASH_SIZE * tile.width]
    at = 0
    for _ in range(tile.width):
        at += 2 + int.from_bytes(data[at : at + 2], "big")
    return data[:at]


class Snapshot(Source):
    """A source as it is at one checkpoint: nothing but what that covers, while a publisher goes on. Attachments are
    those that are there now; what witnesses cosigned is read first, so that a head that covers it is there."""

    def __init__(self, source: Source) -> None:
        self._source = source
        found = {name: source.get(name) for name in source.names(WITNESS)}
        self._cosigned = {name: content for name, content in found.items() if content is not None}
        self._checkpoint = source.read(CHECKPOINT)
        self.size = SignedCheckpoint.parse(self._checkpoint).checkpoint.size

    def names(self, prefix: str = "") -> list[str]:
        """See :class:`Source`. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``) with the first full tile that is
        not there: nobody has vouched for the size yet, so nothing here may grow with it. Cosigned heads need no tile."""
        if prefix.startswith(WITNESS):
            return sorted(name for name in self._cosigned if name.startswith(prefix))
        names = [*self._source.names("attachment/"), CHECKPOINT]
        present = set(self._source.names("tile/"))
        for tile in tiles_of(self.size):
            if tile.width == WIDTH and tile.name not in present:
                raise wrong(tile.name, Message("the file is missing"))
            names.append(tile.name)
        names += [name for size, name in kept_heads(self._source) if size <= self.size]
        return sorted(name for name in (*names, *self._cosigned) if name.startswith(prefix))

    def get(self, name: str) -> bytes | None:
        if name == CHECKPOINT:
            return self._checkpoint
        if name.startswith(WITNESS):
            return self._cosigned.get(name)
        if name.startswith("tile/"):
            return read_tile(self._source, Tile.parse(name))
        return self._source.get(name)


def export(source: Source, path: Path) -> None:
    """Write a ledger as one file (see :mod:`veche.log.source`), as of the checkpoint that it has now.

    Tiles are copied, not checked: whoever reads the export does that, see :func:`check_tiles`.
    """
    snapshot = Snapshot(source)
    write_export(path, snapshot.names(), snapshot)


class Log:
    """A ledger's entries and proofs, out of its tiles, under a head that the caller has verified.

    Every method raises :class:`~veche.errors.DoesNotHold` (step ``tiles``), with the name of the file, if a file is
    missing or is not what the head vouches for, and ``ValueError`` on an index or size outside the tree.
    """

    def __init__(self, source: Source, head: Checkpoint) -> None:
        self.source = source
        self.head = head
        self.size = head.size
        self._tiles: dict[Tile, bytes] = {}  # hash tiles that the root vouches for
        self._edge = self._read_edge()

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The entries from index ``start`` up to ``end`` (all by default), each checked against its leaf hash."""
        end = self.size if end is None else end
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"no entries {start} to {end} in a ledger of size {self.size}")
        for index in range(start // WIDTH, -(-end // WIDTH)):
            first = index * WIDTH
            bundle = self._bundle(Tile(ENTRIES, index, min(WIDTH, self.size - first)))
            yield from bundle[max(start - first, 0) : end - first]

    def entry(self, index: int) -> bytes:
        """One entry, checked against its leaf hash."""
        return next(self.entries(index, index + 1))

    def file(self, tile: Tile) -> bytes:
        """The bytes of a tile of this tree, as the head vouches for them."""
        return pack(self._bundle(tile)) if tile.level == ENTRIES else self._hashes(tile.level, tile.index)

    def leaf_hash(self, index: int) -> bytes:
        """The leaf hash at this index, as the root vouches for it."""
        return self._range_root(index, index + 1)

    def root(self, size: int) -> bytes:
        """The root of the tree over the first ``size`` entries."""
        if not 0 <= size <= self.size:
            raise ValueError(f"no tree of size {size} in a ledger of size {self.size}")
        return self._range_root(0, size) if size else merkle.EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The proof that the entry at ``index`` is in the tree of ``size`` (all by default), see
        :func:`veche.log.merkle.verify_inclusion`."""
        ranges = merkle.inclusion_ranges(index, self._known(size))
        return [self._range_root(start, end) for start, end in ranges]

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree of ``new`` (all by default) extends that of ``old``, see
        :func:`veche.log.merkle.verify_consistency`."""
        ranges = merkle.consistency_ranges(old, self._known(new))
        return [self._range_root(start, end) for start, end in ranges]

    def receipt(self, index: int, checkpoint: SignedCheckpoint) -> Receipt:
        """The receipt of the entry at ``index`` under this checkpoint: any head of this ledger not beyond this one."""
        head = checkpoint.checkpoint
        if self.root(head.size) != head.root:
            raise wrong(CHECKPOINT, Message("the head of size {size} is not one of this ledger", size=head.size))
        return Receipt(index, tuple(self.inclusion_proof(index, head.size)), checkpoint)

    def _known(self, size: int | None) -> int:
        size = self.size if size is None else size
        if size > self.size:
            raise ValueError(f"no tree of size {size} in a ledger of size {self.size}")
        return size

    def _read_edge(self) -> dict[int, Tile]:
        """Read the partial tiles, which together make up the root: the only ones that no other tile vouches for."""
        edge = Edge()
        edge.size = self.size
        partial = {tile.level: tile for tile in partial_of(self.size) if tile.level != ENTRIES}
        for level in levels_of(self.size)[1:]:
            if level == len(edge.rows):
                edge.rows.append([])
            if level in partial:
                tile = partial[level]
                self._tiles[tile] = read_tile(self.source, tile)
                edge.rows[level] = split_hashes(tile, self._tiles[tile])
        if edge.root() != self.head.root:
            names = ", ".join(tile.name for tile in partial.values()) or "tile"
            raise wrong(
                names, Message("this does not make up the root of the checkpoint of size {size}", size=self.size)
            )
        return partial

    def check_hashes(self, tile: Tile, data: bytes) -> None:
        """Raise unless these are the hashes of this full tile of the tree, wherever they come from."""
        above = self._hashes(tile.level + 1, tile.index // WIDTH)
        at = merkle.HASH_SIZE * (tile.index % WIDTH)
        if merkle.root(split_hashes(tile, data)) != above[at : at + merkle.HASH_SIZE]:
            raise wrong(tile.name, Message("its hashes are not those that the tile above stands for"))

    def _bundle(self, tile: Tile) -> list[bytes]:
        return check_bundle(tile, read_tile(self.source, tile), self._hashes(0, tile.index))

    def _hashes(self, level: int, index: int) -> bytes:
        """A hash tile, checked against the tile above, which is checked in the same way."""
        edge = self._edge.get(level)
        if edge is not None and edge.index == index:
            return self._tiles[edge]
        tile = Tile(level, index)
        found = self._tiles.get(tile)
        if found is None:
            found = self.source.read(tile.name)
            self.check_hashes(tile, found)
            if len(self._tiles) >= _CACHED_TILES:
                self._tiles = {kept: self._tiles[kept] for kept in self._edge.values()}
            self._tiles[tile] = found
        return found

    def _range_root(self, start: int, end: int) -> bytes:
        """The root of the tree over the entries from ``start`` to ``end``, which begin where such a tree may begin."""
        count = end - start
        if count & (count - 1):
            middle = start + merkle.split(count)
            return merkle.node_hash(self._range_root(start, middle), self._range_root(middle, end))
        level = (count.bit_length() - 1) // 8
        first = start // span(level)
        hashes = self._hashes(level, first // WIDTH)
        at, items = first % WIDTH, count // span(level)
        return merkle.root([hashes[32 * i : 32 * i + 32] for i in range(at, at + items)])


def check_bundle(tile: Tile, data: bytes, hashes: bytes) -> list[bytes]:
    """The entries of a bundle, if they are those of which these are the leaf hashes. Raises :class:`~veche.errors.DoesNotHold` (step
    ``tiles``) with the first that is another."""
    entries = unpack(tile, data)
    for i, entry in enumerate(entries):
        if merkle.leaf_hash(entry) != hashes[32 * i : 32 * i + 32]:
            raise wrong(
                tile.name,
                Message("entry {index} is not the one that was logged", index=str(tile.index * WIDTH + i)),
            )
    return entries


def check_tiles(source: Source, size: int, root: bytes, progress: Progress | None = None) -> None:
    """Check every byte below ``tile/`` without looking at the entries: the tree of this size and root, and nothing else.

    Use it on a folder at rest, on an export, or on a :class:`Snapshot`. Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``).
    """
    check_nothing_else(source, size)
    done = 0
    for bundle in checked_bundles(source, size, root):
        done += len(bundle.entries)
        if progress is not None:
            progress(done, size)


def check_nothing_else(source: Source, size: int) -> None:
    """Raise :class:`~veche.errors.DoesNotHold` (step ``tiles``) if there is a tile or a kept head that a log of this size does not have."""
    for kept, name in kept_heads(source):
        if kept > size:
            raise wrong(name, Message("a ledger of size {size} has no such file", size=size))
    for name in source.names("tile/"):
        if not is_tile_of(Tile.parse(name), size):
            raise wrong(name, Message("a ledger of size {size} has no such file", size=size))


class Bundle(NamedTuple):
    """A bundle's entries, and SHA-256 of the file that holds them: whoever reads it a second time can see that it is the same."""

    entries: list[bytes]
    digest: bytes


def checked_bundles(source: Source, size: int, root: bytes, edge: Edge | None = None) -> Iterator[Bundle]:
    """The entries, bundle by bundle, while every byte of the tree of this size is checked. Only when the iterator has ended
    without an error do the entries make up the root. It ends at the first tile that is missing, whatever the size says.

    ``edge``: of the tree that was checked before, from which it goes on, and which grows with what is checked; only entries and tiles
    beyond it are read, and a bundle that it had a part of gives the rest of its entries.

    Hashes are computed anew from the entries and compared with every hash tile. Raises :class:`~veche.errors.DoesNotHold` (step
    ``tiles``) with the names of the files that disagree, and the entry.
    """
    edge = Edge() if edge is None else edge
    while edge.size < size:
        index, seen = divmod(edge.size, WIDTH)
        tile = Tile(ENTRIES, index, min(WIDTH, size - index * WIDTH))
        data = source.read(tile.name)
        entries = unpack(tile, data)
        hashes = [merkle.leaf_hash(entry) for entry in entries]
        if hashes[:seen] != edge.rows[0]:
            raise wrong(tile.name, Message("its first {seen} entries are not those that were there before", seen=seen))
        for full, row in edge.extend(hashes[seen:]):
            _check_row(source, full, row)
        yield Bundle(entries[seen:], sha256(data).digest())
    for partial, row in edge.partial():
        _check_row(source, partial, row)
    if edge.root() != root:
        raise wrong("tile", Message("the {size} entries do not make up the root of the checkpoint", size=size))


def _check_row(source: Source, tile: Tile, row: list[bytes]) -> None:
    """Check a hash tile against the hashes of what is below it."""
    present = split_hashes(tile, source.read(tile.name))
    for i, (stored, computed) in enumerate(zip(present, row, strict=True)):
        if stored != computed:
            item = tile.index * WIDTH + i
            below = (
                Verbatim(Tile(tile.level - 1, item).name)
                if tile.level
                else Message("entry {number} in {name}", number=str(item), name=_bundle_name(tile))
            )
            raise DoesNotHold(
                "tiles",
                tile.name,
                Message(
                    "{name}: hash {i}, at byte {value}, is not that of {below}.",
                    name=tile.name,
                    i=i,
                    value=str(32 * i),
                    below=below,
                ),
            )


def _bundle_name(tile: Tile) -> str:
    return Tile(ENTRIES, tile.index, tile.width).name
