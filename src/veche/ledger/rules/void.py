"""``void``: a poll that opens without the permit keys of all its registrars never opens."""

from veche.ledger.block import Block
from veche.ledger.entries.tally import Void
from veche.ledger.state import State

REASON = "not all registrars published their permit keys before opening"


def void_polls(state: State, block: Block) -> None:
    for poll in state.polls_without_keys(block.time):
        block.derive(Void(poll.id, REASON))
        poll.pass_on(Void.kind)
        state.save_poll(poll)
