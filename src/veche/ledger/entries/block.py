"""``block``: derived, first in every block that the log holds. docs/protocol.md, section 2.2."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.entry import Derived


@dataclass(frozen=True)
class BlockEntry(Derived):
    """Block ``height`` at ``time``; ``previous`` is the time of the block before, in the log or not. Seconds since 1970.

    ``framed``, ``frame``: of how many entries the frame of the log before it consists, and its root (:mod:`veche.ledger.frame`).
    """

    height: int
    time: int
    previous: int
    framed: int
    frame: bytes

    kind: ClassVar[str] = "block"

    def body(self) -> list[Any]:
        return [self.height, self.time, self.previous, self.framed, self.frame]

    @classmethod
    def parse(cls, body: Any) -> Self:
        height, time, previous, framed, frame = shape.array(body, "A block", 5, 5)
        return cls(
            shape.uint(height, "The height"),
            shape.uint(time, "The time"),
            shape.uint(previous, "The previous time"),
            shape.uint(framed, "The size of the frame"),
            shape.data(frame, "The root of the frame", 32),
        )
