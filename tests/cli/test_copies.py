"""A trustee looks at the ledger from more than one place: whoever runs it cannot show them another one than everybody else."""

import shutil
import time
from pathlib import Path

import pytest
from node import Node

from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.world import World

from .conftest import fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A city with a poll that has closed and is to be decrypted, ``older`` and ``fork``: its ledger before and another way on from there."""
    with World(tmp_path, genesis=int(time.time()) - 2 * 86_400) as world:
        poll = world.poll([JOIN], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens[:4]:
            world.vote(citizen, poll, [[1, 0]])
        world.engine.tick()
        shutil.copytree(tmp_path / "ledger", tmp_path / "older")
        world.vote(world.citizens[4], poll, [[0, 1]])
        world.wait_until(poll.closing)
        size = world.ledger.size
    ok("export", "--ledger", tmp_path / "ledger", tmp_path / "city.tar", run=inside)
    shutil.copytree(tmp_path / "older", tmp_path / "fork")
    with Node(tmp_path / "fork") as fork:
        fork.lead_on(poll.closing, size)
        fork.publish()
    ok("ledger", "run", "--ledger", tmp_path / "ledger", "--once", "--after-outage", run=inside)
    return tmp_path


def act(town: Path, ledger: str, *others: str) -> tuple[object, ...]:
    also = [word for other in others for word in ("--also", town / other)]
    return ("trustee", "act", town / "trustee-1", "--ledger", town / ledger, *also)


def test_another_way_on_is_an_alarm_before_anything_is_done(town: Path) -> None:
    """The operator shows the trustee a fork, which holds; somebody else has kept the true one."""
    journal = (town / "trustee-1" / "journal").read_bytes()
    for other in ("ledger", "city.tar"):
        for shown in ((act(town, "fork", other)), act(town, other, "fork")):
            fails(1, "The ledger was rewritten", *shown, run=inside)
            fails(1, "The ledger was rewritten", "trustee", "adopt", *shown[2:], "--yes", run=inside)
    assert (town / "trustee-1" / "journal").read_bytes() == journal
    assert not (town / "trustee-1" / "decryptions").exists()


def test_copies_that_are_behind_are_part_of_the_longest(town: Path) -> None:
    said = ok(*act(town, "ledger", "older", "city.tar"), run=inside)
    assert "decryption for" in said.out


def test_the_longest_is_what_counts(town: Path) -> None:
    """Where the own node is behind, the trustee has seen what others have; if they are shown less than that later, they are told."""
    size = ok("ledger", "show", "--ledger", town / "ledger", "--json", run=inside).json["size"]
    assert inside(*act(town, "older", "ledger")).code != 0  # nobody takes a share there
    assert f" head {size} " in (town / "trustee-1" / "journal").read_text()
    fails(2, f"{size} were there when this trustee last looked", *act(town, "older"), run=inside)
    assert "decryption for" in ok(*act(town, "ledger"), run=inside).out


def test_a_copy_that_is_none(town: Path) -> None:
    (town / "signed-by-nobody").mkdir()
    shutil.copytree(town / "ledger", town / "signed-by-nobody", dirs_exist_ok=True)
    note = (town / "signed-by-nobody" / "checkpoint").read_text()
    (town / "signed-by-nobody" / "checkpoint").write_text(note[:-10] + "AAAAAAAA=\n")
    assert inside(*act(town, "ledger", "signed-by-nobody")).code == 1
    fails(2, "", *act(town, "ledger", "nowhere"), run=inside)
    assert not (town / "trustee-1" / "decryptions").exists()
