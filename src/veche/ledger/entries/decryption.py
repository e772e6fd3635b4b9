"""``decryption``: a trustee's share of one part of a tally. docs/protocol.md, section 2.6."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ballot.decryption import Share
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice


@dataclass(frozen=True)
class Decryption(ByOffice):
    """The share of the trustee with this index (from 1) of part ``part``. ``tally``: SHA-256 of the tally entry."""

    poll: bytes
    index: int
    tally: bytes
    part: int
    share: Share

    kind: ClassVar[str] = "decryption"

    def body(self) -> list[Any]:
        return [self.poll, self.index, self.tally, self.part, *self.share.fields()]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, index, tally, part, *share = shape.array(body, "A decryption", 7, 7)
        shape.data(poll, "The poll's id", 32)
        shape.uint(index, "The trustee's index", 1)
        shape.data(tally, "The tally's hash", 32)
        return cls(poll, index, tally, shape.uint(part, "The part"), Share.from_fields(share))
