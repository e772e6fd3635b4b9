"""``void``: a poll for which too few registrars published permit keys never opens. Which count in a poll is settled then."""

from veche.ledger.block import Block
from veche.ledger.entries.tally import TOO_FEW_KEYS, Void
from veche.ledger.state import State


def void_polls(state: State, block: Block) -> None:
    for poll in state.polls_without_keys(block.time):
        block.derive(Void(poll.id, TOO_FEW_KEYS))
        poll.pass_on(Void.kind)
        state.save_poll(poll)
