"""``office``: adds, rotates or retires an office's key. docs/protocol.md, section 2.1."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice


class Role(StrEnum):
    """What an office is for."""

    ORGANISER = "organiser"
    REGISTRAR = "registrar"
    TRUSTEE = "trustee"
    VALIDATOR = "validator"
    OBSERVER = "observer"

    @classmethod
    def named(cls, item: Any, rule: str) -> "Role":
        """The role of this name. Raises Refused with this rule."""
        try:
            return cls(item)
        except ValueError:
            raise Refused(rule, f"{item!r} is not a role.", f"Roles are: {', '.join(cls)}.") from None


class OfficeAction(StrEnum):
    """What becomes of an office."""

    ADD = "add"
    ROTATE = "rotate"
    RETIRE = "retire"


@dataclass(frozen=True)
class OfficeChange(ByOffice):
    """``key`` (Ed25519) becomes that of the institution in this role, or is it no longer."""

    action: OfficeAction
    institution: str
    role: Role
    key: bytes

    kind: ClassVar[str] = "office"

    def body(self) -> list[Any]:
        return [str(self.action), self.institution, str(self.role), self.key]

    @classmethod
    def parse(cls, body: Any) -> Self:
        action, institution, role, key = shape.array(body, "An office entry", 4, 4)
        shape.word(institution, "The institution")
        shape.office_key(key, "The key")
        known = Role.named(role, "office")
        try:
            return cls(OfficeAction(action), institution, known, key)
        except ValueError:
            raise Refused("office", f"{action!r} is not an action; add, rotate and retire are.") from None
