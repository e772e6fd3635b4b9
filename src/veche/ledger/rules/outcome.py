"""``outcome``: after closing the city says what it will do, did, or why not."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.rules.permit_key import poll_of

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed

STATUSES = ("will", "done", "not")


def admit(machine: "Machine", entry: "Signed") -> None:
    poll_id, status, text, due, attachments = shape.array(entry.body, "An outcome", 5, 5)
    poll = poll_of(machine, poll_id)
    entry.only("organiser")
    if status not in STATUSES:
        raise Refused("outcome", f"{status!r} is not an outcome; will, done and not are.")
    if poll.status not in ("counting", "too-few", "decided"):
        raise Refused("outcome", "The city answers after the poll has closed.")
    shape.text(text, "The outcome")
    shape.uint(due, "The date")
    shape.attachments(attachments)
    machine.state.db.execute("INSERT INTO statement VALUES (?, 'outcome', ?)", (poll.id, machine.size))
