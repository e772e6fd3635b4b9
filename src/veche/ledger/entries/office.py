"""``office``: what becomes of a seat (an institution in a role) and its key; ``office-effect``. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice, Derived
from veche.texts import N_, Message, Term

OBJECTION = 14 * 86_400
"""Seconds in which the ledger runs between a change that its holder did not sign and its effect."""
SUSPENSION = 30 * 86_400
"""Seconds for which a key is suspended."""


class Role(Term):
    """What an office is for."""

    ORGANISER = N_("organiser")
    REGISTRAR = N_("registrar")
    TRUSTEE = N_("trustee")
    VALIDATOR = N_("validator")
    OBSERVER = N_("observer")

    @classmethod
    def named(cls, item: Any, rule: str) -> "Role":
        """The role of this name. Raises Refused with this rule."""
        try:
            return cls(item)
        except ValueError:
            raise Refused(
                rule, Message("{item!r} is not a role.", item=item), Message("Roles are: {list}.", list=", ".join(cls))
            ) from None


class OfficeAction(Term):
    """What is said of a seat: that its key changes (add, rotate, retire), is silenced for a while, or is not to change."""

    ADD = N_("add")
    ROTATE = N_("rotate")
    RETIRE = N_("retire")
    SUSPEND = N_("suspend")
    OBJECT = N_("object")

    @classmethod
    def named(cls, item: Any, rule: str) -> "OfficeAction":
        """The action of this name. Raises Refused with this rule."""
        try:
            return cls(item)
        except ValueError:
            raise Refused(
                rule,
                Message("{item!r} is not an action.", item=item),
                Message("Actions are: {list}.", list=", ".join(cls)),
            ) from None


@dataclass(frozen=True)
class OfficeChange(ByOffice):
    """``key`` (Ed25519) is the one that the seat is to have (add, rotate), is to lose (retire), or that is to be silent (suspend);
    in an object that of the change which is not to be. ``number`` makes a body new. ``votes``: the consensus key (Ed25519) beside a
    validator's new ``key``; empty where there is none.
    """

    action: OfficeAction
    institution: str
    role: Role
    key: bytes
    number: int = 0
    votes: bytes = b""

    kind: ClassVar[str] = "office"

    def body(self) -> list[Any]:
        return [str(self.action), self.institution, str(self.role), self.key, self.number, *_given(self.votes)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        action, institution, role, key, number, *votes = shape.array(body, "An office entry", 5, 6)
        shape.word(institution, "The institution")
        shape.office_key(key, "The key")
        shape.uint(number, "The number")
        named = OfficeAction.named(action, "office"), institution, Role.named(role, "office")
        return cls(*named, key, number, _votes(votes))


@dataclass(frozen=True)
class OfficeEffect(Derived):
    """A change to which nobody objected takes effect. ``change``: SHA-256 of its ``office`` entry, the rest is what that says."""

    change: bytes
    action: OfficeAction
    institution: str
    role: Role
    key: bytes
    votes: bytes = b""

    kind: ClassVar[str] = "office-effect"

    def body(self) -> list[Any]:
        return [self.change, str(self.action), self.institution, str(self.role), self.key, *_given(self.votes)]

    @classmethod
    def parse(cls, body: Any) -> Self:
        change, action, institution, role, key, *votes = shape.array(body, "An office-effect", 5, 6)
        return cls(
            shape.data(change, "The change", 32), OfficeAction.named(action, "office"), shape.word(institution, "The institution"),
            Role.named(role, "office"), shape.office_key(key, "The key"), _votes(votes),
        )  # fmt: skip


def _given(votes: bytes) -> list[bytes]:
    """The last field of a body, which is there if there is something to say."""
    return [votes] if votes else []


def _votes(given: list[Any]) -> bytes:
    return shape.office_key(given[0], "The consensus key") if given else b""
