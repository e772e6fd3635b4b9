"""The engine that a ledger's charter names."""

from collections.abc import Callable

from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.embedded import EmbeddedEngine
from veche.engine.engine import Engine
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.engine import COMETBFT
from veche.ledger.ledger import Ledger
from veche.texts import Message

RESTART = "restart.entry"
"""The file beside a ledger that says which restart its validator has signed: from then on it goes on with that, or not at all."""


def engine_of(ledger: Ledger, key: SigningKey, clock: Callable[[], int] | None = None, pause: float = 1.0) -> Engine:
    """Make it, with the ``key`` that signs its heads here. Raises UserError as it does, and if others are needed to run it: then it
    needs a door, too (:mod:`veche.node`)."""
    if len(ledger.state.validators()) > 1:
        raise UserError(
            Message("Several institutions keep this ledger, each with a node that the others reach."),
            Message("Run this one: veche node run --ledger {folder}", folder=ledger.folder),
        )
    return any_engine(ledger, key, clock, pause)


def any_engine(
    ledger: Ledger,
    key: SigningKey,
    clock: Callable[[], int] | None,
    pause: float,
    launch: Launch = INSTALLED,
) -> Engine:
    """The same for who has a door, so that others may be needed. ``launch``: how a network's CometBFT runs."""
    if (ledger.folder / RESTART).exists():
        raise UserError(
            Message("This validator has signed a restart of the network, and must not go on without it."),
            Message(
                "Hand in the restart when all have signed it: veche ledger submit FILE. If all who signed it have given it up, remove {file}.",
                file=ledger.folder / RESTART,
            ),
        )
    if ledger.state.engine_name == COMETBFT:
        from veche.engine.cometbft.engine import CometEngine  # what it needs, nobody else does

        return CometEngine(ledger, key, clock, pause, launch)
    return EmbeddedEngine(ledger, key, clock, pause)
