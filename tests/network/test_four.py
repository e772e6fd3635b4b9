"""Four institutions keep one ledger, each in processes of its own: a poll from its beginning to its archive."""

import hashlib
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cli.conftest import inside, ok
from engine.stage import TRAMS

from veche.audit.archive import verify_archive
from veche.audit.export import write_archive
from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold
from veche.ledger.poll_state import PollState
from veche.log.checkpoint import SignedCheckpoint
from veche.log.receipt import Receipt, verify_receipt
from veche.log.source import Folder
from veche.world import Citizen

from .hosts import City, Host, Hosts, copy_of, log_of
from .proxy import Network


def now(city: City, poll: PollState) -> PollState:
    """The poll as it is now."""
    found = city.ledger.state.poll(poll.id)
    assert isinstance(found, PollState)
    return found


def hand_in(city: City, citizen: Citizen, poll: PollState, choice: list[int], *hosts: Host) -> str:
    """Vote through these hosts; the entry's hash."""
    entry = city.entry(citizen, poll, [choice])
    for host in hosts:
        answer = host.client.hand_in(entry)
        assert answer.status == 202, answer.json
    return hashlib.sha256(entry).hexdigest()


def knows(host: Host, entry: str) -> bool:
    return host.client.get(f"/entries/{entry}").status == 200


def test_four_institutions_keep_one_ledger(tmp_path: Path) -> None:
    city_of = {"citizens": {"Centre": 10}, "registrars": (1, 1, 0), "test": 1000}
    with Network() as network, City(tmp_path, Hosts(network), **city_of) as city:
        one, two, three, four = everybody = city.hosts.all
        poll = city.poll([TRAMS], committee=city.form_committee(), days=1)
        city.wait_until(poll.definition.opens)
        poll = now(city, poll)
        voters, handed_in = iter(city.citizens), list[str]()

        # The same ballot through three nodes lands once, and over a third promise that it will.
        handed_in.append(hand_in(city, next(voters), poll, [1, 0], one, two, three))
        answered = one.client.wait(handed_in[0], "final")
        assert len(answered["promises"]) > 1

        # One is killed: the others go on, and it comes after them.
        four.kill()
        handed_in.append(hand_in(city, next(voters), poll, [1, 0], two))
        two.client.wait(handed_in[-1], "final")
        four.start()
        city.remote.wait(lambda: (said := four.status()) and said["final"] == one.status()["final"])

        # All are cut off from each other: nothing is decided, nothing is lost.
        for host in everybody:
            host.cut()
        time.sleep(1)
        size = one.status()["size"]
        alone = [hand_in(city, next(voters), poll, [0, 1], host) for host in everybody]
        time.sleep(2)
        assert one.status()["size"] == size
        for host, entry in zip(everybody, alone, strict=True):
            said = host.client.get(f"/entries/{entry}").json
            assert said["stage"] == "kept" and len(said.get("promises", [])) == 1, (host.number, said, host.status())
        for host in everybody:
            host.mend()
        for host, entry in zip(everybody, alone, strict=True):
            host.client.wait(entry, "final")
        handed_in += alone

        # Two are cut off from two: each side can promise, and neither can decide.
        sides = (one, two), (three, four)
        for side in sides:
            for host in side:
                host.admit(side)
        time.sleep(1)
        size = one.status()["size"]
        parted = [hand_in(city, next(voters), poll, choice, host) for choice, host in (([1, 0], one), ([0, 1], three))]
        for host, entry in zip((one, three), parted, strict=True):
            assert len(host.client.wait(entry, "sent")["promises"]) == 2
        time.sleep(3)
        assert {host.status()["size"] for host in everybody} == {size}, "neither side decides anything"
        assert one.client.get(f"/entries/{parted[1]}").status == 404, "the other side has not heard of it"
        for host in everybody:
            host.admit(None)
        for entry in parted:
            for host in everybody:
                city.remote.wait(partial(knows, host, entry))
                host.client.wait(entry, "final")
        handed_in += parted

        # A node that lies: with the receipt of another ballot, or under a head that two institutions signed.
        policy = city.ledger.state.succession.policy(1)
        number, receipt = (one.client.get(f"/entries/{handed_in[0]}{path}") for path in ("", "/receipt"))
        data = city.ledger.entry(number.json["number"])
        with pytest.raises(DoesNotHold, match="inclusion"):
            verify_receipt(one.client.get(f"/entries/{handed_in[1]}/receipt").body, data, policy)
        honest = Receipt.parse(receipt.body)
        few = SignedCheckpoint(honest.checkpoint.checkpoint, honest.checkpoint.signatures[:2])
        with pytest.raises(DoesNotHold, match="2 of 4 signed, and 3 are needed"):
            verify_receipt(replace(honest, checkpoint=few).to_bytes(), data, policy)

        # Everybody knows of everything, with a receipt that needs nobody's word.
        handed_in.append(hand_in(city, next(voters), poll, [1, 0], three))
        three.client.wait(handed_in[-1], "final")
        city.remote.tick()
        for host in everybody:
            for entry in handed_in:
                number = host.client.get(f"/entries/{entry}").json["number"]
                data = city.ledger.entry(number)
                assert hashlib.sha256(data).hexdigest() == entry
                assert verify_receipt(host.client.get(f"/entries/{entry}/receipt").body, data, policy).index == number

        city.wait_until(now(city, poll).closing)
        city.trustees_act()
        city.remote.tick()
        decided = now(city, poll)
        assert decided.result is not None and decided.result.total == ((4, 5),)

    logs = [log_of(copy_of(host, tmp_path / f"copy-{host.number}")) for host in everybody]
    assert all(log == logs[0] for log in logs)
    hashes = [hashlib.sha256(entry).hexdigest() for entry in logs[0]]
    assert [hashes.count(entry) for entry in handed_in] == [1] * 9
    verified = verify_ledger(Folder(tmp_path / "copy-3"))
    found = verified.state.poll(poll.id)
    assert found is not None
    (tmp_path / "answer.json").write_text(json.dumps(answered))
    (tmp_path / "entry").write_bytes(
        next(entry for entry in logs[0] if hashlib.sha256(entry).hexdigest() == handed_in[0])
    )
    judged = ok(
        "verify", tmp_path / "copy-2", "--promise", tmp_path / "answer.json", tmp_path / "entry", "--json", run=inside
    )
    assert {promise["verdict"] for promise in judged.json["promises"]} == {"kept"}
    write_archive(verified, found, tmp_path / "poll.bel")
    assert verify_archive(tmp_path / "poll.bel").result is not None
