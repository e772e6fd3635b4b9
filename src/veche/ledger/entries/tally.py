"""``tally``, ``too-few``, ``void``: what the rules derive when a poll opens or closes. docs/protocol.md, sections 2.5 and 2.6."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

from veche.ballot import decryption
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.codec import digest
from veche.ledger.entries.entry import Derived
from veche.texts import N_, Message

TOO_FEW_KEYS = N_("too few registrars published permit keys before opening")
"""Why a poll is void. It stands in the entry, so it is English there."""


class Member(NamedTuple):
    """A group (by its index) in a cell, and how many of its ballots count."""

    group: int
    counted: int


@dataclass(frozen=True)
class Cell:
    """Groups that are counted together, and their sums: C pairs (alpha, beta), 64 bytes each."""

    members: tuple[Member, ...]
    sums: bytes


@dataclass(frozen=True)
class Tally(Derived):
    """The encrypted result of a poll. ``root``: the Merkle root over the numbers of the ``counted`` ballots that count."""

    poll: bytes
    counted: int
    root: bytes
    cells: tuple[Cell, ...]

    kind: ClassVar[str] = "tally"

    def body(self) -> list[Any]:
        cells = [[[list(member) for member in cell.members], cell.sums] for cell in self.cells]
        return [self.poll, self.counted, self.root, cells]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, counted, root, rows = shape.array(body, "A tally", 4, 4)
        shape.data(poll, "The poll's id", 32)
        shape.uint(counted, "The number of ballots")
        shape.data(root, "The root", 32)
        cells = []
        for row in shape.array(rows, "The cells", 1):
            groups, sums = shape.array(row, "A cell", 2, 2)
            members = []
            for member in shape.array(groups, "The groups of a cell", 1):
                group, number = shape.array(member, "A group of a cell", 2, 2)
                members.append(Member(shape.uint(group, "A group"), shape.uint(number, "The number of ballots")))
            if type(sums) is not bytes or not sums or len(sums) % 64:
                raise Refused("shape", Message("The sums of a cell are pairs of points, 64 bytes each."))
            cells.append(Cell(tuple(members), sums))
        if len({len(cell.sums) for cell in cells}) > 1:
            raise Refused("shape", Message("The cells of a tally have equally many sums."))
        return cls(poll, counted, root, tuple(cells))

    @cached_property
    def hash(self) -> bytes:
        """SHA-256 of the entry: what every share of its decryption names."""
        return digest(self.encode())

    @cached_property
    def parts(self) -> tuple[bytes, ...]:
        """The sums that trustees decrypt: part 0 is the total, then each cell if there are several."""
        return tuple(decryption.parts([cell.sums for cell in self.cells]))


@dataclass(frozen=True)
class TooFew(Derived):
    """Fewer ballots count than the class wants for a tally: nothing is ever decrypted."""

    poll: bytes
    counted: int
    root: bytes

    kind: ClassVar[str] = "too-few"

    def body(self) -> list[Any]:
        return [self.poll, self.counted, self.root]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, counted, root = shape.array(body, "A too-few entry", 3, 3)
        shape.data(poll, "The poll's id", 32)
        return cls(poll, shape.uint(counted, "The number of ballots"), shape.data(root, "The root", 32))


@dataclass(frozen=True)
class Void(Derived):
    """The poll never opens, for a reason that the rules write."""

    poll: bytes
    reason: str

    kind: ClassVar[str] = "void"

    def body(self) -> list[Any]:
        return [self.poll, self.reason]

    @classmethod
    def parse(cls, body: Any) -> Self:
        match body:
            case [bytes(poll), str(reason)]:
                return cls(poll, reason)
        raise Refused("shape", Message("A void entry is a poll and a reason."))
