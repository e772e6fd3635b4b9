"""What everybody may read of a node's ledger: its public files, and receipts made from them."""

from pathlib import Path

from veche.errors import DoesNotHold
from veche.log.checkpoint import SignedCheckpoint
from veche.log.cosigned import MOST, cosigners, with_cosignatures
from veche.log.log import Log, Snapshot, read_tile
from veche.log.source import Folder, kept_heads, size_limit
from veche.log.tiles import CHECKPOINT, Tile


class Published:
    """The public files of a ledger's folder, while a publisher goes on. For one thread."""

    def __init__(self, folder: Path) -> None:
        self._source = Folder(folder)
        self._log: Log | None = None

    def file(self, name: str) -> bytes | None:
        """The public file of this name; None if there is none."""
        if size_limit(name) is None:
            return None
        try:
            tile = Tile.parse(name)
        except ValueError:
            return self._source.get(name)
        try:
            return read_tile(self._source, tile)
        except DoesNotHold:
            return None

    def kept(self) -> list[int]:
        """The sizes of the heads that are kept, in ascending order."""
        return [size for size, _ in kept_heads(self._source)]

    def witnesses(self) -> list[str]:
        """The keys under which cosigned heads lie here, the first of them."""
        return [key.hex() for key in cosigners(self._source)[:MOST]]

    @property
    def head(self) -> SignedCheckpoint | None:
        """The newest head that is final; None as long as none is."""
        return None if self._source.get(CHECKPOINT) is None else self._source.checkpoint()

    def receipt(self, number: int) -> bytes | None:
        """The receipt of the entry with this number, under the newest final head; None if that does not cover it."""
        signed = self.head
        if signed is None or number >= signed.checkpoint.size:
            return None
        if self._log is None or self._log.head != signed.checkpoint:
            self._log = Log(Snapshot(self._source), signed.checkpoint)
        return self._log.receipt(number, with_cosignatures(self._source, signed)).to_bytes()
