"""Somebody else's folder: whatever its database says, no command takes a key, a result or a proof from it."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from veche.audit.entry_words import tracker
from veche.ledger.codec import decode
from veche.ledger.entries.poll import Choice
from veche.ledger.ownership import is_own
from veche.ledger.shape import Text
from veche.ledger.store import DATABASE
from veche.world import World

from .conftest import Answer, inside

LINES = Choice(
    Text("Which line first?", "Какая линия первой?"), (Text("North", "Север"), Text("South", "Юг")), 1, 1, False
)


@dataclass(frozen=True)
class Town:
    """A folder with a decided poll, and what people hold in their hands. ``clean``: its public files alone."""

    folder: Path
    clean: Path
    poll: str
    tracker: str
    receipt: Path
    checkpoint: Path
    row: Path
    registrar: Path
    trustee: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything in one folder, to be copied; what a test changes is its own."""
    folder = tmp_path_factory.mktemp("town")
    with World(folder, citizens={"Centre": 3}, smallest=3) as world:
        poll = world.poll([LINES], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        shutil.copy(folder / "ledger/checkpoint", folder / "checkpoint")
        for number, citizen in enumerate(world.citizens):
            world.vote(citizen, poll, [[1, 0] if number else [0, 1]])
        world.wait_until(poll.closing)
        world.trustees_act()
        world.account(0, poll)
        world.engine.tick()
        (folder / "row.json").write_bytes(world.registrars[0].proof_for(world.citizens[0].person, poll.id).to_json())
        verified = world.check()
        number = next(n for n in range(verified.head.size) if decode(verified.entry(n))[0] == "ballot")
        (folder / "vote.entry").write_bytes(verified.entry(number))
        (folder / "vote.tlog-proof").write_bytes(verified.log.receipt(number, verified.source.checkpoint()).to_bytes())
        ballot = verified.state.poll(poll.id)
        assert ballot is not None
        seen = ballot.frozen.kernel.load(decode(verified.entry(number))[3])
        (folder / "names").write_text(f"{poll.id.hex()} {tracker(seen.tracker)}")
    return folder


@pytest.fixture
def town(made: Path, tmp_path: Path) -> Town:
    """The folder itself where it was written, while a test has it; it is put back afterwards by nobody: so a copy of its database is."""
    poll, code = (made / "names").read_text().split()
    clean = tmp_path / "clean"
    for name in ("tile", "attachment"):
        if (made / "ledger" / name).exists():
            shutil.copytree(made / "ledger" / name, clean / name)
    shutil.copy(made / "ledger/checkpoint", clean / "checkpoint")
    return Town(
        made / "ledger", clean, poll, code, made / "vote.tlog-proof", made / "checkpoint", made / "row.json",
        made / "registrar-1", made / "trustee-1",
    )  # fmt: skip


@pytest.fixture
def falsified(town: Town) -> Iterator[Town]:
    """Every table of the database says something else in every column that takes it."""
    kept = {path: path.read_bytes() for path in town.folder.glob(f"{DATABASE}*")}
    connection = sqlite3.connect(town.folder / DATABASE, isolation_level=None)
    changed = set()
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
            other = f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1 WHEN 'blob' THEN randomblob(length({column})) ELSE 'x' END"
            try:
                if connection.execute(f"UPDATE {table} SET {column} = {other}").rowcount:
                    changed.add(table)
            except sqlite3.Error:  # what a key or a check of the table does not allow
                continue
    full = {table for table in tables if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]}
    assert changed == full and len(full) > 5
    connection.close()
    yield town
    for path in town.folder.glob(f"{DATABASE}*"):
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


ANYBODYS = [
    "poll show {poll} -l {ledger}",
    "poll show {poll} -l {ledger} --json",
    "find {tracker} -l {ledger}",
    "registrar check-proof {row} -l {ledger}",
    "ledger check-receipt {receipt} -l {ledger}",
    "ledger consistency --ledger {ledger} {checkpoint}",
    "verify {ledger} --receipt {receipt}",
    "vote {poll} -l {ledger} --seed {new}/voter.seed --choose 1 --receipts {new}",
    "export {ledger} {new}/poll.bel --poll {poll}",
    "export {ledger} {new}/ledger.tar",
]
"""What a citizen, an observer, a journalist runs. It is never answered from a database."""
NODES = [
    "poll list -l {ledger}",
    "ledger show --ledger {ledger}",
    "ledger log --ledger {ledger} --from 0",
    "ledger entry --ledger {ledger} 0",
    "ledger receipt --ledger {ledger} 5",
    "committee list -l {ledger}",
    "registrar issue {registrar} {poll} --person Centre-0 --group 0 --blinded 00 -l {ledger}",
    "registrar proof {registrar} {poll} --person Centre-0 -o {new}/row.json -l {ledger}",
    "trustee act {trustee} -l {ledger}",
]
"""What whoever runs a node asks it; for everybody else it is verified."""


def run(command: str, town: Town, ledger: Path, new: Path) -> tuple[Answer, dict[str, bytes]]:
    """What a command answers, and which files it writes; the ledger's place and the seeds of chance apart."""
    new.mkdir()
    names = {"ledger": ledger, "new": new, **{name: getattr(town, name) for name in town.__dataclass_fields__}}
    answer = inside(*(word.format(**names) for word in command.split()))
    told = [text.replace(str(ledger), "LEDGER").replace(str(new), "NEW") for text in (answer.out, answer.err)]
    files = {path.name: path.read_bytes() for path in new.iterdir() if path.suffix != ".seed"}
    return Answer(answer.code, *told), files


def same(command: str, town: Town, tmp_path: Path) -> None:
    expected = run(command, town, town.clean, tmp_path / "expected")
    assert run(command, town, town.folder, tmp_path / "found") == expected
    assert "database" not in expected[0].err


@pytest.mark.parametrize("command", ANYBODYS)
def test_nobody_is_answered_from_a_falsified_database(command: str, falsified: Town, tmp_path: Path) -> None:
    """Not even whoever runs the node, with a database of their own that somebody else has changed."""
    assert is_own(falsified.folder)
    same(command, falsified, tmp_path)


@pytest.mark.parametrize("command", [*ANYBODYS, *NODES])
def test_another_users_database_is_not_opened(
    command: str, falsified: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    opened: list[str] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def watch(database: str, *args: object, **kwargs: object) -> sqlite3.Connection:
        opened.append(str(database))
        return connect(database, *args, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", watch)
    assert not is_own(falsified.folder)
    same(command, falsified, tmp_path)
    assert not [database for database in opened if DATABASE in database]
    assert not (tmp_path / "another").exists()
