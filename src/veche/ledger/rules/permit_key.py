"""``permit-key``: a registrar publishes, for each group of a poll, the key that signs permits, and the size and root of the roll."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entry import digest
from veche.ledger.state import PollState

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed

MAX_SUM = 1 << 40


def poll_of(machine: "Machine", poll_id: object) -> PollState:
    """The poll that an entry speaks of. Raises Refused("unknown-poll", ...)."""
    found = machine.state.poll(shape.data(poll_id, "The poll's id", 32))
    if found is None:
        raise Refused("unknown-poll", "There is no poll with this id in the ledger.")
    return found


def registrar_of(poll: PollState, entry: "Signed") -> int:
    """The place of the signing registrar in the class's list. Raises Refused("authority", ...)."""
    institution = entry.only("registrar")
    for index, (name, _) in enumerate(poll.poll_class.registrars):
        if name == institution:
            return index
    raise Refused("authority", f"{institution} is not a registrar of polls of class {poll.poll_class.name!r}.")


def admit(machine: "Machine", entry: "Signed") -> None:
    state = machine.state
    poll_id, rows = shape.array(entry.body, "A permit-key entry", 2, 2)
    poll = poll_of(machine, poll_id)
    registrar = registrar_of(poll, entry)
    if poll.status != "announced" or machine.time >= poll.poll.opens:
        raise Refused("permit-key", "Permit keys must be published before the poll opens.")
    if registrar in poll.box.permit_keys:
        raise Refused("permit-key", "This registrar has published its permit keys for this poll already.")
    keys: list[tuple[bytes, int, bytes]] = []
    for row in shape.array(rows, "The permit keys", len(poll.poll.groups), len(poll.poll.groups)):
        modulus, people, root = shape.array(row, "A permit key", 3, 3)
        shape.data(modulus, "A modulus", 256, 512)
        if not modulus[0] or not modulus[-1] & 1 or int.from_bytes(modulus, "big").bit_length() < 2048:
            raise Refused("shape", "A modulus is an odd number of 2048 to 4096 bits without leading zeros.")
        keys.append(
            (modulus, shape.uint(people, "The number of people", 0, MAX_SUM), shape.data(root, "The roll's root", 32))
        )
    hashes = [digest(modulus) for modulus, _, _ in keys]
    known = any(state.db.execute("SELECT 1 FROM modulus WHERE hash = ?", (h,)).fetchone() for h in hashes)
    if known or len(set(hashes)) < len(hashes):
        raise Refused("permit-key", "A permit key was used before; every group of every poll needs a key of its own.")
    heaviest = sum(people * group.weight for (_, people, _), group in zip(keys, poll.poll.groups, strict=True))
    if (
        heaviest * len(poll.poll_class.registrars) > MAX_SUM * poll.poll_class.k
    ):  # each ballot uses k permits of n rolls
        raise Refused("permit-key", "The roll times the weights is over 2^40 k/n, more than a tally can open.")
    state.db.executemany("INSERT INTO modulus VALUES (?)", [(h,) for h in hashes])
    state.db.executemany(
        "INSERT INTO permit_key VALUES (?, ?, ?, ?, ?, ?)",
        [(poll.entry, registrar, group, *row) for group, row in enumerate(keys)],
    )
    poll.box.permit_keys[registrar] = [(modulus, people) for modulus, people, _ in keys]
    state.save_poll(poll)
