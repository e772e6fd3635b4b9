"""The running sums of a group's ballots, made by two codes that share no arithmetic.

A flaw in our own arithmetic would be tallied, signed and published by the node, and found right by the verifier, which
adds with the same code. So every ballot is added twice: ``Sums`` from the points that a batch decoded, ``Recount`` from the
bytes of the entry. A tally counts only if both give the same bytes.
"""

from collections.abc import Iterable, Sequence
from struct import pack
from typing import NamedTuple

import veche_kernel

from veche.errors import VecheError
from veche.texts import Message


class SumsDisagree(VecheError):
    """The two sums differ: the program or the machine is at fault, and nothing it counts can be relied on."""


ROW = 48
"""Bytes of a ballot's row when it is hashed."""
_MODULUS = 2**256


def counted_row(credential: bytes, group: int, turn: int, number: int) -> bytes:
    """The row of a ballot that counts: its credential, group and turn, and its number in the log."""
    return credential + pack(">IIQ", group, turn, number)


def accepted_row(number: int, tracker: bytes, replaced: int | None) -> bytes:
    """The row of an accepted ballot, with the number of the one that it replaced."""
    return tracker + pack(">QQ", number, replaced or 0)


class RowSums(NamedTuple):
    """Over the rows of one group's ballots, the sums of their hashes (SHA-256, as big-endian numbers) modulo 2^256.

    They say whether the rows on disk are those that were written, whose are the ballots that were added up.
    """

    counted: int = 0
    accepted: int = 0

    @classmethod
    def from_bytes(cls, counted: bytes, accepted: bytes) -> "RowSums":
        return cls(int.from_bytes(counted), int.from_bytes(accepted))

    def to_bytes(self) -> tuple[bytes, bytes]:
        return self.counted.to_bytes(32), self.accepted.to_bytes(32)

    def plus(self, counted: Sequence[bytes], replaced: Sequence[bytes], accepted: Sequence[bytes]) -> "RowSums":
        """With these rows more, and those that were ``replaced`` less."""
        added, taken, more = (
            int.from_bytes(veche_kernel.sum_of_hashes(b"".join(rows), ROW)) for rows in (counted, replaced, accepted)
        )
        return RowSums((self.counted + added - taken) % _MODULUS, (self.accepted + more) % _MODULUS)


class GroupSums:
    """``counted`` ballots of one group and their two sums, ``ciphertexts`` pairs each; ``rows`` over what is remembered of them.

    Changes are collected and made when somebody asks for the sums: many ballots at once. What a block that is thrown away has
    changed is forgotten with the rest (:meth:`State.forget`).
    """

    def __init__(self, ciphertexts: int, twice: bool = True) -> None:
        """``twice``: whether the second sum is made here, too, ballot by ballot."""
        self.counted = 0
        self._sums = veche_kernel.Sums(ciphertexts)
        self._twice = twice
        self.recount = veche_kernel.Recount(ciphertexts) if twice else None
        """The second sum; None as long as whoever makes it has not said what it is."""
        self._added: list[veche_kernel.Ciphertexts] = []
        self._removed: list[veche_kernel.Ciphertexts] = []
        self._rows = RowSums()
        self._new: tuple[list[bytes], list[bytes], list[bytes]] = [], [], []

    @classmethod
    def from_bytes(cls, counted: int, sums: bytes, rows: RowSums, twice: bool = True) -> "GroupSums":
        """From what :meth:`to_bytes` gave. Raises ValueError if that was damaged."""
        made = cls(len(sums) // 64, twice)
        made.counted = counted
        made._rows = rows
        made._sums = veche_kernel.Sums.from_bytes(sums)
        if twice:
            made.recount = veche_kernel.Recount.from_bytes(sums)
        return made

    def add(self, ballot: veche_kernel.Ciphertexts, replaced: veche_kernel.Ciphertexts | None = None) -> None:
        """Count a ballot, in the place of the one that it replaces if its voter voted before."""
        self._added.append(ballot)
        if replaced is None:
            self.counted += 1
        else:
            self._removed.append(replaced)

    def note(self, counted: bytes, replaced: bytes | None, accepted: bytes) -> None:
        """Remember the rows of a ballot that was added: as one that counts in the place of another's, if it has one."""
        rows = self._new
        rows[0].append(counted)
        rows[2].append(accepted)
        if replaced is not None:
            rows[1].append(replaced)

    @property
    def rows(self) -> RowSums:
        """The sums over the rows of all ballots that were noted."""
        if self._new[0]:
            self._rows = self._rows.plus(*self._new)
            self._new = [], [], []
        return self._rows

    def to_bytes(self) -> bytes:
        """The sums: 64 bytes a ciphertext, alpha then beta."""
        self._settle()
        return self._sums.to_bytes()

    def _settle(self) -> None:
        for sums in (self._sums, self.recount if self._twice else None):
            if sums is not None and self._added:
                sums.add(self._added)
            if sums is not None and self._removed:
                sums.subtract(self._removed)
        self._added, self._removed = [], []


def weighted(groups: Iterable[tuple[GroupSums, int]], ciphertexts: int) -> bytes:
    """The product over groups of their ballots' ciphertexts to the power of their weight: 64 bytes a ciphertext.

    Raises SumsDisagree unless both codes give the same.
    """
    sums, recount = veche_kernel.Sums(ciphertexts), veche_kernel.Recount(ciphertexts)
    for group, weight in groups:
        group._settle()
        sums.add_scaled(group._sums, weight)
        if group.recount is None:
            raise RuntimeError("a group is tallied of which the ballots were not counted a second time")
        recount.add_scaled(group.recount, weight)
    total = sums.to_bytes()
    if total != recount.to_bytes():
        raise SumsDisagree(
            Message(
                "The ballots were added up by two programs, and the sums differ: nothing is tallied, and nobody is accused."
            ),
            Message(
                "This program or this machine is at fault: verify the ledger's public files on another machine, and tell the "
                "authors."
            ),
        )
    return total
