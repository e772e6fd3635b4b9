"""``veche witness``, and what waits for witnesses on the command line."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.clock import by_hand
from veche.engine.inbox import Inbox
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.witness.witness import put_cosigned
from veche.world import World

from .conftest import fails, inside, ok

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A city in whose class heads are witnessed, by one witness, and whose time is now."""
    with World(tmp_path / "city", citizens={"Centre": 3}, registrars=(1, 1, 0), witnesses=(1, 0)) as made:
        yield made


def test_init_and_show(tmp_path: Path) -> None:
    key = ok("witness", "init", tmp_path / "w", "--institution", "Press council", run=inside).first
    assert ok("witness", "show", tmp_path / "w", run=inside).out == f"Press council\nPublic key {key}\n"
    assert (tmp_path / "w" / "office.key").stat().st_mode & 0o777 == 0o600
    fails(2, "is not empty", "witness", "init", tmp_path / "w", "--institution", "Press council", run=inside)
    fails(2, "There is no folder", "witness", "show", tmp_path / "nowhere", run=inside)


def test_cosign_publish_verify(world: World, tmp_path: Path) -> None:
    """Straight into the folder; or to a file, which the operator puts there; and verify tells of it."""
    world.engine.tick()
    ledger, witness = world.folder / "ledger", world.folder / "witness-1"
    assert "0 of 1 have cosigned" in ok("verify", ledger, run=inside).out
    out = ok("witness", "cosign", witness, "--ledger", ledger, "-o", tmp_path / "head", run=inside).out
    assert f"cosigned {world.ledger.size} entries" in out
    assert not (ledger / "witness").exists()
    ok("witness", "publish", tmp_path / "head", "--ledger", ledger, run=inside)
    told = ok("verify", ledger, "--json", run=inside).json["witnesses"]
    assert (told["seats"], told["quorum"]) == (1, 1)
    assert [(one["institution"], one["size"]) for one in told["cosigned"]] == [
        ("Election observers", world.ledger.size)
    ]
    newer = world.witnesses[0].cosign(Folder(ledger), lambda: by_hand(time.time() + 5))
    put_cosigned(ledger, world.witnesses[0].key.public, newer)
    fails(2, "A newer head", "witness", "publish", tmp_path / "head", "--ledger", ledger, run=inside)
    ok("export", "--ledger", ledger, tmp_path / "city.tar", run=inside)
    copy = tmp_path / "city.tar"
    fails(2, "exported file", "witness", "cosign", world.folder / "witness-1", "--ledger", copy, run=inside)
    assert "1 of 1 have cosigned" in ok("verify", tmp_path / "city.tar", run=inside).out


def test_what_is_no_cosigned_head(world: World, tmp_path: Path) -> None:
    world.engine.tick()
    ledger = world.folder / "ledger"
    fails(2, "No witness of this ledger", "witness", "publish", ledger / "checkpoint", "--ledger", ledger, run=inside)
    (tmp_path / "junk").write_bytes(b"junk")
    fails(2, "is not a checkpoint", "witness", "publish", tmp_path / "junk", "--ledger", ledger, run=inside)
    ok("witness", "init", tmp_path / "w", "--institution", "Nobody", run=inside)
    ok("witness", "cosign", tmp_path / "w", "--ledger", ledger, "-o", tmp_path / "head", run=inside)
    fails(2, "No witness of this ledger", "witness", "publish", tmp_path / "head", "--ledger", ledger, run=inside)


