"""``block``: time comes with it; then everything that falls due."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger.rules import committee_steps, tally, void

if TYPE_CHECKING:
    from veche.ledger.machine import Machine

STANDSTILL = 600
GRACE = 3_600
LONGEST_DELAY = 172_800


def check_previous(machine: "Machine", previous: int) -> None:
    """Raise Refused if something was due at ``previous``: the block of that time, had there been one, would have derived it.

    Otherwise an operator could hide a standstill over a closing by claiming a block that never was.
    """
    late = machine.state.polls("status = 'announced' AND (closing <= ?1 OR (awaits AND opens <= ?1))", previous)
    if late or committee_steps.silent(machine, previous):
        raise Refused("block", "Something was due at the time of the previous block, so there was none at that time.")


def begin(machine: "Machine", previous: int) -> None:
    if machine.stood_still:
        _delay_closings(machine, previous)
    committee_steps.due(machine)
    void.due(machine)
    tally.due(machine)


def _delay_closings(machine: "Machine", previous: int) -> None:
    """The ledger stood still: who could not vote meanwhile gets an hour, at most 48 hours after the published closing."""
    for poll in machine.state.polls("status = 'announced' AND closing > ?", previous):
        closing = max(poll.closing, min(machine.time + GRACE, poll.poll.closes + LONGEST_DELAY))
        if closing != poll.closing:
            poll.closing = closing
            machine.state.save_poll(poll)
