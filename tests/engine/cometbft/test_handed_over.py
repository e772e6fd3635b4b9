"""A ledger that one process ran goes on as a network: the same log, the same id."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message as Asked

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.application import Application
from veche.engine.cometbft.finality import Finality
from veche.engine.cometbft.home import app_hash, chain_id, genesis
from veche.engine.embedded import EmbeddedEngine
from veche.engine.engine import Stopped
from veche.engine.publishing import Publishing
from veche.engine.results import Results
from veche.engine.waiting import Waiting
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.network import EngineChange, Founder
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.source import Folder
from veche.world import VALIDATORS, World, validator_row

KEYS = [SigningKey.generate() for _ in range(3)]
VOTES = [SigningKey.generate() for _ in range(3)]


def handed_over(folder: Path) -> World:
    """A city whose operator's engine has ended, because three institutions handed the ledger over."""
    founders = tuple(
        Founder(key.public, validator_row(VALIDATORS[number], votes.public, number))
        for number, (key, votes) in enumerate(zip(KEYS, VOTES, strict=True))
    )
    with pytest.raises(Stopped, match="goes on as a network"), World(folder, registrars=(1, 1, 0)) as world:
        world.say("engine", EngineChange(founders).body(), *world.organisers, world.trustees[0].key)
        world.engine.tick()
    return world


def test_the_operator_signs_for_the_last_time_and_the_validators_go_on(tmp_path: Path) -> None:
    world = handed_over(tmp_path)
    before = verify_ledger(Folder(tmp_path / "ledger"))
    assert len(before.signed.signatures) == 1 and before.signed.signatures[0].name == world.charter.origin
    for own in ("a", "b"):  # each validator takes a copy of what is public, and makes a database of its own
        public = shutil.ignore_patterns(
            "veche.db*", "place", "lock", "log.key", "inbox", "outbox", "cosigned", "engine.clock"
        )
        shutil.copytree(tmp_path / "ledger", tmp_path / own, ignore=public)
        rebuild(tmp_path / own, None)
    hashes = [asyncio.run(run(tmp_path / own, world)) for own in ("a", "b")]
    assert hashes[0] == hashes[1]
    after = verify_ledger(Folder(tmp_path / "a"))
    assert after.ledger == before.ledger and after.head.size > before.head.size
    assert after.log.root(before.head.size) == before.head.root
    assert {line.name.rsplit("/", 1)[0] for line in after.signed.signatures} == {f"{world.charter.origin}/validator"}
    verify_ledger(Folder(tmp_path / "b"))


async def run(folder: Path, world: World) -> list[bytes]:
    """Three blocks of a chain that begins behind the last one; what its validators agree on after each."""
    with Ledger(folder) as ledger:
        first = json.loads(genesis(ledger))
        assert first["initial_height"] == str(ledger.height + 1) and first["chain_id"] == chain_id(ledger.id)
        assert first["app_hash"] == app_hash(ledger.head).hex().upper()
        assert [one["name"] for one in first["validators"]] == list(VALIDATORS[:3])
        waiting = Waiting()
        results = Results(waiting.put_found)
        finality = Finality(ledger, Publishing(ledger, KEYS))
        now = ledger.time + 60
        application = Application(
            ledger, finality, waiting, results, lambda: now, 1, lambda executed, entries: None, lambda error: None
        )

        async def ask(asked: Asked) -> Any:
            return await application.answer(asked)

        info = await ask(abci.RequestInfo())
        assert (info.last_block_height, info.last_block_app_hash) == (0, b""), "for CometBFT nothing was before"
        asked = abci.RequestInitChain(chain_id=first["chain_id"], initial_height=ledger.height + 1)
        for votes in VOTES:
            asked.validators.add(power=1000).pub_key.ed25519 = votes.public
        assert (await ask(asked)).app_hash == app_hash(ledger.head)
        entry = sign(world.id, "notice", [b"", ["We go on.", "Продолжаем."], []], world.organisers[:1])
        made = []
        for entries in ([], [entry], []):
            height = ledger.height + 1
            request = abci.RequestFinalizeBlock(height=height, txs=entries)
            request.time.seconds = now
            decided = await ask(request)
            assert all(result.code == 0 for result in decided.tx_results) and not decided.validator_updates
            await ask(abci.RequestCommit())
            made.append(decided.app_hash)
        assert (await ask(abci.RequestInfo())).last_block_height == ledger.height
        application.close()
        results.close()
        waiting.end(None, application.behind())
    return made


def test_nobody_goes_on_as_one_process(tmp_path: Path) -> None:
    world = handed_over(tmp_path)
    with Ledger(tmp_path / "ledger") as ledger, pytest.raises(UserError, match="run by the engine cometbft"):
        EmbeddedEngine(ledger, world.head_keys[0], lambda: world.now)
