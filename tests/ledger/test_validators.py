"""`validators`, and `office` for validators: who they are, how many may change, and whose signatures heads then need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.engine.cometbft.home import Peering
from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold, Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.entries.charter import read_charter
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.ledger.store import DATABASE
from veche.ledger.walk import walk
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import export
from veche.log.source import Folder, open_source
from veche.world import DAY, VALIDATORS, Played, World

NEW = "Zoo"


def world_of(folder: Path, count: int, test: int = 0, witnesses: tuple[int, int] | None = None) -> World:
    return World(folder, registrars=(1, 1, 0), engine=Played(count), test=test, witnesses=witnesses)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_of(tmp_path, 4) as made:
        yield made


def key() -> SigningKey:
    return SigningKey.generate()


def say(world: World, action: str, name: str, new: SigningKey | bytes, *holders: SigningKey, votes: bytes = b"") -> int:
    """k institutions, and whoever else signs. A number makes it new."""
    public = new if isinstance(new, bytes) else new.public
    body = [action, name, "validator", public, world.ledger.size, *([votes] if votes else [])]
    return world.say("office", body, *world.organisers, world.trustees[0].key, *holders)


def refused(world: World, *arguments: object, votes: bytes = b"", said: str = ".", rule: str = "office") -> None:
    with pytest.raises(Refused, match=said) as caught:
        say(world, *arguments, votes=votes)  # type: ignore[arg-type]
    assert caught.value.rule == rule


def kinds(world: World) -> list[str]:
    return [str(decode(world.ledger.entry(number))[0]) for number in range(world.ledger.size)]


def sets(world: World) -> list[list[str]]:
    """The institutions of each set that was, the charter's first."""
    succession = world.ledger.state.succession
    return [[one.institution for one in succession.charter.validators]] + [
        [one.institution for one in entry.rows] for _, entry in succession.changes
    ]


def rotated(world: World, place: int) -> SigningKey:
    """A validator replaces both its keys, at once."""
    new = key()
    say(world, "rotate", VALIDATORS[place], new, world.head_keys[place], votes=key().public)
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.head_keys[place] = new
    return new


def test_the_old_set_signs_the_head_that_ends_with_the_new_one(world: World) -> None:
    old = world.head_keys[1]
    number = say(world, "rotate", VALIDATORS[1], (new := key()), old, votes=(votes := key().public))
    state = world.ledger.state
    assert kinds(world)[number:] == ["office", "validators"]
    rows = decode(world.ledger.entry(number + 1))[1]
    assert [row[0] for row in rows] == list(VALIDATORS[:4]) and rows[1] == [VALIDATORS[1], new.public, votes]
    size = number + 2
    signers = [{verifier.public for verifier in state.succession.policy(at).power} for at in (size, size + 1)]
    assert old.public in signers[0] and new.public not in signers[0]
    assert new.public in signers[1] and old.public not in signers[1]
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.engine.tick()  # nothing was handed in, and yet there is a head that the new set signs
    assert kinds(world)[size:] == ["block"]
    world.engine.tick()
    assert world.ledger.size == size + 1, "and one such block only"
    assert world.check().state.validators() == state.validators()


def test_an_added_one_waits_and_then_signs(world: World) -> None:
    new = key()
    say(world, "add", NEW, new, votes=key().public)
    assert sets(world) == [list(VALIDATORS[:4])]
    world.wait(14 * DAY)
    assert sets(world) == [list(VALIDATORS[:4]), [*VALIDATORS[:4], NEW]]
    world.engine.tick()
    at = kinds(world).index("office-effect")
    assert kinds(world)[at:] == ["office-effect", "validators", "block"]
    assert len(decode(world.ledger.entry(at))[1]) == 6
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    assert world.ledger.state.succession.policy(world.ledger.size).quorum == 4
    world.say("notice", [b"", ["We are five.", "Нас пятеро."], []], new)
    verified = world.check()
    assert len(verified.source.checkpoint().signatures) == 5


