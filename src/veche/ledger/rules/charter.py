"""``charter``: entry 0 founds the ledger, with block 0 after it."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger.charter import Charter

if TYPE_CHECKING:
    from veche.ledger.machine import Machine


def found(machine: "Machine", data: bytes) -> None:
    state = machine.state
    if state.founded:
        raise Refused("charter", "This ledger has a charter already.")
    charter = Charter.parse(data)
    state.put("founded", 1)
    state.put("charter", data)
    for institution, role, key in charter.offices:
        state.set_office(key, institution, role, True)
    machine.append(data)
    machine.height, machine.time = 0, charter.time
    machine.derive("block", [0, charter.time, charter.time])
