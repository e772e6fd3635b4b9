"""``office``: k institutions add, rotate or retire an office's key."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.office import OfficeAction, OfficeChange
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State


class OfficeRule(Rule[OfficeChange]):
    entry = OfficeChange

    def admit(self, state: State, block: Block, signed: SignedEntry[OfficeChange]) -> None:
        signed.together(state.charter.k)
        change = signed.entry
        held = state.key_of(change.institution, change.role)
        if change.action == OfficeAction.RETIRE:
            _retire(state, change, held)
            return
        if change.key in state.offices:
            raise Refused("office", "This key is or was the key of an office; a new one is wanted.")
        if change.action == OfficeAction.ADD and held is not None:
            raise Refused(
                "office",
                f"{change.institution} is {change.role} already.",
                "Use the action rotate to replace its key.",
            )
        if change.action == OfficeAction.ROTATE and held is None:
            raise Refused("office", f"{change.institution} is not {change.role}.", "Use the action add.")
        if held is not None:
            state.set_office(held, change.institution, change.role, False)
        state.set_office(change.key, change.institution, change.role, True)


def _retire(state: State, change: OfficeChange, held: bytes | None) -> None:
    if held != change.key:
        raise Refused("office", f"This is not the active key of {change.institution} as {change.role}.")
    left = {office.institution for key, office in state.offices.items() if office.active and key != change.key}
    if len(left) < state.charter.k:
        raise Refused("office", "Too few institutions would be left to change anything ever again.")
    state.set_office(change.key, change.institution, change.role, False)
