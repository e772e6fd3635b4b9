"""The rules of the ledger, one file per kind of entry.

A file named after a kind has ``admit(machine, entry)``: it raises :class:`veche.errors.Refused` before it changes anything, or
changes the state and returns; and perhaps ``then(machine, entry)``: what follows at once. Files of derived kinds have ``due``.
"""

from types import ModuleType

from veche.ledger.rules import (
    cancel,
    committee,
    committee_steps,
    decryption,
    issuance,
    notice,
    office,
    outcome,
    permit_key,
    poll,
    version,
)

BY_KIND: dict[str, ModuleType] = {
    "office": office,
    "rules": version,
    "notice": notice,
    "committee": committee,
    "committee-certificate": committee_steps,
    "committee-shares": committee_steps,
    "committee-key": committee_steps,
    "committee-complaint": committee_steps,
    "poll": poll,
    "permit-key": permit_key,
    "decryption": decryption,
    "issuance": issuance,
    "outcome": outcome,
    "cancel": cancel,
}
"""What offices hand in. Ballots, and what is derived, are not here."""

DERIVED = ("block", "committee-void", "void", "tally", "too-few", "result")