def test_under_a_third_changes_in_two_weeks_but_one_may(world: World) -> None:
    rotated(world, 0)
    refused(world, "rotate", VALIDATORS[1], key(), world.head_keys[1], votes=key().public, said="As many validators")
    refused(world, "retire", VALIDATORS[1], world.head_keys[1].public, world.head_keys[1], said="As many validators")
    waits = say(world, "rotate", VALIDATORS[1], (new := key()), votes=key().public)
    also = say(world, "rotate", VALIDATORS[2], (third := key()), votes=key().public)
    world.wait(14 * DAY)
    done = [decode(world.ledger.entry(at))[1][2] for at, kind in enumerate(kinds(world)) if kind == "office-effect"]
    assert done == [VALIDATORS[1]] and waits < also, "the second waits on, for another two weeks"
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.wait(13 * DAY)
    assert len(sets(world)) == 3
    world.wait(DAY)
    assert len(sets(world)) == 4 and world.ledger.state.key_of(VALIDATORS[2], "validator") == third.public  # type: ignore[arg-type]
    world.engine.sign_with(third)  # type: ignore[attr-defined]
    world.check()


def test_two_of_seven_change_and_on_a_test_ledger_sooner(tmp_path: Path) -> None:
    with world_of(tmp_path, 7, test=1000) as world:
        rotated(world, 0), rotated(world, 1)
        refused(
            world, "rotate", VALIDATORS[2], key(), world.head_keys[2], votes=key().public, said="As many validators"
        )
        world.wait(1209)
        refused(
            world, "rotate", VALIDATORS[2], key(), world.head_keys[2], votes=key().public, said="As many validators"
        )
        world.wait(1)
        rotated(world, 2)
        world.check()


def test_some_keep_their_consensus_key(world: World) -> None:
    held = world.ledger.state.validators()[0]
    new = key()
    say(world, "rotate", VALIDATORS[0], new, world.head_keys[0], votes=held.votes)
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    assert world.ledger.state.validators()[0] == (VALIDATORS[0], new.public, held.votes)
    world.check()


def test_keys_that_are_refused(world: World) -> None:
    validators = world.ledger.state.validators()
    for votes in (
        validators[1].votes, validators[0].key, world.organisers[0].public, b"",
    ):  # fmt: skip
        refused(world, "rotate", VALIDATORS[0], key(), votes=votes)
        refused(world, "add", NEW, key(), votes=votes)
    refused(world, "add", NEW, key(), votes=validators[0].votes)  # only its own seat keeps it
    new = key()
    refused(world, "add", NEW, new, votes=new.public)
    refused(world, "add", NEW, validators[0].votes, votes=key().public)  # a consensus key is no office's
    refused(world, "add", NEW, key(), votes=b"\x01" + bytes(31), rule="shape")
    refused(world, "retire", VALIDATORS[0], validators[0].key, votes=validators[0].votes)
    say(world, "add", NEW, new, votes=(votes := key().public))
    refused(world, "add", "Opera", key(), votes=votes)  # which is awaited
    refused(world, "add", "Opera", votes, votes=key().public)
    refused(world, "add", "Opera", key(), votes=new.public)
    with pytest.raises(Refused, match="A consensus key stands beside the new key of a validator"):
        world.say(
            "office",
            ["add", "Opera", "observer", key().public, 0, key().public],
            *world.organisers,
            world.trustees[0].key,
        )


def test_never_fewer_than_one_and_never_more_than_64(tmp_path: Path) -> None:
    with world_of(tmp_path / "one", 1) as world:
        refused(
            world,
            "retire",
            VALIDATORS[0],
            world.head_keys[0].public,
            world.head_keys[0],
            said="No validator would be left",
        )
        rotated(world, 0)
        world.check()
    with world_of(tmp_path / "two", 2) as world:
        say(world, "retire", VALIDATORS[0], world.head_keys[0].public)
        refused(world, "retire", VALIDATORS[1], world.head_keys[1].public, said="No validator would be left")
        world.wait(14 * DAY)
        assert sets(world)[1:] == [[VALIDATORS[1]]]
        world.check()
    with world_of(tmp_path / "many", 63) as world:
        say(world, "add", NEW, key(), votes=key().public)
        refused(world, "add", "Opera", key(), votes=key().public, said="64 validators at most")


def test_one_process_has_none(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(1, 1, 0)) as world:
        refused(world, "add", NEW, key(), votes=key().public, said="without validators")


