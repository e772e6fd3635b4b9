"""``engine``: a ledger that one process ran goes on as a network. docs/protocol.md, section 2.1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from veche.ledger import shape
from veche.ledger.entries.engine import MAX_VALIDATORS, ValidatorRow
from veche.ledger.entries.entry import ByOffice


class Founder(NamedTuple):
    """A validator with which the network begins: its ledger key, and what a charter's row says."""

    key: bytes
    row: ValidatorRow


@dataclass(frozen=True)
class EngineChange(ByOffice):
    """``founders``: in ascending order of their institutions."""

    founders: tuple[Founder, ...]

    kind: ClassVar[str] = "engine"

    def body(self) -> list[Any]:
        return founder_rows(self.founders)

    @classmethod
    def parse(cls, body: Any) -> Self:
        return cls(read_founders(body))


def founder_rows(founders: Sequence[Founder]) -> list[Any]:
    """As they stand in an entry."""
    return [[row.institution, key, row.votes, row.url, row.peer] for key, row in founders]


def read_founders(item: Any) -> tuple[Founder, ...]:
    """The same, read. Raises Refused."""
    rows = [shape.array(row, "A validator", 5, 5) for row in shape.array(item, "The validators", 1, MAX_VALIDATORS)]
    return tuple(
        Founder(shape.office_key(row[1], "A ledger key"), ValidatorRow.parse([row[0], *row[2:]])) for row in rows
    )
