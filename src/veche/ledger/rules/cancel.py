"""``cancel``: k institutions stop a poll before its tally, with a reason; it is never decrypted."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.statements import Cancel, Contest
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class CancelRule(Rule[Cancel]):
    entry = Cancel

    def admit(self, state: State, block: Block, signed: SignedEntry[Cancel]) -> None:
        poll = poll_of(state, signed.entry.poll)
        signed.together(state.charter.k)
        if not poll.takes(Cancel.kind):
            hint = Message("Object to it instead: veche poll contest.") if poll.takes(Contest.kind) else ""
            raise Refused("cancel", Message("The poll cannot be cancelled: it is {phase}.", phase=poll.phase), hint)
        poll.pass_on(Cancel.kind)
        state.save_poll(poll)
        state.add_statement(poll.id, Cancel.kind, block.size)
