"""A ledger that one engine keeps alone, put back from a backup: it asks around before it signs, and never makes a second history."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import backups
import pytest
from cli.conftest import inside
from engine.stage import Stage, make_stage

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import TAKING, end_taking
from veche.engine import place
from veche.engine.embedded import EmbeddedEngine
from veche.engine.inbox import Unanswered, hand_in
from veche.errors import UserError
from veche.ledger.ledger import Ledger
from veche.ledger.store import Disagrees
from veche.log.evidence import read_fork
from veche.log.source import Folder
from veche.node import addresses, newest
from veche.node.addresses import AddressBook, Known
from veche.node.copying import Forked
from veche.node.newest import Newest
from veche.node.service import Service
from veche.texts import Localizable
from veche.world import EMBEDDED, PAUSE, World

from .conftest import Client
from .test_following import following, same_head, until, url_of
from .test_one_ledger import serving


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(EMBEDDED, tmp_path_factory.mktemp("city"))


@contextmanager
def running(stage: Stage, asking: Newest | None = None) -> Iterator[Client]:
    """Its node, as people start it: with nobody to ask, if nothing else is said."""
    ledger = (asking or Newest(stage.folder)).of(Ledger(stage.folder))
    with ledger:
        engine = EmbeddedEngine(ledger, stage.key, lambda: stage.now, PAUSE)
        service = Service(engine, stage.key, "127.0.0.1", 0)
        with engine, service:
            yield Client(service.address)
            service.check()


def vote(door: Client, ballot: bytes) -> None:
    door.wait(door.hand_in(ballot).json["entry"], "final")


def size_of(folder: Path) -> int:
    return Folder(folder).checkpoint().checkpoint.size


@pytest.fixture
def yesterday(stage: Stage, tmp_path: Path) -> Path:
    """A backup; the stage has gone on since by two ballots."""
    with running(stage) as door:
        vote(door, stage.ballots[0])
    shutil.copytree(stage.folder, tmp_path / "yesterday")
    with running(stage) as door:
        vote(door, stage.ballots[1])
        vote(door, stage.ballots[2])
    return tmp_path / "yesterday"


def charter_of(stage: Stage) -> bytes:
    with stage.open() as ledger:
        return ledger.entry(0)


def test_yesterdays_folder_takes_back_what_was_signed_and_every_follower_stays_green(
    stage: Stage, tmp_path: Path
) -> None:
    """Under the very head that was signed; and then the ledger goes on as one."""
    said: list[Localizable] = []
    with running(stage) as door:
        vote(door, stage.ballots[0])
        address = door.address
        with following(stage, tmp_path / "copy", address):
            pass
    shutil.copytree(stage.folder, tmp_path / "yesterday")
    with running(stage) as door:
        vote(door, stage.ballots[1])
        with following(stage, tmp_path / "copy", door.address) as (made, copy):
            until(lambda: same_head(copy, door), made)
    signed = (tmp_path / "copy" / "checkpoint").read_bytes()
    backups.copy_anew(tmp_path / "yesterday", stage.folder)
    with (
        serving(tmp_path / "copy", charter_of(stage)) as follower,
        running(stage, Newest(stage.folder, [url_of(follower)], say=said.append)) as door,
    ):
        assert door.get("/checkpoint").body == signed and len(said) == 1
        vote(door, stage.ballots[2])
        with following(stage, tmp_path / "copy", door.address) as (made, copy):
            until(lambda: same_head(copy, door), made)
    assert verify_ledger(Folder(stage.folder)).head == verify_ledger(Folder(tmp_path / "copy")).head
    assert not place.is_moved(stage.folder) and read_fork(tmp_path / "copy") is None


@pytest.mark.parametrize(
    "restore", [backups.copy_over, backups.copy_anew, backups.sync_in_place, backups.sync, backups.unpack]
)
def test_if_nobody_is_known_a_person_confirms(stage: Stage, yesterday: Path, restore: object) -> None:
    """However the backup was put back; and what is at stake, and where it stands, is said."""
    restore(yesterday, stage.folder)  # type: ignore[operator]
    run = ("ledger", "run", "--ledger", stage.folder, "--once", "--after-outage")
    refused = inside(*run)
    assert refused.code == 2 and "put back from a backup" in refused.err and "two histories" in refused.err
    size = size_of(stage.folder)
    assert f"has {size} entries" in refused.err and "--is-newest" in refused.err
    with pytest.raises(Unanswered, match="look whether others have more"):
        hand_in(stage.folder, [stage.ballots[3]])  # no command that runs the engine for a moment does what it refused
    assert size_of(stage.folder) == size
    assert inside(*run, "--is-newest").code == 0
    assert inside(*run).code == 0  # it is known from now on


def test_who_was_named_must_answer(stage: Stage, yesterday: Path) -> None:
    """The folder is in its place, as when a whole disk was put back: but a node is named, and silent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(UserError, match="None of the nodes that may have a newer head"):
        Newest(stage.folder, [f"http://127.0.0.1:{port}"]).of(Ledger(stage.folder))
    with Newest(stage.folder, [f"http://127.0.0.1:{port}"], confirmed=True).of(Ledger(stage.folder)):
        pass
    with pytest.raises(
        UserError, match="None of the nodes that may have a newer head"
    ):  # the folder remembers who was named
        Newest(stage.folder).of(Ledger(stage.folder))
    assert time.monotonic() - begun < 60


