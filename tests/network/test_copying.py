"""Another's ledger made one's own, from those who have it: some of them lie, some keep silent, and the program may end at any moment."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from faults import BEFORE, crashes

from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.reader import read_own
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.source import HEAD, Folder, Source
from veche.log.tiles import CHECKPOINT, WIDTH, Tile
from veche.node import pieces, web
from veche.node.copying import Copy, Forked, copy_ledger
from veche.node.web import KEPT_BYTES, Lacks, NoAnswer, Web, Wire
from veche.world import VALIDATORS, Played, World

from .others import serving

SIZE = 700
"""More than two full bundles."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes, list[SigningKey]]:
    """A network's ledger at rest in which a validator has changed its key; the same some entries earlier; the charter; who signs now."""
    base = tmp_path_factory.mktemp("city")
    with World(base / "world", citizens={"Centre": 1}, registrars=(1, 1, 0), engine=Played(4)) as world:
        new, votes = SigningKey.generate(), SigningKey.generate()
        body = ["rotate", VALIDATORS[0], "validator", new.public, 0, votes.public]
        world.engine._publishing.add(new)  # type: ignore[attr-defined]
        for number in range(20):
            world.say("notice", [b"", [f"{number}", "А"], []], world.organisers[0])
        world.say("office", body, *world.organisers, *world.head_keys[:2])
        for answer in [world.engine.submit(notice(world, number)) for number in range(SIZE)]:
            answer.result()
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", base / "earlier")
        for number in range(SIZE, SIZE + 300):
            world.engine.submit(notice(world, number)).result()
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", base / "ledger")
        return base / "ledger", base / "earlier", world.ledger.entry(0), [new, *world.head_keys[1:]]


def notice(world: World, number: int) -> bytes:
    return sign(world.id, "notice", [b"", [f"Notice {number}", "А"], []], [world.organisers[0]])


Made = tuple[Path, Path, bytes, list[SigningKey]]


class Door(Source):
    """Somebody who serves a folder, counts what is asked, and may lie."""

    def __init__(self, folder: Path, lies: Mapping[str, Callable[[bytes | None], bytes | None]] = {}) -> None:
        self.folder, self.lies = Folder(folder), lies
        self.asked: list[str] = []
        self.lied = False

    def names(self, prefix: str = "") -> list[str]:
        assert prefix.startswith(HEAD), "a door lists nothing else"
        self.lied |= "heads" in self.lies
        names = self.folder.names(prefix)
        return [name for name in names if "heads" not in self.lies]

    def get(self, name: str) -> bytes | None:
        self.asked.append(name)
        data, lie = self.folder.get(name), self.lies.get(name)
        self.lied |= lie is not None
        return data if lie is None else lie(data)


def flipped(data: bytes | None) -> bytes | None:
    assert data is not None
    return data[:-1] + bytes([data[-1] ^ 1])


def gone(_: bytes | None) -> bytes | None:
    return None


def dead(_: bytes | None) -> bytes | None:
    raise NoAnswer("http://gone.example", "Connection refused")


def public(folder: Path) -> dict[str, bytes | None]:
    source = Folder(folder)
    return {name: source.get(name) for name in source.names()}


def head(folder: Path) -> Checkpoint:
    return Folder(folder).checkpoint().checkpoint


@contextmanager
def door(folder: Path) -> Iterator[str]:
    """A door over HTTP, with this folder's files."""
    source = Folder(folder)
    sizes = [int(name.removeprefix(HEAD)) for name in source.names(HEAD)]
    files = {f"/{name}": source.read(name) for name in source.names()}
    with serving({**files, "/heads": json.dumps(sizes).encode()}) as url:
        yield url


def test_a_ledger_is_copied_over_http_and_is_then_ones_own(made: Made, tmp_path: Path) -> None:
    folder, _, charter, _ = made
    seen: list[tuple[int, int]] = []
    with door(folder) as url, Wire() as wire:
        rebuilt = copy_ledger(tmp_path / "copy", charter, {url: Web(wire, url)}, lambda *done: seen.append(done))
        assert rebuilt is not None and rebuilt.size == head(folder).size
        assert copy_ledger(tmp_path / "copy", charter, {url: Web(wire, url)}) is None  # there is nothing more
    assert public(tmp_path / "copy") == public(folder)
    assert seen[-1] == (rebuilt.size, rebuilt.size) and seen == sorted(seen)
    verify_ledger(Folder(tmp_path / "copy"))
    with read_own(tmp_path / "copy") as own:
        assert own.head.checkpoint == head(folder)
    with Ledger(tmp_path / "copy") as ledger, Ledger(folder) as other:
        assert ledger.head == other.head and ledger.height == other.height


