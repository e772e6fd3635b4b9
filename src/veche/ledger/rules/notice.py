"""``notice``: an office says something in public: an incident, evidence of double signing."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    poll, text, attachments = shape.array(entry.body, "A notice", 3, 3)
    if len(entry.offices) != 1:
        raise Refused("authority", "A notice is signed by one office.")
    if poll != b"" and machine.state.poll(shape.data(poll, "The poll", 32)) is None:
        raise Refused("unknown-poll", "There is no poll with this id in the ledger.")
    shape.text(text, "The notice")
    shape.attachments(attachments)
    machine.state.db.execute("INSERT INTO statement VALUES (?, 'notice', ?)", (poll, machine.size))
