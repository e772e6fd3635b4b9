"""A network's heads: final with the cosignatures of over two thirds of its validators, for everybody who reads one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche.audit.compare import Copy, Relation, compare
from veche.audit.ledger import verify_ledger
from veche.audit.receipt import check_receipt
from veche.cli.group import main
from veche.clock import system
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.heads import STALE, age, check_fresh, check_whose, policy_of, validator_verifier
from veche.ledger.reader import read_own
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign, sign
from veche.log.cosigner import Cosigner
from veche.log.log import Log
from veche.log.note import Verifier
from veche.log.receipt import Receipt
from veche.log.source import Folder
from veche.texts import Message
from veche.world import VALIDATORS, Played, World

from .stage import TRAMS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A city on a network of seven, with witnesses, and a poll in which all have voted."""
    with World(tmp_path_factory.mktemp("city"), registrars=(1, 1, 0), witnesses=(1, 0), engine=Played(7)) as made:
        poll = made.poll([TRAMS], committee=made.form_committee(), days=1)
        made.wait_until(poll.definition.opens)
        for citizen in made.citizens:
            made.vote(citizen, poll, [[1, 0]])
        made.wait_until(poll.closing)
        made.trustees_act()
        yield made


def signed(world: World, count: int) -> SignedCheckpoint:
    """The head that is published, with so many of its cosignatures."""
    head = Folder(world.folder / "ledger").checkpoint()
    return SignedCheckpoint(head.checkpoint, head.signatures[:count])


def published(world: World, folder: Path, head: SignedCheckpoint) -> Folder:
    """A copy under this head."""
    copied = shutil.copytree(
        world.folder / "ledger", folder, ignore=shutil.ignore_patterns("veche.db*", "place", "lock", "log.key")
    )
    (copied / "checkpoint").write_bytes(head.to_bytes())
    return Folder(copied)


def test_a_poll_is_decided_under_final_heads(world: World, tmp_path: Path) -> None:
    verified = world.check()
    (poll,) = verified.state.polls()
    assert poll.result is not None and len(signed(world, 7).signatures) == 7
    five = verify_ledger(published(world, tmp_path / "five", signed(world, 5)))
    assert five.head == verified.head
    with pytest.raises(DoesNotHold, match="4 of 7 signed, and 5 are needed") as caught:
        verify_ledger(published(world, tmp_path / "four", signed(world, 4)))
    assert caught.value.step == "L2"


def test_a_suspended_reader_has_its_own_database_and_believes_no_fewer(world: World) -> None:
    world.engine.tick()
    folder, whole = world.folder / "ledger", signed(world, 7)
    with read_own(folder) as reader:
        assert reader.succession.policy(reader.size).quorum == 5
    try:
        (folder / "checkpoint").write_bytes(signed(world, 4).to_bytes())
        with pytest.raises(DoesNotHold, match="4 of 7 signed"), read_own(folder):
            pass
    finally:
        (folder / "checkpoint").write_bytes(whole.to_bytes())


def test_receipts_carry_the_cosignatures(world: World) -> None:
    verified, head = world.check(), signed(world, 5)
    receipt = verified.log.receipt(9, head)
    assert check_receipt(verified, Receipt.parse(receipt.to_bytes())).entry == 9
    keys = list(verified.state.succession.policy(1).power)
    receipt.checkpoint.verify(policy_of(keys))
    for few in (verified.log.receipt(9, signed(world, 4)),):
        with pytest.raises(DoesNotHold, match="4 of 7 signed"):
            check_receipt(verified, few)
        with pytest.raises(DoesNotHold, match="4 of 7 signed"):
            few.checkpoint.verify(policy_of(keys))


def test_keys_that_are_given(world: World) -> None:
    keys = list(world.ledger.state.succession.policy(1).power)
    assert policy_of(keys) == world.ledger.state.succession.policy(1)
    log = Verifier(keys[0].name.split("/validator/")[0], 1, SigningKey.generate().public)
    assert policy_of([log]).quorum == 1
    other = validator_verifier("veche.example/town", SigningKey.generate().public)
    for wrong in ([*keys, log], [*keys, other], [log, Verifier(log.name, 1, keys[0].public)]):
        with pytest.raises(UserError, match="do not sign the heads of one ledger"):
            policy_of(wrong)


def test_a_head_of_another_network_is_no_forgery(world: World) -> None:
    head = signed(world, 7).checkpoint
    others = tuple(
        cosign(head, validator_verifier(head.origin, key.public).name, key, 0)
        for key in (SigningKey.generate() for _ in range(5))
    )
    with pytest.raises(UserError, match="another ledger of the same name"):
        check_whose(SignedCheckpoint(head, others), world.ledger.state.succession, Message("The head"))
    check_whose(
        SignedCheckpoint(head, (*others, *signed(world, 1).signatures)),
        world.ledger.state.succession,
        Message("The head"),
    )


