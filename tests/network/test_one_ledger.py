"""One ledger for all: what a follower of a network makes of heads that contradict its log, and of validators that change."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from veche.clock import Reading
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.heads import validator_verifier
from veche.ledger.promise import Promise
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.evidence import accused, read_fork
from veche.log.source import Folder
from veche.node.copying import Forked
from veche.node.follower import Follower
from veche.node.progress import Progress, Stage
from veche.node.published import Published
from veche.world import VALIDATORS, Played, World

from .conftest import Client
from .test_following import EVERY, join, until, wired

Taking = Callable[[bytes], Progress]


@contextmanager
def serving(folder: Path, charter: bytes, take: Taking | None = None) -> Iterator[tuple[str, int]]:
    """The public files of a folder, as they are by now. ``take``: what is said of entries that are handed in."""
    published = Published(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            own = {
                "/charter": lambda: charter,
                "/heads": lambda: msgspec.json.encode(published.kept()),
                "/witness": lambda: msgspec.json.encode(published.witnesses()),
            }
            body = own.get(self.path, lambda: published.file(self.path[1:]))()
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self) -> None:
            entry = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(404 if take is None else 202)
            self.end_headers()
            self.wfile.write(b"" if take is None else msgspec.json.encode(take(entry)))

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "world", citizens={"Centre": 1}, registrars=(1, 1, 0), engine=Played(4)) as made:
        for _ in range(3):
            say(made)
        yield made


@contextmanager
def following(world: World, folder: Path, take: Taking | None = None) -> Iterator[tuple[Follower, Client]]:
    """A follower of a network that is played."""
    charter = world.ledger.entry(0)
    with serving(world.folder / "ledger", charter, take) as address, wired(folder, address) as (wire, book):
        join(folder, wire, book)
        clock = Reading(world.now, 0, "")
        with Follower(folder, wire, book, "127.0.0.1:0", every=EVERY, clock=lambda: clock) as made:
            yield made, Client(made.address)


def say(world: World) -> None:
    world.say("notice", [b"", [f"{world.now}-{time.monotonic_ns()}", "А"], []], world.organisers[0])
    world.engine.tick()


def same(world: World, made: Follower) -> Callable[[], bool]:
    return lambda: made.engine.head.checkpoint == Folder(world.folder / "ledger").checkpoint().checkpoint


def another(world: World, size: int, *keys: SigningKey) -> SignedCheckpoint:
    """A head of another history, by these validators."""
    origin = world.charter.origin
    false = Checkpoint(origin, size, bytes(32))
    lines = (cosign(false, validator_verifier(origin, key.public).name, key, 1) for key in keys)
    return SignedCheckpoint(false, tuple(lines))


def tell(door: Client, signed: SignedCheckpoint) -> None:
    assert door.ask("POST", "/heads", signed.to_bytes(), Content_Type="text/plain").status == 204


def test_it_goes_along_when_validators_change(world: World, tmp_path: Path) -> None:
    """While it looks on, and before it came; the kept heads are here, too, so that others come to it from here."""
    world.engine._publishing.add(new := SigningKey.generate())  # type: ignore[attr-defined]
    body = ["rotate", VALIDATORS[0], "validator", new.public, 0, SigningKey.generate().public]
    with following(world, tmp_path / "copy") as (made, _):
        world.say("office", body, *world.organisers, *world.head_keys[:2])
        say(world)
        say(world)
        until(same(world, made), made)
        assert Folder(tmp_path / "copy").names("head/") == Folder(world.folder / "ledger").names("head/") != []
    with following(world, tmp_path / "later") as (made, _):
        say(world)
        until(same(world, made), made)


def test_a_validator_that_signs_another_history_is_named(world: World, tmp_path: Path) -> None:
    """Of any size: shorter, or longer, which shows when the log has come so far. Nothing else happens, and one file a key is all."""
    copy = tmp_path / "copy"
    one, other, honest = world.head_keys[1:4]
    with following(world, copy) as (made, door):
        size = world.ledger.size
        tell(door, another(world, size - 1, one))
        tell(door, another(world, size - 2, one))
        tell(door, another(world, size + 2, other))
        tell(door, another(world, size - 1, SigningKey.generate()))  # a stranger
        until(lambda: accused(copy) == [one.public], made)
        say(world)
        say(world)
        until(same(world, made), made)
        until(lambda: accused(copy) == sorted([one.public, other.public]), made)
        assert honest.public not in accused(copy) and read_fork(copy) is None
        made.check()


def test_two_final_heads_stop_it(world: World, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with following(world, copy) as (made, door):
        tell(door, another(world, world.ledger.size - 1, *world.head_keys[1:4]))
        with pytest.raises(Forked):
            until(lambda: False, made)
    found = read_fork(copy)
    assert found is not None
    found.check()
    with pytest.raises(Forked), following(world, copy):
        pass


def test_former_validators_stop_nobody(world: World, tmp_path: Path) -> None:
    """All four have been exchanged since: whoever has the old keys signs another history of that day, is named, and that is all."""
    copy, former = tmp_path / "copy", list(world.head_keys)
    with following(world, copy) as (made, door):
        old = world.ledger.size - 1
        for place, _ in enumerate(former):
            world.engine._publishing.add(new := SigningKey.generate())  # type: ignore[attr-defined]
            body = ["rotate", VALIDATORS[place], "validator", new.public, 0, SigningKey.generate().public]
            world.say("office", body, *world.organisers, former[place])
            say(world)
            world.wait(14 * 86_400)
            say(world)
        until(same(world, made), made)
        tell(door, another(world, old, *former))
        until(lambda: accused(copy) == sorted(key.public for key in former), made)
        assert read_fork(copy) is None
        say(world)
        until(same(world, made), made)


def test_it_gives_back_what_institutions_promise_and_promises_nothing(world: World, tmp_path: Path) -> None:
    """Not the word of one who is no validator, nor of one about another entry."""
    keys, stranger = world.head_keys, SigningKey.generate()

    def take(entry: bytes) -> Progress:
        made = [Promise.make(world.id, digest(entry), 7, key) for key in (keys[1], keys[2], stranger)]
        made.append(Promise.make(world.id, bytes(32), 7, keys[3]))
        return Progress(digest(entry).hex(), Stage.SENT, promises=made)

    entry = sign(world.id, "notice", [b"", ["Promised", "А"], []], [world.organisers[0]])
    with following(world, tmp_path / "copy", take) as (made, door):
        assert door.hand_in(entry).status == 202
        until(lambda: door.get(f"/entries/{digest(entry).hex()}").json["stage"] == "sent", made)
        promises = door.get(f"/entries/{digest(entry).hex()}").json["promises"]
        assert sorted(one["validator"] for one in promises) == sorted(key.public.hex() for key in keys[1:3])
