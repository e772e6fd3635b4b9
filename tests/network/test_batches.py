"""What validators pass on to each other together: how it reads, and that it is taken from nobody else."""

import asyncio
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import cbor2
import pytest
from engine.stage import Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.keys import SigningKey
from veche.node import batch, peers
from veche.node.intake import Intake, Way
from veche.node.progress import Stage as Reached

from .conftest import Answer, Client, running


@pytest.mark.parametrize("length", [0, 1, 23, 24, 255, 256, 65_535])
def test_a_batch_reads_as_it_was_written(length: int) -> None:
    entries = [bytes(length), b"", b"\x80" * length]
    assert batch.read(batch.write(entries)) == entries and batch.read(batch.write([])) == []


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=40), st.lists(st.binary(max_size=300), max_size=30).map(batch.write)), st.data())
def test_whatever_a_batch_is_it_is_read_as_cbor_or_refused(data: bytes, more: st.DataObject) -> None:
    bent = bytearray(data)
    for _ in range(more.draw(st.integers(0, 3))):
        if bent:
            bent[more.draw(st.integers(0, len(bent) - 1))] = more.draw(st.integers(0, 255))
    try:
        entries = batch.read(bytes(bent))
    except ValueError:
        return
    assert cbor2.loads(bytes(bent)) == entries


BATCHES = {
    "nothing": b"",
    "no array": b"\xa0",
    "no bytes": b"\x81\x01",
    "more than may be": cbor2.dumps([b""] * 257),
    "longer than it is": b"\x9b\x00\x00\x00\x0f\xff\xff\xff\xff",
    "deep": b"\x81" * 100_000,
    "cut short": b"\x81\x58\xff",
    "a fraction": b"\x81\xd8\x1e\x82\xc2\x5a\x00\x0f\x42\x40" + b"\xff" * 1_000_000 + b"\xc2\x5a\x00\x0e\x42\x40" + b"\xf1" * 934_464,
    "something follows": cbor2.dumps([b"a"]) + b"\x00",
}  # fmt: skip


def pass_on(client: Client, sent: bytes) -> Answer:
    return client.ask("POST", "/batch", sent, Content_Type="application/cbor")


def by_validator(stage: Stage, client: Client, sent: bytes) -> bytes:
    """As the validator of a network of one signs it; on an embedded ledger there is none."""
    return batch.sign(sent, bytes.fromhex(client.get("/status").json["ledger"]), stage.key.public, stage.key)


def is_network(client: Client) -> bool:
    return bool(client.get("/status").json["engine"] == "cometbft")


@pytest.mark.parametrize("sent", BATCHES.values(), ids=list(BATCHES))
def test_a_batch_that_is_none_is_refused_at_once(stage: Stage, sent: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with running(stage) as client:
        start = time.monotonic()
        signed = by_validator(stage, client, sent)
        assert pass_on(client, signed).status == (400 if is_network(client) else 403)
        assert time.monotonic() - start < 3
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_batch_of_a_validator_is_answered_entry_by_entry(stage: Stage) -> None:
    good = stage.ballots[0]
    forged = [good[:-1] + bytes([good[-1] ^ bits]) for bits in range(1, 201)]
    with running(stage) as client:
        answer = pass_on(client, by_validator(stage, client, batch.write(forged)))
        if is_network(client):
            assert answer.status == 200 and {one["stage"] for one in answer.json} == {"refused"}
        else:
            assert answer.status == 403
        assert client.get("/status").json["waiting"] == 0


def test_a_batch_of_a_stranger_is_not_looked_at(stage: Stage) -> None:
    """What one request brings in would cost a client 256, and fill the node with twenty."""
    sent, key, stranger = batch.write(stage.ballots), stage.key, SigningKey.generate()
    with running(stage) as client:
        ledger = bytes.fromhex(client.get("/status").json["ledger"])
        good = batch.sign(sent, ledger, key.public, key)
        bad = [
            sent,
            batch.sign(sent, ledger, key.public, stranger),
            batch.sign(sent, ledger, stranger.public, key),  # for another node
            batch.sign(sent, bytes(32), key.public, key),  # of another ledger
            good[:-1] + bytes([good[-1] ^ 1]),
            stranger.public + good[32:],
            good[: batch.SIGNED - 1],
        ]
        before = client.figures()
        for one in bad:
            answer = pass_on(client, one)
            assert answer.status == 403 and "by itself" in answer.json["message"]["en"]
        after = client.figures()
        assert client.get("/status").json["waiting"] == 0
        assert {name: value for name, value in after.items() if "refused" in name} == {
            name: value for name, value in before.items() if "refused" in name
        }


def test_a_node_without_a_seat_hands_in_as_a_client_does(stage: Stage) -> None:
    """Its batches are taken by nobody before its seat counts, and what it took in would lie there until then."""
    good, own = stage.ballots[:3], SigningKey.generate()
    forged = good[0][:-1] + bytes([good[0][-1] ^ 1])

    async def passed(client: Client, seated: bool, sent: list[bytes]) -> list[bytes]:
        """What has not been passed on after a while."""
        engine: Any = SimpleNamespace(ledger=SimpleNamespace(id=bytes.fromhex(client.get("/status").json["ledger"])))
        peer = peers.Peer("http://{}:{}".format(*client.address), stage.key.public, own, None, engine)  # type: ignore[arg-type]
        for entry in sent:
            way: Any = SimpleNamespace(hash=sha256(entry).digest(), entry=entry, stage=Reached.KEPT, number=None)
            way.promises = {}
            peer.pass_on(way)
        peer._intake = SimpleNamespace(height=0, promised=lambda way, promise: None)  # type: ignore[assignment]
        async with aiohttp.ClientSession() as session:
            task = asyncio.create_task(peer.pass_entries(session, lambda: seated))
            with suppress(TimeoutError):
                async with asyncio.timeout(30 if not seated else 0.5):
                    while list(peer.waiting):
                        await asyncio.sleep(0.01)
            task.cancel()
        return [way.entry for way in peer.waiting]

    with running(stage) as client:
        assert asyncio.run(passed(client, True, good)) == good, "as long as it takes itself for a validator"
        assert asyncio.run(passed(client, False, [*good, forged])) == []
        stages = [client.get(f"/entries/{sha256(entry).hexdigest()}").json["stage"] for entry in [*good, forged]]
        assert "refused" not in stages[:3] and stages[3] == "refused"


def test_what_a_client_hands_in_is_passed_on_though_a_validator_had_passed_it_on_here(tmp_path: Path) -> None:
    """That one may have passed it on to nobody else."""

    async def take() -> None:
        state = SimpleNamespace(validators=lambda: ())
        ledger = SimpleNamespace(folder=tmp_path, state=state, height=1, time=1, size=2)
        engine: Any = SimpleNamespace(ledger=ledger, watch=lambda watcher: None, submit=lambda entry, way: None)
        outbox: Any = SimpleNamespace(keep=lambda entries: None)
        intake = Intake(engine, outbox, None, asyncio.get_running_loop())
        held: list[tuple[Way, bool]] = []
        intake.held = lambda way: held.append((way, way.own))
        way = intake.begin(b"a ballot", own=False)
        way.looked(None, None)
        assert (await intake.taken(way)).stage is Reached.KEPT and held == [(way, False)]
        for _ in range(2):
            assert intake.begin(b"a ballot", own=False) is way
        assert len(held) == 1
        for _ in range(2):
            assert intake.begin(b"a ballot") is way
        assert held[1:] == [(way, True)]
        await intake.close()

    asyncio.run(take())
