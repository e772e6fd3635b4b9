"""A voter's receipt, compared with a verified ledger: is this ballot in it, and is it counted?"""

import base64
from dataclasses import dataclass

from veche.audit.known import Known
from veche.audit.ledger import VerifiedLedger
from veche.errors import DoesNotHold, UserError
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.heads import check_whose
from veche.ledger.life import Phase
from veche.log import merkle
from veche.log.receipt import Receipt
from veche.texts import N_, Message

STEP = "R"
"""The step of docs/protocol.md, section 6, that the errors of this file name."""
MEANING = N_(
    "The receipt is of this ledger: its head is signed and an earlier state of it, and its entry is where it says."
)
SENTENCES = {
    "counted": N_("This ballot is in the ledger and is counted."),
    "superseded": N_("This ballot was replaced by a later one from the same voter, entry {by}. The later one counts."),
    "waiting": N_("This ballot is in the ledger. It will be counted, unless its voter votes again."),
    "not-opened": N_("This ballot is in the ledger, but no ballot of its poll is ever opened."),
    "unwitnessed": N_(
        "This ballot is in this copy of the ledger, but too few witnesses have cosigned it yet: ask again in a few minutes. If it "
        "stays so, show the receipt to the observers."
    ),
    "entry": N_("What this receipt is of is in the ledger. It is no ballot."),
}
"""For each state of a receipt what to tell its owner; ``by`` is the number of the entry that replaced a ballot."""

STATES = {
    Phase.ANNOUNCED: "waiting",
    Phase.COUNTING: "counted",
    Phase.DECIDED: "counted",
    Phase.TOO_FEW: "not-opened",
    Phase.CANCELLED: "not-opened",
    Phase.VOID: "not-opened",
}
"""What becomes of the last ballot of a voter in a poll of this phase."""


@dataclass(frozen=True)
class ReceiptReport:
    """Where the entry of a receipt stands, and what became of it.

    ``state``: counted, superseded (by entry ``by``), waiting (its poll is not closed), unwitnessed (the poll's class
    wants heads that witnesses cosigned, and too few cosigned one with it), not-opened (too few ballots, or the
    poll was cancelled) or entry (what the receipt is of is no ballot). ``tracker`` as Belenios writes it, for ballots.
    """

    entry: int
    time: int
    state: str
    poll: str = ""
    tracker: str = ""
    by: int | None = None


def check_receipt(verified: VerifiedLedger, receipt: Receipt) -> ReceiptReport:
    """Check a receipt against this ledger. Raises DoesNotHold (step R) if the two contradict each other; UserError if the receipt is
    of another ledger, or of a later state than this copy, which says nothing against either."""
    try:
        succession = verified.state.succession
        check_whose(receipt.checkpoint, succession, Message("The receipt"))
        receipt.checkpoint.verify(succession.policy(receipt.checkpoint.checkpoint.size))
    except DoesNotHold as error:
        raise DoesNotHold(STEP, error.where, error.said, error.advice) from None
    head = receipt.checkpoint.checkpoint
    if head.size > verified.head.size:
        raise UserError(
            Message(
                "This copy holds, and is older than the receipt: it has only {size2} entries, and the receipt is of a ledger with {size}.",
                size=head.size,
                size2=verified.head.size,
            ),
            Message(
                "Get a newer copy. If there is none, entries were removed: keep the receipt and show it to others."
            ),
        )
    if verified.log.root(head.size) != head.root:
        raise DoesNotHold(
            STEP,
            Message("the receipt"),
            Message(
                "The receipt is of another ledger: at size {size} the roots differ, and both are signed.",
                size=head.size,
            ),
            Message(
                "Keep the receipt and this copy, and show both to others: someone shows different people different ledgers."
            ),
        )
    entry = verified.entry(receipt.index) if receipt.index < head.size else b""
    try:
        merkle.verify_inclusion(merkle.leaf_hash(entry), receipt.index, head.size, receipt.proof, head.root)
    except DoesNotHold as error:
        raise DoesNotHold(
            STEP,
            Message("the receipt"),
            Message("The receipt's proof does not hold: {value}", value=error.said),
            error.advice,
        ) from None
    return report_entry(verified, receipt.index, entry)


def report_entry(verified: Known, number: int, entry: bytes) -> ReceiptReport:
    """Where the entry with this number stands, and what became of it."""
    time = verified.time_of(number)
    if not is_ballot(entry):
        return ReceiptReport(number, time, "entry")
    cast = read_ballot(entry)
    poll = verified.state.poll(cast.poll)
    assert poll is not None, "a ballot that was admitted has a poll"
    ballot = poll.frozen.kernel.load(cast.ballot)
    last = verified.state.last_ballot(poll, ballot.credential)
    assert last is not None, "an admitted ballot has a credential that voted"
    tracker = base64.b64encode(ballot.tracker).decode().rstrip("=")
    if last.number != number:
        return ReceiptReport(number, time, "superseded", poll.id.hex(), tracker, last.number)
    if poll.poll_class.witnessed and not verified.witnesses.vouch(number + 1):
        return ReceiptReport(number, time, "unwitnessed", poll.id.hex(), tracker)
    return ReceiptReport(number, time, STATES[poll.phase], poll.id.hex(), tracker)
