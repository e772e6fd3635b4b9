"""What a trustee's program wants to know of the ledger: a *verified view*.

Whoever makes a view (``veche.audit``) has checked the ledger from its bytes, entry by entry; a trustee believes no
server. Everything here is read only. Bodies are those of docs/protocol.md, section 2, as decoded.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

Body = Sequence[Any]
"""The body of an admitted entry, ``[committee, index, ...]``."""


class CommitteeView(Protocol):
    """One committee. The mappings go from a trustee's index (from 1) to the body that she handed in."""

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
    def certificates(self) -> Mapping[int, Body]:
        """``committee-certificate`` bodies."""

    @property
    def shares(self) -> Mapping[int, Body]:
        """``committee-shares`` bodies."""

    @property
    def keys(self) -> Mapping[int, Body]:
        """``committee-key`` bodies."""

    @property
    def void(self) -> bool:
        """Whether a ``committee-void`` entry ended it."""


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
    def tally(self) -> bytes | None:
        """The bytes of the ``tally`` or ``too-few`` entry; None as long as there is none."""

    @property
    def decryptions(self) -> Collection[tuple[int, int]]:
        """(index, part) of every admitted ``decryption``."""

    @property
    def cancelled(self) -> bool:
        """Whether a ``cancel`` entry stopped it."""

    @property
    def finished(self) -> bool:
        """Whether its result is there."""


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
        """Whether the checkpoint is final: signed by over two thirds of the validators (or the embedded log's key)."""

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries, 0 <= size <= self.size, computed from the entries themselves."""

    @property
    def committees(self) -> Sequence[CommitteeView]:
        """All committees, void ones too."""

    @property
    def polls(self) -> Sequence[PollView]:
        """All polls; at least those with a tally."""
