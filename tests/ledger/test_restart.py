"""`restart`: who must sign it, what it must go on from, and whose signatures heads then need."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from veche.audit.compare import Copy, compare
from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.clock import by_hand
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold, Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.heads import validator_verifier
from veche.ledger.signing import sign
from veche.ledger.walk import walk
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.evidence import read_fork
from veche.log.publish import Publisher
from veche.log.source import Folder, head_name
from veche.node.heads import Heads
from veche.witness.witness import Witness
from veche.world import VALIDATORS, Played, World, validator_row

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as made:
        yield made


class Lost:
    """A network that stands still: two of its validators are lost, and two others are to come in their places."""

    def __init__(self, world: World) -> None:
        self.world, self.ledger = world, world.ledger
        world.say("notice", [b"", ["All is well.", "Всё хорошо."], []], world.organisers[0])
        world.engine.stop()
        self.new = [SigningKey.generate() for _ in range(2)]
        self.votes = [SigningKey.generate().public for _ in range(2)]
        self.time = self.ledger.time + HOUR

    @property
    def rows(self) -> list[list[Any]]:
        """Two that go on, and two with new keys."""
        state = self.ledger.state
        found = {row.institution: row for row in state.validator_rows()}
        rows = [[one.institution, one.key, *found[one.institution][1:]] for one in state.validators()[:2]]
        for number, (key, votes) in enumerate(zip(self.new, self.votes, strict=True), 2):
            row = validator_row(VALIDATORS[number], votes, number)
            rows.append([row.institution, key.public, *row[1:]])
        return rows

    def body(self, **other: Any) -> list[Any]:
        head = self.ledger.head
        said = {
            "size": head.size,
            "root": head.root,
            "height": self.ledger.height + 10,
            "time": self.time,
            "rows": self.rows,
        }
        return [*(said | other).values()]

    def signers(self) -> list[SigningKey]:
        return [*self.world.organisers, self.world.trustees[0].key, *self.world.head_keys[:2]]

    def execute(self, *entries: bytes, **other: Any) -> list[int | Refused]:
        """A block of these; of a restart alone unless some are given."""
        said = {"height": self.ledger.height + 10, "time": self.time, "previous": self.ledger.state.get("time")} | other
        return self.ledger.execute(said["height"], said["time"], entries, previous=said["previous"]).answers

    def sign(self, signers: list[SigningKey] | None = None, **other: Any) -> bytes:
        return sign(self.ledger.id, "restart", self.body(**other), self.signers() if signers is None else signers)

    def publish(self) -> None:
        """Under a head of now, signed by all who are validators."""
        Publishing(self.ledger, [*self.world.head_keys[:2], *self.new]).publish(self.time)

    def copy(self, folder: Path) -> Path:
        """What is public of it."""
        ledger = self.ledger.folder
        for name in ("tile", "head"):
            shutil.copytree(ledger / name, folder / name)
        shutil.copy(ledger / "checkpoint", folder)
        return folder

    def refused(self, said: str, *entries: bytes, rule: str = "restart", **other: Any) -> None:
        *_, answer = self.execute(*entries, **other)
        self.ledger.discard()
        assert isinstance(answer, Refused) and answer.rule == rule and said in answer.message, answer


@pytest.fixture
def lost(world: World) -> Lost:
    return Lost(world)


def test_the_log_goes_on_with_others(lost: Lost, tmp_path: Path) -> None:
    ledger, before = lost.ledger, lost.ledger.head
    old = verify_ledger(Folder(ledger.folder))
    (number,) = lost.execute(lost.sign())
    assert number == before.size + 1
    ledger.commit()
    kinds = [decode(ledger.entry(at))[0] for at in range(before.size, ledger.size)]
    assert kinds == ["block", "restart", "validators"]
    state, size = ledger.state, ledger.size
    assert state.succession.began == (size, state.validators())
    signers = {verifier.public for verifier in state.succession.policy(size).power}
    assert signers == {key.public for key in (*lost.world.head_keys[:2], *lost.new)}, "the new ones sign this very head"
    assert {verifier.public for verifier in state.succession.policy(before.size).power} == {
        key.public for key in lost.world.head_keys
    }
    lost.publish()
    verified = verify_ledger(Folder(ledger.folder))
    assert verified.ledger == old.ledger and verified.log.root(before.size) == before.root
    assert walk(verified.source, state.charter, verified.signed) == state.succession
    state.forget()
    assert walk(verified.source, state.charter, verified.signed) == state.succession, "as it is read anew"
    rebuild(lost.copy(tmp_path / "copy"))

    # The next block is in the log though it appends nothing, and the next change is one like any other.
    ledger.execute(ledger.height + 1, lost.time + 1)
    ledger.commit()
    assert decode(ledger.entry(size))[0] == "block"
    new = SigningKey.generate()
    body = ["rotate", VALIDATORS[0], "validator", new.public, 1, SigningKey.generate().public]
    holders = [*lost.world.organisers, lost.world.trustees[0].key, lost.world.head_keys[0]]
    assert ledger.execute(ledger.height + 1, lost.time + 2, [sign(ledger.id, "office", body, holders)]).answers == [
        size + 2
    ]
    ledger.commit()
    lost.publish()
    verified = verify_ledger(Folder(ledger.folder))
    assert verified.state.validators()[0].key == new.public
    assert len(verified.state.succession.changes) == 2 and len(verified.state.succession.restarts) == 1


def test_over_a_third_of_the_validators_and_k_institutions_sign(lost: Lost) -> None:
    organisers, trustee, keys = lost.world.organisers, lost.world.trustees[0].key, lost.world.head_keys
    assert 3 * 1 <= len(keys) < 3 * 2
    lost.refused("1 of 4 validators signed", lost.sign([*organisers, trustee, keys[0]], rows=lost.rows[1:]))
    lost.refused("is to go on with its key has not signed", lost.sign([*organisers, trustee, keys[0], keys[3]]))
    lost.refused("2 institutions signed", lost.sign(keys[:2]), rule="authority")
    # Validators are institutions, too; and one whose disk is lost has perhaps its ledger key.
    rows = [lost.rows[0], *lost.rows[2:]]
    assert isinstance(lost.execute(lost.sign([*keys[:1], keys[3], organisers[0]], rows=rows))[0], int)


def test_nothing_that_was_is_left(lost: Lost) -> None:
    ledger, size = lost.ledger, lost.ledger.size
    before = ledger.root(size - 1)
    lost.refused("another block", lost.sign(size=size - 1, root=before))
    lost.refused("another history", lost.sign(root=before))
    lost.refused("another block", lost.sign(height=ledger.height + 11))
    lost.refused("another block", lost.sign(time=lost.time + 1))
    assert isinstance(lost.execute(lost.sign())[0], int), "and this is one that would do"


def test_a_network_that_lives_is_not_restarted(lost: Lost) -> None:
    now = lost.ledger.time + 600
    lost.refused("not stood still", lost.sign(time=now), time=now)
    now += 1
    assert isinstance(lost.execute(lost.sign(time=now), time=now)[0], int)
    lost.ledger.discard()
    lost.refused("not stood still", lost.sign(), previous=lost.ledger.time + 1)


def test_nothing_else_is_in_its_block(lost: Lost) -> None:
    notice = sign(lost.ledger.id, "notice", [b"", ["We stand.", "Стоим."], []], lost.world.organisers[:1])
    lost.refused("Something else", notice, lost.sign())
    lost.refused("behind a restart", lost.sign(), notice)


def test_keys_are_new_or_those_of_the_seat(lost: Lost) -> None:
    rows, keys = lost.rows, lost.world.head_keys

    def row(number: int, place: int, value: Any) -> list[list[Any]]:
        changed = [list(one) for one in rows]
        changed[number][place] = value
        return changed

    for changed, said in (
        (row(2, 1, lost.world.organisers[0].public), "another use"),
        (row(2, 1, rows[0][2]), "another use"),
        (row(2, 2, rows[0][2]), "share"),
        (row(2, 2, rows[2][1]), "another use"),
        (row(2, 1, keys[3].public), "another use"),
        (row(2, 3, rows[0][3]), "share"),
        (row(0, 2, rows[0][1]), "another use"),
        (rows[::-1], "ascending order"),
        (row(3, 0, VALIDATORS[3].upper()), "two spellings"),
    ):
        lost.refused(said, lost.sign(rows=changed))
    consensus = row(0, 2, SigningKey.generate().public)
    assert isinstance(lost.execute(lost.sign(rows=consensus))[0], int), "a new consensus key beside the old ledger key"


def test_what_waits_for_a_validator_waits_no_more(world: World) -> None:
    new = SigningKey.generate()
    body = ["add", "Zoo", "validator", new.public, 1, SigningKey.generate().public]
    world.say("office", body, *world.organisers, world.trustees[0].key)
    lost = Lost(world)
    assert len(lost.ledger.state.office_changes) == 1
    lost.execute(lost.sign())
    lost.ledger.commit()
    assert not lost.ledger.state.office_changes


def test_a_restart_with_the_same_validators(lost: Lost) -> None:
    state, rows = lost.ledger.state, []
    for one, row in zip(state.validators(), state.validator_rows(), strict=True):
        rows.append([one.institution, one.key, *row[1:]])
    before = state.validators()
    lost.execute(lost.sign([*lost.signers(), *lost.world.head_keys[2:]], rows=rows))
    lost.ledger.commit()
    assert decode(lost.ledger.entry(lost.ledger.size - 1))[0] == "validators"
    assert state.validators() == before and state.succession.began[0] == lost.ledger.size
    lost.new = lost.world.head_keys[2:]
    lost.publish()
    verify_ledger(Folder(lost.ledger.folder))


def test_one_process_has_nothing_to_restart(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(1, 1, 0)) as world:
        keys = [SigningKey.generate() for _ in range(2)]
        row = validator_row(VALIDATORS[0], keys[1].public, 0)
        body = [2, bytes(32), 5, 7, [[row.institution, keys[0].public, *row[1:]]]]
        with pytest.raises(Refused, match="One process runs") as caught:
            world.say("restart", body, *world.organisers, world.trustees[0].key)
        assert caught.value.rule == "restart"


def test_readers_follow_no_restart_that_too_few_signed(lost: Lost, tmp_path: Path) -> None:
    """Whoever made up a ledger with it: the walk along kept heads tells, before anything is replayed."""
    ledger, state = lost.ledger, lost.ledger.state
    lost.execute(lost.sign())
    ledger.commit()
    lost.publish()
    entries = [ledger.entry(number) for number in range(ledger.size)]
    signers = [*lost.world.head_keys[:2], *lost.new]
    for number, changed in enumerate(
        (
            sign(
                ledger.id,
                "restart",
                decode(entries[-2])[1],
                [*lost.world.organisers, lost.world.trustees[0].key, signers[0]],
            ),
            sign(bytes(32), "restart", decode(entries[-2])[1], lost.signers()),
            lost.sign(rows=lost.rows[:3]),
            lost.sign(root=bytes(32)),
        )
    ):
        folder = tmp_path / str(number)
        made_up = [*entries[:-2], changed, entries[-1]]
        root = merkle.root([merkle.leaf_hash(entry) for entry in made_up])
        head = Checkpoint(state.charter.origin, len(made_up), root)
        lines = (cosign(head, validator_verifier(head.origin, key.public).name, key, lost.time) for key in signers)
        signed = SignedCheckpoint(head, tuple(lines))
        Publisher(folder).publish(0, made_up, signed)
        (folder / "head").mkdir()
        (folder / head_name(head.size)).write_bytes(signed.to_bytes())
        source = Folder(folder)
        with pytest.raises(DoesNotHold) as caught:
            walk(source, state.charter, source.checkpoint())
        assert caught.value.step == "kept"


def hide(lost: Lost, folder: Path) -> SignedCheckpoint:
    """The restart takes place, and is published; then two disks that were lost are found, by a thief. In this folder another restart
    follows, by those who were validators before, and the head is hidden along which readers come to the validators of now."""
    ledger = lost.ledger
    lost.execute(lost.sign())
    ledger.commit()
    lost.publish()
    entries = [ledger.entry(number) for number in range(ledger.size)]
    thief, votes = SigningKey.generate(), SigningKey.generate().public
    row = validator_row(VALIDATORS[0], votes, 0)
    height, time = ledger.height + 1, lost.time + HOUR
    rows = [[row.institution, thief.public, *row[1:]]]
    forged = sign(ledger.id, "restart", [ledger.size, ledger.head.root, height, time, rows], lost.world.head_keys[2:])
    block = encode(["block", [height, time, lost.time, 0, bytes(32)]])
    made_up = [*entries, block, forged, encode(["validators", [[row.institution, thief.public, votes]]])]
    head = Checkpoint(ledger.head.origin, len(made_up), merkle.root([merkle.leaf_hash(entry) for entry in made_up]))
    signed = SignedCheckpoint(head, (cosign(head, validator_verifier(head.origin, thief.public).name, thief, time),))
    Publisher(folder).publish(0, made_up, signed)
    (folder / "head").mkdir()
    (folder / head_name(head.size)).write_bytes(signed.to_bytes())
    return signed


def test_who_has_a_kept_head_is_shown_no_former_validators_by_whoever_hides_it(lost: Lost, tmp_path: Path) -> None:
    """A follower leaves the liar and goes on; a comparison says which of the two hides what the other has, and calls neither a fork."""
    signed, forged = hide(lost, tmp_path / "forged"), Folder(tmp_path / "forged")
    ledger, own = lost.ledger, Folder(lost.ledger.folder)
    heads = Heads(ledger.folder, own.checkpoint, lambda: ledger.state.succession)
    with pytest.raises(DoesNotHold, match="the file is missing") as caught:
        heads.hear(signed, forged)
    assert caught.value.step == "kept" and heads.fork is None and read_fork(ledger.folder) is None
    for first, second in ((own, forged), (forged, own)):
        names = {own: "own", forged: "forged"}
        copies = Copy.of(names[first], first), Copy.of(names[second], second)
        with pytest.raises(DoesNotHold, match=r"forged: .*the file is missing") as caught:
            compare(*copies)
        assert caught.value.step == "kept"


def test_a_witness_is_shown_no_former_validators_by_whoever_hides_a_kept_head(lost: Lost, tmp_path: Path) -> None:
    """As below, but the thief's restart stands where it says, and the head is hidden along which readers come to the validators of now."""
    hide(lost, tmp_path / "forged")
    ledger = lost.ledger
    Witness.create(tmp_path / "witness", "Observers")
    witness, clock = Witness.load(tmp_path / "witness"), partial(by_hand, lost.time + 2 * HOUR)
    witness.cosign(Folder(ledger.folder), clock)
    witness.cosign(Folder(ledger.folder), clock)
    with pytest.raises(DoesNotHold, match="the file is missing") as caught:
        witness.cosign(Folder(tmp_path / "forged"), clock)
    assert caught.value.step == "kept"
    witness.cosign(Folder(ledger.folder), clock)


