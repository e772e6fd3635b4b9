"""A validator that starts: it hears what others have of it before it cosigns anything. And what it makes of others who lie."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from engine.cometbft.test_finality import Net

from veche.engine.cometbft.finality import REMEMBERED, Finality
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.promise import Promise
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign
from veche.log.evidence import FOLDER
from veche.log.log import Log
from veche.log.source import Folder
from veche.node import peers
from veche.node.peers import Peers
from veche.node.progress import Progress, Stage

from .others import serving
from .test_finality import Validator, validator

__all__ = ["validator"]


def notice(made: Validator, said: str) -> bytes:
    return sign(made.ledger.id, "notice", [b"", [said, "Извещение."], []], [made.organiser])


def silent(made: Validator, folder: Path) -> Validator:
    """The same validator as it starts from this folder, before it heard anything."""
    again = Validator.__new__(Validator)
    again.keys, again.organiser, again.now = made.keys, made.organiser, made.now
    again.ledger, again.spread = Ledger(folder), []
    again.finality = Finality(again.ledger, Publishing(again.ledger, made.keys[:1]), again.spread.append, silent=True)
    return again


def say(made: Validator, said: str) -> Checkpoint:
    made.ledger.execute(made.ledger.height + 1, made.now, [notice(made, said)])
    made.ledger.commit()
    return made.ledger.head


class Heard:
    """An engine whose heads are gathered by a validator's finality, at once."""

    def __init__(self, made: Validator) -> None:
        self._made = made
        self.ledger = made.ledger
        self.spoke, self.failed = False, list[BaseException]()
        self._asked_for = False  # a kept head that was lacked: it may come from several, one after the other

    def gather(self, signed: SignedCheckpoint) -> bool:
        assert not self.spoke or self._asked_for, "it had to be heard before"
        try:
            self._made.finality.receive(signed)
        except Exception as error:
            self.failed.append(error)
        return True

    def speak(self) -> None:
        self.spoke = True
        self._made.finality.speak()

    @property
    def lacks(self) -> tuple[int, ...]:
        lacked = self._made.finality.lacks
        self._asked_for |= bool(lacked)
        return lacked


async def _begin(made: Validator, engine: Heard, urls: list[str], until: Any) -> None:
    own: Any = SimpleNamespace(height=0, promised=lambda way, promise: None)
    others = [(key.public, url) for key, url in zip(made.keys[1:], urls, strict=False)]
    these = Peers(made.keys[0], others, own, engine)  # type: ignore[arg-type]
    await these.begin()
    try:
        async with asyncio.timeout(20):
            while not until():
                await asyncio.sleep(0.02)
    finally:
        await these.end()


def ask(made: Validator, *urls: str) -> Heard:
    """Have it ask them, until it may speak."""
    engine = Heard(made)
    asyncio.run(_begin(made, engine, list(urls), lambda: engine.spoke))
    return engine


@pytest.fixture
def restored(validator: Validator, tmp_path: Path) -> Iterator[tuple[Validator, SignedCheckpoint]]:
    """One that signed a head, and was put back as it was before that, with all that it has; and the head."""
    validator.block()
    backup = tmp_path / "backup"
    shutil.copytree(validator.ledger.folder, backup)
    say(validator, "What was signed.")
    validator.finality.agree(validator.now)
    signed = validator.spread[-1]
    assert signed.signatures
    again = silent(validator, backup)
    yield again, signed
    again.ledger.close()


def test_put_back_from_a_backup_it_signs_no_second_root(restored: tuple[Validator, SignedCheckpoint]) -> None:
    made, signed = restored
    say(made, "Something else.")
    made.finality.agree(made.now)
    assert made.ledger.head.size == signed.checkpoint.size and made.ledger.head != signed.checkpoint
    assert made.spread == [], "it has not asked yet"
    with serving({f"/heads/{made.keys[0].public.hex()}": signed.to_bytes()}) as url:
        engine = ask(made, url)
    (failed,) = engine.failed
    assert isinstance(failed, DoesNotHold) and "the roots differ" in str(failed)
    assert made.spread == []
    with pytest.raises(DoesNotHold, match="the roots differ"):
        say(made, "On top of it.")
        made.finality.agree(made.now)
        made.finality.receive(signed)
    assert all(one.checkpoint.size > signed.checkpoint.size for one in made.spread)


