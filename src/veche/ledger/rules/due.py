"""What a block brings by its time alone. docs/protocol.md, section 2.2."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.charter import Charter
from veche.ledger.poll_state import PollState
from veche.ledger.rules.committee_steps import silent, void_silent
from veche.ledger.rules.office import delay_changes, take_effects
from veche.ledger.rules.tally import derive_tallies
from veche.ledger.rules.validators import changes_due
from veche.ledger.rules.void import void_polls
from veche.ledger.state import State
from veche.texts import Message

HALT_GRACE = 3_600
"""Seconds after the end of a halt for which every poll stays open that was not over when it began."""
HALT_LONGEST = 172_800
"""Seconds after the published closing beyond which no halt moves it."""
DUE = (take_effects, void_silent, void_polls, derive_tallies)
"""What falls due, in the order in which it stands in the log."""


def check_previous(state: State, previous: int) -> None:
    """Raise Refused("block", ...) if something was due at ``previous``: the block of that time would have derived it.

    Otherwise an operator could hide a halt over a closing by claiming a block that never was.
    """
    if (
        any(changes_due(state, previous))
        or state.polls_closing(previous)
        or state.polls_without_keys(previous)
        or silent(state, previous)
    ):
        raise Refused(
            "block", Message("Something was due at the time of the previous block, so there was none at that time.")
        )


def derive_due(state: State, block: Block) -> None:
    """Move the closings and changes of offices that a halt delays, then derive what falls due by the block's time."""
    if block.after_halt:
        delay_changes(state, block.time - block.previous)
        _delay_closings(state, block)
    for derive in DUE:
        derive(state, block)


def _delay_closings(state: State, block: Block) -> None:
    for poll in state.polls_running(block.previous):
        closing = delayed(state.charter, poll, block.time)
        if closing != poll.closing:
            poll.closing = closing
            state.save_poll(poll)


def delayed(charter: Charter, poll: PollState, time: int) -> int:
    """When a poll closes that was open when a halt began which ends at ``time``: who could not vote meanwhile gets an hour, at most
    48 hours after the published closing."""
    grace, longest = (charter.lasting(seconds) for seconds in (HALT_GRACE, HALT_LONGEST))
    return max(poll.closing, min(time + grace, poll.definition.closes + longest))
