"""``result``: what enough shares decrypt, found by whoever looks for it and handed in by anybody. docs/protocol.md, section 2.6."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.entry import Unsigned

Numbers = tuple[tuple[int, ...], ...]
"""For each question its numbers of votes, a blank flag's first, then the answers'; weighted."""


@dataclass(frozen=True)
class Result(Unsigned):
    """What the shares of these ``trustees`` (indices, ascending) decrypt: the total, and each cell if there are several."""

    poll: bytes
    trustees: tuple[int, ...]
    total: Numbers
    cells: tuple[Numbers, ...]

    kind: ClassVar[str] = "result"

    def body(self) -> list[Any]:
        return [self.poll, list(self.trustees), _lists(self.total), [_lists(cell) for cell in self.cells]]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, trustees, total, cells = shape.array(body, "A result", 4, 4)
        shape.data(poll, "The poll's id", 32)
        indices = tuple(shape.uint(index, "A trustee's index", 1) for index in shape.array(trustees, "The trustees", 1))
        return cls(poll, indices, _numbers(total), tuple(_numbers(cell) for cell in shape.array(cells, "The cells")))


def _lists(numbers: Numbers) -> list[list[int]]:
    return [list(row) for row in numbers]


def _numbers(item: Any) -> Numbers:
    rows = shape.array(item, "The numbers", 1)
    return tuple(
        tuple(shape.uint(number, "A number of votes") for number in shape.array(row, "A question's numbers", 1))
        for row in rows
    )
