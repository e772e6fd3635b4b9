"""The salted trees that a registrar publishes: who is on the roll, and who was served.

For each group of a poll there is one row per person, and two Merkle trees (RFC 6962) over the same rows in the same
order. The root of the *roll* stands in the ``permit-key`` entry before the poll opens, that of the *issuance* in the
``issuance`` entry after it closed. Leaf data, hashed as SHA-256(0x00 || data):

    roll       "veche-roll-v1|" hex(poll) "|" group "|" salt, 32 bytes, then the person in UTF-8
    issuance   "veche-issuance-v1|" hex(poll) "|" group "|" salt, 32 bytes, one byte 0x01 (served) or 0x00, the person

Each row of each tree has a salt of its own, so that roots, sizes and the hashes in other people's proofs say nothing
about anybody. Rows are ordered by their salted roll hashes: not even a row's number tells a place in the alphabet. As
both trees share one order, the row that says whether a person was served is at the place that was theirs before opening.

The salts are made from one secret per poll (:func:`row_salt`). When the registrar destroys it, the published roots are
random numbers for ever.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable
from typing import Literal

from veche.log import merkle
from veche.permit.row_proof import IssuanceRow, RollRow, RowProof, issuance_leaf, roll_leaf


def row_salt(secret: bytes, tree: Literal["roll", "issuance"], group: int, person: str) -> bytes:
    """The 32-byte salt of one row: HMAC-SHA256 by the poll's secret. Only the registrar makes and needs it."""
    return hmac.digest(secret, f"{tree}|{group}|{person}".encode(), "sha256")


class RollTree:
    """A registrar's roll for one group of one poll, and once closed its issuance.

    ``size``, ``root``: the people on the roll and what is published of them. ``issued``, ``issuance_root``: the same
    of those who were served, after ``close``.
    """

    issued: int
    issuance_root: bytes

    def __init__(self, secret: bytes, poll: bytes, group: int, people: Iterable[str]) -> None:
        """secret: 32 random bytes, the same for all groups of the poll. Each person once, as they sign in."""
        self._secret, self.poll, self.group = secret, poll, group
        rows = sorted((merkle.leaf_hash(self._roll_data(person)), person) for person in people)
        self._people = [person for _, person in rows]
        self._roll = _Levels([leaf for leaf, _ in rows])
        self._index = {person: index for index, person in enumerate(self._people)}
        if len(self._index) != len(rows):
            raise ValueError("a person is on the roll twice")
        self._served: Collection[str] = ()
        self._issuance: _Levels | None = None
        self.size, self.root = len(rows), self._roll.root

    def close(self, served: Collection[str]) -> bytes:
        """Grow the issuance tree and return its root. ``served``: a set; ValueError if one of them is not on the roll."""
        if not all(person in self._index for person in served):
            raise ValueError("somebody was served who is not on the roll")
        self._served = served
        self._issuance = _Levels([merkle.leaf_hash(self._issuance_data(person)) for person in self._people])
        self.issued, self.issuance_root = len(served), self._issuance.root
        return self.issuance_root

    def prove(self, person: str, modulus: bytes) -> RowProof:
        """This person's own row, with the issuance if the tree was closed. KeyError if they are not on the roll."""
        index = self._index[person]
        issuance = None
        if self._issuance is not None:
            salt = row_salt(self._secret, "issuance", self.group, person)
            issuance = IssuanceRow(salt, person in self._served, self._issuance.path(index))
        roll = RollRow(row_salt(self._secret, "roll", self.group, person), self._roll.path(index))
        key = hashlib.sha256(modulus).digest()
        return RowProof(self.poll, self.group, key, person, index, self.size, roll, issuance)

    def _roll_data(self, person: str) -> bytes:
        return roll_leaf(self.poll, self.group, row_salt(self._secret, "roll", self.group, person), person)

    def _issuance_data(self, person: str) -> bytes:
        salt = row_salt(self._secret, "issuance", self.group, person)
        return issuance_leaf(self.poll, self.group, salt, person in self._served, person)


class _Levels:
    """All hashes of a tree, level by level, 32 bytes each: a proof is then looked up, not computed again."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._size = len(leaves)
        self.root = merkle.EMPTY_ROOT
        self._levels = [b"".join(leaves)]
        while len(leaves) > 1:
            leaves = merkle.next_level(leaves)
            self._levels.append(b"".join(leaves))
        if leaves:
            self.root = leaves[0]

    def path(self, index: int) -> tuple[bytes, ...]:
        """The inclusion proof. A range of RFC 6962 begins at a multiple of its width, so its root is one of ours."""
        path = []
        for start, end in merkle.inclusion_ranges(index, self._size):
            level = (end - start - 1).bit_length()
            offset = (start >> level) * merkle.HASH_SIZE
            path.append(self._levels[level][offset : offset + merkle.HASH_SIZE])
        return tuple(path)
