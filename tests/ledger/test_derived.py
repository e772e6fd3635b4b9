"""What is remembered is compared with what was written: every table, every column, at rest and while the ledger runs."""

import shutil
import sqlite3
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import veche_kernel
from node import Node

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.engine.publishing import LOG_KEY, Publishing
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.entries.poll import Choice
from veche.ledger.guard import BALLOTS, NOT_SEALED, sealed_tables
from veche.ledger.ledger import Ledger
from veche.ledger.shape import Text
from veche.ledger.store import DATABASE, Disagrees, Store
from veche.log.source import Folder
from veche.log.tiles import WIDTH
from veche.world import DAY, VALIDATORS, Played, World

YES_NO = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


class City(NamedTuple):
    """A ledger at rest: one poll is decided, one is open."""

    folder: Path
    now: int
    closes: int
    again: bytes
    """A further ballot of somebody who voted."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    base = tmp_path_factory.mktemp("city")
    with (
        pytest.MonkeyPatch.context() as patch,
        World(base / "world", citizens={"Arbat": 3, "Yakimanka": 2}, registrars=(1, 1, 0), engine=Played(1)) as world,
    ):
        patch.setattr("veche.ledger.follower.NOTED", 1)
        committee = world.form_committee()
        first = world.poll([YES_NO], committee=committee, days=1)
        second = world.poll([YES_NO], committee=committee, districts=[("Arbat", 1), ("Yakimanka", 2)], days=2)
        world.say("rules", [2, world.now + 400 * DAY], *world.office_keys[:3])
        observer = SigningKey.generate().public  # a change that waits
        world.say("office", ["add", "Newspaper", "observer", observer, 0], *world.office_keys[:3])
        _validators(world)
        world.say("notice", [second.id, ["A notice", "Объявление"], []], world.organisers[0])
        world.wait_until(first.definition.opens)
        for poll in (first, second):
            for citizen in world.citizens:
                world.vote(citizen, poll, [[1, 0]])
            world.vote(world.citizens[0], poll, [[0, 1]])
        world.wait_until(first.definition.closes)
        world.trustees_act()
        world.say("issuance", [first.id, [[5, bytes(31) + b"\1"]]], world.registrars[0].office)
        world.wait_until(second.definition.closes - 500)
        for number in range(2 * WIDTH):  # until the recount of a full bundle is on disk
            world.say("notice", [second.id, [f"{number}", "Объявление"], []], world.organisers[0])
        assert world.ledger.state.recount()
        again = world.entry(world.citizens[0], second, [[1, 0]])
        world.engine.tick()
        world.engine.stop()
        ledger = world.ledger
        ledger.execute(
            ledger.height + 1, world.now, [], [DoubleSigning(ledger.state.validators()[0].votes, 1, world.now)]
        )
        ledger.commit()
        Publishing(ledger, world.head_keys).publish(world.now)
        shutil.copytree(world.folder / "ledger", base / "ledger")
        return City(base / "ledger", world.now, second.definition.closes, again)


def _validators(world: World) -> None:
    """The one validator gets other keys, and is found elsewhere; and there is a class more."""
    new, name = SigningKey.generate(), VALIDATORS[0]
    body = ["rotate", name, "validator", new.public, 0, SigningKey.generate().public]
    world.say("office", body, *world.office_keys[:3], world.head_keys[0])
    world.engine.sign_with(new)  # type: ignore[attr-defined]
    world.head_keys[0] = new
    (world.folder / "ledger" / LOG_KEY).unlink()
    new.save(world.folder / "ledger" / LOG_KEY)
    world.say("address", ["https://elsewhere.example", f"{7:040x}@elsewhere.example:1", 0], new)
    world.say("class", replace(world.poll_class, name="another").body(), *world.office_keys[:3])


@pytest.fixture
def folder(city: City, tmp_path: Path) -> Path:
    return shutil.copytree(city.folder, tmp_path / "ledger")


def tables() -> dict[str, list[str]]:
    """Every table of a ledger's database, with its columns."""
    with sqlite3.connect(":memory:") as database:
        Store(Path(), database).prepare()
        names = [
            name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        return {name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")] for name in names}


PLACES = [(table, column) for table, columns in tables().items() for column in columns]


def flip(folder: Path, table: str, column: str) -> None:
    """Flip a bit of this column, in a row that counts: the last one, so of the open poll."""
    with sqlite3.connect(folder / DATABASE) as database:
        columns = tables()[table]
        rows = database.execute(f"SELECT * FROM {table} WHERE {column} IS NOT NULL").fetchall()
        assert rows, f"no row of {table} has a {column}: let the city have one"
        if "poll" in columns and isinstance(rows[0][columns.index("poll")], int):
            rows.sort(key=lambda row: row[columns.index("poll")])
        row = dict(zip(columns, rows[-1], strict=True))
        old: Any = row[column]
        if isinstance(old, int):
            new: Any = old ^ 1
        elif isinstance(old, bytes):
            new = old[:-1] + bytes([old[-1] ^ 1]) if old else b"\1"
        else:
            new = old[:-1] + chr(ord(old[-1]) ^ 1) if old else "a"
        where = " AND ".join(f"{name} IS ?" for name in columns)
        database.execute("PRAGMA ignore_check_constraints=ON")
        done = database.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (new, *row.values()))
        assert done.rowcount == 1
    database.close()


def test_every_table_is_compared_or_named() -> None:
    """A new table is sealed by itself. Who takes one out of that says here what compares it instead."""
    with sqlite3.connect(":memory:") as database:
        Store(Path(), database).prepare()
        sealed = sealed_tables(database)
    assert set(tables()) == {*sealed, *BALLOTS, *NOT_SEALED}
    assert (BALLOTS, NOT_SEALED) == (("ballot", "credential"), ("seal", "tail")), "their comparison is tested below"


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_bit_that_fell_over_at_rest_is_found_before_anything_is_signed(table: str, column: str, folder: Path) -> None:
    flip(folder, table, column)
    before = (folder / "checkpoint").read_bytes()
    with pytest.raises(Disagrees) as caught:
        Node(folder)
    assert caught.value.hint.endswith(f"veche ledger rebuild --ledger {folder}")
    assert (folder / "checkpoint").read_bytes() == before


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_bit_that_falls_over_meanwhile_reaches_nothing_that_is_signed(
    table: str, column: str, city: City, folder: Path
) -> None:
    """Either the writer does not look at the disk, and writes the truth over it or finds the bit when it starts anew; or it stops."""
    tallies = []
    with Node(folder) as node:
        flip(folder, table, column)
        try:
            for time, entries in ((city.now + 1, [city.again]), (city.closes, [])):
                node.block(time, entries)
                node.publish()
            tallies = [n for n in range(node.ledger.size) if node.ledger.entry(n)[1:7] == b"etally"]
        except Disagrees:
            assert table in BALLOTS, "all other tables are read once"
    verify_ledger(Folder(folder))
    assert len(tallies) == (0 if table in BALLOTS else 2)
    try:
        Ledger(folder).close()
    except Disagrees:
        rebuild(folder)
        Ledger(folder).close()


@pytest.mark.parametrize("table", ["body", "credential"])
def test_once_a_day_all_is_compared(table: str, city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veche.ledger.ledger.CHECKED", 100)
    with Node(folder) as node:
        node.block(city.now + 1)
        flip(folder, table, {"body": "hash", "credential": "turn"}[table])
        node.block(city.now + 100)
        assert node.ledger._checking is None
        node.block(city.now + 101)
        assert node.ledger._checking is not None
        node.ledger._checking.exception()
        with pytest.raises(Disagrees):
            node.block(city.now + 102)


def test_days_without_a_fault(city: City, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veche.ledger.ledger.CHECKED", 100)
    with Node(folder) as node:
        for time in range(city.now, city.closes, 20):
            node.block(time, [city.again])
            if node.ledger._checking is not None:
                node.ledger._checking.result()
        assert node.ledger._checked is not None and node.ledger._checked > city.now + 300
        assert node.ledger.state.polls()[-1].tally is None
        node.block(city.closes)
        assert node.ledger.state.polls()[-1].tally is not None
        node.publish()
    verify_ledger(Folder(folder))


def test_rows_of_a_tallied_poll_count_no_more(folder: Path) -> None:
    """Nothing is derived from them: whoever asks for one is answered by the log."""
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("UPDATE credential SET turn = turn + 1 WHERE poll = (SELECT min(poll) FROM credential)")
    database.close()
    Ledger(folder).close()


def test_a_database_of_another_version_is_named(folder: Path) -> None:
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("ALTER TABLE sums ADD COLUMN more INTEGER")
    database.close()
    with pytest.raises(Disagrees, match="another version"):
        Ledger(folder)


def test_what_a_refused_entry_or_a_lost_block_changed_is_not_written(city: City, folder: Path) -> None:
    with Node(folder) as node:
        ledger, sealed = node.ledger, "SELECT * FROM seal ORDER BY name"
        before = ledger.state.db.execute(sealed).fetchall()
        assert isinstance(ledger.execute(ledger.height + 1, city.now + 1, [city.again]).answers[0], int)
        ledger.discard()
        assert ledger.state.db.execute(sealed).fetchall() == before
        assert isinstance(node.block(city.now + 1, [city.again, city.again])[1], Refused)
        assert ledger.state.db.execute(sealed).fetchall() != before
    Ledger(folder).close()


def test_sums_of_hashes() -> None:
    records = [bytes([n]) * 48 for n in range(200)]
    expected = sum(int.from_bytes(sha256(record).digest()) for record in records) % 2**256
    assert int.from_bytes(veche_kernel.sum_of_hashes(b"".join(records), 48)) == expected
    assert veche_kernel.sum_of_hashes(b"", 48) == bytes(32)
    for data, width in ((bytes(47), 48), (b"", 0)):
        with pytest.raises(ValueError):
            veche_kernel.sum_of_hashes(data, width)
