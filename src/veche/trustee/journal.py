"""A trustee's journal: what was seen and decrypted, written down before anything was done upon it.

A :class:`veche.durable.journal.Journal`, which knows a copy of its folder, with these events:

    settled                                  a person said that this folder is the one, or it is new
    ledger <ledger>                          the one ledger that this trustee serves
    head <size> <root>                       a final head of that ledger; the next must go on from it
    decrypt <poll> <tally>                   the one tally of this poll, under the head last written down
    lost-poll <poll>                         never decrypted any more, see ``Trustee.adopt``
    lost-committee <committee>               no part taken any more, see ``Trustee.adopt``

It also refuses if the ledger shows work of this trustee that the folder does not know. Beyond what no journal can detect,
the same secrets may be used by another program: keep the machine's snapshots off, and the key on one machine.
"""

from veche import durable
from veche.errors import UserError


class Journal(durable.Journal):
    """The open journal of a trustee's folder."""

    KINDS = {"settled": 0, "ledger": 1, "head": 2, "decrypt": 2, "lost-poll": 1, "lost-committee": 1}
    NAME = "The trustee's journal"

    def check_place(self) -> None:
        """Raise UserError if the folder is a copy of the one that this journal was written in."""
        if not self.settled:
            raise UserError(
                f"{self._folder} is a copy or a restored backup; another one may have decrypted with the same key.",
                "Use the original folder. If it is gone for good, adopt this one: polls that closed meanwhile are left"
                " to the other trustees.",
            )
