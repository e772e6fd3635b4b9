"""Making public what a ledger committed, under a head that its engine signed. docs/protocol.md, section 5."""

from pathlib import Path

from veche.durable import make_folder, replace
from veche.errors import DoesNotHold
from veche.ledger.ledger import Ledger
from veche.ledger.store import plainly
from veche.log.checkpoint import SignedCheckpoint
from veche.log.publish import Publisher
from veche.log.source import head_name
from veche.texts import Message


class Publication:
    """The public files of a ledger's folder: tiles and checkpoint. One engine has it."""

    def __init__(self, folder: Path) -> None:
        self._publisher = Publisher(folder)

    def publish(self, ledger: Ledger, signed: SignedCheckpoint) -> None:
        """Write tiles and checkpoint up to this head, then let the ledger forget the entries that full bundles hold.

        ``signed``: ``ledger.head`` or one before it, signed as its policy demands. Idempotent; a crash at any point is repaired by calling
        it again, as every engine does when it starts. Raises UserError if the disk is full or the folder cannot be
        written, and DoesNotHold if files there are of another ledger, the head is not signed by whom it must be, or one before it must be
        kept and was not published (:meth:`lacks`).
        """
        succession, size = ledger.state.succession, signed.checkpoint.size
        with plainly(ledger.folder):
            signed.verify(succession.policy(size))
            if self.lacks(ledger, size):
                raise DoesNotHold(
                    "kept", head_name(self.lacks(ledger, size)[0]), Message("A head that must be kept is missing.")
                )
            if any(number + 1 == size for number, _ in succession.changes):
                self._keep(ledger.folder, signed)
            ledger.forget(self._publisher.publish_growth(ledger.growth(size), signed))

    @staticmethod
    def lacks(ledger: Ledger, size: int) -> list[int]:
        """The sizes of the heads that must be kept before one of this size is public, and are not. The first comes first."""
        wanted = [number + 1 for number, _ in ledger.state.succession.changes if number + 1 < size]
        return [one for one in wanted if not (ledger.folder / head_name(one)).is_file()]

    @staticmethod
    def _keep(folder: Path, signed: SignedCheckpoint) -> None:
        """The head behind which others sign stays for good: by it readers come to them. Before anything is published under theirs."""
        path = folder / head_name(signed.checkpoint.size)
        make_folder(path.parent)
        replace(path, signed.to_bytes(), drafts=folder)
