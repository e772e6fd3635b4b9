"""``tally`` and ``too-few``: derived at closing from the running sums. docs/protocol.md, section 2.6."""

from collections.abc import Iterator, Sequence

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.block import Block
from veche.ledger.entries.entry import Derived
from veche.ledger.entries.tally import Cell, Member, Tally, TooFew
from veche.ledger.group_sums import weighted
from veche.ledger.poll_state import PollState
from veche.ledger.state import State
from veche.log import merkle
from veche.texts import Message


def derive_tallies(state: State, block: Block) -> None:
    """Tally the polls that are over by the block's time. Raises SumsDisagree if the two sums of one differ."""
    for poll in state.polls_closing(block.time):
        if block.told is not None:
            _believe(state, block, poll, block.told.get(poll.id))
            continue
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


def _believe(state: State, block: Block, poll: PollState, said: Derived | None) -> None:
    """Take what the log says of a poll whose ballots were not read, as far as it can be true: numbers that make these cells, and sums of
    points for each. What they sum up is for who reads the ballots. Raises Refused."""
    smallest = poll.poll_class.smallest
    if isinstance(said, TooFew) and said.counted < smallest:
        if len(poll.groups) == 1:
            poll.groups[0].counted = said.counted
        poll.pass_on(TooFew.kind)
    elif isinstance(said, Tally) and said.counted >= smallest and _could_be(poll, said, smallest):
        poll.tally = said
        for cell in said.cells:
            shape.points(cell.sums, Message("The sums of a cell"), 2 * poll.definition.ciphertexts)
            for member in cell.members:
                poll.groups[member.group].counted = member.counted
        poll.pass_on(Tally.kind)
    else:
        raise Refused("block", Message("There is no tally of a poll that is over, or one that no ballots could give."))
    block.derive(said)
    state.save_poll(poll)


def _could_be(poll: PollState, said: Tally, smallest: int) -> bool:
    members = [member for cell in said.cells for member in cell.members]
    counted = [member.counted for member in members]
    size = 64 * poll.definition.ciphertexts
    return (
        [member.group for member in members] == list(range(len(poll.definition.groups)))
        and sum(counted) == said.counted
        and list(merge(counted, smallest)) == [[member.group for member in cell.members] for cell in said.cells]
        and all(len(cell.sums) == size for cell in said.cells)
    )


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
