"""Writing a ledger's tiles and checkpoint into a folder, so that a crash never leaves less than was promised.

The files are derived: the ledger's database holds every entry that is not yet in a full, durable bundle, and a crash
at any point is repaired by publishing the same entries once more.
"""

from collections.abc import Sequence
from pathlib import Path

from veche.durable import Batch, make_folder, replace
from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.tiles import (
    CHECKPOINT,
    ENTRIES,
    WIDTH,
    Edge,
    Tile,
    levels_of,
    pack,
    partial_of,
    span,
    split_hashes,
    unpack,
    wrong,
)

UNFINISHED = "unfinished"  # where files are written first: beside tile/, so that they can be renamed into it


class Publisher:
    """Owns the files of a ledger's folder: its tiles and its checkpoint. One publisher at a time may own a folder.

    The tiles are one :class:`~veche.durable.Batch`; the checkpoint follows when they are durable. So after a crash the folder holds a checkpoint with everything that it
    covers, and perhaps some tiles of the next one: the same entries published again are found to be there already.
    """

    def __init__(self, folder: Path) -> None:
        """Take over a folder, made if it is missing."""
        self.folder = folder
        self._edge = Edge()  # as of the next start
        make_folder(folder)

    def published(self) -> Checkpoint | None:
        """The head in the folder; None if nothing was published yet. Its signatures are not checked."""
        try:
            return SignedCheckpoint.parse((self.folder / CHECKPOINT).read_bytes()).checkpoint
        except FileNotFoundError:
            return None

    def publish(self, start: int, entries: Sequence[bytes], checkpoint: SignedCheckpoint) -> int:
        """Make the ledger public up to this checkpoint, durably.

        ``entries`` are all entries from index ``start`` to the checkpoint's size; ``start`` is 0 at first and then
        what the last call returned: the index up to which full bundles are durable, before which the caller may
        forget the entries. After a crash, call again from the last ``start`` that is known.

        Raises :class:`~veche.errors.DoesNotHold` (step ``tiles``), with the old checkpoint still in place, if the
        entries do not lead to the checkpoint's root, if the published head is not a part of it, or if a full tile is
        there with other bytes: then two different ledgers were to be published under one name.
        """
        head = checkpoint.checkpoint
        if start % WIDTH or start + len(entries) != head.size:
            raise ValueError(f"entries {start} to {start + len(entries)} do not complete a tree of size {head.size}")
        old = self.published()
        old_size = old.size if old else 0
        if head.size < old_size:
            raise wrong(CHECKPOINT, f"a head of size {old_size} is published already, {head.size} would be a step back")
        if start > old_size:
            raise wrong(
                CHECKPOINT, f"{old_size} entries are published here, so entries before {start} would be missing"
            )
        edge = self._edge_at(start)
        batch = _Publication(self.folder, old_size)
        for offset in range(0, len(entries), WIDTH):
            bundle = entries[offset : offset + WIDTH]
            hashes = [merkle.leaf_hash(entry) for entry in bundle]
            if old and edge.size <= old_size < edge.size + len(bundle):
                _check_part(old, edge, hashes)
            batch.write(Tile(ENTRIES, (start + offset) // WIDTH, len(bundle)), pack(bundle))
            for tile, row in edge.extend(hashes):
                batch.write(tile, b"".join(row))
        if old and edge.size == old_size:
            _check_part(old, edge, [])
        for tile, row in edge.partial():
            batch.write(tile, b"".join(row))
        if edge.root() != head.root:
            raise wrong(CHECKPOINT, f"its root is not that of the {head.size} entries")
        batch.finish(checkpoint.to_bytes())
        self._remove_narrower(start, head.size)
        edge.forget_leaves()  # the next call brings them again, with their entries
        self._edge = edge
        return edge.size

    def _edge_at(self, start: int) -> Edge:
        """The edge after ``start`` entries: in memory, or from the full tiles in the folder.

        What is read is not checked here: a wrong hash would not lead to the checkpoint's root."""
        if self._edge.size == start:
            return self._edge.copy()
        edge = Edge()
        edge.size = start
        level = 0
        while start // span(level + 1):
            end = start // span(level + 1)
            tiles = [Tile(level, index) for index in range(end - end % WIDTH, end)]
            edge.rows.append([merkle.root(split_hashes(tile, self._read(tile))) for tile in tiles])
            level += 1
        return edge

    def _read(self, tile: Tile) -> bytes:
        try:
            return (self.folder / tile.name).read_bytes()
        except FileNotFoundError:
            raise wrong(tile.name, "the file is missing") from None

    def _remove_narrower(self, start: int, size: int) -> None:
        """Remove the partial tiles that full or wider ones replace, wherever entries from ``start`` on may have put
        them. After a crash here some are left; the next call has the same ``start`` and removes them."""
        keep = {tile.name for tile in partial_of(size)}
        for level in levels_of(size):
            for index in range(start // span(level) // WIDTH, size // span(level) // WIDTH + 1):
                folder = self.folder / (Tile(level, index).name + ".p")
                if folder.is_dir():
                    wanted = {path for path in folder.iterdir() if path.relative_to(self.folder).as_posix() in keep}
                    for path in set(folder.iterdir()) - wanted:
                        path.unlink()
                    if not wanted:
                        folder.rmdir()


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
            raise wrong(tile.name, "it was published with other bytes")
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

    def finish(self, checkpoint: bytes) -> None:
        """Make the tiles durable, and then the checkpoint: from there on others rely on them. A crash before its end
        leaves either head."""
        self._batch.finish()
        replace(self._folder / CHECKPOINT, checkpoint, drafts=self._drafts)


def _check_part(old: Checkpoint, edge: Edge, hashes: Sequence[bytes]) -> None:
    """Check that the published head is the tree of this edge and the first of these leaves."""
    part = edge.copy()
    for _ in part.extend(hashes[: old.size - edge.size]):
        pass
    if part.root() != old.root:
        raise wrong(CHECKPOINT, f"the head of size {old.size} that is published here has another history")
