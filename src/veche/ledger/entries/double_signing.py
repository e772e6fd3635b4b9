"""``double-signing``: a validator has voted for two blocks of one height; consensus has agreed that it has. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.entry import Derived


@dataclass(frozen=True)
class DoubleSigning(Derived):
    """Whose consensus key it was, at which height of consensus, and when (seconds since 1970)."""

    votes: bytes
    height: int
    time: int

    kind: ClassVar[str] = "double-signing"

    def body(self) -> list[Any]:
        return [self.votes, self.height, self.time]

    @classmethod
    def parse(cls, body: Any) -> Self:
        votes, height, time = shape.array(body, "A double-signing", 3, 3)
        return cls(
            shape.office_key(votes, "A consensus key"), shape.uint(height, "The height"), shape.uint(time, "The time")
        )
