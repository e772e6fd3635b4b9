"""``class``: a class of polls that the charter does not have. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger.entries.charter import PollClass
from veche.ledger.entries.entry import ByOffice


@dataclass(frozen=True)
class NewClass(ByOffice):
    """``poll_class``: as a charter has it. It changes none that there is."""

    poll_class: PollClass

    kind: ClassVar[str] = "class"

    def body(self) -> list[Any]:
        return self.poll_class.body()

    @classmethod
    def parse(cls, body: Any) -> Self:
        return cls(PollClass.parse(body))