def test_a_node_that_is_behind_is_no_argument(stage: Stage, yesterday: Path, tmp_path: Path) -> None:
    """It knows nothing of what was signed since, so it does not speak for a folder that was put back; nor against one that was not."""
    with serving(yesterday, charter_of(stage)) as behind:
        with Newest(stage.folder, [url_of(behind)]).of(Ledger(stage.folder)) as ledger:
            assert ledger.size == size_of(stage.folder) > size_of(yesterday)
        shutil.copytree(stage.folder, tmp_path / "elsewhere")
        with pytest.raises(UserError, match="all nodes that answer are behind it"):
            Newest(tmp_path / "elsewhere", [url_of(behind)]).of(Ledger(tmp_path / "elsewhere"))
    with (
        serving(stage.folder, charter_of(stage)) as equal,
        Newest(tmp_path / "elsewhere", [url_of(equal)]).of(Ledger(tmp_path / "elsewhere")),
    ):
        pass


def test_two_histories_under_its_key_stop_it(stage: Stage, yesterday: Path, tmp_path: Path) -> None:
    """Somebody let the backup go on. Both heads are kept, and nothing is signed though nobody says it again; until people decide."""
    backup = Stage(yesterday, stage.now, stage.ballots)
    with running(backup, Newest(yesterday, confirmed=True)) as door:
        vote(door, stage.ballots[4])
    before = (stage.folder / "checkpoint").read_bytes()
    with serving(yesterday, charter_of(stage)) as other, pytest.raises(Forked) as alarm:
        Newest(stage.folder, [url_of(other)]).of(Ledger(stage.folder))
    assert "--despite-fork" in alarm.value.hint
    found = read_fork(stage.folder)
    assert found is not None
    found.check()
    refused = inside("ledger", "run", "--ledger", stage.folder, "--once", "--after-outage", "--is-newest")
    assert refused.code == 1 and "two histories" in refused.err
    assert (stage.folder / "checkpoint").read_bytes() == before
    run = ("ledger", "run", "--ledger", stage.folder, "--once", "--after-outage", "--is-newest", "--despite-fork")
    assert inside(*run).code == 0


def test_the_same_of_one_size(stage: Stage, yesterday: Path, tmp_path: Path) -> None:
    backup = Stage(yesterday, stage.now, stage.ballots)
    with running(backup, Newest(yesterday, confirmed=True)) as door:
        vote(door, stage.ballots[4])
        vote(door, stage.ballots[5])
    assert size_of(yesterday) == size_of(stage.folder)
    with serving(yesterday, charter_of(stage)) as other, pytest.raises(Forked):
        Newest(stage.folder, [url_of(other)]).of(Ledger(stage.folder))


def test_a_liar_changes_nothing(stage: Stage, yesterday: Path, tmp_path: Path) -> None:
    """One shows a head that this key never signed, one says nothing at all, one has the head and false files under it: what is missing comes
    from the fourth, within seconds. Without that one nothing is signed."""
    charter = charter_of(stage)
    lost = yesterday
    shutil.copytree(stage.folder, forged := tmp_path / "forged")
    text = (forged / "checkpoint").read_text().splitlines()
    (forged / "checkpoint").write_text("\n".join([text[0], "999999", *text[2:]]) + "\n")
    shutil.copytree(stage.folder, hollow := tmp_path / "hollow")
    for tile in (hollow / "tile").rglob("*"):
        if tile.is_file():
            tile.write_bytes(bytes(tile.stat().st_size))
    with (
        serving(forged, charter) as first,
        socket.create_server(("127.0.0.1", 0)) as silent,
        serving(hollow, charter) as third,
        serving(stage.folder, charter) as fourth,
    ):
        liars = [url_of(first), url_of(silent.getsockname()[:2]), url_of(third)]
        with pytest.raises(UserError, match="not all of them are here"):
            Newest(lost, liars, confirmed=True, seconds=2).of(Ledger(lost))
        assert size_of(lost) == size_of(yesterday)
        end_taking(lost)
        with Newest(lost, [*liars, url_of(fourth)], seconds=2).of(Ledger(lost)) as ledger:
            assert ledger.head == Folder(stage.folder).checkpoint().checkpoint


