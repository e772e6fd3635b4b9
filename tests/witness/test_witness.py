"""What a witness cosigns and what never; and for how much of a ledger a quorum of them vouches."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from backups import WAYS
from faults import crashes
from node import Node
from stranger.cbor import Refused as Unbelieved
from stranger.verify import verify as stranger

from veche.audit.ledger import verify_ledger
from veche.audit.witnesses import Cosigned, Witnesses, identify, size_of
from veche.clock import AHEAD, STEP, by_hand
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.entries.poll import Choice
from veche.ledger.heads import Succession, cosigned_policy, witness_verifier
from veche.ledger.shape import Text
from veche.log.checkpoint import SignedCheckpoint, sign
from veche.log.log import export
from veche.log.source import Export, Folder
from veche.witness.journal import Journal
from veche.witness.witness import Witness, put_cosigned
from veche.world import World

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "city", citizens={"Centre": 3}, registrars=(1, 1, 0), witnesses=(4, 1)) as made:
        yield made


def ledger(world: World) -> Path:
    return world.folder / "ledger"


def cosign(world: World, number: int = 0, folder: Path | None = None, late: int = 0) -> SignedCheckpoint:
    """What the witness with this number cosigns now."""
    return world.witnesses[number].cosign(Folder(folder or ledger(world)), lambda: by_hand(world.now + late))


def heads(witness: Path) -> list[list[str]]:
    with Journal.open(witness) as journal:
        return [words[1:] for words in journal.events if words[0] == "head"]


def grow(world: World) -> None:
    world.say("notice", [b"", [f"It is {world.now}.", f"Сейчас {world.now}."], []], world.organisers[0])
    world.wait(60)


def test_a_head_is_cosigned_and_written_down(world: World) -> None:
    grow(world)
    signed = cosign(world)
    head = signed.checkpoint
    key = world.witnesses[0].key.public
    times = SignedCheckpoint.parse(signed.to_bytes()).verify(cosigned_policy(Succession(world.charter).policy(0), key))
    assert times[witness_verifier(world.charter.origin, key)] == world.now
    assert (head.size, head.root) == (world.ledger.size, world.ledger.head.root)
    assert heads(world.folder / "witness-1") == [[str(head.size), head.root.hex(), *by_hand(world.now).words()]]
    assert cosign(world, late=7).checkpoint == head  # again, later
    grow(world)
    assert cosign(world, late=7).checkpoint.size > head.size


def test_a_quorum_vouches_for_what_each_of_them_has_seen(world: World) -> None:
    world.wait(60)
    for number in range(4):
        grow(world)
        put_cosigned(ledger(world), world.witnesses[number].key.public, cosign(world, number))
    found = world.check().witnesses
    first, second, third, fourth = sorted(found.cosigned, key=lambda one: one.size)
    assert (found.seats, found.quorum, found.size) == (4, 3, second.size)
    assert found.vouch(second.size) and not found.vouch(second.size + 1)
    assert found.vouch(1, second.time) and not found.vouch(1, second.time + 1)
    assert first.size < second.size < third.size < fourth.size


def test_counting_a_quorum() -> None:
    assert not Witnesses(0, 0, ()).vouch(0) and Witnesses(0, 0, ()).size == 0
    few = Witnesses(4, 3, tuple(Cosigned(name, size, 0) for name, size in (("A", 9), ("B", 7))))
    assert few.size == 0 and not few.vouch(1)


def test_a_fork_is_an_alarm(world: World, tmp_path: Path) -> None:
    world.engine.tick()
    shutil.copytree(ledger(world), tmp_path / "fork")
    grow(world)
    cosign(world)
    with Node(tmp_path / "fork") as fork:
        while fork.ledger.size < world.ledger.size:
            fork.block(fork.ledger.time + 601)
        fork.publish()
        with pytest.raises(DoesNotHold, match="rewritten"):
            cosign(world, folder=tmp_path / "fork", late=3600)
        assert len(heads(world.folder / "witness-1")) == 1
    cosign(world)  # and the true one goes on


def test_a_shorter_copy_and_another_ledger_are_not_cosigned(world: World, tmp_path: Path) -> None:
    world.engine.tick()
    shutil.copytree(ledger(world), tmp_path / "old")
    grow(world)
    cosign(world)
    with pytest.raises(UserError, match="were there when this witness last looked"):
        cosign(world, folder=tmp_path / "old")
    with World(tmp_path / "other", witnesses=(1, 0)) as other:
        other.engine.tick()
        with pytest.raises(UserError, match="serves ledger"):
            cosign(world, folder=other.folder / "ledger")


def test_a_head_that_the_log_did_not_sign_is_not_cosigned(world: World) -> None:
    world.engine.tick()
    path = ledger(world) / "checkpoint"
    signed = SignedCheckpoint.parse(path.read_bytes())
    line = replace(signed.signatures[0], data=bytes(64))
    path.write_bytes(SignedCheckpoint(signed.checkpoint, (line,)).to_bytes())
    with pytest.raises(DoesNotHold):
        cosign(world)
    assert heads(world.folder / "witness-1") == []


def test_a_line_by_another_key_of_the_log_s_name_is_left_out(world: World) -> None:
    """C2SP lets anybody's line stand beside the log's; what is cosigned holds all the same."""
    world.engine.tick()
    path = ledger(world) / "checkpoint"
    signed = SignedCheckpoint.parse(path.read_bytes())
    foreign = sign(signed.checkpoint, SigningKey.generate())
    path.write_bytes(replace(signed, signatures=(foreign, *signed.signatures)).to_bytes())
    key = world.witnesses[0].key.public
    SignedCheckpoint.parse(cosign(world).to_bytes()).verify(cosigned_policy(Succession(world.charter).policy(0), key))


def test_clocks_that_disagree(world: World) -> None:
    """The ledger's time may be ahead by five minutes; and a witness's own clock never goes back."""
    grow(world)
    ahead = verify_ledger(Folder(ledger(world))).time
    with pytest.raises(UserError, match="ahead of this machine's clock"):
        cosign(world, late=ahead - world.now - AHEAD - 1)
    cosign(world, late=ahead - world.now - AHEAD)
    cosign(world, late=10)
    with pytest.raises(UserError, match="behind the last cosignature"):
        cosign(world, late=9)
    with pytest.raises(UserError, match="was moved ahead"):
        world.witnesses[0].cosign(Folder(ledger(world)), lambda: by_hand(world.now + STEP + 20, STEP + 20))


@pytest.mark.parametrize("restore", WAYS, ids=lambda way: way.__name__)
def test_a_restored_folder_cosigns_no_more(world: World, tmp_path: Path, restore: object) -> None:
    assert callable(restore)
    world.engine.tick()
    cosign(world)
    folder = world.folder / "witness-1"
    shutil.copytree(folder, tmp_path / "backup")
    for _ in range(
        2
    ):  # one event that only the file "place" still has would be taken over from there: nothing is forgotten
        grow(world)
        cosign(world)
    restore(tmp_path / "backup", folder)
    with pytest.raises(UserError, match="copy or a restored backup"):
        Witness.load(folder).cosign(Folder(ledger(world)), lambda: by_hand(world.now))


def test_a_crash_leaves_a_witness_that_goes_on_and_never_two_roots_of_one_size(world: World, tmp_path: Path) -> None:
    """Whatever was interrupted, what was cosigned is in the journal, and the true ledger is cosigned next."""
    world.engine.tick()
    cosign(world)
    folder = world.folder / "witness-1"
    given: list[SignedCheckpoint] = []
    for disk in crashes(lambda: given.append(cosign(world)), lambda: grow(world)):
        assert disk.stopped is not None
        given.append(Witness.load(folder).cosign(Folder(ledger(world)), lambda: by_hand(world.now)))
        roots = {size: root for size, root, *_ in heads(folder)}
        assert all(roots[str(one.checkpoint.size)] == one.checkpoint.root.hex() for one in given)


def test_what_a_voter_encrypts_for_is_vouched_for(world: World) -> None:
    poll = world.announce([TRAMS], committee=world.form_committee())
    world.cosign()
    grow(world)
    verified = world.check()
    found = verified.state.poll(poll.id)
    assert found is not None and verified.witnesses.vouch(size_of(verified.log, found))
    number = world.submit(world.permit_keys(0, poll))
    grow(world)
    verified = world.check()
    found = verified.state.poll(poll.id)
    assert found is not None and size_of(verified.log, found) == number + 1
    assert not verified.witnesses.vouch(number + 1)
    world.cosign()
    assert world.check().witnesses.vouch(number + 1)


def test_cosigned_heads_travel_with_an_export(world: World, tmp_path: Path) -> None:
    world.cosign()
    export(Folder(ledger(world)), tmp_path / "city.tar")
    with Export(tmp_path / "city.tar") as source:
        assert verify_ledger(source).witnesses == world.check().witnesses
        signed = Witness.load(world.folder / "witness-1").cosign(source, lambda: by_hand(world.now))
    verified = world.check()
    key, cosigned = identify(verified.log, verified.state, signed)
    assert (key, cosigned.size) == (world.witnesses[0].key.public, verified.head.size)


def test_a_head_that_no_witness_cosigned_is_not_put_beside_the_ledger(world: World) -> None:
    world.engine.tick()
    verified = world.check()
    with pytest.raises(UserError, match="No witness of this ledger"):
        identify(verified.log, verified.state, verified.source.checkpoint())
    grow(world)
    with pytest.raises(UserError, match="this copy of the ledger has"):
        identify(verified.log, verified.state, cosign(world))


def test_a_suspended_witness_does_not_count_and_none_leaves_who_is_needed(world: World) -> None:
    world.cosign()
    first, second = world.witnesses[:2]
    assert world.check().witnesses.count(1) == 4
    world.say("office", ["suspend", first.institution, "observer", first.key.public, 0], first.key)
    found = world.check().witnesses
    assert (found.seats, found.quorum, found.count(1)) == (4, 3, 3)
    with pytest.raises(Refused, match="Too few witnesses"):
        world.say("office", ["retire", second.institution, "observer", second.key.public, 1],
                  second.key, *world.organisers, world.trustees[0].key)  # fmt: skip


@pytest.mark.parametrize("way", ["link", "folder", "pipe", "too long"])
def test_what_has_a_cosigned_heads_name_is_a_file(way: str, world: World, tmp_path: Path) -> None:
    """For both verifiers, though the content would hold."""
    grow(world)
    path = put_cosigned(ledger(world), world.witnesses[0].key.public, cosign(world))
    stranger(ledger(world))
    if way == "too long":
        with path.open("r+b") as file:
            file.truncate((1 << 17) + 1)
    else:
        moved = path.rename(tmp_path / "moved")
        if way == "link":
            path.symlink_to(moved)
        elif way == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)
    with pytest.raises(DoesNotHold):
        verify_ledger(Folder(ledger(world)))
    with pytest.raises(Unbelieved):
        stranger(ledger(world))
