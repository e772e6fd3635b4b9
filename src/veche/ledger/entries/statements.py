"""``notice``, ``outcome``, ``cancel``, ``contest``: what offices say in words, about a poll or the ledger. docs/protocol.md, sections 2.1 and 2.5."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.codec import decode
from veche.ledger.entries.entry import ByOffice
from veche.ledger.shape import Attachment, Text
from veche.texts import Message


@dataclass(frozen=True)
class Notice(ByOffice):
    """An incident, or evidence. ``poll``: what it is about, 32 bytes; empty if it is about no poll."""

    poll: bytes
    text: Text
    attachments: tuple[Attachment, ...] = ()

    kind: ClassVar[str] = "notice"

    def body(self) -> list[Any]:
        return [self.poll, list(self.text), [list(row) for row in self.attachments]]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, text, attachments = shape.array(body, "A notice", 3, 3)
        if poll != b"":
            shape.data(poll, "The poll", 32)
        return cls(poll, shape.text(text, "The notice"), shape.attachments(attachments))


class OutcomeStatus(StrEnum):
    """What the city makes of a result."""

    WILL = "will"
    DONE = "done"
    NOT = "not"


@dataclass(frozen=True)
class Outcome(ByOffice):
    """What the city will do, did, or why not. ``due``: by when, in seconds since 1970; 0 if no day is named."""

    poll: bytes
    status: OutcomeStatus
    text: Text
    due: int
    attachments: tuple[Attachment, ...] = ()

    kind: ClassVar[str] = "outcome"

    def body(self) -> list[Any]:
        return [self.poll, str(self.status), list(self.text), self.due, [list(row) for row in self.attachments]]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, status, text, due, attachments = shape.array(body, "An outcome", 5, 5)
        shape.data(poll, "The poll's id", 32)
        try:
            known = OutcomeStatus(status)
        except ValueError:
            raise Refused(
                "outcome", Message("{status!r} is not an outcome; will, done and not are.", status=status)
            ) from None
        return cls(
            poll, known, shape.text(text, "The outcome"), shape.uint(due, "The date"), shape.attachments(attachments)
        )


@dataclass(frozen=True)
class Cancel(ByOffice):
    """Stops a poll that is not tallied yet, for a reason: it is never decrypted."""

    poll: bytes
    text: Text

    kind: ClassVar[str] = "cancel"

    def body(self) -> list[Any]:
        return [self.poll, list(self.text)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, text = shape.array(body, "A cancel entry", 2, 2)
        return cls(shape.data(poll, "The poll's id", 32), shape.text(text, "The reason"))


@dataclass(frozen=True)
class Contest(ByOffice):
    """An objection to how a closed poll came about. What follows from the ballots follows all the same; this stands above it."""

    poll: bytes
    text: Text

    kind: ClassVar[str] = "contest"

    def body(self) -> list[Any]:
        return [self.poll, list(self.text)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        poll, text = shape.array(body, "A contest entry", 2, 2)
        return cls(shape.data(poll, "The poll's id", 32), shape.text(text, "The objection"))


Said = Notice | Outcome | Cancel | Contest
"""A statement, of whichever kind."""


def read_said(data: bytes) -> Said:
    """The statement in an entry's bytes. Raises Refused if it is none."""
    item = decode(data)
    for kind in (Notice, Outcome, Cancel, Contest):
        if item[0] == kind.kind and len(item) == 3:
            return kind.parse(item[1])
    raise Refused("shape", Message("A {item} entry is no statement.", item=item[0]))