@pytest.mark.parametrize("hidden", (False, True))
def test_whoever_was_a_validator_once_restarts_nothing(lost: Lost, tmp_path: Path, hidden: bool) -> None:
    """The two disks that were lost are found, by a thief: what they sign goes on from a head that readers have accepted, but it names a
    size at which they were validators. ``hidden``: it stands in a block that is there, and what was handed in stands between."""
    ledger, state, former = lost.ledger, lost.ledger.state, lost.body()
    lost.execute(lost.sign())
    ledger.commit()
    lost.publish()
    accepted = Folder(ledger.folder).checkpoint()
    entries = [ledger.entry(number) for number in range(ledger.size)]
    walk(Folder(ledger.folder), state.charter, accepted)
    thief, votes = SigningKey.generate(), SigningKey.generate().public
    row = validator_row(VALIDATORS[0], votes, 0)
    former[-1] = [[row.institution, thief.public, *row[1:]]]
    forged = sign(ledger.id, "restart", former, lost.world.head_keys[2:])
    block = [] if hidden else [encode(["block", [ledger.height + 1, lost.time + HOUR, lost.time, 0, bytes(32)]])]
    made_up = [*entries, *block, forged, encode(["validators", [[row.institution, thief.public, votes]]])]
    head = Checkpoint(state.charter.origin, len(made_up), merkle.root([merkle.leaf_hash(entry) for entry in made_up]))
    signed = SignedCheckpoint(
        head, (cosign(head, validator_verifier(head.origin, thief.public).name, thief, lost.time),)
    )
    folder = tmp_path / "forged"
    Publisher(folder).publish(0, made_up, signed)
    shutil.copytree(ledger.folder / "head", folder / "head")
    (folder / head_name(head.size)).write_bytes(signed.to_bytes())
    with pytest.raises(DoesNotHold) as caught:
        walk(Folder(folder), state.charter, signed)
    assert caught.value.step == "kept"
