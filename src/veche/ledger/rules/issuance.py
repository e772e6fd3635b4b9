"""``issuance``: after closing a registrar accounts for the permits that it issued."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.permit_key import Issuance
from veche.ledger.rules.permit_key import check_rows, registrar_of
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import N_, Message


class IssuanceRule(Rule[Issuance]):
    entry = Issuance
    by_former = True
    by_suspended = True

    def admit(self, state: State, block: Block, signed: SignedEntry[Issuance]) -> None:
        poll = poll_of(state, signed.entry.poll)
        registrar = registrar_of(poll, signed)
        if not poll.takes(Issuance.kind) or block.time < poll.closing:
            raise Refused("issuance", Message("Permits are accounted for after the poll has closed."))
        if registrar not in poll.permit_keys:
            raise Refused(
                "issuance", Message("This registrar published no permit keys for this poll, so it issued none.")
            )
        if registrar in state.issuances(poll):
            raise Refused("issuance", Message("This registrar has accounted for this poll already."))
        check_rows(poll, len(signed.entry.groups), N_("rows of the issuance"))
        rows = zip(signed.entry.groups, poll.permit_keys[registrar].groups, strict=True)
        for group, (row, key) in enumerate(rows):
            used = poll.admitted.get((registrar, group), 0)
            if not used <= row.issued <= key.people:
                raise Refused(
                    "issuance",
                    Message(
                        "Group {group}: {issued} permits issued, but {used} were used and {people} people are on the roll.",
                        group=group,
                        issued=row.issued,
                        used=used,
                        people=key.people,
                    ),
                    Message("A registrar that cannot account for its permits must explain that in a notice."),
                )
        state.add_issuance(poll, registrar, signed.entry)
