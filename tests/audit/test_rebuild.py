"""A database made anew from the public files: whatever happened to the old one, and whenever it is interrupted."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import BEFORE, FULL, crashes
from ledger.branch import dump
from node import Node

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import NEW, rebuild
from veche.cli.reading import read_ledger
from veche.engine.embedded import LOG_KEY
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.entries.poll import Choice
from veche.ledger.ledger import Ledger
from veche.ledger.reader import NotOwn, read_own
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.ledger.store import DATABASE, Disagrees
from veche.log.source import Folder
from veche.world import World

YES_NO = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
SIZE = 300
"""More than a full bundle."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, list[bytes]]:
    """A ledger at rest in the midst of a poll, the time, and entries that can be handed in."""
    base = tmp_path_factory.mktemp("city")
    with World(base / "world", citizens={"Centre": 4}, registrars=(1, 1, 0)) as world:
        poll = world.poll([YES_NO], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        notices = [sign(world.id, "notice", [b"", [f"{n}", "А"], []], [world.organisers[0]]) for n in range(SIZE)]
        for answer in [world.engine.submit(notice) for notice in notices]:
            answer.result()
        world.vote(world.citizens[0], poll, [[1, 0]])
        world.vote(world.citizens[0], poll, [[0, 1]])
        entries = [world.entry(citizen, poll, [[1, 0]]) for citizen in world.citizens[:3]]
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", base / "ledger")
        return base / "ledger", world.now, entries


@pytest.fixture
def folder(made: tuple[Path, int, list[bytes]], tmp_path: Path) -> Path:
    """A node's own folder, at rest, all published."""
    shutil.copytree(made[0], tmp_path / "ledger")
    Node(tmp_path / "ledger").close()
    return tmp_path / "ledger"


def held(folder: Path) -> object:
    with Ledger(folder) as ledger:
        return dump(ledger.state.db), [ledger.entry(number) for number in range(ledger.size)], ledger.head


def forget(folder: Path) -> None:
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


def cut(folder: Path) -> None:
    whole = (folder / DATABASE).read_bytes()
    forget(folder)
    (folder / DATABASE).write_bytes(whole[: len(whole) // 2])


def empty(folder: Path) -> None:
    forget(folder)
    (folder / DATABASE).touch()


def garble(folder: Path) -> None:
    forget(folder)
    (folder / DATABASE).write_bytes(b"This is not a database. " * 1000)


def garble_pages(folder: Path) -> None:
    """Its first page is whole, so that it is opened."""
    whole = bytearray((folder / DATABASE).read_bytes())
    for at in range(4096, len(whole), 4096):
        whole[at : at + 60] = os.urandom(60)
    forget(folder)
    (folder / DATABASE).write_bytes(whole)


def replace_by_foreign(folder: Path) -> None:
    with World(folder.parent / "other", citizens={"Centre": 1}, registrars=(1, 1, 0)):
        pass
    forget(folder)
    shutil.copy(folder.parent / "other" / "ledger" / DATABASE, folder / DATABASE)


def set_root(folder: Path) -> None:
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("UPDATE meta SET value = ? WHERE name = 'root'", (bytes(32),))
    database.close()


DAMAGES: list[Callable[[Path], None]] = [forget, cut, empty, garble, garble_pages, replace_by_foreign, set_root]


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_named_and_healed(damage: Callable[[Path], None], folder: Path) -> None:
    expected = held(folder)
    damage(folder)
    with pytest.raises(UserError, match="database") as caught:
        held(folder)
    assert f"veche ledger rebuild --ledger {folder}" in caught.value.hint
    seen: list[tuple[int, int]] = []
    made = rebuild(folder, lambda done, total: seen.append((done, total)))
    assert (made.size, made.taken) == (seen[-1][1], 0)
    assert held(folder) == expected
    with read_own(folder) as own:  # it is believed, as what this user's node wrote itself
        assert own.size == made.size
    assert not list(folder.glob(f"{NEW}*"))


def test_older_than_the_files(folder: Path, made: tuple[Path, int, list[bytes]]) -> None:
    shutil.copy(folder / DATABASE, folder / "old")
    with Node(folder) as node:
        node.block(made[1], made[2])
        node.publish()
    expected = held(folder)
    forget(folder)
    (folder / "old").rename(folder / DATABASE)
    with pytest.raises(Disagrees, match="are published beside it"):
        Ledger(folder)
    assert rebuild(folder).lost == 0
    assert held(folder) == expected


@pytest.mark.parametrize("readable", [True, False])
def test_what_was_accepted_and_not_published_is_taken_over(
    readable: bool, folder: Path, made: tuple[Path, int, list[bytes]]
) -> None:
    with Node(folder) as node:
        size = node.ledger.size
        node.block(made[1], made[2][:2])
    expected = held(folder)
    if not readable:
        garble(folder)
    rebuilt = rebuild(folder)
    if readable:
        assert (rebuilt.taken, rebuilt.lost) == (3, 0)  # the block's own entry is one
        assert held(folder) == expected
    else:
        assert (rebuilt.size, rebuilt.taken, rebuilt.lost) == (size, 0, None)
    with Node(folder) as node:
        assert [answer for answer in node.block(made[1], made[2]) if isinstance(answer, int)]
        node.publish()
    verify_ledger(Folder(folder))


def test_what_the_old_database_has_wrongly_is_not_taken_over(folder: Path, made: tuple[Path, int, list[bytes]]) -> None:
    with Node(folder) as node:
        size = node.ledger.size
        node.block(made[1], made[2])
    with sqlite3.connect(folder / DATABASE) as database:
        ((number, data),) = database.execute("SELECT number, entries FROM tail ORDER BY number DESC LIMIT 1")
        wrong = bytes(data[:-5]) + bytes([data[-5] ^ 1]) + bytes(data[-4:])
        database.execute("UPDATE tail SET entries = ? WHERE number = ?", (wrong, number))
    database.close()
    with pytest.raises(Disagrees):
        Ledger(folder)
    rebuilt = rebuild(folder)
    assert (rebuilt.size, rebuilt.taken) == (size, 0) and rebuilt.lost
    verify_ledger(Folder(folder))


def test_files_that_end_before_what_was_published_make_no_fork(
    folder: Path, made: tuple[Path, int, list[bytes]]
) -> None:
    """The public files come from an old copy: whoever goes on from there signs a second history."""
    shutil.copytree(folder, folder.with_name("old"))
    with Node(folder) as node:
        node.block(made[1], made[2])
        node.publish()
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("UPDATE meta SET value = value + 256 WHERE name = 'published'")
    database.close()
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(UserError, match="were published from here"):
        rebuild(folder)
    assert (folder / DATABASE).read_bytes() == before


def test_nothing_is_replaced_where_the_public_files_do_not_hold(folder: Path) -> None:
    bundle = folder / "tile" / "entries" / "000"
    data = bytearray(bundle.read_bytes())
    data[-9] ^= 1
    bundle.write_bytes(data)
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(DoesNotHold):
        rebuild(folder)
    assert (folder / DATABASE).read_bytes() == before
    assert not list(folder.glob(f"{NEW}*"))


def test_not_from_nothing_not_with_another_key_and_not_beside_an_engine(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no public files"):
        rebuild(tmp_path)
    with Node(folder), pytest.raises(UserError, match="Another program is writing"):
        rebuild(folder)
    (folder / LOG_KEY).unlink()
    SigningKey.generate().save(folder / LOG_KEY)
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(UserError, match="not the log's key"):
        rebuild(folder)
    assert (folder / DATABASE).read_bytes() == before


def test_a_copy_becomes_a_node(folder: Path, tmp_path: Path) -> None:
    """Whoever has the public files has a database of their own, which they verified themselves."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(f"{DATABASE}*", "place", "lock", LOG_KEY))
    with pytest.raises(NotOwn), read_own(copy):
        pass
    rebuild(copy)
    with read_own(copy) as own, read_ledger(folder) as original:
        assert own.head.checkpoint == original.head.checkpoint


@pytest.mark.parametrize("how", [BEFORE, FULL])
def test_a_crash_at_any_operation_leaves_the_old_or_the_new(
    how: str, made: tuple[Path, int, list[bytes]], folder: Path
) -> None:
    with Node(folder) as node:
        node.block(made[1], made[2][:1])  # not published: only the database has it
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    expected, times = held(folder), 0

    def ready() -> None:
        forget(folder)
        shutil.copy(kept / DATABASE, folder / DATABASE)
        with sqlite3.connect(folder / DATABASE) as database:  # the last block is in its journal
            database.execute("PRAGMA journal_mode=WAL")
        database.close()

    for _ in crashes(lambda: rebuild(folder), ready, (how,)):
        times += 1
        assert held(folder) == expected
        rebuild(folder)
        assert held(folder) == expected
        assert not list(folder.glob(f"{NEW}*"))
    assert times > 5


def test_a_process_that_is_killed(folder: Path) -> None:
    """At a moment that nobody chose, a few times; then it is let end."""
    expected = held(folder)
    garble(folder)
    for wait in (0.6, 0.8, 1.0):
        process = subprocess.Popen([sys.executable, "-m", "veche", "ledger", "rebuild", "--ledger", folder])
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    if (folder / NEW).exists():
        with pytest.raises(UserError):
            Ledger(folder)
    subprocess.run([sys.executable, "-m", "veche", "ledger", "rebuild", "--ledger", folder], check=True)
    assert held(folder) == expected
