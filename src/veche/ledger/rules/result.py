"""``result``: handed in by anybody when enough shares are there; its numbers are checked, not searched for. docs/protocol.md, section 2.6."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.result import Result
from veche.ledger.poll_state import PollState
from veche.ledger.rules.rule import poll_of
from veche.ledger.state import State
from veche.texts import Message

_HEAD = b"\x82\x66result\x84\x58\x20"
"""What stands before the poll's id in every result: an array of two, the kind, an array of four, 32 bytes."""


def check_awaited(state: State, data: bytes) -> None:
    """Ask for the poll of a result before anything is made of its numbers, which anybody can send. Raises Refused."""
    if data.startswith(_HEAD):
        _awaiting(state, data[len(_HEAD) : len(_HEAD) + 32])


def admit_result(state: State, block: Block, result: Result, data: bytes) -> int:
    """Admit a result with this entry; its number. Raises Refused and changes nothing."""
    poll = _awaiting(state, result.poll)
    if not state.opening(poll).holds(result):
        raise Refused("result", Message("This is not the result that the trustees' shares open."))
    poll.result, poll.decided = result, block.time
    poll.pass_on(Result.kind)
    state.save_poll(poll)
    return block.append(data)


def _awaiting(state: State, poll_id: bytes) -> PollState:
    """The poll with this id, if it takes a result now. Raises Refused."""
    poll = poll_of(state, poll_id)
    if not poll.takes(Result.kind) or not poll.openers:
        none = Message("not enough trustees have decrypted a tally of it")
        why = Message("it has one") if poll.result is not None else none
        raise Refused("result", Message("This poll takes no result: {why}.", why=why))
    return poll
