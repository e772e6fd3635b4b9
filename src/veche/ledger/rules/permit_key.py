"""``permit-key``: a registrar publishes, for each group of a poll, the key that signs permits, and the size and root of the roll."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.codec import digest
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.office import Role
from veche.ledger.entries.permit_key import LARGEST_COUNT, PermitKeys
from veche.ledger.poll_state import PollState
from veche.ledger.rules.rule import Rule, poll_of
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.permit.blind_rsa import SMALL_PRIMES, has_small_factor
from veche.texts import N_, Message


class PermitKeyRule(Rule[PermitKeys]):
    entry = PermitKeys
    by_former = True

    def admit(self, state: State, block: Block, signed: SignedEntry[PermitKeys]) -> None:
        poll = poll_of(state, signed.entry.poll)
        registrar = registrar_of(poll, signed)
        keys = signed.entry
        if not poll.takes(PermitKeys.kind) or block.time >= poll.definition.opens:
            raise Refused("permit-key", Message("Permit keys must be published before the poll opens."))
        if registrar in poll.permit_keys:
            raise Refused("permit-key", Message("This registrar has published its permit keys for this poll already."))
        check_rows(poll, len(keys.groups), N_("permit keys"))
        hashes = [digest(row.modulus) for row in keys.groups]
        if len(set(hashes)) < len(hashes) or any(state.is_known_modulus(hash) for hash in hashes):
            raise Refused(
                "permit-key", Message("A permit key was used before; every group of every poll needs a key of its own.")
            )
        if any(has_small_factor(row.modulus) for row in keys.groups):
            raise Refused(
                "permit-key",
                Message(
                    "A prime below {small_primes} divides a modulus: with such a key many people would get no permit.",
                    small_primes=SMALL_PRIMES,
                ),
                Message("Generate the keys with veche registrar open."),
            )
        groups = zip(keys.groups, poll.definition.groups, strict=True)
        heaviest = sum(row.people * group.weight for row, group in groups)
        # Each ballot uses k permits of n rolls.
        if heaviest * len(poll.poll_class.registrars) > LARGEST_COUNT * poll.poll_class.k:
            raise Refused(
                "permit-key", Message("The roll times the weights is over 2^40 k/n, more than a tally can open.")
            )
        state.add_permit_keys(poll, registrar, keys, hashes)


def registrar_of(poll: PollState, signed: SignedEntry[ByOffice]) -> int:
    """The place of the registrar in the class's list who signed, with the key that the poll kept. Raises Refused("authority", ...)."""
    signer = signed.only(Role.REGISTRAR)
    index = poll.registrar(signer.key)
    if index is None:
        raise Refused(
            "authority",
            Message(
                "This key of {institution} is not that of a registrar of this poll.", institution=signer.institution
            ),
        )
    return index


def check_rows(poll: PollState, count: int, what: str) -> None:
    """Raise Refused("shape", ...) unless there is a row for each group. ``what``: a message that says what a row holds."""
    wanted = len(poll.definition.groups)
    if count != wanted:
        raise Refused(
            "shape",
            Message(
                "There must be {what} for each of the {wanted} groups, and there are {count}.",
                what=Message(what),
                wanted=wanted,
                count=count,
            ),
        )
