"""A validator that voted for two blocks of one height is retired at once, by the commands that people type."""

from pathlib import Path

from veche.engine.publishing import Publishing
from veche.ledger.codec import decode
from veche.ledger.entries.double_signing import DoubleSigning
from veche.world import VALIDATORS, Played, World

from .conftest import ok_inside as ok


def test_k_institutions_retire_it_at_once(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        accused, ledger, entry = world.ledger.state.validators()[3], tmp_path / "ledger", tmp_path / "retire.entry"
        for number, key in enumerate([*world.organisers, world.trustees[0].key]):
            key.save(tmp_path / f"{number}.key")
        keys = [word for number in range(3) for word in ("--key", tmp_path / f"{number}.key")]
        world.say("notice", [b"", ["We begin.", "Начинаем."], []], world.organisers[0])
        world.engine.stop()
        world.ledger.execute(world.ledger.height + 1, world.now, [], [DoubleSigning(accused.votes, 1, world.now)])
        world.ledger.commit()
        Publishing(world.ledger, world.head_keys).publish(world.now)
        said = ok("ledger", "log", "-l", ledger, "--last", "2").out
        assert "double-signing" in said and accused.votes.hex()[:16] in said
        seat = ("--institution", VALIDATORS[3], "--role", "validator")
        ok("office", "retire", "-l", ledger, *seat, *keys[:2], "-o", entry)
        ok("ledger", "sign", entry, "-l", ledger, *keys[2:])
        (answer,) = world.ledger.execute(world.ledger.height + 1, world.now, [entry.read_bytes()]).answers
        assert isinstance(answer, int)
        world.ledger.commit()
        assert decode(world.ledger.entry(world.ledger.size - 1))[0] == "validators", "at once"
        assert accused.key not in {one.key for one in world.ledger.state.validators()}
