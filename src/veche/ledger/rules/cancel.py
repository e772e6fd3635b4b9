"""``cancel``: k institutions stop a poll, with a reason; it is never decrypted."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.rules.permit_key import poll_of

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    poll_id, text = shape.array(entry.body, "A cancel entry", 2, 2)
    poll = poll_of(machine, poll_id)
    entry.together(machine.state.charter.k)
    shape.text(text, "The reason")
    if poll.status not in ("announced", "counting"):
        raise Refused("cancel", f"The poll cannot be cancelled: it is {poll.status}.")
    poll.status = "cancelled"
    machine.state.save_poll(poll)
    machine.state.db.execute("INSERT INTO statement VALUES (?, 'cancel', ?)", (poll.id, machine.size))