def test_a_head_that_a_witness_cosigned_is_known_where_the_log_is_not(tmp_path: Path) -> None:
    """The node that answers has yesterday's log and today's cosigned head: nothing is signed before somebody has what is under that."""
    with World(tmp_path / "city", witnesses=(1, 0), engine=EMBEDDED) as world:
        today = world.folder / "ledger"
        world.engine.tick()
        shutil.copytree(today, lost := tmp_path / "lost")
        shutil.copytree(today, behind := tmp_path / "behind")
        world.say("notice", [b"", ["Today.", "Сегодня."], []], world.organisers[0])
        world.engine.tick()
        world.cosign()
        shutil.rmtree(behind / "witness", ignore_errors=True)
        shutil.copytree(today / "witness", behind / "witness")
        charter, head = world.ledger.entry(0), Folder(today).checkpoint().checkpoint
        with serving(behind, charter) as witnessed, serving(today, charter) as other:
            with pytest.raises(UserError, match=f"has signed {head.size} entries, and not all of them are here"):
                Newest(lost, [url_of(witnessed)]).of(Ledger(lost))
            end_taking(lost)
            with Newest(lost, [url_of(witnessed), url_of(other)]).of(Ledger(lost)) as ledger:
                assert ledger.head == head


def test_a_crash_while_it_takes_back(stage: Stage, yesterday: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public files are there, and the database knows nothing of them yet: the next start goes on from there, and not from before."""
    charter = charter_of(stage)

    def crash(folder: Path, *_: object) -> None:
        for name in ("tile", "checkpoint"):
            subprocess.run(["cp", "-a", stage.folder / name, folder], check=True)
        raise KeyboardInterrupt

    with serving(stage.folder, charter) as other:
        with monkeypatch.context() as patched:
            patched.setattr(newest, "copy_ledger", crash)
            with pytest.raises(KeyboardInterrupt):
                Newest(yesterday, [url_of(other)]).of(Ledger(yesterday))
        assert size_of(yesterday) == size_of(stage.folder) and (yesterday / TAKING).exists()
        with pytest.raises(Disagrees):
            Ledger(yesterday)
        run = ("ledger", "run", "--ledger", yesterday, "--once", "--after-outage", "--from", url_of(other))
        again = inside(*run)
        assert again.code == 0, again.err
    assert not (yesterday / TAKING).exists()
    signed = Folder(stage.folder).checkpoint().checkpoint  # it went on from there, by what fell due meanwhile
    assert verify_ledger(Folder(yesterday)).log.root(signed.size) == signed.root


def test_who_tells_of_itself_is_known_over_a_restart(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked before anything is signed; but that it is silent binds nobody, for anybody can tell of a node that ends."""
    with running(stage) as door:
        assert door.ask("POST", "/nodes", b"http://localhost:1", Content_Type="text/plain").status == 403
    assert not (stage.folder / "nodes.json").exists()
    monkeypatch.setattr(addresses, "is_public", lambda ip: True)
    with running(stage) as door:
        assert door.ask("POST", "/nodes", b"http://127.0.0.1:1", Content_Type="text/plain").status == 204
    assert [one.url for one in AddressBook(stage.folder).all()] == ["http://127.0.0.1:1"]
    with Newest(stage.folder).of(Ledger(stage.folder)):
        pass
    assert AddressBook(stage.folder).all()[0].failed == 1  # it was asked


def test_a_crowd_that_announced_itself_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Institutions and those whom a person named are asked before any number of others, however lately these answered."""
    made = Newest(tmp_path, ["http://127.0.0.9:1"])
    crowd = [Known(f"http://10.{number}.0.1", answered=2**40) for number in range(100)]
    monkeypatch.setattr(
        made._book, "all", lambda: [*crowd, Known("http://127.0.0.9:1", typed=True), Known("http://bank.example")]
    )
    ledger: Any = SimpleNamespace(
        state=SimpleNamespace(validator_rows=lambda: [SimpleNamespace(url="http://bank.example")])
    )
    asked = made._urls(ledger)
    assert asked[:2] == ["http://127.0.0.9:1", "http://bank.example"] and len(asked) == newest.ASKED
