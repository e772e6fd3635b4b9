"""A witness's journal: each head, written down before it is cosigned.

A :class:`veche.durable.journal.Journal`, which knows a copy of its folder, with these events:

    settled                        a new folder
    ledger <ledger>                the one ledger that this witness serves
    kept <size>                    a head that was kept (docs/protocol.md, section 5), as it was walked along: it is never hidden again
    head <size> <root> <clock>     what was cosigned, and when (``Reading.words``); the next goes on from it
"""

from veche import durable
from veche.errors import UserError
from veche.texts import N_, Message


class Journal(durable.Journal):
    """The open journal of a witness's folder."""

    KINDS = {"settled": 0, "ledger": 1, "kept": 1, "head": 5}
    NAME = N_("The witness's journal")

    def check_place(self) -> None:
        """Raise UserError if the folder is a copy of the one that this journal was written in."""
        if not self.settled:
            raise UserError(
                Message(
                    "{folder} is a copy or a restored backup; another one may have cosigned later heads with the same key.",
                    folder=self._folder,
                ),
                Message(
                    "Use the original folder. If it is gone for good, make a new one, and let the offices rotate the key."
                ),
            )
