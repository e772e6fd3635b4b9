"""``restart``: a network of which over a third is lost goes on, with others, behind its last block. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.network import Founder, founder_rows, read_founders


@dataclass(frozen=True)
class Restart(ByOffice):
    """The log of ``size`` entries with this ``root`` (SHA-256, 32 bytes) goes on with block ``height`` at ``time`` (seconds since
    1970), in which this entry is; from then on its validators are ``founders``, in ascending order of their institutions."""

    size: int
    root: bytes
    height: int
    time: int
    founders: tuple[Founder, ...]

    kind: ClassVar[str] = "restart"

    def body(self) -> list[Any]:
        return [self.size, self.root, self.height, self.time, founder_rows(self.founders)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        size, root, height, time, rows = shape.array(body, "A restart entry", 5, 5)
        return cls(
            shape.uint(size, "The size of the log", 2),
            shape.data(root, "The root of the log", 32),
            shape.uint(height, "The height", 1),
            shape.uint(time, "The time"),
            read_founders(rows),
        )
