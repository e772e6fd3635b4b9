"""``result``: derived right after the decryption that completes enough shares. docs/protocol.md, section 2.6."""

from typing import TYPE_CHECKING

from veche.ballot import decryption as shares
from veche.ledger.entry import decode
from veche.ledger.rules.tally import parts
from veche.ledger.shape import chunks
from veche.ledger.state import PollState

if TYPE_CHECKING:
    from veche.ledger.machine import Machine


def due(machine: "Machine", poll: PollState) -> None:
    assert poll.tally is not None
    sums = parts(decode(poll.tally)[1][3])
    committee = machine.state.committee(poll.poll.committee)
    assert committee is not None
    found = machine.state.shares(poll)
    complete = [member for member, done in sorted(found.items()) if len(done) == len(sums)]
    wanted = committee.size if committee.mode == "single" else committee.poll_class.t
    if len(complete) < wanted:
        return
    cells = decode(poll.tally)[1][3]
    weights = [sum(counted * poll.poll.groups[group].weight for group, counted in members) for members, _ in cells]
    bounds = [sum(weights), *(weights if len(weights) > 1 else [])]
    opened = []
    for part, (blob, bound) in enumerate(zip(sums, bounds, strict=True)):
        betas = [pair[32:] for pair in chunks(blob, 64)]
        factors = {member: chunks(found[member][part][1][4], 32) for member in complete}
        opened.append(_by_question(poll, shares.open_tally(betas, factors, committee.mode, bound)))
    poll.result = machine.derive("result", [poll.id, complete, opened[0], opened[1:]])
    poll.status = "decided"
    machine.state.save_poll(poll)


def _by_question(poll: PollState, numbers: list[int]) -> list[list[int]]:
    rows, start = [], 0
    for question in poll.poll.questions:
        rows.append(numbers[start : start + question.ciphertexts])
        start += question.ciphertexts
    return rows
