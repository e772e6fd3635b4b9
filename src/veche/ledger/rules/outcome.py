"""``outcome``: after closing the city says what it will do, did, or why not."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.office import Role
from veche.ledger.entries.statements import Outcome
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class OutcomeRule(Rule[Outcome]):
    entry = Outcome

    def admit(self, state: State, block: Block, signed: SignedEntry[Outcome]) -> None:
        poll = poll_of(state, signed.entry.poll)
        signed.only(Role.ORGANISER)
        if not poll.takes(Outcome.kind):
            raise Refused("outcome", Message("The city answers after the poll has closed."))
        state.add_statement(poll.id, Outcome.kind, block.size)
