"""``committee``: an organiser asks the trustees of a class to generate a key."""

from typing import TYPE_CHECKING

from veche.ballot.committee import Committee
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.state import CommitteeState

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    state = machine.state
    entry.only("organiser")
    name, mode, number = shape.array(entry.body, "A committee", 3, 3)
    poll_class = state.charter.poll_class(shape.word(name, "The class"))
    shape.uint(number, "The number")
    shape.word(mode, "The mode")
    Committee(entry.id, mode, len(poll_class.trustees), poll_class.t)
    for institution in poll_class.trustees:
        if state.key_of(institution, "trustee") is None:
            raise Refused(
                "authority", f"{institution} has no trustee's key in this ledger.", "Add it with an office entry."
            )
    state.save_committee(CommitteeState(entry.id, machine.size, poll_class, mode, machine.time))
