"""The disk fails at each statement and each file operation in turn, in the middle of a block and of its publication.

On either engine, whatever fails, and however: the ledger is as before the block or as after it, on disk and in memory; the same program goes on,
and so does one that is started anew; what was said to be in the ledger is in it; and the error is a plain sentence.
"""

import errno
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faults import AFTER, BEFORE, FULL, TORN, Crash, Disk, crashes
from node import Node

from veche.audit.ledger import verify_ledger
from veche.clock import Reading, by_hand
from veche.engine.publishing import LOG_KEY, Publishing, create_ledger
from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.ledger.machine import Machine
from veche.log.source import Folder
from veche.log.tiles import CHECKPOINT
from veche.world import EMBEDDED, GENESIS, EngineKind, World

from .driven import Driven, drive
from .stage import TRAMS

FAILURES: dict[str, Callable[[], BaseException]] = {
    "full": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "full database": lambda: sqlite3.OperationalError("database or disk is full"),
    "crash": Crash,
}


class Faults:
    """Counts operations, and lets the one with this number fail, before or after it was done."""

    def __init__(self, number: int, failure: Callable[[], BaseException], late: bool) -> None:
        self.number, self.failure, self.late, self.count = number, failure, late, 0

    def __call__(self, operation: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.count += 1
        if self.count == self.number and not self.late:
            raise self.failure()
        answer = operation(*arguments, **named)
        if self.count == self.number:
            raise self.failure()
        return answer

    @property
    def happened(self) -> bool:
        return self.count >= self.number


class FaultyDatabase:
    """A connection whose statements may fail."""

    def __init__(self, connection: sqlite3.Connection, faults: Faults) -> None:
        self._connection, self._faults = connection, faults

    def execute(self, *arguments: Any) -> Any:
        if arguments[0] == "ROLLBACK":  # it takes no room, and SQLite does it by itself if it has to
            return self._connection.execute(*arguments)
        return self._faults(self._connection.execute, *arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self._faults(self._connection.executemany, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass
class Stage:
    """A ledger in a folder, and the block that is to be made in it."""

    kind: EngineKind
    folder: Path
    time: int
    entries: list[bytes]

    @property
    def key(self) -> SigningKey:
        """That signs its heads."""
        return SigningKey.load(self.folder / LOG_KEY)


@pytest.fixture(scope="module")
def stages(kind: EngineKind, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    base = tmp_path_factory.mktemp("city")
    with World(base / "world", citizens={"Centre": 4}, registrars=(1, 1, 0), engine=kind) as world:
        made: dict[str, Stage] = {}

        def stage(name: str, time: int, entries: list[bytes]) -> None:
            world.engine.tick()  # so that it is at rest
            shutil.copytree(world.folder / "ledger", base / name)
            made[name] = Stage(kind, base / name, time, entries)

        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        ballots = [world.entry(citizen, poll, [[1, 0]]) for citizen in world.citizens]
        ballots.append(world.entry(world.citizens[0], poll, [[0, 1]]))
        stage("ballots", world.now, [*ballots, ballots[0]])
        for ballot in ballots:
            world.submit(ballot)
        stage("nothing", world.now + 100, [])
        world.wait_until(poll.definition.closes - 1)
        stage("closing", world.now + 1, [])
        world.wait(1)
        entries = [entry for trustee in world.trustees for entry in trustee.due(world.view())]
        stage("result", world.now, entries)
    return made


def open_copy(stage: Stage, folder: Path) -> Driven:
    shutil.copytree(stage.folder, folder)
    return drive(stage.kind, folder)


def state(node: Driven) -> dict[str, list[Any]]:
    db = node.ledger.state.db
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}
    own = ("heartbeat_time", "heartbeat_height", "published", "recounted")
    found["meta"] = [row for row in found["meta"] if row[0] not in own]
    del found["tail"], found["seal"], found["recount"]
    return found


def settle(node: Driven, stage: Stage) -> list[bytes]:
    """Hand everything in again, as its senders do who were not answered, and publish; what was added to the log in all."""
    node.block(stage.time, stage.entries)
    node.publish()
    return [node.ledger.entry(number) for number in range(node.ledger.size)]


def put(node: Driven, database: Any) -> None:
    """Let the ledger work with another connection."""
    node.ledger._store.db = node.ledger.state.db = database


@pytest.fixture
def expected(stages: dict[str, Stage], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """The state before the block and after it, where nothing fails."""
    stage = stages[request.node.callspec.params["name"]]
    with closing(open_copy(stage, tmp_path / "expected")) as ledger:
        before = state(ledger)
        settle(ledger, stage)
        yield before, state(ledger)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("failure", ["full database", "crash"])
@pytest.mark.parametrize("name", ["ballots", "closing", "result", "nothing"])
def test_a_block_that_fails_at_any_statement(
    name: str, failure: str, late: bool, stages: dict[str, Stage], expected: tuple[Any, Any], tmp_path: Path
) -> None:
    """At each statement in turn: before it, when it was not done, and after it, when its sender never learns that it was."""
    stage, reached = stages[name], True
    step = 1 if stage.kind is EMBEDDED else 3  # of so many one, another time others
    number = random.randrange(step) + 1 - step
    while reached:
        number += step
        folder = tmp_path / f"{number}"
        ledger = open_copy(stage, folder)
        faults, database = Faults(number, FAILURES[failure], late), ledger.ledger.state.db
        put(ledger, FaultyDatabase(database, faults))
        wanted = Crash if failure == "crash" else UserError
        try:
            ledger.block(stage.time, stage.entries)
            assert not faults.happened, "the failure was not told"
        except wanted as error:
            if isinstance(error, UserError):
                assert "cannot be" in error.message and error.hint
        reached = faults.happened
        put(ledger, database)
        if failure == "crash" or not isinstance(ledger, Node):  # CometBFT goes on with nobody who said no
            ledger.close()
            ledger = drive(stage.kind, folder)
        assert state(ledger) in expected
        entries = settle(ledger, stage)
        assert len(set(entries)) == len(entries)
        assert state(ledger) == expected[1]
        ledger.close()
        if number % 8 == 0 or not reached:
            verify_ledger(Folder(folder))
        shutil.rmtree(folder)
    assert number > 5


@pytest.mark.parametrize("how", [BEFORE, AFTER, TORN, FULL])
@pytest.mark.parametrize("name", ["ballots"])
def test_a_publication_that_fails_at_any_operation(
    name: str, how: str, stages: dict[str, Stage], expected: tuple[Any, Any], tmp_path: Path
) -> None:
    """The block is durable before: it is published by the same program's next try, or by the one that is started anew."""
    stage, folder, times = stages[name], tmp_path / "ledger", 0
    ledger = open_copy(stage, folder)
    old = verify_ledger(Folder(folder)).head
    answers: Sequence[int | Refused] = []

    def ready() -> None:
        nonlocal ledger, answers
        ledger.close()
        shutil.rmtree(folder)
        ledger = open_copy(stage, folder)
        answers = ledger.block(stage.time, stage.entries)

    def publish() -> None:
        ledger.publish()

    for disk in crashes(publish, ready, (how,)):
        times += 1
        head = verify_ledger(Folder(folder)).head  # what everybody can copy at this moment
        assert head.size in (old.size, ledger.ledger.size)
        with Disk() as again:
            if how == FULL and isinstance(ledger, Node):
                ledger.publish()
            else:
                ledger.close()
                ledger = drive(stage.kind, folder)
        assert verify_ledger(Folder(folder)).head == ledger.ledger.head
        public = [folder / name for name in Folder(folder).names()]
        new = [path for path in public if not (stage.folder / path.relative_to(folder)).exists()]
        assert {str(path) for path in [*new, folder / CHECKPOINT]} <= disk.durable | again.durable
        assert {str(path.parent) for path in new} | {str(folder)} <= disk.durable | again.durable
        for entry, answer in zip(stage.entries, answers, strict=True):
            assert isinstance(answer, Refused) or ledger.ledger.entry(answer) == entry
        assert state(ledger) == expected[1]
    ledger.close()
    assert times > 5 or how == TORN


def test_a_folder_that_cannot_be_written(stages: dict[str, Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Whoever runs these tests may be allowed everything, so the system's answer is put in its mouth."""
    folder = tmp_path / "ledger"
    shutil.copytree(stages["ballots"].folder, folder)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        with pytest.raises(UserError, match="Permission denied") as caught:
            Ledger(folder)
        assert caught.value.hint
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", lambda *_, **__: (_ for _ in ()).throw(sqlite3.OperationalError("unable to open database file")))  # fmt: skip
        with pytest.raises(UserError, match="unable to open"):
            Ledger(folder)
    with Ledger(folder) as ledger:
        assert ledger.size > 2


def test_a_database_that_is_none(stages: dict[str, Stage], tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    shutil.copytree(stages["ballots"].folder, folder)
    for path in folder.glob("veche.db*"):
        path.unlink()
    (folder / "veche.db").write_bytes(b"This is not a database. " * 100)
    with pytest.raises(UserError, match="not a database"):
        Ledger(folder)


def test_a_creation_that_is_cut_short_is_begun_again(founding: tuple[bytes, SigningKey], tmp_path: Path) -> None:
    charter, key = founding
    folder = tmp_path / "new"
    original = Machine.end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "end", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))  # fmt: skip
        with pytest.raises(UserError, match="No space left"):
            create_ledger(folder, charter, key, genesis)
    assert Machine.end is original
    with pytest.raises(UserError, match="no charter"):
        Ledger(folder)
    with create_ledger(folder, charter, key, genesis) as ledger:
        assert ledger.size == 2
    with pytest.raises(UserError, match="already"):
        create_ledger(folder, charter, key, genesis)
    verify_ledger(Folder(folder))


def test_a_creation_that_crashes_at_any_statement(founding: tuple[bytes, SigningKey], tmp_path: Path) -> None:
    """It is begun again; or it was complete but for its publication, which opening the ledger makes up for.

    After each statement: a crash before the next one leaves the same.
    """
    charter, key = founding
    connect, number, reached, complete = sqlite3.connect, 0, True, 0
    while reached:
        number += 1
        folder = tmp_path / f"{number}"
        faults = Faults(number, Crash, late=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", lambda *a, **b: FaultyDatabase(connect(*a, **b), faults))  # noqa: B023
            with suppress(Crash):
                create_ledger(folder, charter, key, genesis).close()
                assert not faults.happened, "the crash was swallowed"
        reached = faults.happened
        complete += begin_again(folder, charter, key)
        if number % 8 == 0 or not reached:
            verify_ledger(Folder(folder))
    assert number > 10 and complete > 1


@pytest.fixture(scope="module")
def founding(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, SigningKey]:
    """A charter, and the key that signs its heads."""
    with World(tmp_path_factory.mktemp("founded")) as world:
        return world.ledger.entry(0), world.head_keys[0]


def genesis() -> Reading:
    """The clock when the city's ledger begins."""
    return by_hand(GENESIS)


def begin_again(folder: Path, charter: bytes, key: SigningKey) -> bool:
    """Create the ledger whose creation crashed, or open it if it is there already. Which of the two?"""
    try:
        create_ledger(folder, charter, key, genesis).close()
    except UserError as error:
        assert "already" in error.message
        with Ledger(folder) as ledger:
            assert ledger.size == 2
            Publishing(ledger, (key,)).publish(GENESIS)  # as engines do
        return True
    return False


@pytest.mark.parametrize("how", [AFTER, TORN])
def test_a_creation_that_crashes_at_any_operation(how: str, founding: tuple[bytes, SigningKey], tmp_path: Path) -> None:
    charter, key = founding
    folder = tmp_path / "new"
    for _ in crashes(
        lambda: create_ledger(folder, charter, key, genesis).close(),
        lambda: shutil.rmtree(folder, ignore_errors=True),
        (how,),
    ):
        begin_again(folder, charter, key)
        verify_ledger(Folder(folder))


def test_two_programs_do_not_write_one_ledger(stages: dict[str, Stage], tmp_path: Path) -> None:
    with (
        closing(open_copy(stages["nothing"], tmp_path / "ledger")),
        pytest.raises(UserError, match="Another program"),
    ):
        Ledger(tmp_path / "ledger")
