"""``void``: a poll that opens without the permit keys of all its registrars never opens."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from veche.ledger.machine import Machine


def due(machine: "Machine") -> None:
    for poll in machine.state.polls("status = 'announced' AND awaits AND opens <= ?", machine.time):
        machine.derive("void", [poll.id, "not all registrars published their permit keys before opening"])
        poll.status = "void"
        machine.state.save_poll(poll)
