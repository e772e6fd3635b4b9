"""``engine``: k institutions hand a ledger over from its operator to a network: the same log, the same id. docs/protocol.md, section 2.1."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.address import Address
from veche.ledger.entries.engine import Network
from veche.ledger.entries.network import EngineChange
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.institutions import OfficeKey
from veche.ledger.readable import must_be_one_spelling
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class EngineRule(Rule[EngineChange]):
    entry = EngineChange

    def admit(self, state: State, block: Block, signed: SignedEntry[EngineChange]) -> None:
        signed.together(state.charter.k)
        if state.validators():
            raise Refused("engine", Message("A network runs this ledger already."))
        founders = signed.entry.founders
        Network(state.charter.engine.seconds, tuple(row for _, row in founders)).check_order("engine")
        names = {row.institution for _, row in founders}
        must_be_one_spelling(state.institutions() | names, "engine")
        keys = [key for founder in founders for key in (founder.key, founder.row.votes)]
        awaited = {change.key for change in state.office_changes.values()}
        if len(set(keys)) < len(keys) or not {*state.offices, *awaited}.isdisjoint(keys):
            raise Refused("engine", Message("A validator's key has or had another use, or is to have; make new ones."))
        leaving = {change.key for change in state.office_changes.values() if change.action == OfficeAction.RETIRE}
        left = [key for key, name in state.witnesses().items() if key not in leaving and name not in names]
        if not state.charter.witnesses_suffice(len(left)):
            raise Refused(
                "engine",
                Message("Too few witnesses would be left to vouch for anything."),
                Message("Add another observer first."),
            )
        for key, row in founders:
            state.set_office(key, OfficeKey(row.institution, Role.VALIDATOR, True, block.size, votes=row.votes))
            state.set_address(row.institution, Address(row.url, row.peer))
        state.put("network_height", block.height)
        state.put("network_time", block.time)
