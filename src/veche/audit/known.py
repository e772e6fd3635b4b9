"""What a report needs of a ledger that was checked: one that was verified just now, or the own one of a node that executed it."""

from typing import Protocol

from veche.audit.witnesses import Witnesses
from veche.ledger.state import State


class Known(Protocol):
    """:class:`~veche.audit.ledger.VerifiedLedger`, and the explorer's :class:`~veche.node.explorer.view.View`."""

    @property
    def state(self) -> State: ...

    @property
    def witnesses(self) -> Witnesses: ...

    def entry(self, number: int) -> bytes: ...

    def time_of(self, number: int) -> int: ...
