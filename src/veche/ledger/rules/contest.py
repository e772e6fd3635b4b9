"""``contest``: k institutions object to a poll that is tallied; it changes nothing, and stands above the result."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.statements import Contest
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class ContestRule(Rule[Contest]):
    entry = Contest

    def admit(self, state: State, block: Block, signed: SignedEntry[Contest]) -> None:
        poll = poll_of(state, signed.entry.poll)
        signed.together(state.charter.k)
        if not poll.takes(Contest.kind):
            raise Refused(
                "contest",
                Message("There is nothing to contest: the poll is {phase}, and has no tally.", phase=poll.phase),
            )
        poll.contests.append(block.size)
        state.add_statement(poll.id, Contest.kind, block.size)
