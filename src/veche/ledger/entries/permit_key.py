"""``permit-key`` and ``issuance``: what a registrar says of a poll, before and after. docs/protocol.md, section 2.5."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice
from veche.texts import Message

LARGEST_COUNT = 1 << 40
"""The largest roll, and the largest sum that a tally can open."""


@dataclass(frozen=True)
class GroupPermitKey:
    """One group's key: RSA modulus (big-endian), the number of people on the group's roll, and the roll's Merkle root."""

    modulus: bytes
    people: int
    root: bytes


@dataclass(frozen=True)
class PermitKeys(ByOffice):
    """The keys with which a registrar signs permits for a poll, one for each group in the poll's order."""

    poll: bytes
    groups: tuple[GroupPermitKey, ...]

    kind: ClassVar[str] = "permit-key"

    def body(self) -> list[Any]:
        return [self.poll, [[row.modulus, row.people, row.root] for row in self.groups]]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, rows = shape.array(body, "A permit-key entry", 2, 2)
        shape.data(poll, "The poll's id", 32)
        groups = []
        for row in shape.array(rows, "The permit keys", 1):
            modulus, people, root = shape.array(row, "A permit key", 3, 3)
            shape.data(modulus, "A modulus", 256, 512)
            if not modulus[0] or not modulus[-1] & 1 or int.from_bytes(modulus, "big").bit_length() < 2048:
                raise Refused(
                    "shape", Message("A modulus is an odd number of 2048 to 4096 bits without leading zeros.")
                )
            shape.uint(people, "The number of people", 0, LARGEST_COUNT)
            groups.append(GroupPermitKey(modulus, people, shape.data(root, "The roll's root", 32)))
        return cls(poll, tuple(groups))


@dataclass(frozen=True)
class GroupIssuance:
    """One group's account: how many people were served, and the Merkle root over everybody's row."""

    issued: int
    root: bytes


@dataclass(frozen=True)
class Issuance(ByOffice):
    """A registrar's account of the permits that it signed for a poll, one row for each group in the poll's order."""

    poll: bytes
    groups: tuple[GroupIssuance, ...]

    kind: ClassVar[str] = "issuance"

    def body(self) -> list[Any]:
        return [self.poll, [[row.issued, row.root] for row in self.groups]]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, rows = shape.array(body, "An issuance entry", 2, 2)
        shape.data(poll, "The poll's id", 32)
        groups = []
        for row in shape.array(rows, "The issuance", 1):
            issued, root = shape.array(row, "An issuance row", 2, 2)
            shape.uint(issued, "The number of permits issued")
            groups.append(GroupIssuance(issued, shape.data(root, "The issuance root", 32)))
        return cls(poll, tuple(groups))
