"""``office``: what becomes of a seat and its key; ``office-effect``: a change to which nobody objected. docs/protocol.md, section 2.1.

k institutions can fill a seat that nobody holds, never one whose holder is awake: what the holder did not sign too waits for two
weeks, in which the holder alone can stop it. Polls and committees keep the keys with which they began (:mod:`veche.ledger.state`).
"""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.office import OBJECTION, SUSPENSION, OfficeAction, OfficeChange, OfficeEffect, Role
from veche.ledger.institutions import OfficeKey, PendingChange, Seat
from veche.ledger.readable import two_spellings
from veche.ledger.rules.rule import Rule
from veche.ledger.rules.validators import changes_due, check_validator, is_accused
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message


class OfficeRule(Rule[OfficeChange]):
    entry = OfficeChange
    by_suspended = True  # to object, and for nothing else

    def admit(self, state: State, block: Block, signed: SignedEntry[OfficeChange]) -> None:
        change = signed.entry
        held = state.key_of(change.institution, change.role)
        _check_suspended(signed, held)
        match change.action:
            case OfficeAction.SUSPEND:
                _suspend(state, block, signed, held)
            case OfficeAction.OBJECT:
                _object(state, signed, held)
            case _:
                _change(state, block, signed, held)


def take_effects(state: State, block: Block) -> None:
    """What nobody objected to in time takes effect."""
    for change in list(changes_due(state, block.time)):
        effect = OfficeEffect(change.id, change.action, change.institution, change.role, change.key, change.votes)
        number = block.derive(effect)
        held = state.key_of(change.institution, change.role)
        state.drop_office_change(change.seat)
        _replace(
            state, held, None if change.action == OfficeAction.RETIRE else change.key, change.votes, change.seat, number
        )
        if change.role is Role.VALIDATOR:
            state.validator_changed(number, block.time)


def delay_changes(state: State, seconds: int) -> None:
    """While the ledger stands still nobody can object, so that time does not count."""
    for change in list(state.office_changes.values()):
        state.set_office_change(change._replace(due=change.due + seconds))


def _check_suspended(signed: SignedEntry[OfficeChange], held: bytes | None) -> None:
    """A suspended key signs no change but the objection against one of its own seat. Raises Refused("authority", ...)."""
    for signer in signed.signers:
        if signer.suspended and not (signed.entry.action == OfficeAction.OBJECT and signer.key == held):
            raise Refused(
                "authority",
                Message(
                    "The key of {institution} as {role} is suspended: of office entries it signs only an objection to a change of "
                    "its own seat.",
                    institution=signer.institution,
                    role=signer.role,
                ),
            )


def _change(state: State, block: Block, signed: SignedEntry[OfficeChange], held: bytes | None) -> None:
    """``add``, ``rotate``, ``retire``: at once if the holder of the key signs too, after two weeks if not."""
    signed.together(state.charter.k)
    change = signed.entry
    if change.action == OfficeAction.RETIRE:
        _check_retire(state, change, held)
    else:
        _check_new_key(state, change, held)
    _check_witnesses(state, change)
    at_once = held is not None and (signed.bears(held) or is_accused(state, change))
    check_validator(state, block, change, at_once)
    seat = change.institution, change.role
    if at_once:
        state.drop_office_change(seat)
        _replace(state, held, None if change.action == OfficeAction.RETIRE else change.key, change.votes, seat, None)
        if change.role is Role.VALIDATOR:
            state.validator_changed(block.size, block.time)
    elif seat in state.office_changes:
        raise Refused(
            "office",
            Message(
                "Another change of {institution} as {role} is waiting.",
                institution=change.institution,
                role=change.role,
            ),
            Message("Object to it first."),
        )
    else:
        due = block.time + state.charter.lasting(OBJECTION)
        state.set_office_change(
            PendingChange(block.size, signed.id, change.action, *seat, change.key, due, change.votes)
        )


def _replace(state: State, held: bytes | None, key: bytes | None, votes: bytes, seat: Seat, effect: int | None) -> None:
    """The seat's key is another, or none; ``votes``: a validator's new consensus key. ``effect``: the number of the derived entry; None if the holder signed the change."""
    origin = 0
    if held is not None:
        office = state.offices[held]
        origin = office.origin
        state.set_office(held, office._replace(active=False))
    if key is not None:
        state.set_office(key, OfficeKey(*seat, True, origin if effect is None else effect, votes=votes))
        if effect is None and held is not None:
            state.exchange_kept_key(held, key)


