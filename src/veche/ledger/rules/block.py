"""``block``: time comes with it; then everything that falls due."""

from typing import TYPE_CHECKING

from veche.ledger.rules import committee_steps, tally, void

if TYPE_CHECKING:
    from veche.ledger.machine import Machine

STANDSTILL = 600
GRACE = 3_600
LONGEST_DELAY = 172_800


def begin(machine: "Machine", previous: int) -> None:
    if machine.time - previous > STANDSTILL:
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
