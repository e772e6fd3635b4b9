"""What a rule is: whether an entry of one kind may be appended, and what follows from it."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.entry import ByOffice
from veche.ledger.poll_state import PollState
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message

E = TypeVar("E", bound=ByOffice)


class Rule(ABC, Generic[E]):
    """The rule of one kind of entry that offices write. ``entry`` is its class.

    ``by_former``: keys that hold their office no more may sign it, where a poll or committee kept them; ``by_suspended``: so may
    keys that are suspended. docs/protocol.md, section 2.1.
    """

    entry: type[E]
    by_former = False
    by_suspended = False

    @abstractmethod
    def admit(self, state: State, block: Block, signed: SignedEntry[E]) -> None:
        """Raise Refused before anything is changed, or change the state. The entry will be number ``block.size``."""

    def then(self, state: State, block: Block, signed: SignedEntry[E]) -> None:
        """What follows at once, when the entry stands in the block: nothing, for most."""


def poll_of(state: State, poll_id: bytes) -> PollState:
    """The poll that an entry speaks of. Raises Refused("unknown-poll", ...)."""
    poll = state.poll(poll_id)
    if poll is None:
        raise Refused("unknown-poll", Message("There is no poll with this id in the ledger."))
    return poll