def _check_new_key(state: State, change: OfficeChange, held: bytes | None) -> None:
    seat = change.institution, change.role
    awaited = {other.key for other in state.office_changes.values() if other.seat != seat}
    votes = {office.votes for office in state.offices.values()} | {
        other.votes for other in state.office_changes.values() if other.seat != seat
    }
    if change.key in state.offices or change.key in awaited or change.key in votes:
        raise Refused("office", Message("This key is or was the key of an office, or is to be; a new one is wanted."))
    if change.action == OfficeAction.ADD and held is not None:
        raise Refused(
            "office",
            Message("{institution} is {role} already.", institution=change.institution, role=change.role),
            Message("Use the action rotate to replace its key."),
        )
    if change.action == OfficeAction.ROTATE and held is None:
        raise Refused(
            "office",
            Message("{institution} is not {role}.", institution=change.institution, role=change.role),
            Message("Use the action add."),
        )
    known = state.institutions()
    if change.institution not in known and (found := two_spellings([*sorted(known), change.institution])):
        raise Refused(
            "office",
            Message(
                "{institution!r} is another spelling of {found!r}.", institution=change.institution, found=found[0]
            ),
            Message("Write its name as it is known."),
        )


def _check_witnesses(state: State, change: OfficeChange) -> None:
    """Whoever witnesses does not run the engine: a new validator is a witness less, if its institution was one."""
    witnesses = state.witnesses()
    changes: list[OfficeChange | PendingChange] = [*state.office_changes.values(), change]
    leaving = {other.key for other in changes if other.action == OfficeAction.RETIRE}
    running = {
        other.institution for other in changes if other.action == OfficeAction.ADD and other.role is Role.VALIDATOR
    }
    if change.key not in witnesses and change.institution not in running & set(witnesses.values()):
        return
    left = [key for key, institution in witnesses.items() if key not in leaving and institution not in running]
    if not state.charter.witnesses_suffice(len(left)):
        raise Refused(
            "office",
            Message("Too few witnesses would be left to vouch for anything."),
            Message("Add another observer first."),
        )


def _check_retire(state: State, change: OfficeChange, held: bytes | None) -> None:
    if held != change.key:
        raise Refused(
            "office",
            Message(
                "This is not the active key of {institution} as {role}.",
                institution=change.institution,
                role=change.role,
            ),
        )
    leaving = {other.key for other in state.office_changes.values() if other.action == OfficeAction.RETIRE}
    left = {
        office.institution
        for key, office in state.offices.items()
        if office.active and key not in leaving and key != change.key
    }
    if len(left) < state.charter.k:
        raise Refused("office", Message("Too few institutions would be left to change anything ever again."))


def _suspend(state: State, block: Block, signed: SignedEntry[OfficeChange], held: bytes | None) -> None:
    """By k institutions, or by the held key alone. A key that holds the seat no more may still owe something: by k."""
    change = signed.entry
    office = state.offices.get(change.key)
    if office is None or office.seat != (change.institution, change.role):
        raise Refused(
            "office",
            Message(
                "This is not, and was not, the key of {institution} as {role}.",
                institution=change.institution,
                role=change.role,
            ),
        )
    if not (change.key == held and signed.bears(held)):
        signed.together(state.charter.k)
    state.set_office(change.key, office._replace(suspended=block.time + state.charter.lasting(SUSPENSION)))


def _object(state: State, signed: SignedEntry[OfficeChange], held: bytes | None) -> None:
    """By k institutions, or by the held key alone, suspended or not."""
    change = signed.entry
    pending = state.office_changes.get((change.institution, change.role))
    if pending is None or pending.key != change.key:
        raise Refused(
            "office",
            Message(
                "No such change of {institution} as {role} is waiting.",
                institution=change.institution,
                role=change.role,
            ),
        )
    if held is None or not signed.bears(held):
        signed.together(state.charter.k)
    state.drop_office_change(pending.seat)