def test_a_copy_goes_on_and_what_is_here_is_not_asked_for(made: Made, tmp_path: Path) -> None:
    folder, earlier, charter, _ = made
    copy_ledger(tmp_path, charter, {"one": Door(earlier)})
    assert head(tmp_path) == head(earlier)
    other = Door(folder)
    copy_ledger(tmp_path, charter, {"one": other})
    assert public(tmp_path) == public(folder)
    full = head(earlier).size // WIDTH
    assert not {Tile(-1, index).name for index in range(full)} & set(other.asked)
    with Ledger(tmp_path) as ledger:
        assert ledger.size == head(folder).size
    assert copy_ledger(tmp_path, charter, {"one": Door(earlier)}) is None  # whoever is behind says nothing new
    assert public(tmp_path) == public(folder)


LIES: dict[str, dict[str, Callable[[bytes | None], bytes | None]]] = {
    "a bundle": {Tile(-1, 1).name: flipped},
    "a missing bundle": {Tile(-1, 1).name: gone},
    "a hash tile": {Tile(0, 1).name: flipped},
    "no hash tile": {Tile(0, 0).name: gone},
    "the edge": {"edge": flipped},
    "the last bundle": {"last": flipped},
    "signatures": {CHECKPOINT: flipped},
    "no checkpoint": {CHECKPOINT: gone},
    "the heads that were kept": {"heads": gone},
    "a kept head": {"kept": flipped},
    "no answer": {CHECKPOINT: dead},
    "no answer in the midst": {Tile(-1, 2).name: dead},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_is_left_and_the_next_goes_on(lie: str, made: Made, tmp_path: Path) -> None:
    folder, _, charter, _ = made
    width = head(folder).size % WIDTH
    index = head(folder).size // WIDTH
    names = {
        "edge": Tile(0, index, width).name, "last": Tile(-1, index, width).name,
        "kept": Folder(folder).names(HEAD)[0],
    }  # fmt: skip
    lies = {names.get(name, name): how for name, how in LIES[lie].items()}
    liar, honest = Door(folder, lies), Door(folder)
    copy = Copy(tmp_path, charter, {"liar": liar, "honest": honest})
    assert copy.run()
    assert set(copy.left) == ({"liar"} if liar.lied and "missing" not in lie else set())
    assert all(isinstance(why, NoAnswer if "answer" in lie else DoesNotHold) for why in copy.left.values())
    assert public(tmp_path) == public(folder)
    if lie != "the heads that were kept":  # which only others know of, and whoever has executed all entries
        with pytest.raises(UserError, match="None of the nodes"):
            Copy(tmp_path / "other", charter, {"liar": liar}).run()
        assert not (tmp_path / "other" / CHECKPOINT).exists()


def test_another_ledger_is_not_the_one_of_the_charter(made: Made, tmp_path: Path) -> None:
    with World(tmp_path / "world", citizens={"Centre": 1}, registrars=(1, 1, 0)) as world:
        world.engine.tick()
        other = world.ledger.entry(0)
    with pytest.raises(UserError, match="None of the nodes"):
        copy_ledger(tmp_path / "copy", other, {"one": Door(made[0])})
    assert copy_ledger(tmp_path / "copy", other, {"own": Door(tmp_path / "world" / "ledger"), "one": Door(made[0])})


def fork(made: Made, folder: Path, size: int) -> SignedCheckpoint:
    """A head of another history, that over two thirds of today's validators have signed."""
    origin = head(folder).origin
    other = Checkpoint(origin, size, bytes(32))
    return SignedCheckpoint(
        other, tuple(cosign(other, validator_verifier(origin, key.public).name, key, 1) for key in made[3])
    )


def test_two_histories_that_are_final_stop_it_and_both_are_shown(made: Made, tmp_path: Path) -> None:
    folder, earlier, charter, _ = made
    copy_ledger(tmp_path / "copy", charter, {"one": Door(earlier)})
    false = fork(made, folder, head(earlier).size)
    (tmp_path / "copy" / CHECKPOINT).write_bytes(false.to_bytes())
    before = public(tmp_path / "copy")
    with pytest.raises(Forked) as caught:
        copy_ledger(tmp_path / "copy", charter, {"one": Door(folder)})
    assert caught.value.heads == (false.to_bytes(), Folder(folder).checkpoint().to_bytes())
    assert public(tmp_path / "copy") == before


def test_a_crash_at_any_operation_leaves_what_goes_on(made: Made, tmp_path: Path) -> None:
    folder, _, charter, _ = made
    copy = tmp_path / "copy"

    def ready() -> None:
        shutil.rmtree(copy, ignore_errors=True)

    times = 0
    for _ in crashes(lambda: Copy(copy, charter, {"one": Door(folder)}).run(), ready, (BEFORE,)):
        times += 1
        present = public(copy) if copy.exists() else {}
        assert CHECKPOINT not in present or present == public(folder)
        Copy(copy, charter, {"one": Door(folder)}).run()
        assert public(copy) == public(folder)
    assert times > 10


def test_a_copy_that_was_not_executed_is_executed_the_next_time(made: Made, tmp_path: Path) -> None:
    folder, _, charter, _ = made
    Copy(tmp_path, charter, {"one": Door(folder)}).run()
    rebuilt = copy_ledger(tmp_path, charter, {"one": Door(folder)})
    assert rebuilt is not None and rebuilt.size == head(folder).size


def test_it_is_executed_while_it_comes(made: Made, tmp_path: Path) -> None:
    folder, _, charter, _ = made
    begun = threading.Event()

    def late(data: bytes | None) -> bytes | None:
        assert begun.wait(60), "nothing is executed before all is there"
        return data

    last = Tile(-1, head(folder).size // WIDTH - 1).name
    door = Door(folder, {last: late})
    assert copy_ledger(tmp_path, charter, {"one": door}, executed=lambda done, of: begun.set() if done else None)
    assert public(tmp_path) == public(folder)


def test_whoever_is_slow_is_not_waited_for(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who gives heads and hash tiles at once, and no bundle to its end: what they owe is asked of others."""
    folder, _, charter, _ = made
    monkeypatch.setattr(pieces, "LATE", 0.2)
    ended = threading.Event()

    def slow(data: bytes | None) -> bytes | None:
        ended.wait(300)
        return data

    full = head(folder).size // WIDTH  # the first holds what the kept head is checked by
    try:
        doors = {"slow": Door(folder, {Tile(-1, at).name: slow for at in range(1, full)}), "honest": Door(folder)}
        assert Copy(tmp_path, charter, doors).run()
    finally:
        ended.set()
    assert public(tmp_path) == public(folder)


def test_answers_are_bounded_in_bytes_and_in_time(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SILENT", 0.3)
    monkeypatch.setattr(web, "AGAIN", (0, 0))
    tile = Tile(0, 0).name
    long = {
        f"/{tile}": bytes(8193),
        "/heads": bytes(KEPT_BYTES + 1),
        f"/{CHECKPOINT}": b"\0",
        "/head/5": b"x" * 131_073,
    }
    with Wire() as wire:
        with serving(long) as url:
            door = Web(wire, url)
            for name in (tile, "head/5"):
                with pytest.raises(DoesNotHold, match="more than"):
                    door.get(name)
            with pytest.raises(DoesNotHold, match="more than"):
                door.names(HEAD)
            with pytest.raises(Lacks, match="without"):
                door.get(Tile(0, 1).name)
            assert door.get("head/6") is None and door.get("veche.db") is None
        with serving({"/heads": b'[1, "x"]'}) as url, pytest.raises(DoesNotHold, match="no list"):
            Web(wire, url).names(HEAD)
        with pytest.raises(NoAnswer, match="does not answer"):
            Web(wire, url).get(CHECKPOINT)
        with ExitStack() as stack:  # one who takes the call and says nothing
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            with pytest.raises(NoAnswer, match="too long"):
                Web(wire, f"http://127.0.0.1:{listening.getsockname()[1]}").get(CHECKPOINT)


def test_an_answer_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SILENT", 0.5)
    monkeypatch.setattr(web, "AGAIN", (0,))
    said = 0

    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        nonlocal said
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                try:
                    connection.sendall(b"x")
                except OSError:
                    return
                said += 1
                time.sleep(0.05)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with Wire() as wire, pytest.raises(NoAnswer, match="too long"):
            Web(wire, f"http://127.0.0.1:{server.getsockname()[1]}").get(CHECKPOINT)
    finally:
        thread.join()
        server.close()
    assert said < 1000
