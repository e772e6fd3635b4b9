"""Heads become final with over two thirds of the validators, whatever comes from elsewhere."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veche.engine.cometbft.finality import Finality
from veche.engine.engine import Stopped
from veche.engine.publishing import Publishing
from veche.keys import SigningKey
from veche.ledger.heads import AGAIN, STALE, validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.promise import HEIGHTS, Promise
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.source import Folder
from veche.node import carrying, intake, peers
from veche.node.peers import Peers
from veche.node.progress import Progress, Stage
from veche.world import Played, World


class Validator:
    """One of four, whose ledger has a block that nobody else has heard of."""

    def __init__(self, world: World) -> None:
        self.keys, self.organiser, self.now = world.head_keys, world.organisers[0], world.now
        self.ledger = Ledger(world.folder / "ledger")
        self.spread: list[SignedCheckpoint] = []
        self.finality = Finality(self.ledger, Publishing(self.ledger, self.keys[:1]), self.spread.append)

    def block(self, cosign: bool = True) -> Checkpoint:
        """Something is said, and consensus agrees on it."""
        text = [f"Notice of {self.ledger.height}.", "Извещение."]
        notice = sign(self.ledger.id, "notice", [b"", text, []], [self.organiser])
        self.ledger.execute(self.ledger.height + 1, self.now, [notice])
        self.ledger.commit()
        self.finality.agree(self.now, cosign)
        return self.ledger.head

    def by(
        self, number: int, head: Checkpoint, time: int | None = None, key: SigningKey | None = None
    ) -> SignedCheckpoint:
        """A head as another validator cosigns it."""
        key = key or self.keys[number]
        name = validator_verifier(head.origin, key.public).name
        line = cosign(head, name, key, self.now if time is None else time)
        return SignedCheckpoint(head, (line,))

    @property
    def published(self) -> SignedCheckpoint:
        return Folder(self.ledger.folder).checkpoint()


@pytest.fixture
def validator(tmp_path: Path) -> Iterator[Validator]:
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        world.engine.tick()
    made = Validator(world)
    yield made
    made.ledger.close()


def test_three_of_four_make_it_final(validator: Validator) -> None:
    before = validator.published.checkpoint
    head = validator.block()
    assert validator.spread[-1].checkpoint == head and validator.published.checkpoint == before
    validator.finality.receive(validator.by(1, head))
    validator.finality.receive(validator.by(1, head, validator.now + 1))  # the same one again
    assert validator.published.checkpoint == before
    validator.finality.receive(validator.by(2, head))
    assert validator.published.checkpoint == head and len(validator.published.signatures) == 3


def test_what_is_none_of_theirs_counts_for_nothing(validator: Validator) -> None:
    before, head = validator.published.checkpoint, validator.block()
    other = Checkpoint(head.origin, head.size, bytes(32))
    stranger = Checkpoint("veche.example/town", head.size, head.root)
    (forged,) = validator.by(1, other).signatures
    for wrong in (
        validator.by(1, other), validator.by(2, other), validator.by(3, other), validator.by(1, stranger),
        validator.by(1, head, key=SigningKey.generate()), SignedCheckpoint(head, (forged,)), SignedCheckpoint(head, ()),
    ):  # fmt: skip
        validator.finality.receive(wrong)
    assert validator.published.checkpoint == before
    for number in (2, 3):
        validator.finality.receive(validator.by(number, head))
    assert validator.published.checkpoint == head


def test_what_came_too_early_is_kept(validator: Validator) -> None:
    """The others are ahead: their cosignatures count when this node has come so far."""
    first = validator.block()
    ahead = Checkpoint(first.origin, first.size + 2, bytes(32))
    for number in (1, 2, 3):
        validator.finality.receive(validator.by(number, ahead))
    assert validator.published.checkpoint != first
    text = ["Early.", "Рано."]
    notice = sign(validator.ledger.id, "notice", [b"", text, []], [validator.organiser])
    head = validator.ledger.execute(validator.ledger.height + 1, validator.now, [notice]).head
    for number in (1, 2):
        validator.finality.receive(validator.by(number, head))
    validator.ledger.commit()
    validator.finality.agree(validator.now)
    assert validator.published.checkpoint == head


def test_an_older_head_becomes_final_while_the_ledger_goes_on(validator: Validator) -> None:
    heads = [validator.block() for _ in range(300)]  # over a full tile
    for number in (1, 2):
        validator.finality.receive(validator.by(number, heads[-3]))
    assert validator.published.checkpoint == heads[-3]
    for number in (1, 2):
        validator.finality.receive(validator.by(number, heads[-5]))  # and never goes back
    assert validator.published.checkpoint == heads[-3]
    for number in (2, 3):
        validator.finality.receive(validator.by(number, heads[-1]))
    assert validator.published.checkpoint == heads[-1]


def test_an_unchanged_head_is_cosigned_again(validator: Validator) -> None:
    head = validator.block()
    for number in (1, 2):
        validator.finality.receive(validator.by(number, head))
    said = len(validator.spread)
    validator.finality.agree(validator.now + AGAIN - 1)
    assert len(validator.spread) == said
    later = validator.now + AGAIN
    validator.finality.agree(later)
    for number in (1, 2, 3):
        validator.finality.receive(validator.by(number, head, later))
    validator.finality.agree(later + 1)
    policy = validator.ledger.state.succession.policy(head.size)
    assert set(validator.published.verify(policy).values()) == {later}


def test_a_head_that_is_not_final_yet_waits_over_the_next_blocks(validator: Validator) -> None:
    """One more cosignature came, and the ledger is idle: as when two of four have just come back."""
    before, head = validator.published.checkpoint, validator.block()
    validator.finality.receive(validator.by(1, head))
    for seconds in (1, 2, AGAIN, AGAIN + 1):
        validator.finality.agree(validator.now + seconds)
    assert validator.published.checkpoint == before
    validator.finality.receive(validator.by(2, head))
    assert validator.published.checkpoint == head


def test_a_head_that_is_not_cosigned_here_is_final_by_the_others(validator: Validator) -> None:
    """A node whose clock is fast takes each block for one long past. It cosigns none, and publishes what the others make final."""
    head = validator.block(cosign=False)
    assert validator.spread == []
    for number in (1, 2, 3):
        validator.finality.receive(validator.by(number, head))
    assert validator.published.checkpoint == head
    later = validator.now + AGAIN
    for number in (1, 2, 3):
        validator.finality.receive(validator.by(number, head, later))
    validator.finality.agree(later, False)
    policy = validator.ledger.state.succession.policy(head.size)
    assert set(validator.published.verify(policy).values()) == {later} and validator.spread == []
    validator.finality.agree(later)
    assert validator.spread[-1].checkpoint == head, "its clock is right again"


# What other nodes answer, and where they are


def _peers(height: int = 7) -> tuple[Peers, SimpleNamespace]:
    own: Any = SimpleNamespace(height=height, promised=lambda way, promise: way.promises.append(promise))
    engine: Any = SimpleNamespace(ledger=SimpleNamespace(id=bytes(32)), lacks=())
    keys = [SigningKey.generate() for _ in range(3)]
    made = Peers(SigningKey.generate(), [(key.public, "http://127.0.0.1") for key in keys], own, engine)
    return made, SimpleNamespace(intake=own, keys=keys)


def test_a_node_that_is_left_behind_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made, own = _peers()
    now = [0.0]
    monkeypatch.setattr("veche.node.peers.time.monotonic", lambda: now[0])
    made._moved = 0
    for peer in made._all:
        peer.height = 100
    made.check()
    now[0] = peers.STUCK + 1
    own.intake.height = 8  # it catches up
    made.check()
    now[0] += peers.STUCK + 1
    with pytest.raises(Stopped, match="are at block 100, and this node has stood at block 8") as caught:
        made.check()
    assert "clock" in str(caught.value.advice)
    for peer in made._all[1:]:
        peer.height = 9
    made.check()  # one alone may say what it likes


def test_a_promise_that_is_none_is_not_passed_on() -> None:
    made, own = _peers()
    peer, way = made._all[0], SimpleNamespace(hash=b"\1" * 32, stage=Stage.KEPT, promises=[])
    good = Promise.make(bytes(32), way.hash, 5, own.keys[0])
    for wrong in (
        Promise.make(bytes(32), way.hash, 5, own.keys[1]),
        Promise.make(bytes(32), bytes(32), 5, own.keys[0]),
        Promise.make(b"\1" * 32, way.hash, 5, own.keys[0]),
        Promise(good.validator, good.entry, 6, good.signature),
        Promise(good.validator, good.entry, 5, "x"),
        Promise.make(bytes(32), way.hash, 7 + HEIGHTS + 1, own.keys[0]),  # nobody could say for long that it was broken
    ):
        peer._take([way], [Progress(way.hash.hex(), Stage.KEPT, promises=[wrong])])  # type: ignore[list-item]
    assert way.promises == []
    peer._take([way], [Progress(way.hash.hex(), Stage.KEPT, promises=[good])])  # type: ignore[list-item]
    assert way.promises == [good]


def test_a_follower_gives_no_promise_back_that_is_none() -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    way: Any = SimpleNamespace(hash=b"\1" * 32, stage=Stage.KEPT, promises=[])
    own: Any = SimpleNamespace(
        height=7, validators={key.public}, promised=lambda way, promise: way.promises.append(promise)
    )
    target = carrying._Target("http://127.0.0.1", own, bytes(32))
    good = Promise.make(bytes(32), way.hash, 5, key)
    far = Promise.make(bytes(32), way.hash, 7 + HEIGHTS + 1, key)
    for wrong in (far, Promise.make(bytes(32), way.hash, 5, other), Promise("x", good.entry, 5, good.signature)):
        target._take(way, Progress(way.hash.hex(), Stage.KEPT, promises=[wrong]))
    assert way.promises == []
    target._take(way, Progress(way.hash.hex(), Stage.KEPT, promises=[good]))
    assert way.promises == [good]


def test_a_flood_of_promises_costs_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two megabytes of false ones in an answer would keep the door busy for a second, batch by batch."""
    made, own = _peers()
    peer, way, checked = made._all[0], SimpleNamespace(hash=b"\1" * 32, stage=Stage.KEPT, promises=[]), list[Promise]()
    check = Promise.check

    def counted(self: Promise, ledger: bytes) -> None:
        checked.append(self)
        check(self, ledger)

    monkeypatch.setattr(Promise, "check", counted)
    false = Promise.make(bytes(32), way.hash, 5, own.keys[1])
    flood = [Promise(own.keys[0].public.hex(), false.entry, height, false.signature) for height in range(8000)]
    peer._take([way], [Progress(way.hash.hex(), Stage.KEPT, promises=flood)])  # type: ignore[list-item]
    assert len(checked) == 1 and way.promises == []


