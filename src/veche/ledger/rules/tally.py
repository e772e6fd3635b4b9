"""``tally`` and ``too-few``: derived at closing from the running sums. docs/protocol.md, section 2.6."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import veche_kernel

from veche.ballot import decryption
from veche.ledger.state import PollState
from veche.log import merkle

if TYPE_CHECKING:
    from veche.ledger.machine import Machine


def due(machine: "Machine") -> None:
    for poll in machine.state.polls("status = 'announced' AND closing <= ?", machine.time):
        entries = machine.state.counted_entries(poll)
        root = counted_root(entries)
        if len(entries) < poll.poll_class.smallest:
            machine.derive("too-few", [poll.id, len(entries), root])
            poll.status = "too-few"
        else:
            cells = [_cell(poll, members) for members in merge(poll.counted, poll.poll_class.smallest)]
            poll.tally = machine.derive("tally", [poll.id, len(entries), root, cells])
            poll.status = "counting"
        machine.state.save_poll(poll)


def counted_root(entries: Sequence[int]) -> bytes:
    """The Merkle root over the numbers of the counted ballots: a receipt then proves counted, not only included."""
    return merkle.root([merkle.leaf_hash(entry.to_bytes(8, "big")) for entry in entries])


def merge(counted: Sequence[int], smallest: int) -> Iterator[list[int]]:
    """The cells, as lists of groups: each has at least ``smallest`` counted ballots. The sum of ``counted`` must have, too."""
    cells: list[list[int]] = []
    current: list[int] = []
    for group in range(len(counted)):
        current.append(group)
        if sum(counted[g] for g in current) >= smallest:
            cells.append(current)
            current = []
    cells[-1].extend(current)
    yield from cells


def _cell(poll: PollState, members: list[int]) -> list[Any]:
    sums = veche_kernel.Sums(poll.poll.ciphertexts)
    for group in members:
        sums.add_scaled(poll.sums[group], poll.poll.groups[group].weight)
    return [[[group, poll.counted[group]] for group in members], sums.to_bytes()]


def parts(cells: Sequence[Any]) -> list[bytes]:
    """The sums that trustees decrypt, from the cells of a tally entry: part 0 is the total, then each cell if there are several."""
    return decryption.parts([sums for _, sums in cells])
