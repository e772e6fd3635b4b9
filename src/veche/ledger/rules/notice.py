"""``notice``: an office says something in public: an incident, evidence of double signing."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.statements import Notice
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class NoticeRule(Rule[Notice]):
    entry = Notice
    by_suspended = True

    def admit(self, state: State, block: Block, signed: SignedEntry[Notice]) -> None:
        if len(signed.signers) != 1:
            raise Refused("authority", Message("A notice is signed by one office."))
        if signed.entry.poll:
            poll_of(state, signed.entry.poll)
        state.add_statement(signed.entry.poll, Notice.kind, block.size)
