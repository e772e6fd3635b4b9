"""``tally`` and ``too-few``: derived at closing from the running sums. docs/protocol.md, section 2.6."""

from collections.abc import Iterator, Sequence

from veche.ledger.block import Block
from veche.ledger.entries.tally import Cell, Member, Tally, TooFew
from veche.ledger.group_sums import weighted
from veche.ledger.poll_state import PollState
from veche.ledger.state import State
from veche.log import merkle


def derive_tallies(state: State, block: Block) -> None:
    """Tally the polls that are over by the block's time. Raises SumsDisagree if the two sums of one differ."""
    for poll in state.polls_closing(block.time):
        ballots = state.counted_ballots(poll)
        root = counted_root(ballots)
        smallest = poll.poll_class.smallest
        if len(ballots) < smallest:
            block.derive(TooFew(poll.id, len(ballots), root))
            poll.pass_on(TooFew.kind)
        else:
            cells = tuple(_cell(poll, groups) for groups in merge(poll.counted, smallest))
            poll.tally = Tally(poll.id, len(ballots), root, cells)
            block.derive(poll.tally)
            poll.pass_on(Tally.kind)
        state.save_poll(poll)


def counted_root(numbers: Sequence[int]) -> bytes:
    """The Merkle root over the numbers of the counted ballots: a receipt then proves counted, not only included."""
    return merkle.root([merkle.leaf_hash(number.to_bytes(8, "big")) for number in numbers])


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


def _cell(poll: PollState, groups: list[int]) -> Cell:
    weights = [(poll.groups[group], poll.definition.groups[group].weight) for group in groups]
    sums = weighted(weights, poll.definition.ciphertexts)
    return Cell(tuple(Member(group, poll.groups[group].counted) for group in groups), sums)
