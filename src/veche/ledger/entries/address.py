"""``address``: where a validator is found from now on. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.engine import peer_address, url_address
from veche.ledger.entries.entry import ByOffice


@dataclass(frozen=True)
class Address(ByOffice):
    """``url`` and ``peer`` as in a charter's rows; ``number`` makes a body new. The validator that signs it speaks of itself."""

    url: str
    peer: str
    number: int = 0

    kind: ClassVar[str] = "address"

    @property
    def node(self) -> str:
        """The id by which other nodes know this one."""
        return self.peer.partition("@")[0]

    def body(self) -> list[Any]:
        return [self.url, self.peer, self.number]

    @classmethod
    def parse(cls, body: Any) -> Self:
        url, peer, number = shape.array(body, "An address entry", 3, 3)
        return cls(url_address(url), peer_address(peer), shape.uint(number, "The number"))
