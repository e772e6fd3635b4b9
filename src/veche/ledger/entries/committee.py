"""``committee`` and the trustees' steps: key generation. docs/protocol.md, section 2.3."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.ballot.committee import Certificate, Key, Shares
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice, Derived
from veche.ledger.shape import Text
from veche.texts import N_, Message

COMPLAINT = N_("trustee {index} complains about trustee {against}")
SILENT = N_("no entry of it came in time")
"""Why a committee is void. It stands in the entry, so it is English there."""


@dataclass(frozen=True)
class CommitteeCall(ByOffice):
    """Asks the trustees of a class for a key. ``mode``: single or pedersen. ``number`` makes the body new."""

    class_name: str
    mode: str
    number: int

    kind: ClassVar[str] = "committee"

    def body(self) -> list[Any]:
        return [self.class_name, self.mode, self.number]

    @classmethod
    def parse(cls, body: Any) -> Self:
        name, mode, number = shape.array(body, "A committee", 3, 3)
        return cls(shape.word(name, "The class"), shape.word(mode, "The mode"), shape.uint(number, "The number"))


@dataclass(frozen=True)
class CertificateStep(ByOffice):
    """Step 1 of the trustee with this index (from 1) in the committee with this id (32 bytes)."""

    committee: bytes
    index: int
    certificate: Certificate

    kind: ClassVar[str] = "committee-certificate"

    def body(self) -> list[Any]:
        return [self.committee, self.index, *self.certificate.fields()]

    @classmethod
    def parse(cls, body: Any) -> Self:
        committee, index, rest = _step(body, cls.kind)
        return cls(committee, index, Certificate.from_fields(rest))


@dataclass(frozen=True)
class SharesStep(ByOffice):
    """Step 2: the exponents, and a share for every trustee."""

    committee: bytes
    index: int
    shares: Shares

    kind: ClassVar[str] = "committee-shares"

    def body(self) -> list[Any]:
        return [self.committee, self.index, *self.shares.fields()]

    @classmethod
    def parse(cls, body: Any) -> Self:
        committee, index, rest = _step(body, cls.kind)
        return cls(committee, index, Shares.from_fields(rest))


@dataclass(frozen=True)
class KeyStep(ByOffice):
    """Step 3, the only one in mode single: the trustee's key."""

    committee: bytes
    index: int
    key: Key

    kind: ClassVar[str] = "committee-key"

    def body(self) -> list[Any]:
        return [self.committee, self.index, *self.key.fields()]

    @classmethod
    def parse(cls, body: Any) -> Self:
        committee, index, rest = _step(body, cls.kind)
        return cls(committee, index, Key.from_fields(rest))


@dataclass(frozen=True)
class Complaint(ByOffice):
    """In the place of step 3: the share of the dealer ``against`` (an index) does not fit. It makes the committee void."""

    committee: bytes
    index: int
    against: int
    text: Text

    kind: ClassVar[str] = "committee-complaint"

    def body(self) -> list[Any]:
        return [self.committee, self.index, self.against, list(self.text)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        committee, index, rest = _step(body, cls.kind)
        against, text = shape.array(rest, "A complaint", 2, 2)
        return cls(
            committee, index, shape.uint(against, "The dealer's index", 1), shape.text(text, "The complaint", 2000)
        )


Step = CertificateStep | SharesStep | KeyStep | Complaint
"""What a trustee hands in during key generation."""


@dataclass(frozen=True)
class CommitteeVoid(Derived):
    """The committee has no key and never will, for a reason that the rules write."""

    committee: bytes
    reason: str

    kind: ClassVar[str] = "committee-void"

    def body(self) -> list[Any]:
        return [self.committee, self.reason]

    @classmethod
    def parse(cls, body: Any) -> Self:
        match body:
            case [bytes(committee), str(reason)]:
                return cls(committee, reason)
        raise Refused("shape", Message("A committee-void entry is an id and a reason."))


def _step(body: Any, kind: str) -> tuple[bytes, int, Sequence[Any]]:
    """Whose step it is, and the rest of the body."""
    committee, index, *rest = shape.array(body, Message("A {kind} entry", kind=kind), 4, 6)
    return shape.data(committee, "The committee's id", 32), shape.uint(index, "The trustee's index", 1), rest
