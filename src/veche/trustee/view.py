"""What a trustee's program wants to know of the ledger: a *verified view*.

Whoever makes a view (``veche.audit``) has checked the ledger from its bytes, entry by entry; a trustee believes no
server. Everything here is read only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from veche.ballot.committee import Certificate, Key, Shares
from veche.ledger.entries.tally import Tally


class CommitteeView(Protocol):
    """One committee. The mappings go from a trustee's index (from 1) to what they handed in."""

    @property
    def id(self) -> bytes:
        """SHA-256 of the ``committee`` entry."""

    @property
    def mode(self) -> str:
        """``single`` or ``pedersen``."""

    @property
    def threshold(self) -> int:
        """t, from the class; n is the number of the trustees."""

    @property
    def trustees(self) -> Sequence[str]:
        """The institutions in the order of the class: the first has index 1."""

    @property
    def trustee_keys(self) -> Mapping[int, bytes]:
        """The office keys that the committee keeps: each trustee's from when it was asked for, or by which its holder replaced it."""

    @property
    def certificates(self) -> Mapping[int, Certificate]:
        """Step 1."""

    @property
    def shares(self) -> Mapping[int, Shares]:
        """Step 2."""

    @property
    def keys(self) -> Mapping[int, Key]:
        """Step 3."""

    @property
    def due(self) -> Mapping[int, str]:
        """The kind of entry that each trustee hands in now, who hands in one: the next step of key generation."""

    @property
    def void(self) -> bool:
        """Whether a ``committee-void`` entry ended it."""

    @property
    def witnessed(self) -> bool:
        """Whether enough witnesses cosigned a head that has all its entries, if its class wants that."""


class PollView(Protocol):
    """One poll, as far as decryption goes."""

    @property
    def id(self) -> bytes:
        """SHA-256 of the ``poll`` entry."""

    @property
    def phi(self) -> str:
        """The fingerprint of the Belenios election that is derived from the poll (43 characters)."""

    @property
    def committee(self) -> bytes:
        """The committee's id."""

    @property
    def closes(self) -> int | None:
        """When it closes, in seconds since 1970, as long as its tally is still to come; None from then on, and if there will be none."""

    @property
    def tally(self) -> Tally | None:
        """The tally; None as long as there is none, and for good if too few voted or the poll was cancelled."""

    @property
    def tally_time(self) -> int:
        """The time of the block that closed the poll, in seconds since 1970; 0 if none has."""

    @property
    def margin(self) -> int:
        """The seconds by which a trustee's clock must have passed that before they decrypt, from the class."""

    @property
    def missing(self) -> Mapping[int, Sequence[int]]:
        """For each trustee (by the index from 1) who has some left the parts of the tally that they have not decrypted."""

    @property
    def witnessed(self) -> bool:
        """Whether enough witnesses cosigned a head that has the tally, by their clocks not before its block, if the class wants that."""


class LedgerView(Protocol):
    """The ledger up to a checkpoint."""

    @property
    def ledger(self) -> bytes:
        """The ledger's id: SHA-256 of the charter."""

    @property
    def size(self) -> int:
        """The number of entries under the checkpoint."""

    @property
    def final(self) -> bool:
        """Whether the checkpoint is final: signed as the ledger's policy of heads demands (:mod:`veche.ledger.heads`)."""

    @property
    def trustee_keys(self) -> Mapping[bytes, str]:
        """The active keys of trustees, and whose they are."""

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries, 0 <= size <= self.size, computed from the entries themselves."""

    @property
    def committees(self) -> Sequence[CommitteeView]:
        """All committees, void ones too."""

    @property
    def polls(self) -> Sequence[PollView]:
        """All polls; at least those with a tally."""