def test_a_witness_cosigns_what_is_final(world: World, tmp_path: Path) -> None:
    world.cosign()
    (witness,) = world.witnesses
    made = SignedCheckpoint.parse((world.folder / "ledger" / "witness" / witness.key.public.hex()).read_bytes())
    assert len(made.signatures) == 8
    with pytest.raises(DoesNotHold, match="4 of 7 signed"):
        witness.cosign(published(world, tmp_path / "four", signed(world, 4)), world.clock)
    assert world.check().witnesses.vouch(made.checkpoint.size)
    (world.folder / "ledger" / "witness" / witness.key.public.hex()).write_bytes(
        SignedCheckpoint(made.checkpoint, made.signatures[3:]).to_bytes()
    )
    with pytest.raises(DoesNotHold) as caught:
        world.check()
    assert caught.value.step == "L9"
    world.cosign()


def test_validators_do_not_witness(world: World) -> None:
    state = world.ledger.state
    assert world.charter.operators == VALIDATORS[:7] and set(state.witnesses().values()).isdisjoint(VALIDATORS)


def test_copies_compare(world: World, tmp_path: Path) -> None:
    world.check()
    whole = Copy.of("whole", published(world, tmp_path / "whole", signed(world, 7)))
    assert compare(whole, Copy("head", signed(world, 5))) is Relation.EQUAL
    with pytest.raises(DoesNotHold, match="4 of 7 signed"):
        compare(whole, Copy("head", signed(world, 4)))
    assert isinstance(whole.log, Log)


def cosigned_at(world: World, *times: int) -> SignedCheckpoint:
    """The head, cosigned by so many validators at these times."""
    head = signed(world, 7).checkpoint
    keys = zip(world.head_keys, times, strict=False)
    return SignedCheckpoint(
        head, tuple(cosign(head, validator_verifier(head.origin, key.public).name, key, time) for key, time in keys)
    )


def test_a_head_is_as_old_as_the_last_time_when_enough_vouched_for_it(world: World) -> None:
    policy = world.ledger.state.succession.policy(9)
    head = cosigned_at(world, 100, 900, 300, 400, 500, 600, 700)  # five of seven: 900, 700, 600, 500, 400
    assert age(head, policy, 1000) == 600 and age(head, policy, 400) == 0 and age(head, policy, 300) == 0
    check_fresh(head, policy, 400 + STALE)
    with pytest.raises(UserError, match="vouched for this copy of the ledger 5 minutes 1 second ago"):
        check_fresh(head, policy, 401 + STALE)
    assert age(cosigned_at(world, 100, 900, 300, 400, 500), policy, 1000) == 900
    with pytest.raises(DoesNotHold):
        age(cosigned_at(world, 900, 900, 900, 900), policy, 1000)
    log = SigningKey.generate()
    embedded = Policy.log("veche.example/town", log.public)
    over = Checkpoint("veche.example/town", 2, bytes(32))
    assert age(SignedCheckpoint(over, (sign(over, log),)), embedded, 10**10) == 0, "a log's signature has no time"


def test_whoever_acts_does_so_under_a_fresh_head(world: World, tmp_path: Path) -> None:
    """Trustees, registrars and voters; whoever looks may look."""
    world.check()
    now = int(system().time)
    poll = world.ledger.state.polls()[0].id.hex()
    for name, code in (("old", 2), ("fresh", 0)):
        published(world, tmp_path / name, cosigned_at(world, *(now - (1000 if name == "old" else 5) for _ in range(7))))
        folder = tmp_path / name
        runner = CliRunner()
        acting = ["trustee", "act", str(world.folder / "trustee-1"), "--ledger", str(folder), "--timeout", "0"]
        voting = ["vote", poll, "--ledger", str(folder), "--seed", str(tmp_path / "seed"), "--seal", "--choose", "1"]
        for command in (acting, voting):
            done = runner.invoke(main, command)
            assert ("last vouched for this copy of the ledger" in done.output + str(done.exception)) is (code == 2), (
                done.output
            )
        assert runner.invoke(main, ["poll", "show", poll, "--ledger", str(folder)]).exit_code == 0


def test_a_key_signs_the_heads_for_which_it_is_a_validators(world: World) -> None:
    stranger = Publishing(world.ledger, [SigningKey.generate()])  # it may have a seat some day
    assert stranger.sign(world.now).signatures == () and not stranger.alone
    for held in world.head_keys:
        assert Cosigner(world.ledger.folder, "a", held).last == world.ledger.head
