"""``issuance``: after closing a registrar accounts for the permits that it issued."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.rules.permit_key import poll_of, registrar_of

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    state = machine.state
    poll_id, rows = shape.array(entry.body, "An issuance entry", 2, 2)
    poll = poll_of(machine, poll_id)
    registrar = registrar_of(poll, entry)
    if poll.status == "void" or machine.time < poll.closing:
        raise Refused("issuance", "Permits are accounted for after the poll has closed.")
    if registrar not in poll.box.permit_keys:  # the poll was cancelled before
        raise Refused("issuance", "This registrar published no permit keys for this poll, so it issued none.")
    if state.db.execute("SELECT 1 FROM issuance WHERE poll = ? AND registrar = ?", (poll.entry, registrar)).fetchone():
        raise Refused("issuance", "This registrar has accounted for this poll already.")
    parsed = []
    for group, row in enumerate(shape.array(rows, "The issuance", len(poll.poll.groups), len(poll.poll.groups))):
        issued, root = shape.array(row, "An issuance row", 2, 2)
        shape.uint(issued, "The number of permits issued")
        shape.data(root, "The issuance root", 32)
        people, used = poll.box.permit_keys[registrar][group][1], poll.admitted.get((registrar, group), 0)
        if not used <= issued <= people:
            raise Refused("issuance", f"Group {group}: {issued} permits issued, but {used} were used and {people} people are on the roll.",
                          "A registrar that cannot account for its permits must explain that in a notice.")  # fmt: skip
        parsed.append((poll.entry, registrar, group, issued, root))
    state.db.executemany("INSERT INTO issuance VALUES (?, ?, ?, ?, ?)", parsed)
