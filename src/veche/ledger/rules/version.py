"""``rules``: k institutions announce the version of the rules from a date on."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed

AHEAD = 14 * 86_400


def admit(machine: "Machine", entry: "Signed") -> None:
    entry.together(machine.state.charter.k)
    version, since = shape.array(entry.body, "A rules entry", 2, 2)
    shape.uint(version, "The version", 2, 1000)
    shape.uint(since, "The date")
    if since < machine.time + AHEAD:
        raise Refused("rules", "New rules must be announced at least 14 days ahead.")
    last = machine.state.db.execute("SELECT max(version) FROM version").fetchone()[0] or 1
    if version <= last:
        raise Refused("rules", f"Version {last} of the rules is known already; a new one must be greater.")
    machine.state.db.execute("INSERT INTO version VALUES (?, ?)", (version, since))