def test_whoever_validates_witnesses_no_more(tmp_path: Path) -> None:
    with world_of(tmp_path, 4, witnesses=(4, 1)) as world:
        watching = world.witnesses[0].institution
        refused(world, "add", watching, key(), votes=key().public, said="Too few witnesses")
        more = key()
        world.say("office", ["add", "Radio", "observer", more.public, 0], *world.organisers, world.trustees[0].key)
        world.wait(14 * DAY)
        say(world, "add", watching, (new := key()), votes=key().public)
        refused(world, "add", world.witnesses[1].institution, key(), votes=key().public, said="Too few witnesses")
        refused_retire = ["retire", "Radio", "observer", more.public, 1]
        with pytest.raises(Refused, match="Too few witnesses"):
            world.say("office", refused_retire, *world.organisers, world.trustees[0].key)
        world.wait(14 * DAY)
        world.engine.sign_with(new)  # type: ignore[attr-defined]
        assert watching not in world.ledger.state.witnesses().values()
        assert set(world.check().state.witnesses().values()) == {
            "Radio",
            *(one.institution for one in world.witnesses[1:]),
        }


# Kept heads


def changed(folder: Path, times: int) -> None:
    """A ledger in which so many validators changed, one after another, at rest."""
    with world_of(folder, 4, test=1000) as world:
        for number in range(times):
            rotated(world, number % 4)
            world.wait(1210)
        world.check()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four validators are others, some twice: of those who signed the first head nobody signs the last."""
    folder = tmp_path_factory.mktemp("changed")
    changed(folder, 6)
    return folder / "ledger"


@pytest.fixture
def ledger(made: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(made, tmp_path / "ledger", ignore=shutil.ignore_patterns("lock")))


def test_a_reader_goes_from_the_charter_to_a_set_of_which_it_knew_nobody(ledger: Path, tmp_path: Path) -> None:
    source = Folder(ledger)
    head = source.checkpoint()
    charter = read_charter(verify_ledger(source).entry(0))
    succession = walk(source, charter, head)
    signed = {verifier.public for verifier in head.verify(succession.policy(head.checkpoint.size))}
    assert len(succession.changes) == 6 and not signed & {one.key for one in charter.validators}
    with pytest.raises(DoesNotHold, match="0 of 4 signed"):
        head.verify(succession.policy(2))
    export(source, tmp_path / "ledger.tar")
    exported = verify_ledger(open_source(tmp_path / "ledger.tar"))
    assert exported.state.succession == succession
    assert rebuild(ledger, None).size == head.checkpoint.size
    with Ledger(ledger) as again:
        assert again.state.succession == succession


def spoilt(folder: Path) -> Iterator[tuple[str, str, str]]:
    """What somebody does to the kept heads, and the step that says so."""
    first, *others = sorted((folder / "head").iterdir(), key=lambda path: int(path.name))
    whole = first.read_bytes()
    signed = SignedCheckpoint.parse(whole)
    yield first.name, "L10", "too few"
    first.write_bytes(SignedCheckpoint(signed.checkpoint, signed.signatures[:2]).to_bytes())
    yield first.name, "L10", "2 of 4 signed"
    first.write_bytes(others[0].read_bytes())
    yield first.name, "L10", "it is the head of"
    first.write_bytes(b"a head")
    yield first.name, "L10", "not a signed note"
    first.write_bytes(whole)
    (folder / "head" / "3").write_bytes(Folder(folder).read("checkpoint"))
    yield "3", "L10", "it is the head of"


def test_kept_heads_that_are_none(ledger: Path) -> None:
    steps = spoilt(ledger)
    next(steps)
    for name, step, said in steps:
        with pytest.raises(DoesNotHold, match=said) as caught:
            verify_ledger(Folder(ledger))
        assert caught.value.step == step, name


def test_a_missing_one_is_missed(ledger: Path) -> None:
    """Where the next set still has enough of the old one, the signatures alone would not tell."""
    heads = sorted((ledger / "head").iterdir(), key=lambda path: int(path.name))
    whole = heads[-1].read_bytes()
    heads[-1].unlink()
    with pytest.raises(DoesNotHold, match="the file is missing") as caught:
        verify_ledger(Folder(ledger))
    assert caught.value.step == "L10" and heads[-1].name in str(caught.value.where)
    heads[-1].write_bytes(whole)
    heads[0].unlink()
    with pytest.raises(DoesNotHold):
        verify_ledger(Folder(ledger))


def test_none_is_published_before_the_head_that_leads_to_it_is_kept(world: World) -> None:
    number = say(world, "rotate", VALIDATORS[1], (new := key()), world.head_keys[1], votes=key().public)
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.engine.tick()
    kept = world.folder / "ledger" / "head" / str(number + 2)
    signed = SignedCheckpoint.parse(kept.read_bytes())
    assert signed.checkpoint.size == number + 2 and len(signed.verify(world.ledger.state.succession.policy(2))) == 4
    assert (world.folder / "ledger" / DATABASE).is_file()


# Who votes twice


def test_one_who_votes_twice_can_be_retired_at_once(world: World) -> None:
    rotated(world, 0)
    accused = world.ledger.state.validators()[3]
    world.engine.stop()
    ledger = world.ledger
    said = DoubleSigning(accused.votes, 1, ledger.time)
    for repeated in range(2):
        executed = ledger.execute(ledger.height + 1, ledger.time, [], [said, DoubleSigning(key().public, 1, 0)])
        assert executed.logged is not bool(repeated)
        ledger.commit()
    assert kinds(world)[-1] == "double-signing" and decode(ledger.entry(ledger.size - 1))[1] == [
        accused.votes,
        1,
        ledger.time,
    ]
    body = ["retire", accused.institution, "validator", accused.key, 0]
    retire = sign(world.id, "office", body, [*world.organisers, world.trustees[0].key])
    few = sign(world.id, "office", body, world.organisers)
    executed = ledger.execute(ledger.height + 1, ledger.time + 1, [few, retire])
    assert isinstance(executed.answers[0], Refused) and executed.answers[0].rule == "authority"
    ledger.commit()
    assert sets(world)[-1] == list(VALIDATORS[:3])
    publishing = Publishing(ledger, world.head_keys)
    publishing.publish(ledger.time)
    verify_ledger(Folder(ledger.folder))


def test_what_is_said_of_nobody_or_of_later_is_left_out(world: World) -> None:
    world.engine.stop()
    ledger, (one, *_) = world.ledger, world.ledger.state.validators()
    for said in (
        DoubleSigning(one.key, 1, 0),
        DoubleSigning(one.votes, ledger.height + 1, 0),
        DoubleSigning(one.votes, 1, ledger.time + 1),
    ):
        assert not ledger.execute(ledger.height + 1, ledger.time, [], [said]).logged
    assert ledger.execute(
        ledger.height + 1, ledger.time, [], [DoubleSigning(one.votes, ledger.height, ledger.time)]
    ).logged
    ledger.discard()


# Where they are found


def test_validators_say_where_they_are_found(world: World) -> None:
    state, (one, other) = world.ledger.state, world.ledger.state.validator_rows()[:2]

    def moved(place: int, url: str, peer: str) -> None:
        world.say("address", [url, peer, world.ledger.size], world.head_keys[place])

    elsewhere = f"{one.node}@elsewhere.example:1"
    moved(0, "https://elsewhere.example", elsewhere)
    assert state.validator_rows()[0] == one._replace(url="https://elsewhere.example", peer=elsewhere)
    for url, peer in ((other.url, one.peer), (one.url, other.peer), (one.url, f"{other.node}@elsewhere.example:2")):
        with pytest.raises(Refused) as caught:
            moved(0, url, peer)
        assert caught.value.rule == "address"
    moved(1, one.url, f"{9:040x}@there.example:1")  # which is free now
    with pytest.raises(Refused, match="signed by one validator"):
        world.say("address", [one.url, one.peer, 0], world.organisers[0])
    say(world, "add", NEW, (new := key()), votes=key().public)
    world.wait(14 * DAY)
    assert [row.institution for row in state.validator_rows()] == list(VALIDATORS[:4]), (
        "nobody knows where the new one is"
    )
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.say("address", ["https://zoo.example", f"{10:040x}@zoo.example:26656", 0], new)
    assert state.validator_rows()[4].url == "https://zoo.example"
    own = Peering.of(state, new.public)
    assert own.listen == "0.0.0.0:26656" and own.others[0] == elsewhere and len(own.others) == 4
    assert Peering.of(state, world.head_keys[2].public).others[-1].endswith("@zoo.example:26656")
    world.check()