def test_what_was_signed_lies_under_the_final_head_of_another(restored: tuple[Validator, SignedCheckpoint]) -> None:
    """It is behind its own signature: up to there it signs nothing, and then the very same, or stops."""
    made, signed = restored
    others = made.by(1, signed.checkpoint).signatures + made.by(2, signed.checkpoint).signatures
    final = SignedCheckpoint(signed.checkpoint, signed.signatures + others)
    with serving({"/checkpoint": final.to_bytes()}) as url:
        assert ask(made, url).failed == []
    made.finality.agree(made.now)
    assert made.spread == [], "its log is shorter than what it signed"
    say(made, "Something else.")
    with pytest.raises(DoesNotHold, match="the roots differ"):
        made.finality.agree(made.now)
    assert made.spread == []


def test_it_goes_on_with_the_very_log_that_it_signed(restored: tuple[Validator, SignedCheckpoint]) -> None:
    made, signed = restored
    with serving({f"/heads/{made.keys[0].public.hex()}": signed.to_bytes()}) as url:
        assert ask(made, url, url).failed == []
    say(made, "What was signed.")
    made.finality.agree(made.now)
    assert made.spread[-1].checkpoint == signed.checkpoint


def test_who_answers_nonsense_or_not_at_all_is_not_waited_for_for_ever(
    restored: tuple[Validator, SignedCheckpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "ASK_SECONDS", 1)
    made, signed = restored
    path = f"/heads/{made.keys[0].public.hex()}"
    ahead = Checkpoint(signed.checkpoint.origin, 10**9, bytes(32))
    key = SigningKey.generate()
    forged = SignedCheckpoint(ahead, signed.signatures)  # its own signature, and over something else
    strange = SignedCheckpoint(ahead, made.by(1, ahead, key=key).signatures)
    for answer in (b"x" * (1 << 20), b"\xff", b"", forged.to_bytes(), strange.to_bytes()):
        with serving({path: answer, "/checkpoint": answer}) as liar:
            assert ask(made, liar, "http://127.0.0.1:1").failed == []
    made.finality.agree(made.now)
    assert made.spread[-1].checkpoint == made.ledger.head, "no lie makes it wait for a head that it never signed"
    made.finality.receive(signed)


def test_the_heads_that_it_lacks_come_from_others(tmp_path: Path) -> None:
    """One that was away while the validators changed: without the head that the old ones signed it could publish nothing."""
    net = Net(tmp_path)
    old, new = net.keys[1], SigningKey.generate()
    changed = net.block(net.office(1, new))
    for _ in range(40):  # it has forgotten the cosignatures, if it ever had them
        newest = net.block(net.notice())
    net.by(newest, new, *net.keys[2:])
    assert net.published < changed.size
    made = Validator.__new__(Validator)
    made.keys, made.ledger, made.finality, made.now = net.keys, net.ledger, net.finality, net.now
    engine = Heard(made)
    lines = tuple(line for key in (old, *net.keys[2:]) for line in by(changed, key, net.now).signatures)
    false = SignedCheckpoint(Checkpoint(changed.origin, changed.size, bytes(32)), lines)
    name = f"/head/{changed.size}"
    with (
        serving({name: false.to_bytes()}) as liar,
        serving({name: SignedCheckpoint(changed, lines).to_bytes()}) as honest,
    ):
        asyncio.run(_begin(made, engine, [liar, honest], lambda: net.published == newest.size))
    assert engine.failed == [] and engine.lacks == ()
    net.check()
    net.ledger.close()


def by(head: Checkpoint, key: SigningKey, time: int) -> SignedCheckpoint:
    return SignedCheckpoint(head, (cosign(head, validator_verifier(head.origin, key.public).name, key, time),))


# Two heads of one size


def test_two_heads_of_one_size_are_kept_beside_the_log(validator: Validator) -> None:
    head = validator.block()
    other = Checkpoint(head.origin, head.size, bytes(32))
    validator.finality.receive(validator.by(1, head))
    validator.finality.receive(validator.by(1, head, validator.now + 60))  # the same again is no fault
    validator.finality.receive(validator.by(2, other))  # one is no fault of this kind, whatever it is
    validator.finality.receive(validator.by(1, other, key=SigningKey.generate()))
    folder = validator.ledger.folder / FOLDER
    assert not folder.exists()
    validator.finality.receive(validator.by(1, other))
    (file,) = folder.iterdir()
    first = file.read_bytes()
    said = json.loads(first)
    key = validator.keys[1].public
    assert (said["validator"], said["size"], file.stem) == (key.hex(), head.size, key.hex())
    policy = Policy(head.origin, {validator_verifier(head.origin, key): 1}, 1)
    heads = [SignedCheckpoint.parse(text.encode()) for text in said["heads"]]
    for signed in heads:
        signed.verify(policy)
    assert {signed.checkpoint for signed in heads} == {head, other}
    validator.finality.receive(validator.by(1, Checkpoint(head.origin, head.size, b"\1" * 32)))
    assert file.read_bytes() == first and len(list(folder.iterdir())) == 1
    for number in (2, 3):
        validator.finality.receive(validator.by(number, head))
    assert validator.published.checkpoint == head, "the others go on"
    assert (validator.ledger.folder / FOLDER / f"{validator.keys[2].public.hex()}.json").is_file()


def test_what_is_remembered_of_others_is_bounded(validator: Validator) -> None:
    head = validator.block()
    for size in range(head.size + 1, head.size + 3 * REMEMBERED):
        validator.finality.receive(validator.by(1, Checkpoint(head.origin, size, bytes(32))))
    (remembered,) = validator.finality._remembered.values()
    assert len(remembered) == REMEMBERED


# A node that lies to its peers


def test_false_promises_and_answers_of_another_node_count_for_nothing(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, promised = b"\1" * 32, list[Promise]()
    way: Any = SimpleNamespace(number=None, hash=entry, entry=b"ballot", stage=Stage.KEPT)
    own: Any = SimpleNamespace(height=0, promised=lambda way, promise: promised.append(promise))
    ledger, (_, liar, honest, _) = validator.ledger.id, validator.keys
    lies = [
        Promise.make(ledger, entry, 5, honest),  # in the name of somebody else
        Promise.make(ledger, bytes(32), 5, liar),  # of another entry
        Promise.make(bytes(32), entry, 5, liar),  # of another ledger
    ]

    def answer(*promises: Promise) -> bytes:
        return msgspec.json.encode([Progress(entry.hex(), Stage.KEPT, promises=list(promises))])

    good = Promise.make(ledger, entry, 5, honest)
    with serving({"/batch": answer(*lies)}) as one, serving({"/batch": answer(good)}) as two:

        async def pass_on() -> None:
            engine: Any = Heard(validator)
            these = Peers(validator.keys[0], [(liar.public, one), (honest.public, two)], own, engine)
            these.pass_on(way)
            await these.begin()
            async with asyncio.timeout(20):
                while not promised or any(peer._queue for peer in these._all):
                    await asyncio.sleep(0.02)
            await these.end()

        asyncio.run(pass_on())
    assert promised == [good]


def test_a_log_of_its_own_convinces_no_client(validator: Validator, tmp_path: Path) -> None:
    """It serves what it likes; under a head that it has signed alone, or that others signed of another log, nothing holds."""
    head = validator.block()
    for number in (1, 2):
        validator.finality.receive(validator.by(number, head))
    source = Folder(validator.ledger.folder)
    policy = validator.ledger.state.succession.policy(head.size)
    own = Checkpoint(head.origin, head.size, bytes(32))
    alone = validator.by(1, own)
    with pytest.raises(DoesNotHold):
        alone.verify(policy)
    with pytest.raises(DoesNotHold):
        SignedCheckpoint(own, source.checkpoint().signatures).verify(policy)
    with pytest.raises(DoesNotHold):
        list(Log(source, own).entries())
