"""Four institutions keep one ledger, each in processes of its own: a poll from its beginning to its archive."""

import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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

from . import citizens
from .hosts import City, Host, Hosts, copy_of, log_of
from .proxy import Network


def now(city: City, poll: PollState) -> PollState:
    """The poll as it is now."""
    found = city.ledger.state.poll(poll.id)
    assert isinstance(found, PollState)
    return found


def hand_in(city: City, citizen: Citizen, poll: PollState, choice: list[int], *hosts: Host | citizens.Citizen) -> str:
    """Vote through these hosts; the entry's hash."""
    entry = city.entry(citizen, poll, [choice])
    for host in hosts:
        answer = host.client.hand_in(entry)
        assert answer.status == 202, answer.json
    return hashlib.sha256(entry).hexdigest()


def knows(host: Host | citizens.Citizen, entry: str) -> bool:
    return host.client.get(f"/entries/{entry}").status == 200


def status(host: Host | citizens.Citizen) -> Any:
    return host.status()


def test_four_institutions_keep_one_ledger(tmp_path: Path) -> None:
    city_of = {"citizens": {"Centre": 10}, "registrars": (1, 1, 0), "test": 1000}
    with Network() as network, City(tmp_path, Hosts(network), **city_of) as city, ExitStack() as stack:
        one, two, three, four = everybody = city.hosts.all
        poll = city.poll([TRAMS], committee=city.form_committee(), days=1)
        city.wait_until(poll.definition.opens)
        poll = now(city, poll)
        voters, handed_in = iter(city.citizens), list[str]()

        # Two citizens join: one at an institution's node, and one who reaches nobody but the first.
        near, far = (
            citizens.Citizen(number, tmp_path / name, tmp_path / "clock") for number, name in enumerate(("near", "far"))
        )
        for host in everybody:
            host.admit((*everybody, near), breaking=False)
        stack.enter_context(citizens.stopping(near, far))
        nodes: tuple[Host | citizens.Citizen, ...] = (*everybody, near, far)
        near.start(f"http://127.0.0.2:{one.wires[0].port}")
        near.wait_for(one.status()["final"])
        far.start(near.url)
        far.wait_for(one.status()["final"])

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

        # Two are cut off from two: each side can promise, and neither can decide. One citizen is on the first one's, the other behind that.
        sides = (one, two), (three, four)
        for side in sides:
            for host in side:
                host.admit(side if host in sides[1] else (*side, near))
        time.sleep(1)
        size = one.status()["size"]
        parted = [hand_in(city, next(voters), poll, choice, host) for choice, host in (([1, 0], one), ([0, 1], three))]
        for host, entry in zip((one, three), parted, strict=True):
            assert len(host.client.wait(entry, "sent")["promises"]) == 2
        parted.append(hand_in(city, next(voters), poll, [0, 1], far))
        for citizen in (far, near):
            promises = citizen.client.wait(parted[2], "sent")["promises"]
            assert {promise["validator"] for promise in promises} <= {key.public.hex() for key in city.head_keys[:2]}
            assert len(promises) == 2, "the institutions' own, and none of a citizen's"
        time.sleep(3)
        assert {said["size"] for said in map(status, nodes)} == {size}, "neither side decides anything"
        assert one.client.get(f"/entries/{parted[1]}").status == 404, "the other side has not heard of it"
        for host in everybody:
            host.admit((*everybody, near))
        for entry in parted:
            for each in nodes:
                city.remote.wait(partial(knows, each, entry))
                each.client.wait(entry, "final")
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
        size = one.status()["final"]
        for citizen in (near, far):
            citizen.wait_for(size)
        assert decided.result is not None and decided.result.total == ((4, 6),)

    logs = [log_of(copy_of(host, tmp_path / f"copy-{host.number}")) for host in everybody]
    for citizen in (near, far):
        ok("verify", citizen.folder, run=inside)
        logs.append(log_of(citizen.folder))
    assert all(log == logs[0] for log in logs)
    hashes = [hashlib.sha256(entry).hexdigest() for entry in logs[0]]
    assert [hashes.count(entry) for entry in handed_in] == [1] * 10
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
