"""``validators``: derived, last in each block in which the set of a network's validators changes. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.engine import MAX_VALIDATORS, Validator
from veche.ledger.entries.entry import Derived


@dataclass(frozen=True)
class Validators(Derived):
    """The new set, in ascending order of the institutions. It signs the heads behind the one that ends with this entry."""

    rows: tuple[Validator, ...]

    kind: ClassVar[str] = "validators"

    def body(self) -> list[Any]:
        return [list(row) for row in self.rows]

    @classmethod
    def parse(cls, body: Any) -> Self:
        rows = [shape.array(row, "A validator", 3, 3) for row in shape.array(body, "The validators", 1, MAX_VALIDATORS)]
        return cls(
            tuple(
                Validator(
                    shape.word(row[0], "A validator's institution"), shape.office_key(row[1], "A ledger key"),
                    shape.office_key(row[2], "A consensus key"),
                )
                for row in rows
            )
        )  # fmt: skip
