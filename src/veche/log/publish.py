"""Writing a ledger's tiles and checkpoint into a folder, so that a crash never leaves less than was promised.

The files are derived: the ledger's database holds every entry that is not yet in a full, durable bundle, and a crash
at any point is repaired by publishing the same entries once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veche.durable import Batch, drop, make_folder, replace
from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, put_right
from veche.log.tiles import (
    CHECKPOINT,
    ENTRIES,
    WIDTH,
    Edge,
    Row,
    Tile,
    levels_of,
    pack,
    partial_of,
    span,
    split_hashes,
    unpack,
    wrong,
)
from veche.texts import Message

UNFINISHED = "unfinished"  # where files are written first: beside tile/, so that they can be renamed into it


@dataclass(frozen=True)
class Growth:
    """What a log gained since its bundles were last durable: the entries from ``start`` (where a bundle begins) on, the hash
    tiles that follow from them, full ones first, and the root over all."""

    start: int
    entries: Sequence[bytes]
    rows: Sequence[Row]
    root: bytes

    @property
    def size(self) -> int:
        """The size of the log with it."""
        return self.start + len(self.entries)

    @property
    def leaf_hashes(self) -> list[bytes]:
        """Those of the entries, in their order."""
        return [leaf for row in self.rows if row.tile.level == 0 for leaf in row.hashes]


class Publisher:
    """Owns the files of a ledger's folder: its tiles and its checkpoint. One publisher at a time may own a folder.

    The tiles are one :class:`~veche.durable.Batch`; the checkpoint follows when they are durable. So after a crash the
    folder holds a checkpoint with everything that it covers, and perhaps some tiles of the next one: the same entries
    published again are found to be there already.
    """

    def __init__(self, folder: Path) -> None:
        """Take over a folder, made if it is missing."""
        self.folder = folder
        self._own: Checkpoint | None = None  # the head that this publisher published last
        make_folder(folder)

    def published(self) -> Checkpoint | None:
        """The head in the folder; None if nothing was published yet. Its signatures are not checked."""
        try:
            content = put_right((self.folder / CHECKPOINT).read_bytes())
        except FileNotFoundError:
            return None
        return SignedCheckpoint.parse(content).checkpoint if content else None

    def publish(self, start: int, entries: Sequence[bytes], checkpoint: SignedCheckpoint) -> int:
        """As :meth:`publish_growth`, for whoever has entries and no tree: its edge is read from the tiles before ``start``.

        ``entries`` are all entries from index ``start`` to the checkpoint's size; ``start`` is 0 at first and then
        what the last call returned.
        """
        if start % WIDTH or start + len(entries) != checkpoint.checkpoint.size:
            raise ValueError(f"entries {start} to {start + len(entries)} do not complete {checkpoint.checkpoint}")
        self._published_before(start, start + len(entries))
        edge = edge_at(self.folder, start)
        rows = list(edge.extend([merkle.leaf_hash(entry) for entry in entries]))
        return self.publish_growth(Growth(start, entries, [*rows, *edge.partial()], edge.root()), checkpoint)

    def publish_growth(self, growth: Growth, checkpoint: SignedCheckpoint) -> int:
        """Make the log public up to this checkpoint, durably.

        The answer is the index up to which full bundles are durable, before which the caller may forget the entries, and
        where the next growth starts. After a crash, call again from the last ``start`` that is known.

        Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``), with the old checkpoint still in place, if the growth
        does not lead to the checkpoint's root, if the published head is not a part of it, or if a full tile is
        there with other bytes: then two different ledgers were to be published under one name.
        """
        head, start = checkpoint.checkpoint, growth.start
        if growth.size != head.size:
            raise ValueError(f"entries {start} to {growth.size} do not complete a tree of size {head.size}")
        old_size = self._check_published(growth)
        if growth.root != head.root:
            raise wrong(CHECKPOINT, Message("its root is not that of the {size} entries", size=head.size))
        publication = self._write(growth, old_size)
        publication.finish(checkpoint.to_bytes())
        remove_narrower(self.folder, start, head.size)
        self._own = head
        return head.size - head.size % WIDTH

    def lay_out(self, growth: Growth) -> None:
        """Make the tiles of a log durable that goes on beyond the published head, for whoever has another head to hold them against; the
        checkpoint stays. Raises as :meth:`publish_growth`."""
        self._write(growth, self._check_published(growth)).settle()

    def _write(self, growth: Growth, old_size: int) -> "_Publication":
        start, publication = growth.start, _Publication(self.folder, old_size)
        for offset in range(0, len(growth.entries), WIDTH):
            bundle = growth.entries[offset : offset + WIDTH]
            publication.write(Tile(ENTRIES, (start + offset) // WIDTH, len(bundle)), pack(bundle))
        for tile, hashes in growth.rows:
            publication.write(tile, b"".join(hashes))
        return publication

    def _published_before(self, start: int, size: int) -> Checkpoint | None:
        """The published head, from which a growth from ``start`` to ``size`` can go on."""
        old = self._own or self.published()
        old_size = old.size if old else 0
        if size < old_size:
            raise wrong(
                CHECKPOINT,
                Message(
                    "a head of size {old_size} is published already, {size} would be a step back",
                    old_size=old_size,
                    size=size,
                ),
            )
        if start > old_size:
            raise wrong(
                CHECKPOINT,
                Message(
                    "{old_size} entries are published here, so entries before {start} would be missing",
                    old_size=old_size,
                    start=start,
                ),
            )
        return old

    def _check_published(self, growth: Growth) -> int:
        """Check that the published head is a part of the tree that grew; its size, 0 if there is none."""
        old = self._published_before(growth.start, growth.size)
        if old is None:
            return 0
        if self._own is None:  # what this publisher published itself, it checked then
            part = edge_at(self.folder, growth.start)
            for _ in part.extend(growth.leaf_hashes[: old.size - growth.start]):
                pass
            if part.root() != old.root:
                raise wrong(
                    CHECKPOINT,
                    Message("the head of size {size} that is published here has another history", size=old.size),
                )
        return old.size


class _Publication:
    """The files of one publication."""

    def __init__(self, folder: Path, old_size: int) -> None:
        self._folder = folder
        self._old_size = old_size
        self._drafts = folder / UNFINISHED
        self._batch = Batch(folder, self._drafts)

    def write(self, tile: Tile, data: bytes) -> None:
        """Write one tile, unless it is there already: then its name becomes durable with the others."""
        target = self._folder / tile.name
        try:
            present = target.read_bytes()
        except FileNotFoundError:
            present = None
        if present == data:
            self._batch.keep(target)
            return
        if present is not None and not self._may_replace(tile, present):
            raise wrong(tile.name, Message("it was published with other bytes"))
        self._batch.write(target, data)

    def _may_replace(self, tile: Tile, present: bytes) -> bool:
        """Whether nobody can rely on this file: it is no tile at all (a disk that lied about flushing), or it is a
        partial one that no checkpoint covers and whose entries the database has."""
        covered = (tile.index * WIDTH + tile.width) * span(tile.level) <= self._old_size
        if tile.width < WIDTH and not covered:
            return True
        try:
            _ = unpack(tile, present) if tile.level == ENTRIES else split_hashes(tile, present)
        except DoesNotHold:
            return True
        return False

    def settle(self) -> None:
        """Make the tiles durable."""
        self._batch.finish()

    def finish(self, checkpoint: bytes) -> None:
        """Make the tiles durable, and then the checkpoint: from there on others rely on them. A crash before its end
        leaves either head."""
        self.settle()
        replace(self._folder / CHECKPOINT, checkpoint, drafts=self._drafts)


def remove_narrower(folder: Path, start: int, size: int) -> None:
    """Remove the partial tiles that full or wider ones replace, wherever entries from ``start`` on may have put
    them. After a crash here some are left; the next call has the same ``start`` and removes them."""
    keep = {tile.name for tile in partial_of(size)}
    for level in levels_of(size):
        for index in range(start // span(level) // WIDTH, size // span(level) // WIDTH + 1):
            below = folder / (Tile(level, index).name + ".p")
            if below.is_dir():
                wanted = {path for path in below.iterdir() if path.relative_to(folder).as_posix() in keep}
                for path in set(below.iterdir()) - wanted:
                    drop(path)
                if not wanted:
                    below.rmdir()


def edge_at(folder: Path, start: int) -> Edge:
    """The right edge of the tree of the first ``start`` entries (where a bundle begins), from the full tiles in a folder.

    What is read is not checked here: a wrong hash does not lead to the root that is checked later. Raises
    :class:`~veche.errors.DoesNotHold` (step ``tiles``) if a tile is missing.
    """
    edge = Edge()
    edge.size = start
    level = 0
    while start // span(level + 1):
        end = start // span(level + 1)
        tiles = [Tile(level, index) for index in range(end - end % WIDTH, end)]
        edge.rows.append([merkle.root(split_hashes(tile, _read(folder, tile))) for tile in tiles])
        level += 1
    return edge


def _read(folder: Path, tile: Tile) -> bytes:
    try:
        return (folder / tile.name).read_bytes()
    except FileNotFoundError:
        raise wrong(tile.name, Message("the file is missing")) from None
