"""``committee``: an organiser asks the trustees of a class to generate a key."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.committee import CommitteeCall
from veche.ledger.entries.office import Role
from veche.ledger.poll_state import CommitteeState
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class CommitteeRule(Rule[CommitteeCall]):
    entry = CommitteeCall

    def admit(self, state: State, block: Block, signed: SignedEntry[CommitteeCall]) -> None:
        signed.only(Role.ORGANISER)
        call = signed.entry
        poll_class = state.poll_class(call.class_name, block.time)
        made = CommitteeState(signed.id, block.size, poll_class, call.mode, block.time)
        _ = made.scheme  # refuses a mode that the class cannot have
        for index, institution in enumerate(poll_class.trustees, 1):
            key = state.key_of(institution, Role.TRUSTEE)
            if key is None:
                raise Refused(
                    "authority",
                    Message("{institution} has no trustee's key in this ledger.", institution=institution),
                    Message("Add it with an office entry."),
                )
            if state.offices[key].is_suspended(block.time):
                raise Refused(
                    "authority",
                    Message("The key of {institution} as trustee is suspended.", institution=institution),
                    Message("Ask again later."),
                )
            made.trustee_keys[index] = key
        state.add_committee(made)
