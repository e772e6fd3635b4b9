"""A verification that goes on finds what one from the first byte finds, and reads what is new."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.audit.ledger import Verification, VerifiedLedger, verify_ledger
from veche.errors import DoesNotHold, VecheError
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.log.tiles import WIDTH
from veche.world import World

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


class Counting(Folder):
    """A folder that notes what is read of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read_names: list[str] = []

    def get(self, name: str) -> bytes | None:
        self.read_names.append(name)
        return super().get(name)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, citizens={"Centre": 4, "North": 4}) as made:
        yield made


def everything(verified: VerifiedLedger) -> dict[str, object]:
    """All that a verification leads to: each row of its state, and what stands beside it."""
    db = verified.state.db
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found: dict[str, object] = {name: sorted(map(repr, db.execute(f"SELECT * FROM {name}"))) for name in tables}
    times = [verified.time_of(number) for number in range(verified.head.size)]
    return found | {"head": verified.head, "derived": dict(verified.derived), "times": times, "id": verified.ledger}


def test_it_finds_the_same_at_every_step_of_a_poll(world: World) -> None:
    folder, going = world.folder / "ledger", Verification()

    def look() -> None:
        fresh = everything(world.check())  # first: it has the engine publish
        assert everything(going.look(Folder(folder))) == fresh

    look()
    committee = world.form_committee()
    look()
    look()
    poll = world.poll([JOIN], committee=committee, days=1)
    look()
    world.wait_until(poll.definition.opens)
    for number, citizen in enumerate(world.citizens):
        world.vote(citizen, poll, [[1, 0]])
        if number % 3 == 0:
            look()
    world.vote(world.citizens[0], poll, [[0, 1]])  # replaces a ballot of an earlier look
    look()
    world.wait_until(poll.closing)
    look()
    world.trustees_act()
    look()
    world.engine.tick()
    look()
    kept = going.look(Folder(folder)).state.poll(poll.id)
    assert kept is not None and kept.result is not None, "the story came to its end"


def test_it_reads_what_is_new_and_nothing_else(world: World) -> None:
    folder, going = world.folder / "ledger", Verification()
    committee = world.form_committee()
    for number in range(WIDTH // 2):  # each in a block of its own
        world.say("notice", [b"", [f"Number {number}.", f"Номер {number}."], []], world.organisers[0])
    first = Counting(folder)
    going.look(first)
    assert any(name.startswith("tile/entries/000") and ".p" not in name for name in first.read_names)
    world.engine.tick()
    going.look(Folder(folder))
    same = Counting(folder)
    going.look(same)
    assert not any(name.startswith("tile/entries/") for name in same.read_names)
    world.poll([JOIN], committee=committee, days=1)
    world.engine.tick()
    grown = Counting(folder)
    assert everything(going.look(grown)) == everything(verify_ledger(Folder(folder)))
    bundles = {name for name in grown.read_names if name.startswith("tile/entries/")}
    assert bundles and not any(name == "tile/entries/000" for name in bundles), "the first one was full and was read"


def test_what_does_not_hold_is_found_and_named_as_ever(world: World, tmp_path: Path) -> None:
    folder = world.folder / "ledger"
    committee = world.form_committee()
    world.engine.tick()
    shutil.copytree(folder, tmp_path / "before", ignore=shutil.ignore_patterns("veche.db*", "lock", "inbox"))
    before = Folder(tmp_path / "before")
    world.poll([JOIN], committee=committee, days=1)
    world.engine.tick()
    [path] = [one for one in (folder / "tile" / "entries").rglob("*") if one.is_file()]
    good = path.read_bytes()
    for at in (10, len(good) - 10):  # in an entry that was verified before, and in a new one
        going = Verification()
        going.look(before)
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(DoesNotHold) as fresh:
            verify_ledger(Folder(folder))
        with pytest.raises(DoesNotHold) as on:
            going.look(Folder(folder))
        assert (on.value.step, on.value.where, on.value.message) == (
            fresh.value.step,
            fresh.value.where,
            fresh.value.message,
        )
        path.write_bytes(good)
        assert everything(going.look(Folder(folder))) == everything(verify_ledger(Folder(folder)))
    assert everything(going.look(before)) == everything(verify_ledger(before)), "an older copy that was put back"


def test_another_ledger_in_its_place_is_verified_from_the_beginning(world: World, tmp_path: Path) -> None:
    going = Verification()
    going.look(Folder(world.folder / "ledger"))
    with World(tmp_path / "other", citizens={"Centre": 4}) as other:
        other.form_committee()
        other.engine.tick()
        found = going.look(Folder(other.folder / "ledger"))
        assert everything(found) == everything(verify_ledger(Folder(other.folder / "ledger")))
    (world.folder / "ledger" / "checkpoint").write_bytes(b"nothing\n")
    with pytest.raises(VecheError):
        going.look(Folder(world.folder / "ledger"))
