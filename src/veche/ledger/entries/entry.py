"""What all entries have in common: a kind, a body that is read strictly, and who writes it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from veche.keys import SigningKey
from veche.ledger.codec import encode
from veche.ledger.signing import sign


class Entry(ABC):
    """A kind of entry. Every one is a frozen dataclass; ``parse`` is the inverse of ``body``."""

    kind: ClassVar[str]

    @classmethod
    @abstractmethod
    def parse(cls, body: Any) -> Self:
        """Read a decoded body. Raises Refused (``shape`` or a rule of the kind) on any other form."""

    @abstractmethod
    def body(self) -> list[Any]:
        """The body as the codec takes it."""


class ByOffice(Entry):
    """What offices write: ``[kind, body, signatures]``."""

    def sign(self, ledger: bytes, keys: Sequence[SigningKey]) -> bytes:
        """The bytes of the entry, signed by these offices for the ledger with this id."""
        return sign(ledger, self.kind, self.body(), list(keys))


class Unsigned(Entry):
    """What nobody signs, because there is one way only to write it: ``[kind, body]``. Anybody may hand it in, unless it is derived."""

    def encode(self) -> bytes:
        """The bytes of the entry."""
        return encode([self.kind, self.body()])


class Derived(Unsigned):
    """What follows from the log by the rules at once, and nobody hands in."""