def test_a_trustee_waits_for_witnesses(tmp_path: Path) -> None:
    """What is due but for witnesses is said; and whoever waits goes on as soon as they have cosigned, though nothing was added."""
    with World(tmp_path / "city", citizens={"Centre": 3}, registrars=(1, 1, 0), witnesses=(1, 0)) as world:
        committee = digest(world.ledger.entry(world.say("committee", ["city", "pedersen", 0], world.organisers[0])))
        world.engine.tick()
        ledger, trustee = world.folder / "ledger", world.folder / "trustee-1"
        out = ok("trustee", "act", trustee, "--ledger", ledger, run=inside).out
        assert "too few witnesses" in out and committee.hex()[:12] in out and "nothing is due" not in out
        witness = world.witnesses[0]
        head = witness.cosign(Folder(ledger), world.clock)
        ended, inbox = threading.Event(), Inbox(ledger)

        def serve() -> None:
            time.sleep(0.5)
            put_cosigned(ledger, witness.key.public, head)
            while not ended.is_set():
                inbox.serve(world.engine)
                time.sleep(0.01)

        serving = threading.Thread(target=serve)
        serving.start()
        out = ok("trustee", "act", trustee, "--ledger", ledger, "--timeout", "3", run=inside).out
        ended.set()
        serving.join()
        assert "committee-certificate for" in out and out.count("too few witnesses") == 1


def test_every_head_is_told_once(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.engine.tick()
    looks = iter((None, None))

    def sleep(seconds: float) -> None:
        if next(looks, "end") == "end":
            raise KeyboardInterrupt

    monkeypatch.setattr("veche.cli.witness.clock_time.sleep", sleep)
    words = ("witness", "cosign", world.folder / "witness-1", "--ledger", world.folder / "ledger", "--every", "1")
    assert inside(*words).out.count("cosigned") == 1


def test_a_voter_waits_for_witnesses(world: World, tmp_path: Path) -> None:
    poll = world.poll([TRAMS], committee=world.form_committee())
    world.wait_until(poll.definition.opens)
    ledger, seed = world.folder / "ledger", tmp_path / "voter.seed"
    words = ("vote", poll.id.hex()[:8], "--ledger", ledger, "--seed", seed,
             "--person", world.citizens[0].person, "--registrar", world.folder / "registrar-1")  # fmt: skip
    fails(2, "Too few witnesses", *words, "--collect", run=inside)
    assert not seed.exists()
    world.cosign()
    ok(*words, "--collect", run=inside)


def test_a_receipt_waits_for_witnesses(world: World, tmp_path: Path) -> None:
    poll = world.poll([TRAMS], committee=world.form_committee())
    world.wait_until(poll.definition.opens)
    world.cosign()
    number = world.vote(world.citizens[0], poll, [[1, 0]])
    world.engine.tick()
    ledger, receipt = world.folder / "ledger", tmp_path / "receipt"
    ok("ledger", "receipt", "--ledger", ledger, number, "-o", receipt, run=inside)
    assert ok("verify", ledger, "--receipt", receipt, "--json", run=inside).json["receipt"]["state"] == "unwitnessed"
    assert "too few witnesses" in ok("verify", ledger, "--receipt", receipt, run=inside).out
    world.cosign()
    assert ok("verify", ledger, "--receipt", receipt, "--json", run=inside).json["receipt"]["state"] == "waiting"


def test_a_ballot_that_no_witness_saw_is_named_as_one(world: World, tmp_path: Path) -> None:
    """By ``veche find`` and ``veche ledger check-receipt``, until they have."""
    poll = world.poll([TRAMS], committee=world.form_committee())
    world.wait_until(poll.definition.opens)
    world.cosign()
    ledger, seed = world.folder / "ledger", tmp_path / "voter.seed"
    at = ("--ledger", ledger, "--seed", seed)
    number = world.vote(world.citizens[0], poll, [[1, 0]])
    world.engine.tick()
    world.citizens[0].voter._seed.save(seed)
    receipt = tmp_path / "ballot.tlog-proof"
    ok("ledger", "receipt", "--ledger", ledger, number, "-o", receipt, run=inside)
    (tmp_path / "ballot.entry").write_bytes(world.ledger.entry(number))
    check = ("ledger", "check-receipt", receipt, "--ledger", ledger)
    assert "Too few witnesses" in ok("find", *at, run=inside).out
    assert "Too few witnesses" in ok(*check, run=inside).out
    assert ok(*check, "--json", run=inside).json["witnessed"] is False
    world.cosign()
    assert "Too few witnesses" not in ok("find", *at, run=inside).out
    assert ok(*check, "--json", run=inside).json["witnessed"] is True
