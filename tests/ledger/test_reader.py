"""A ledger's readers: whose database is believed, and what is seen of it."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.cli.reading import read_ledger
from veche.ledger.reader import NotOwn, read_own
from veche.ledger.store import DATABASE
from veche.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, citizens={"Centre": 1}) as made:
        yield made


@pytest.fixture
def folder(world: World) -> Path:
    """A ledger's folder that nobody writes."""
    world.engine.stop()
    world.ledger.close()
    return world.folder / "ledger"


def test_this_nodes_own_database_is_believed(folder: Path) -> None:
    with read_own(folder) as own:
        assert own.size == own.state.get("size")
    moved = folder.rename(folder.with_name("moved"))
    with read_own(moved) as own:
        assert own.size == own.state.get("size")


def test_a_copy_is_not(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copy2)
    with pytest.raises(NotOwn), read_own(copy):
        pass
    with read_ledger(copy) as verified:
        assert verified.size


def test_what_was_put_back_from_a_copy_is_not(folder: Path, tmp_path: Path) -> None:
    """The file system may give the inodes of what was deleted to what comes next."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    for _ in range(2):
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
        with pytest.raises(NotOwn), read_own(folder):
            pass


def test_of_another_database_nothing_is_read(folder: Path, tmp_path: Path) -> None:
    """Its tables may be views without an end."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / DATABASE).unlink()
    with sqlite3.connect(copy / DATABASE) as connection:
        endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i AS name, i AS value FROM n"
        connection.execute(f"CREATE VIEW meta AS {endless}")
    connection.close()
    with pytest.raises(NotOwn), read_own(copy):
        pass


def test_another_users_is_not(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And who only reads leaves nothing behind."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    with pytest.raises(NotOwn), read_own(folder):
        pass
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_what_is_no_database_is_not_read(folder: Path, content: bytes) -> None:
    (folder / DATABASE).write_bytes(content)
    with pytest.raises(NotOwn), read_own(folder):
        pass
    with read_ledger(folder) as verified:
        assert verified.size


def test_what_is_not_committed_is_not_seen(world: World) -> None:
    ledger, folder = world.ledger, world.folder / "ledger"
    world.engine.tick()
    size = ledger.size
    with read_own(folder) as before:
        world.say("notice", [b"", ["The node moves.", "Узел переезжает."], []], world.organisers[0])
        world.engine.tick()
        assert ledger.size > size == before.size == before.state.get("size")
    with read_own(folder) as after:
        assert after.size == ledger.size
