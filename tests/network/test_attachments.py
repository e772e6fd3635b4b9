"""The files that entries name: followers have them from others, serve them on, and are not held up by what nobody has."""

import os
from pathlib import Path

import pytest
from cli.conftest import inside, ok
from engine.stage import Stage

from veche.audit.ledger import verify_ledger
from veche.ledger.codec import digest
from veche.log.source import ATTACHMENT_LIMIT, Folder
from veche.node import attachments
from veche.node.attachments import Attachments
from veche.world import GENESIS, EngineKind, World

from .conftest import running
from .test_following import following, join, lying, until, url_of, wired

PLAN, LOST, HUGE = os.urandom(32) + b"A plan", os.urandom(32) + b"Nobody has it", os.urandom(32) + bytes(1000)


@pytest.fixture(scope="module")
def city(kind: EngineKind, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A ledger with a notice that names three files, of which two are there."""
    folder = tmp_path_factory.mktemp("city")
    with World(folder, citizens={"Centre": 1}, registrars=(1, 1, 0), genesis=GENESIS, engine=kind) as world:
        named = [
            [name, digest(data)] for name, data in (("plan", PLAN), ("lost", LOST), ("huge", HUGE), ("again", PLAN))
        ]
        world.say("notice", [b"", ["Look", "Смотрите"], named], world.organisers[0])
        for data in (PLAN, HUGE):
            world.ledger.attach(data)
        world.engine.tick()
    return Stage(folder / "ledger", world.now, [])


def has(folder: Path, data: bytes) -> bool:
    return Folder(folder).get(f"attachment/{digest(data).hex()}") == data


def gives_another(path: str, body: bytes) -> bytes:
    return body[:-1] + b"?" if path.startswith("/attachment/") else body


def test_a_follower_has_them_and_serves_them_on(city: Stage, tmp_path: Path) -> None:
    """One that nobody has ends nothing, and is said; one that was withdrawn here is neither had nor served again."""
    first, second = tmp_path / "first", tmp_path / "second"
    withdrawn = attachments.place(first, digest(HUGE))
    withdrawn.parent.mkdir(parents=True)
    withdrawn.touch()
    with running(city.copy(tmp_path / "ledger")) as client, following(city, first, client.address) as (made, door):
        until(lambda: has(first, PLAN), made)
        assert door.get(f"/attachment/{digest(PLAN).hex()}").body == PLAN
        with following(city, second, made.address) as (other, _):
            until(lambda: has(second, PLAN), made, other)
        assert door.get(f"/attachment/{digest(HUGE).hex()}").status == 404 and withdrawn.stat().st_size == 0
    said = ok("node", "status", "-l", first, "--json", run=inside).json
    assert said["missing_attachments"] == 1
    assert "not here: 1" in " ".join(ok("node", "status", "-l", first, run=inside).out.split())
    verify_ledger(Folder(first))


def test_whoever_gives_another_file_is_left(city: Stage, tmp_path: Path) -> None:
    with (
        running(city.copy(tmp_path / "ledger")) as client,
        lying(client, gives_another) as (liar, _),
        following(city, tmp_path / "copy", liar) as (made, _),
    ):
        until(lambda: url_of(liar) in made.book.left(), made)
        assert not list(attachments.place(tmp_path / "copy", digest(PLAN)).parent.glob("*"))
        made.book.type([url_of(client.address)])
        until(lambda: has(tmp_path / "copy", PLAN) and has(tmp_path / "copy", HUGE), made)


def test_no_disk_is_filled_with_them(city: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever signs one notice may name more than a citizen's disk holds: what it takes in all is bounded."""
    monkeypatch.setattr(attachments, "MOST_BYTES", ATTACHMENT_LIMIT + len(PLAN) - 1)
    with running(city.copy(tmp_path / "ledger")) as client, wired(tmp_path / "copy", client.address) as (wire, book):
        join(tmp_path / "copy", wire, book)
        Attachments(tmp_path / "copy", wire, book).look()
    assert has(tmp_path / "copy", PLAN) and not has(tmp_path / "copy", HUGE)
