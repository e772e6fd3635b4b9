"""A network's ledger with an open poll, and what may be handed in there: good entries of many kinds, and their signers' keys."""

from dataclasses import dataclass

import pytest
from comet import OnCometBFT
from engine.stage import TRAMS, Stage

from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.signing import sign
from veche.world import DAY, World


@dataclass
class Town:
    """``stage``: its ledger, and ballots; ``signed``: what its offices could say; ``keys``: theirs."""

    stage: Stage
    id: bytes
    signed: list[bytes]
    keys: list[SigningKey]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    with World(folder, citizens={"Centre": 8}, registrars=(1, 1, 0), engine=OnCometBFT()) as world:
        committee = world.form_committee()
        poll = world.poll([TRAMS], committee=committee, days=1)
        other = world.announce([TRAMS], committee=committee, days=3)
        permit_keys = world.permit_keys(0, other)
        world.wait_until(poll.definition.opens)
        ballots = [world.entry(citizen, poll, [[1, 0]]) for _ in range(2) for citizen in world.citizens]
        now, id = world.now, world.id
    three = [*world.organisers, world.trustees[0].key]
    text, new = ["It moves.", "Переезжает."], SigningKey.generate()

    def said(kind: str, body: list[object], *keys: SigningKey) -> bytes:
        return sign(id, kind, body, list(keys))

    definition = poll.definition.body()
    again = [*definition[:5], now + 2 * DAY, now + 3 * DAY, *definition[7:]]
    signed = [
        permit_keys,
        said("notice", [b"", text, []], world.organisers[0]),
        said("notice", [poll.id, text, []], world.trustees[1].key),
        said("notice", [b"", text, [digest(b"a file")]], world.organisers[1]),
        said("poll", again, *world.organisers),
        said("committee", ["city", "single", 1], world.organisers[0]),
        said("cancel", [other.id, text], *three),
        said("rules", [2, now + 60 * DAY], *three),
        said("office", ["add", "Archive", "observer", new.public, 0], *three),
        said("office", ["rotate", "University", "trustee", new.public, 0], world.trustees[0].key, *three[:2]),
        said("office", ["suspend", "University", "trustee", world.trustees[0].key.public, 0], *three),
    ]
    return Town(Stage(folder / "ledger", now, ballots), id, signed, [*world.office_keys, new])
