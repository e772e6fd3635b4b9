"""``engine``: k institutions hand a ledger over from its operator to a network: the same log, the same id. docs/protocol.md, section 2.1."""

from collections.abc import Sequence

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.address import Address
from veche.ledger.entries.engine import Network
from veche.ledger.entries.network import EngineChange, Founder
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
        check_founders(state, signed.entry.founders, "engine")
        begin_network(state, block, signed.entry.founders)


def check_founders(state: State, founders: Sequence[Founder], rule: str) -> None:
    """Raise Refused with this rule unless a network can begin with these: in order, under names as they are known, with keys that are
    new or those of their own seats, and with enough witnesses left who are none of them."""
    Network(state.charter.engine.seconds, tuple(row for _, row in founders)).check_order(rule)
    names = {row.institution for _, row in founders}
    must_be_one_spelling(state.institutions() | names, rule)
    keys = [key for founder in founders for key in (founder.key, founder.row.votes)]
    held = {one.institution: one for one in state.validators()}
    used = {*state.offices, *(office.votes for office in state.offices.values())}
    used |= {key for change in state.office_changes.values() for key in (change.key, change.votes)}
    for key, row in founders:
        own = held.get(row.institution)
        if not (used - ({own.key, own.votes} if own is not None else set())).isdisjoint((key, row.votes)):
            raise _used(rule)
        if own is not None and (key == own.votes or row.votes == own.key):
            raise _used(rule)
    if len(set(keys)) < len(keys):
        raise _used(rule)
    leaving = {change.key for change in state.office_changes.values() if change.action == OfficeAction.RETIRE}
    left = [key for key, name in state.witnesses().items() if key not in leaving and name not in names]
    if not state.charter.witnesses_suffice(len(left)):
        raise Refused(
            rule,
            Message("Too few witnesses would be left to vouch for anything."),
            Message("Add another observer first."),
        )


def _used(rule: str) -> Refused:
    return Refused(rule, Message("A validator's key has or had another use, or is to have; make new ones."))


def begin_network(state: State, block: Block, founders: Sequence[Founder]) -> None:
    """A chain of CometBFT begins behind this block, with these validators."""
    for key, row in founders:
        held = state.offices.get(key, OfficeKey(row.institution, Role.VALIDATOR, True, block.size))
        state.set_office(key, held._replace(votes=row.votes))
        state.set_address(row.institution, Address(row.url, row.peer))
    state.put("network_height", block.height)
    state.put("network_time", block.time)
