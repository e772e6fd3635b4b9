"""``office``: k institutions add, rotate or retire an office's key."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.charter import ROLES

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    state = machine.state
    entry.together(state.charter.k)
    action, institution, role, key = shape.array(entry.body, "An office entry", 4, 4)
    shape.word(institution, "The institution")
    shape.office_key(key, "The key")
    if role not in ROLES:
        raise Refused("office", f"{role!r} is not a role.", f"Roles are: {', '.join(ROLES)}.")
    held = state.key_of(institution, role)
    if action == "retire":
        if held != key:
            raise Refused("office", f"This is not the active key of {institution} as {role}.")
        left = {name for other, (name, _, active) in state.offices.items() if active and other != key}
        if len(left) < state.charter.k:
            raise Refused("office", "Too few institutions would be left to change anything ever again.")
        state.set_office(key, institution, role, False)
        return
    if key in state.offices:
        raise Refused("office", "This key is or was the key of an office; a new one is wanted.")
    if action == "add" and held is not None:
        raise Refused("office", f"{institution} is {role} already.", "Use the action rotate to replace its key.")
    if action == "rotate" and held is None:
        raise Refused("office", f"{institution} is not {role}.", "Use the action add.")
    if action not in ("add", "rotate"):
        raise Refused("office", f"{action!r} is not an action; add, rotate and retire are.")
    if held is not None:
        state.set_office(held, institution, role, False)
    state.set_office(key, institution, role, True)
