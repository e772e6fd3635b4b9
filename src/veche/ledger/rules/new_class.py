"""``class``: k institutions add a class of polls, for two weeks later. docs/protocol.md, section 2.1."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.new_class import NewClass
from veche.ledger.readable import fold, must_be_one_spelling
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message

CLASS_NOTICE = 14 * 86_400
"""Seconds between a class's entry and the first committee or poll of it."""
MAX_CLASSES = 1_000
"""The most classes of a ledger."""


class ClassRule(Rule[NewClass]):
    entry = NewClass

    def admit(self, state: State, block: Block, signed: SignedEntry[NewClass]) -> None:
        signed.together(state.charter.k)
        made, known = signed.entry.poll_class, state.classes()
        if fold(made.name) in {fold(one.name) for one in known}:
            raise Refused("class", Message("There is a class of this name already."), Message("Choose another name."))
        if len(known) >= MAX_CLASSES:
            raise Refused("class", Message("A ledger has {most} classes at most.", most=MAX_CLASSES))
        if made.witnessed and state.charter.witnesses is None:
            raise Refused("class", Message("It wants witnessed heads, and the charter asks for no witnesses."))
        sources = {seat.source for one in (*known, made) for seat in one.registrars}
        for names in (state.institutions() | made.institutions, sources):
            must_be_one_spelling(names, "class")
        state.add_class(block.size, signed.data, block.time + state.charter.lasting(CLASS_NOTICE))
