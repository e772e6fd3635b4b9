"""`veche verify --votes`: two votes of a validator for two blocks of one height, held against a copy of the ledger."""

import json
from pathlib import Path

import pytest
from cli.conftest import fails, inside, ok
from engine.cometbft.test_votes import file, vote

from veche.audit.ledger import verify_ledger
from veche.audit.restarting import restart_ledger
from veche.audit.votes import VotesReport, judge_votes
from veche.engine.cometbft.home import chain_id
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.ledger import Ledger
from veche.log.source import Folder
from veche.world import VALIDATORS, Played, World

from .test_restarting import Net

VOTES = SigningKey(bytes(range(32)))


def two(key: SigningKey, ledger: bytes) -> bytes:
    chain = chain_id(ledger)
    return file(vote(b"a" * 32, key, chain, height="1"), vote(b"b" * 32, key, chain, height="1"), key=key, chain=chain)


def test_anybody_can_check_two_votes(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        body = ["rotate", VALIDATORS[1], "validator", (new := SigningKey.generate()).public, 0, VOTES.public]
        world.say("office", body, *world.organisers, world.trustees[0].key, world.head_keys[1])
        world.engine.sign_with(new)  # type: ignore[attr-defined]
        world.engine.tick()
        copy, held = tmp_path / "ledger", tmp_path / "votes.json"
        held.write_bytes(two(VOTES, world.id))
        said = ok("verify", copy, "--votes", held, run=inside)
        assert f"{VALIDATORS[1]} voted for two blocks of height 1" in said.out and "does not name it" in said.out

        world.engine.stop()
        ledger = world.ledger
        ledger.execute(ledger.height + 1, ledger.time + 1, [], [DoubleSigning(VOTES.public, 1, ledger.time)])
        ledger.commit()
        Publishing(ledger, [*world.head_keys, new]).publish(ledger.time)
        wanted = {"institution": VALIDATORS[1], "votes": VOTES.public.hex(), "height": 1, "named": True}
        assert ok("verify", copy, "--votes", held, "--json", run=inside).json["votes"] == wanted
        assert "the ledger names it" in ok("verify", copy, "--votes", held, run=inside).out
        assert ok("verify", copy, "--json", run=inside).json["votes"] is None

        for wrong, why in (
            (two(VOTES, bytes(32)), "of another ledger's chain"),
            (two(SigningKey.generate(), world.id), "nobody who is a validator"),
            (two(new, world.id), "nobody who is a validator"),  # its ledger key, which votes for no block
            (two(VOTES, world.id).replace(b'"round": 0', b'"round": 1', 1), "do not contradict"),
            (b"junk", "no file of two votes"),
            (json.dumps(json.loads(held.read_bytes()) | {"votes": []}).encode(), "no file of two votes"),
        ):
            held.write_bytes(wrong)
            fails(1, why, "verify", copy, "--votes", held, run=inside)
        held.write_bytes(bytes(2 << 20))
        fails(2, "too long", "verify", copy, "--votes", held, run=inside)
        fails(2, "cannot be read", "verify", copy, "--votes", tmp_path / "nothing", run=inside)


def test_a_chain_behind_a_restart_is_the_ledgers_too(tmp_path: Path) -> None:
    net = Net(tmp_path)
    restart_ledger(net.home, net.entry)
    with Ledger(net.home) as ledger:
        Publishing(ledger, [*net.keys[:2], net.new]).publish(ledger.time)
    verified = verify_ledger(Folder(net.home))
    for origin in (net.id, digest(net.entry)):
        report = judge_votes(verified, two(net.consensus, origin))
        assert report == VotesReport(VALIDATORS[2], net.votes.hex(), 1, False)
    with pytest.raises(DoesNotHold, match="another ledger's chain") as caught:
        judge_votes(verified, two(net.consensus, digest(net.notice("no restart"))))
    assert caught.value.step == "votes"
