"""How the validators of a network change, and ``validators``, which is derived when they do. docs/protocol.md, section 2.1.

Whoever was shown a head of some weeks ago must be able to follow: so few change in two weeks that those who stay are over two thirds.
"""

from collections.abc import Iterator

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.engine import MAX_VALIDATORS
from veche.ledger.entries.office import OfficeAction, OfficeChange, Role
from veche.ledger.entries.validators import Validators
from veche.ledger.institutions import PendingChange
from veche.ledger.state import State
from veche.texts import Message

CHANGE_WINDOW = 14 * 86_400
"""Seconds in which under a third of the validators change, or one."""


def changes_due(state: State, time: int) -> Iterator[PendingChange]:
    """The changes of offices that take effect in a block of this time, in the order of the log. Those of validators that would be too
    many wait on."""
    recent, count = _recent(state, time), len(state.validators())
    for change in state.office_changes_due(time):
        if change.role is Role.VALIDATOR:
            if not _may_follow(recent, count):
                continue
            recent += 1
            count += {OfficeAction.ADD: 1, OfficeAction.RETIRE: -1}.get(change.action, 0)
        yield change


def check_validator(state: State, block: Block, change: OfficeChange, at_once: bool) -> None:
    """Raise Refused("office", ...) unless the change of a seat fits what validators are. ``at_once``: its holder signed it."""
    if bool(change.votes) != (
        change.role is Role.VALIDATOR and change.action in (OfficeAction.ADD, OfficeAction.ROTATE)
    ):
        raise Refused("office", Message("A consensus key stands beside the new key of a validator, and nowhere else."))
    if change.role is not Role.VALIDATOR:
        return
    validators = state.validators()
    if not validators:
        raise Refused("office", Message("One process runs this ledger, without validators."))
    if change.votes:
        _check_votes(state, change)
    waiting = [other.action for other in state.office_changes.values() if other.role is Role.VALIDATOR]
    if change.action == OfficeAction.ADD and len(validators) + waiting.count(OfficeAction.ADD) >= MAX_VALIDATORS:
        raise Refused(
            "office", Message("A network has {most} validators at most.", most=MAX_VALIDATORS),
            Message("Retire another first."),
        )  # fmt: skip
    if change.action == OfficeAction.RETIRE and len(validators) - waiting.count(OfficeAction.RETIRE) <= 1:
        raise Refused("office", Message("No validator would be left."), Message("Add another first."))
    if at_once and not is_accused(state, change) and not _may_follow(_recent(state, block.time), len(validators)):
        raise Refused(
            "office",
            Message("As many validators have changed in the last two weeks as may."),
            Message("Wait, or leave the holder's signature away: then it takes effect as soon as it may."),
        )


def is_accused(state: State, change: OfficeChange) -> bool:
    """Whether it retires a validator who has signed two blocks of one height: that takes effect at once, however many changed before."""
    if change.role is not Role.VALIDATOR or change.action != OfficeAction.RETIRE:
        return False
    held = state.key_of(change.institution, change.role)
    return held == change.key and state.has_double_signed(state.offices[held].votes)


def derive_validators(state: State, block: Block) -> None:
    """If the block has changed the set, its last entry says who they are now."""
    now, last = state.validators(), state.succession.validators(block.size + 1)
    if block.restarts or now != tuple(last):
        entry = Validators(now)
        state.add_validators(block.derive(entry), entry, block.restarts)


def _check_votes(state: State, change: OfficeChange) -> None:
    """The consensus key is new, unless a seat keeps its own."""
    held = state.key_of(change.institution, change.role)
    if change.action == OfficeAction.ROTATE and held is not None and state.offices[held].votes == change.votes:
        return
    used = {change.key, *state.offices, *(office.votes for office in state.offices.values())}
    used |= {
        key
        for other in state.office_changes.values()
        if other.seat != (change.institution, change.role)
        for key in (other.key, other.votes)
    }
    if change.votes in used:
        raise Refused(
            "office", Message("This consensus key has or had another use, or is to have; a new one is wanted.")
        )


def _recent(state: State, time: int) -> int:
    return state.validators_changed_since(time - state.charter.lasting(CHANGE_WINDOW))


def _may_follow(recent: int, count: int) -> bool:
    """Whether one more of ``count`` validators may change after so many others."""
    return recent == 0 or 3 * (recent + 1) < count
