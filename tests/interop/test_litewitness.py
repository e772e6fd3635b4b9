"""A ledger's heads, cosigned by a witness that others wrote: litewitness, unmodified, over its own protocol (c2sp.org/tlog-witness)."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.city import City, found
from cli.conftest import Engine, fails_inside, inside, ok_inside
from litewitness import LiteWitness
from network.test_following import url_of
from network.test_one_ledger import serving

from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, sign
from veche.log.log import Log
from veche.log.receipt import Receipt
from veche.log.source import Folder
from veche.log.tiles import CHECKPOINT
from veche.node.tlog_witness import Contradicted, Knows, OutsideWitness, Unwilling, add_checkpoint, log_verifier
from veche.node.web import Wire
from veche.node.witnessing import Witnessing
from veche.world import Played, World

NOBODY = "nobody outside knows"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return found(tmp_path_factory.mktemp("city"), run=inside)


@pytest.fixture
def witness() -> Iterator[LiteWitness]:
    short = Path(tempfile.mkdtemp(prefix="lw-"))  # a socket's path is of some hundred bytes at most
    try:
        with LiteWitness(short / "w") as made:
            yield made
    finally:
        shutil.rmtree(short)


def key_of(ledger: Path) -> SigningKey:
    return SigningKey.load(ledger / LOG_KEY)


def head_of(ledger: Path) -> SignedCheckpoint:
    return Folder(ledger).checkpoint()


def until(true: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def know(witness: LiteWitness, ledger: Path) -> None:
    witness.add_log(log_verifier(head_of(ledger).checkpoint.origin, key_of(ledger).public))


def test_it_cosigns_what_an_engine_publishes_and_everybody_is_shown(
    city: City, witness: LiteWitness, tmp_path: Path
) -> None:
    """The engine runs as people run it. What the witness cosigned verifies, is shown, stands in receipts; before, it is said that nobody knows."""
    ledger = tmp_path / "ledger"
    shutil.copytree(city.ledger, ledger)
    origin = head_of(ledger).checkpoint.origin
    assert NOBODY in ok_inside("verify", ledger).out and NOBODY in ok_inside("ledger", "show", "--ledger", ledger).out
    know(witness, ledger)
    engine = Engine(ledger, "--is-newest", "--witness", witness.named)
    try:
        before = head_of(ledger).checkpoint.size
        until(lambda: witness.size(origin) == head_of(ledger).checkpoint.size)
        ok_inside("committee", "form", "--class", "pilot", "-k", city.organisers[0], "-l", ledger)
        until(lambda: before < witness.size(origin) == head_of(ledger).checkpoint.size)
        file = ledger / "witness" / witness.verifier.public.hex()
        until(lambda: SignedCheckpoint.parse(file.read_bytes()).checkpoint == head_of(ledger).checkpoint)
        receipt = Receipt.parse(ok_inside("ledger", "receipt", "--ledger", ledger, before).out.encode())
        policy = Policy(origin, {log_verifier(origin, key_of(ledger).public): 1, witness.verifier: 1}, 2)
        signers = receipt.checkpoint.verify(policy)
        assert abs(signers[witness.verifier] - time.time()) < 600
    finally:
        answer = engine.stop()
    assert answer.code == 0 and f"The witness {witness.verifier.name} cosigned" in answer.err, answer.err
    told = ok_inside("verify", ledger, "--json").json["witnesses"]
    assert [(one["vkey"], one["size"]) for one in told["outside"]] == [
        (str(witness.verifier), head_of(ledger).checkpoint.size)
    ]
    for words in (["verify", ledger], ["ledger", "show", "--ledger", ledger]):
        said = ok_inside(*words).out
        assert str(witness.verifier) in said and NOBODY not in said
    ok_inside("export", "--ledger", ledger, tmp_path / "city.tar")
    assert str(witness.verifier) in ok_inside("verify", tmp_path / "city.tar").out
    with serving(ledger, Log(Folder(ledger), head_of(ledger).checkpoint).entry(0)) as address:
        seen = ok_inside("ledger", "show", "--ledger", url_of(address)).out  # without the ballots, and then with them
        assert str(witness.verifier) in seen and NOBODY not in seen
        assert str(witness.verifier) in ok_inside("verify", url_of(address)).out


def test_a_restored_backup_signs_nothing_when_a_witness_has_seen_more(
    city: City, witness: LiteWitness, tmp_path: Path
) -> None:
    ledger, backup = tmp_path / "ledger", tmp_path / "backup"
    shutil.copytree(city.ledger, backup)
    shutil.copytree(city.ledger, ledger)
    ok_inside("committee", "form", "--class", "pilot", "-k", city.organisers[0], "-l", ledger)
    know(witness, ledger)
    run = "ledger", "run", "--once", "--is-newest", "--witness", witness.named
    ok_inside(*run, "--ledger", ledger)
    head = head_of(backup)
    fails_inside(2, "is from a backup", *run, "--ledger", backup)
    assert head_of(backup) == head


def test_what_it_says_of_another_history_is_an_alarm_and_of_an_unknown_log_how_to_make_it_known(
    city: City, witness: LiteWitness
) -> None:
    signed, key = head_of(city.ledger), key_of(city.ledger)
    head = signed.checkpoint
    with Wire() as wire:
        one = OutsideWitness.parse(witness.named)
        with pytest.raises(Unwilling) as unknown:
            add_checkpoint(wire, one, key, signed, 0)
        assert str(log_verifier(head.origin, key.public)) in unknown.value.hint
        know(witness, city.ledger)
        with pytest.raises(Unwilling):  # known, but by another key
            add_checkpoint(wire, one, SigningKey.generate(), signed, 0)
        cosigned = add_checkpoint(wire, one, key, signed, 0)
        assert [line.name for line in cosigned.signatures] == [head.origin, witness.verifier.name]
        with pytest.raises(Knows) as known:
            add_checkpoint(wire, one, key, signed, 0)
        assert known.value.size == head.size
        other = Checkpoint(head.origin, head.size, bytes(32))
        with pytest.raises(Contradicted, match="does not go on"):
            add_checkpoint(wire, one, key, SignedCheckpoint(other, (sign(other, key),)), head.size)


def test_of_a_network_it_takes_the_key_of_one_validator_whose_node_asks(witness: LiteWitness, tmp_path: Path) -> None:
    """Validators cosign heads, which no witness takes for a log's signature; the one who asks signs what is final once more, for it alone."""
    with World(tmp_path / "net", citizens={"Centre": 1}, registrars=(1, 1, 0), engine=Played()) as world:
        world.engine.tick()
        ledger, key = world.folder / "ledger", world.head_keys[1]
        published = (ledger / CHECKPOINT).read_bytes()
        one = OutsideWitness.parse(witness.named)
        witness.add_log(log_verifier(head_of(ledger).checkpoint.origin, key.public))
        said: list[str] = []
        with Witnessing(ledger, key, [one], lambda text: said.append(str(text))):
            until(lambda: witness.size(head_of(ledger).checkpoint.origin) == head_of(ledger).checkpoint.size)
            until(lambda: said)
        (outside,) = world.check().witnesses.outside
        assert outside.vkey == str(witness.verifier) and not world.check().witnesses.alone
        assert (ledger / CHECKPOINT).read_bytes() == published, (
            "nothing that is published needs it, or bears a log's signature"
        )
