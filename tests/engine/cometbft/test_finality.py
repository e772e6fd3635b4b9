"""Heads of a network, as one of its validators gathers cosignatures for them, when the validators change."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.engine.cometbft.engine import HEADS, CometEngine
from veche.engine.cometbft.finality import Finality
from veche.engine.cometbft.launch import Launch
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.source import Folder
from veche.world import VALIDATORS, Played, World


class Net:
    """The first of four validators, with its ledger, and the keys of all, as they were and will be."""

    def __init__(self, folder: Path) -> None:
        with World(folder, registrars=(1, 1, 0), engine=Played(4)) as world:
            world.engine.tick()
        self.offices = [*world.organisers, world.trustees[0].key]
        self.keys = world.head_keys
        self.ledger = Ledger(folder / "ledger")
        self.now = self.ledger.time
        self.publishing = Publishing(self.ledger, [self.keys[0]])
        self.told: list[SignedCheckpoint] = []
        self.finality = Finality(self.ledger, self.publishing, self.told.append)

    def block(self, *entries: bytes) -> Checkpoint:
        """A block that is decided, and its head agreed on."""
        self.now += 1
        executed = self.ledger.execute(self.ledger.height + 1, self.now, entries)
        assert all(isinstance(answer, int) for answer in executed.answers), executed.answers
        self.ledger.commit()
        self.finality.agree(self.now)
        return self.ledger.head

    def office(self, place: int, new: SigningKey) -> bytes:
        body = ["rotate", VALIDATORS[place], "validator", new.public, self.ledger.size, SigningKey.generate().public]
        return sign(self.ledger.id, "office", body, [*self.offices, self.keys[place]])

    def notice(self) -> bytes:
        return sign(self.ledger.id, "notice", [b"", [f"At {self.ledger.size}.", "Вот."], []], self.offices[:1])

    def by(self, head: Checkpoint, *keys: SigningKey) -> None:
        """These validators have cosigned it, and say so."""
        for key in keys:
            line = cosign(head, validator_verifier(head.origin, key.public).name, key, self.now)
            self.finality.receive(SignedCheckpoint(head, (line,)))

    @property
    def published(self) -> int:
        return Folder(self.ledger.folder).checkpoint().checkpoint.size

    def check(self) -> None:
        verify_ledger(Folder(self.ledger.folder))


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    made = Net(tmp_path)
    yield made
    made.ledger.close()


def test_a_head_behind_which_others_sign_is_public_before_theirs(net: Net) -> None:
    old, new = net.keys[1], SigningKey.generate()
    before = net.published
    changed = net.block(net.office(1, new))
    after = net.block()
    net.by(after, new, *net.keys[2:])
    assert net.published == before, "it is final, and nobody could come to those who signed it"
    net.by(changed, new, net.keys[2])
    assert net.published == before, "the new one is none of those who sign the head with the change"
    net.by(changed, old)
    assert net.published == after.size and (net.ledger.folder / f"head/{changed.size}").is_file()
    net.check()


def test_a_validator_that_was_away_takes_the_kept_head_from_others(net: Net) -> None:
    old, new = net.keys[1], SigningKey.generate()
    changed = net.block(net.office(1, new))
    for _ in range(40):
        newest = net.block(net.notice())
    net.by(newest, new, *net.keys[2:])
    other = Checkpoint(changed.origin, changed.size, bytes(32))
    net.by(other, old, *net.keys[2:])
    assert net.published < changed.size and not (net.ledger.folder / f"head/{changed.size}").exists()
    net.by(changed, old, *net.keys[2:])
    assert net.published == newest.size
    net.check()


def test_heads_by_a_key_that_is_not_known_yet_wait_until_it_is(net: Net, tmp_path: Path) -> None:
    """The others are two blocks ahead, and one of them has a new key: nobody says again what was said already."""
    new = SigningKey.generate()
    shutil.copytree(net.ledger.folder, tmp_path / "ahead")
    other = Ledger(tmp_path / "ahead")
    heads, blocks = list[Checkpoint](), [[net.office(1, new)], list[bytes]()]
    for entries in blocks:
        other.execute(other.height + 1, net.now + 1, entries)
        other.commit()
        heads.append(other.head)
    other.close()
    changed, after = heads
    net.by(after, new)
    net.by(changed, *net.keys[1:])
    assert net.block(*blocks[0]) == changed and net.published == changed.size
    net.now -= 1
    assert net.block() == after
    net.by(after, net.keys[2])
    assert net.published == after.size, "its own, the early one and this one are three"


def test_two_changes_before_anybody_heard_of_the_first(net: Net) -> None:
    first, second = SigningKey.generate(), SigningKey.generate()
    one = net.block(net.office(1, first))
    net.now += 14 * 86_400
    two = net.block(net.office(2, second))
    last = net.block(net.notice())
    net.by(last, first, second, net.keys[3])
    net.by(two, first, net.keys[2], net.keys[3])
    assert net.published < one.size
    net.by(one, *net.keys[1:3])
    assert net.published == last.size and len(list((net.ledger.folder / "head").iterdir())) == 2
    net.check()


def test_its_own_key_changes_without_a_halt(net: Net) -> None:
    new = SigningKey.generate()
    old = net.keys[0]
    changed = net.block(net.office(0, new))
    net.publishing.add(new)
    after = net.block()
    signers = [{line.name for line in signed.signatures} for signed in net.told[-2:]]
    names = [{validator_verifier(changed.origin, key.public).name} for key in (old, new)]
    assert signers == names
    net.by(changed, *net.keys[1:])
    net.by(after, *net.keys[1:])
    assert net.published == after.size
    net.check()


def test_it_learns_what_it_has_forgotten_from_others_and_never_contradicts_it(net: Net) -> None:
    head = net.block(net.notice())
    own = net.told[-1]
    (net.ledger.folder / "cosigned" / net.keys[0].public.hex()).unlink()
    again = Finality(net.ledger, Publishing(net.ledger, [net.keys[0]]), net.told.append)
    again.receive(own)
    assert (net.ledger.folder / "cosigned" / net.keys[0].public.hex()).is_file()
    ahead = Checkpoint(head.origin, head.size + 9, bytes(32))  # of a history that this ledger does not have
    line = cosign(ahead, validator_verifier(head.origin, net.keys[0].public).name, net.keys[0], net.now)
    again.receive(SignedCheckpoint(ahead, (line,)))
    told = len(net.told)
    net.finality = again
    net.block(net.notice())
    assert len(net.told) == told, "it cosigns nothing up to there"
    with pytest.raises(DoesNotHold, match="the roots differ"):
        for _ in range(9):
            net.block(net.notice())


def test_heads_of_others_lie_here_until_there_is_no_room_and_are_heard_in_turn(net: Net) -> None:
    engine = CometEngine(net.ledger, net.keys[0], launch=Launch(["none"]))
    key, head = net.keys[1], Checkpoint(net.ledger.state.charter.origin, net.ledger.size + 1, bytes(32))
    signed = SignedCheckpoint(head, (cosign(head, validator_verifier(head.origin, key.public).name, key, net.now),))
    assert [engine.gather(signed) for _ in range(HEADS + 5)] == [True] * HEADS + [False] * 5
    engine.speak()  # has room all the same
    for heard in range(HEADS + 1):
        assert len(engine._said) == HEADS + 1 - heard
        engine._hear()
    engine._hear()  # nothing is left
    assert engine.newest(key.public) == signed and engine.gather(signed)
