"""Both engines: what is true of one is true of the other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import comet
import pytest
from comet import OnCometBFT

from veche.engine.embedded import EmbeddedEngine
from veche.engine.threaded import ThreadedEngine
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.world import EMBEDDED, PAUSE, EngineKind

from .stage import Stage

KINDS: dict[str, EngineKind] = {"embedded": EMBEDDED, "cometbft": OnCometBFT()}


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> EngineKind:
    """The engine that a world runs on."""
    return KINDS[request.param]


@pytest.fixture
def stage(made: Stage, tmp_path: Path) -> Stage:
    """A copy of what the module's fixture ``made``, for one test."""
    return made.copy(tmp_path / "ledger")


@pytest.fixture
def ledger(stage: Stage) -> Iterator[Ledger]:
    with stage.open() as opened:
        yield opened


def run(ledger: Ledger, key: SigningKey, clock: Callable[[], int]) -> ThreadedEngine:
    """An engine as the ledger's charter names it, under a clock that is moved by hand."""
    if ledger.state.charter.engine.name == "cometbft":
        return comet.engine(ledger, key, clock)
    return EmbeddedEngine(ledger, key, clock, PAUSE)
