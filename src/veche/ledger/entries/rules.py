"""``rules``: announces the version of the rules from a date on; ``rules-withdrawal``: takes that back. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice


@dataclass(frozen=True)
class RulesVersion(ByOffice):
    """From ``since`` (seconds since 1970) on, version ``version`` of the rules holds."""

    version: int
    since: int

    kind: ClassVar[str] = "rules"

    def body(self) -> list[Any]:
        return [self.version, self.since]

    @classmethod
    def parse(cls, body: Any) -> Self:
        version, since = shape.array(body, "A rules entry", 2, 2)
        return cls(shape.uint(version, "The version", 2, 1000), shape.uint(since, "The date"))


@dataclass(frozen=True)
class RulesWithdrawal(ByOffice):
    """The version that was announced is not to hold after all."""

    version: int

    kind: ClassVar[str] = "rules-withdrawal"

    def body(self) -> list[Any]:
        return [self.version]

    @classmethod
    def parse(cls, body: Any) -> Self:
        (version,) = shape.array(body, "A rules-withdrawal", 1, 1)
        return cls(shape.uint(version, "The version", 2, 1000))