def test_nothing_is_promised_shortly_before_a_closing_or_under_an_old_head(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("veche.node.intake.time.monotonic", lambda: now[0])
    node: Any = SimpleNamespace(_final_since=1000.0, time=500, _ways={})
    way: Any = SimpleNamespace(closing=500 + intake.SOON + 1)
    may = intake.Intake.may_promise
    assert may(node, way)
    node._ways = dict.fromkeys(range(intake.RATE))
    assert not may(node, way)  # what waits takes a second
    node._ways, now[0] = {}, 1000.0 + STALE + 1
    assert not may(node, way)
    node._final_since = None
    assert not may(node, way)
    node._final_since = now[0]
    assert may(node, way) and not may(node, SimpleNamespace(closing=None))  # type: ignore[arg-type]


def test_heads_of_any_size_and_however_often_stop_nobody(
    validator: Validator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    old, head = validator.published.checkpoint, validator.block()
    for size in (0, 1, old.size - 1, old.size, head.size + 1, 2**62, 2**63 - 1):
        validator.finality.receive(validator.by(1, Checkpoint(head.origin, size, bytes(32))))
    for _ in range(5):  # whoever lies does so often, and it is said once
        validator.finality.receive(validator.by(1, Checkpoint(head.origin, head.size, bytes(32))))
    assert "".join(capfd.readouterr()).count("two heads of one size") == 1
    validator.finality.receive(validator.by(2, head))
    checked: list[SignedCheckpoint] = []
    verify = SignedCheckpoint.verify

    def counted(self: SignedCheckpoint, policy: Any) -> None:
        if validator_verifier(head.origin, validator.keys[2].public) in policy.power and len(policy.power) == 1:
            checked.append(self)
        verify(self, policy)

    monkeypatch.setattr(SignedCheckpoint, "verify", counted)
    again = validator.by(2, head)
    past = validator.by(2, Checkpoint(head.origin, 1, bytes(32)))
    for _ in range(100):
        validator.finality.receive(again)
        validator.finality.receive(past)
    assert not checked  # what is known, or long past, is not looked at
    validator.finality.receive(validator.by(3, head))
    assert validator.published.checkpoint == head


def test_of_a_head_long_past_is_heard_what_a_validator_signed(
    validator: Validator, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that comes late is the newest of its validator, which may ask for it; and a second one of its size is evidence."""
    old, late, newer = validator.block(), validator.block(), validator.block()
    validator.finality.receive(validator.by(1, old))
    for number in (2, 3):
        validator.finality.receive(validator.by(number, newer))
    assert validator.published.checkpoint == newer
    key, signed = validator.keys[1].public, validator.by(1, late)
    validator.finality.receive(signed)
    assert validator.finality.newest[key] == signed
    for root in (b"\1", b"\2", b"\1"):
        validator.finality.receive(validator.by(1, Checkpoint(old.origin, old.size, root * 32)))
    assert (validator.ledger.folder / "evidence" / f"{key.hex()}.json").is_file()
    assert "".join(capfd.readouterr()).count("two heads of one size by one validator") == 1
    assert validator.finality.newest[key] == signed


def test_heads_that_are_known_take_no_room_from_those_that_are_not_read_yet(validator: Validator) -> None:
    head = validator.block()
    ahead = Checkpoint(head.origin, head.size + 2, bytes(32))
    strange = validator.by(1, ahead, key=SigningKey.generate())
    validator.finality.receive(strange)
    for _ in range(50):
        validator.finality.receive(validator.by(2, ahead))
    assert list(validator.finality._unread) == [strange]


def test_lines_behind_a_false_one_are_not_looked_at(validator: Validator) -> None:
    before, head = validator.published.checkpoint, validator.block()
    (good,) = validator.by(2, head).signatures
    others = [
        line
        for number in (1, 2, 3)
        for line in validator.by(number, Checkpoint(head.origin, head.size, bytes(32))).signatures
    ]
    validator.finality.receive(SignedCheckpoint(head, tuple(others)))
    assert validator.published.checkpoint == before
    validator.finality.receive(SignedCheckpoint(head, (good,)))
    validator.finality.receive(validator.by(1, head))
    assert validator.published.checkpoint == head


@pytest.mark.parametrize("seated", [True, False])
def test_another_that_answers_nonsense_is_asked_again(seated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "SLOWER", (0.01, 0.05))
    way: Any = SimpleNamespace(hash=bytes(32), entry=b"entry", stage=Stage.KEPT, number=None)
    answers = [b'[{"x":' + b"[" * 100_000, b"{}", b"\xff", b'[{"entry":1}]', b"[" + b"9" * 5_000 + b"]"]
    if not seated:
        answers += [b'{"entry": "00", "stage": "kept"}']
    wanted = len(answers) + 1
    asked: list[str] = []

    async def run() -> None:
        done = asyncio.Event()
        engine: Any = SimpleNamespace(ledger=SimpleNamespace(id=bytes(32)))
        peer = peers.Peer("http://127.0.0.1:1", bytes(32), SigningKey.generate(), None, engine)  # type: ignore[arg-type]

        async def post(_: Any, path: str, *__: Any) -> bytes:
            asked.append(path)
            if answers:
                return answers.pop()
            done.set()
            return await asyncio.Future()

        peer._post = post  # type: ignore[method-assign, assignment]
        peer.pass_on(way)
        task = asyncio.create_task(peer.pass_entries(None, lambda: seated))  # type: ignore[arg-type]
        await asyncio.wait_for(done.wait(), 20)
        task.cancel()

    asyncio.run(run())
    assert asked == ["/batch" if seated else "/entries"] * wanted


def test_what_its_key_signs_for_another_ledger_ends_no_node(validator: Validator) -> None:
    """An institution keeps two ledgers with one key. Its line of the other one's head, under the name that it has here."""
    head, key = validator.block(), validator.keys[0]
    name = validator_verifier(head.origin, key.public).name
    for size in (head.size, head.size + 7):
        other = Checkpoint("veche.example/region", size, bytes(32))
        validator.finality.receive(SignedCheckpoint(other, (cosign(other, name, key, validator.now),)))
    assert validator.block().size == head.size + 2 and validator.spread[-1].signatures
