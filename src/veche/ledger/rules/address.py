"""``address``: a validator says where it is found. docs/protocol.md, section 2.1."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.address import Address
from veche.ledger.entries.office import Role
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class AddressRule(Rule[Address]):
    entry = Address

    def admit(self, state: State, block: Block, signed: SignedEntry[Address]) -> None:
        own = signed.only(Role.VALIDATOR).institution
        others = [row for row in state.validator_rows() if row.institution != own]
        if any(signed.entry.url == row.url or signed.entry.node == row.node for row in others):
            raise Refused("address", Message("Another validator has this address, or this node's id."))
        state.set_address(own, signed.entry)
