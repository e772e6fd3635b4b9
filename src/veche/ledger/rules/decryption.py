"""``decryption``: a trustee's share of one part of a tally, with both proofs. docs/protocol.md, section 2.6."""

from veche.ballot.decryption import alphas_of, check_share
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.block import Block
from veche.ledger.entries.decryption import Decryption
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.ledger.rules.committee_steps import check_member
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class DecryptionRule(Rule[Decryption]):
    entry = Decryption
    by_former = True
    by_suspended = True

    def admit(self, state: State, block: Block, signed: SignedEntry[Decryption]) -> None:
        entry = signed.entry
        poll = poll_of(state, entry.poll)
        if not poll.takes(Decryption.kind):
            raise Refused("decryption", Message("Nothing is to be decrypted in this poll: {why}.", why=_why_not(poll)))
        tally, committee = poll.tally, state.committee(poll.definition.committee)
        assert tally is not None and committee is not None, "a poll that is counted has both"
        check_member(committee, signed, entry.index)
        if entry.tally != tally.hash:
            raise Refused("decryption", Message("This is a share of another tally than the one in the ledger."))
        shape.uint(entry.part, "The part", 0, len(tally.parts) - 1)
        if entry.part in poll.shares.get(entry.index, {}):
            raise Refused("decryption", Message("This trustee has decrypted this part already."))
        check_share(
            committee.keys[entry.index].key,
            alphas_of(tally.parts[entry.part]),
            poll.frozen.fingerprint,
            tally.hash,
            entry.part,
            entry.share,
        )
        state.add_share(poll, entry, signed.data)
        if not poll.openers and len(poll.complete) >= committee.threshold:
            poll.openers = tuple(poll.complete)
            state.save_poll(poll)


def _why_not(poll: PollState) -> Message:
    if poll.phase == Phase.ANNOUNCED:
        return Message("it has not closed")
    return Message("it is {phase}", phase=poll.phase)
