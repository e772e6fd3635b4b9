"""``result``: handed in by anybody when enough shares are there; its numbers are checked, not searched for. docs/protocol.md, section 2.6."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.result import Result
from veche.ledger.rules.rule import poll_of
from veche.ledger.state import State


def admit_result(state: State, block: Block, result: Result, data: bytes) -> int:
    """Admit a result with this entry; its number. Raises Refused and changes nothing."""
    poll = poll_of(state, result.poll)
    if not poll.takes(Result.kind) or not poll.openers:
        why = "it has one" if poll.result is not None else "not enough trustees have decrypted a tally of it"
        raise Refused("result", f"This poll takes no result: {why}.")
    if not state.opening(poll).holds(result):
        raise Refused("result", "This is not the result that the trustees' shares open.")
    poll.result, poll.decided = result, block.time
    poll.pass_on(Result.kind)
    state.save_poll(poll)
    return block.append(data)
