"""``result``: derived right after the decryption that completes enough shares. docs/protocol.md, section 2.6."""

from collections.abc import Sequence

from veche.ballot import decryption
from veche.ledger.block import Block
from veche.ledger.entries.result import Numbers, Result
from veche.ledger.entries.tally import Tally
from veche.ledger.poll_state import PollState
from veche.ledger.state import State


def derive_result(state: State, block: Block, poll: PollState) -> None:
    """Derive the result if the shares of enough trustees are complete."""
    tally, committee = poll.tally, state.committee(poll.definition.committee)
    assert tally is not None and committee is not None, "a poll that is counted has both"
    complete = poll.complete
    if len(complete) < committee.threshold:
        return
    opened = []
    for part, (sums, limit) in enumerate(zip(tally.parts, limits(poll, tally), strict=True)):
        factors = {trustee: poll.shares[trustee][part].share.points() for trustee in complete}
        numbers = decryption.open_tally(decryption.betas_of(sums), factors, committee.mode, limit)
        opened.append(_by_question(poll, numbers))
    poll.result = Result(poll.id, tuple(complete), opened[0], tuple(opened[1:]))
    poll.decided = block.time
    block.derive(poll.result)
    poll.pass_on(Result.kind)
    state.save_poll(poll)


def limits(poll: PollState, tally: Tally) -> list[int]:
    """For each part of the tally the greatest number that it can hold: the weight of its ballots."""
    groups = poll.definition.groups
    weights = [sum(member.counted * groups[member.group].weight for member in cell.members) for cell in tally.cells]
    return [sum(weights), *(weights if len(weights) > 1 else [])]


def _by_question(poll: PollState, numbers: Sequence[int]) -> Numbers:
    rows, start = [], 0
    for question in poll.definition.questions:
        rows.append(tuple(numbers[start : start + question.ciphertexts]))
        start += question.ciphertexts
    return tuple(rows)
