"""Two votes of a validator for two blocks of one height: whether they are of this ledger, and whose. docs/protocol.md, section 5."""

from dataclasses import dataclass

from veche.audit.ledger import VerifiedLedger
from veche.engine.cometbft.home import chain_id
from veche.engine.cometbft.votes import check_votes
from veche.errors import DoesNotHold
from veche.ledger.codec import digest
from veche.texts import N_, Message

SAID = {
    True: N_(
        "{institution} voted for two blocks of height {height}: both votes hold under its consensus key {votes}, and the ledger"
        " names it for that. k institutions can retire it at once."
    ),
    False: N_(
        "{institution} voted for two blocks of height {height}: both votes hold under its consensus key {votes}. This copy of the"
        " ledger does not name it for that. Show this file to the institutions."
    ),
}
"""What to tell whoever has the file: whether the ledger names the validator, or not."""


@dataclass(frozen=True)
class VotesReport:
    """``institution``: whose validator; ``votes``: its consensus key, in hexadecimal digits; ``named``: whether the ledger has a
    ``double-signing`` of that key."""

    institution: str
    votes: str
    height: int
    named: bool

    @property
    def said(self) -> Message:
        return Message(SAID[self.named], institution=self.institution, height=str(self.height), votes=self.votes)


def judge_votes(verified: VerifiedLedger, data: bytes) -> VotesReport:
    """What a file of two votes proves. Raises DoesNotHold (step ``votes``) if it proves nothing, or nothing of a validator of this ledger."""
    found = check_votes(data)
    succession = verified.state.succession
    chains = {chain_id(verified.ledger)}
    chains |= {chain_id(digest(verified.log.entry(number - 1))) for number in succession.restarts}
    if found.chain not in chains:
        raise _wrong(Message("These votes are of another ledger's chain, {chain}.", chain=found.chain))
    sizes = (0, *(number + 2 for number, _ in succession.changes))  # whoever was a validator at any time
    validators = {one.votes: one.institution for size in sizes for one in succession.validators(size)}
    if found.votes not in validators:
        raise _wrong(Message("These votes are by nobody who is a validator of this ledger."))
    named = verified.state.has_double_signed(found.votes)
    return VotesReport(validators[found.votes], found.votes.hex(), found.height, named)


def _wrong(said: Message) -> DoesNotHold:
    return DoesNotHold("votes", Message("votes"), said, Message("It proves nothing of anybody here."))
