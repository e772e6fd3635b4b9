"""``decryption``: a trustee's share of one part of a tally, with both proofs. docs/protocol.md, section 2.6."""

from typing import TYPE_CHECKING

from veche.ballot.decryption import Share, check_share
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entry import decode, digest
from veche.ledger.rules import result
from veche.ledger.rules.committee_steps import member_of
from veche.ledger.rules.permit_key import poll_of
from veche.ledger.rules.tally import parts

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed


def admit(machine: "Machine", entry: "Signed") -> None:
    poll_id, index, tally, part, factors, proofs, bound = shape.array(entry.body, "A decryption", 7, 7)
    poll = poll_of(machine, poll_id)
    if poll.status != "counting" or poll.tally is None:
        reason = {"announced": "it has not closed", "decided": "its result is known already"}.get(
            poll.status, f"it is {poll.status}"
        )
        raise Refused("decryption", f"Nothing is to be decrypted in this poll: {reason}.")
    committee = machine.state.committee(poll.poll.committee)
    assert committee is not None
    member_of(committee, entry, index)
    if shape.data(tally, "The tally's hash", 32) != digest(poll.tally):
        raise Refused("decryption", "This is a share of another tally than the one in the ledger.")
    sums = parts(decode(poll.tally)[1][3])
    shape.uint(part, "The part", 0, len(sums) - 1)
    if part in machine.state.shares(poll).get(index, {}):
        raise Refused("decryption", "This trustee has decrypted this part already.")
    count = poll.poll.ciphertexts
    shape.data(factors, "The factors", 32 * count)
    shape.data(proofs, "The proofs", 0 if part else 64 * count)
    shape.data(bound, "The bound proofs", 64 * count)
    alphas = [pair[:32] for pair in shape.chunks(sums[part], 64)]
    key = committee.steps["committee-key"][index][1][2]
    check_share(
        key, alphas, poll.box.fingerprint, digest(poll.tally), part, Share.from_fields([factors, proofs, bound])
    )
    machine.state.db.execute("INSERT INTO share VALUES (?, ?, ?, ?)", (poll.entry, index, part, entry.data))


def then(machine: "Machine", entry: "Signed") -> None:
    result.due(machine, poll_of(machine, entry.body[0]))
