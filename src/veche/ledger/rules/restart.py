"""``restart``: k institutions, and over a third of the validators, let a network go on that has lost a third or more of them.

It overthrows no network that lives: a head is final with over two thirds of the validators, so whoever has signed a restart and
goes on elsewhere has signed both. docs/adr/0023-restart.md and docs/protocol.md, section 2.1.
"""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries import kind_of
from veche.ledger.entries.committee import CommitteeVoid
from veche.ledger.entries.office import OfficeEffect, Role
from veche.ledger.entries.restart import Restart
from veche.ledger.entries.tally import Tally, TooFew, Void
from veche.ledger.rules.network import begin_network, check_founders
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message

DUE = {one.kind for one in (OfficeEffect, CommitteeVoid, Void, Tally, TooFew)}
"""What may stand between a ``block`` entry and the restart in it: what falls due by the block's time."""


class RestartRule(Rule[Restart]):
    entry = Restart

    def admit(self, state: State, block: Block, signed: SignedEntry[Restart]) -> None:
        signed.together(state.charter.k)
        validators = state.validators()
        if not validators:
            raise Refused("restart", Message("One process runs this ledger, without validators."))
        _check_place(state, block, signed.entry)
        check_founders(state, signed.entry.founders, "restart")
        agreed = [one for one in validators if signed.bears(one.key)]
        if not signed.unfinished:
            if 3 * len(agreed) <= len(validators):
                raise Refused(
                    "restart",
                    Message(
                        "{count} of {all} validators signed; over a third must.", count=len(agreed), all=len(validators)
                    ),
                    Message("Collect more signatures."),
                )
            going_on = {key for key, _ in signed.entry.founders} - {one.key for one in agreed}
            if any(one.key in going_on for one in validators):
                raise Refused("restart", Message("A validator that is to go on with its key has not signed."))
        self._replace(state, block, signed.entry)

    @staticmethod
    def _replace(state: State, block: Block, restart: Restart) -> None:
        for change in list(state.office_changes.values()):
            if change.role is Role.VALIDATOR:
                state.drop_office_change(change.seat)
        founders = {key for key, _ in restart.founders}
        for one in state.validators():
            if one.key not in founders:
                state.set_office(one.key, state.offices[one.key]._replace(active=False))
        begin_network(state, block, restart.founders)

    def then(self, state: State, block: Block, signed: SignedEntry[Restart]) -> None:
        state.put("network", signed.id)
        block.restarts = True


def _check_place(state: State, block: Block, restart: Restart) -> None:
    """Raise Refused unless it stands where it says, behind what it names, and alone."""
    if (restart.size, restart.height, restart.time) != (block.start, block.height, block.time):
        raise Refused(
            "restart",
            Message("It is of another block of this ledger, at {size} entries.", size=restart.size),
            Message("A restart goes on from the last block that there is, and nothing is in its block but it."),
        )
    if restart.root != block.root():
        raise Refused("restart", Message("It goes on from another history than this ledger's."))
    if not block.after_halt or block.previous != state.get("time"):
        raise Refused(
            "restart",
            Message("The ledger has not stood still for longer than a halt takes, so it needs no restart."),
        )
    handed_in = {kind_of(data) for data in block.appended[1:]} - DUE
    if handed_in:
        raise Refused("restart", Message("Something else was handed in to the block of a restart."))
