"""A ledger whose engine has stopped, with a poll that is open, and ballots that were never handed in."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.entries.poll import Choice
from veche.ledger.ledger import Ledger
from veche.ledger.shape import Text
from veche.world import GENESIS, EngineKind, World

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


@dataclass
class Stage:
    """``now``: the time when its engine stopped; ``ballots``: two of each of eight citizens, in a good order."""

    folder: Path
    now: int
    ballots: list[bytes]

    def copy(self, folder: Path) -> "Stage":
        shutil.copytree(self.folder, folder)
        return Stage(folder, self.now, self.ballots)

    def open(self) -> Ledger:
        """Open the ledger to write it."""
        ledger = Ledger(self.folder)
        ledger.state.db.execute("PRAGMA synchronous=OFF")
        return ledger

    @property
    def key(self) -> SigningKey:
        """The log's."""
        return SigningKey.load(self.folder / LOG_KEY)


def make_stage(kind: EngineKind, folder: Path, genesis: int = GENESIS) -> Stage:
    with World(folder, citizens={"Centre": 8}, registrars=(1, 1, 0), genesis=genesis, engine=kind) as world:
        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        ballots = [world.entry(citizen, poll, [[1, 0]]) for _ in range(2) for citizen in world.citizens]
    return Stage(folder / "ledger", world.now, ballots)
