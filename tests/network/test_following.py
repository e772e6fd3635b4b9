"""A citizen's node: it copies, checks, follows, serves on and carries ballots; whoever lies to it is left, and two histories stop it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import inside
from engine.stage import Stage

from veche.audit.ledger import verify_ledger
from veche.clock import Reading
from veche.engine.following import FarBehind
from veche.ledger.reader import read_own
from veche.log.evidence import read_fork
from veche.log.source import Folder
from veche.node import addresses
from veche.node.addresses import AddressBook
from veche.node.copying import Forked
from veche.node.follower import Follower, catch_up, find_charter, has_copy
from veche.node.web import Wire

from .conftest import Client, running
from .test_node import log_of

EVERY = 0.1
"""Seconds between two times that a follower asks."""


def url_of(address: tuple[str, int]) -> str:
    return f"http://{address[0]}:{address[1]}"


@contextmanager
def wired(folder: Path, *addresses: tuple[str, int]) -> Iterator[tuple[Wire, AddressBook]]:
    folder.mkdir(exist_ok=True)
    book = AddressBook(folder)
    book.type(map(url_of, addresses))
    with Wire(book.pinned) as wire:
        yield wire, book


def join(folder: Path, wire: Wire, book: AddressBook, decided: Collection[str] | None = None) -> None:
    quiet: Any = lambda *_: None  # noqa: E731
    catch_up(folder, find_charter(folder, wire, book), wire, book, quiet, quiet, quiet, decided)


@contextmanager
def following(
    stage: Stage, folder: Path, *addresses: tuple[str, int], decided: bool = False
) -> Iterator[tuple[Follower, Client]]:
    """A follower of the nodes at these addresses, from nothing or from what is there."""
    with wired(folder, *addresses) as (wire, book):
        if not has_copy(folder):
            join(folder, wire, book)
        clock = Reading(stage.now, 0, "")
        with Follower(
            folder, wire, book, "127.0.0.1:0", decided=decided, every=EVERY, files=EVERY, clock=lambda: clock
        ) as made:
            yield made, Client(made.address)
            made.check()


def until(what: Callable[[], bool], *made: Follower, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        for one in made:
            one.check()
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)


def same_head(one: Client, other: Client) -> bool:
    return one.get("/checkpoint").body == other.get("/checkpoint").body


def test_a_follower_has_all_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    """From nothing; then block by block; and after an end from where it was. Others read it from there, and follow it."""
    copy, second = tmp_path / "copy", tmp_path / "second"
    with running(stage) as client:
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        with following(stage, copy, client.address) as (made, door):
            client.wait(client.hand_in(stage.ballots[1]).json["entry"], "final")
            until(lambda: same_head(client, door), made)
            last = int(door.get("/status").json["final"]) - 1
            assert door.get(f"/explorer/en/entries/{last}").status == 200  # a citizen's own copy, as pages
            with following(stage, second, made.address) as (other, _):
                client.wait(client.hand_in(stage.ballots[2]).json["entry"], "final")
                until(lambda: same_head(client, door), made, other)
                until(lambda: other.engine.head.checkpoint == made.engine.head.checkpoint, made, other)
        client.wait(client.hand_in(stage.ballots[3]).json["entry"], "final")
        with following(stage, copy, client.address) as (made, door):
            until(lambda: same_head(client, door), made)
    assert log_of(copy) == log_of(stage.folder)
    assert log_of(copy)[: len(log_of(second))] == log_of(second)
    with read_own(copy) as reader:
        assert reader.size == verify_ledger(Folder(stage.folder)).head.size


def test_it_carries_a_ballot(stage: Stage, tmp_path: Path) -> None:
    """Through a citizen's node, and through one that knows only that; junk is refused at once."""
    with (
        running(stage) as client,
        following(stage, tmp_path / "copy", client.address) as (made, door),
        following(stage, tmp_path / "second", made.address) as (other, second),
    ):
        taken = second.hand_in(stage.ballots[0])
        assert taken.status == 202, taken.json
        entry = taken.json["entry"]
        until(lambda: second.get(f"/entries/{entry}").json["stage"] == "final", made, other)
        number = second.get(f"/entries/{entry}").json["number"]
        assert client.get(f"/entries/{entry}").json["number"] == number
        assert door.get(f"/entries/{entry}").json["stage"] == "final"
        assert second.get(f"/entries/{entry}/receipt").status == 200
        assert second.hand_in(stage.ballots[0][:-1] + b"?").status == 422
        assert second.get("/status").json["waiting"] == 0


def test_nodes_tell_of_nodes(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node tells of itself, from where its address leads and from nowhere else; others hear of it, and ask it."""

    def told(url: str) -> int:
        return client.ask("POST", "/nodes", url.encode(), Content_Type="text/plain").status

    with running(stage) as client:
        assert told("http://127.0.0.1:9") == 403  # nobody is led into a network of one's own
        assert told("http://127.0.0.1:9/path") == 400 and told("http://[::") == 400
        monkeypatch.setattr(addresses, "is_public", lambda ip: True)
        assert told("http://127.0.0.9:9") == 403  # it asks from another
        assert told("http://127.0.0.1:9") == 204
        assert client.get("/nodes").json == ["http://127.0.0.1:9"]
        with following(stage, tmp_path / "copy", client.address) as (made, _):
            until(lambda: "http://127.0.0.1:9" in {one.url for one in made.book.all()}, made)
            until(lambda: any(one.failed for one in made.book.all()), made)


@contextmanager
def lying(
    client: Client, lie: Callable[[str, bytes], bytes | None], nothing: int = 404
) -> Iterator[tuple[tuple[str, int], list[str]]]:
    """Somebody who answers as that node, but for the lie; and what was asked of it. ``nothing``: the status of what is not there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = client.get(self.path)
            body = lie(self.path, answer.body) if answer.status == 200 else None
            self.send_response(nothing if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ("127.0.0.1", server.server_port), asked
        finally:
            server.shutdown()
            thread.join()


def flipped(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


LIES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "a head that nobody signed": lambda path, body: flipped(body) if path == "/checkpoint" else body,
    "a hash tile": lambda path, body: flipped(body) if path.startswith("/tile/0") else body,
    "a bundle": lambda path, body: flipped(body) if path.startswith("/tile/entries") else body,
    "something endless": lambda path, body: bytes(1 << 20) if path == "/checkpoint" else body,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_liar_is_left_and_others_are_asked(lie: str, stage: Stage, tmp_path: Path) -> None:
    """It was honest until the copy was made. It lies about what is new, and is not asked again."""
    honest = True

    def told(path: str, body: bytes) -> bytes | None:
        return body if honest else LIES[lie](path, body)

    with (
        running(stage) as client,
        lying(client, told) as (liar, asked),
        following(stage, tmp_path / "copy", liar) as (made, door),
    ):
        honest = False
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        until(lambda: url_of(liar) not in made.book.choose(), made)
        made.book.type([url_of(client.address)])
        until(lambda: same_head(client, door), made)
        count = len(asked)
        time.sleep(4 * EVERY)
        assert len(asked) == count
    assert log_of(tmp_path / "copy") == log_of(stage.folder)


@pytest.mark.parametrize("nothing", [404, 410])
def test_who_has_not_what_is_new_is_no_liar(stage: Stage, tmp_path: Path, nothing: int) -> None:
    """A node that is still copying, or keeps less: others are asked, and it is asked again."""
    honest = True

    def told(path: str, body: bytes) -> bytes | None:
        return None if path.startswith("/tile/entries") and not honest else body

    with (
        running(stage) as client,
        lying(client, told, nothing) as (poor, asked),
        following(stage, tmp_path / "copy", poor) as (made, door),
    ):
        honest = False
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        until(lambda: any("/tile/entries" in str(one) for one in asked), made)
        made.book.type([url_of(client.address)])
        until(lambda: same_head(client, door), made)
        assert url_of(poor) not in made.book.left()
    assert log_of(tmp_path / "copy") == log_of(stage.folder)


def test_a_head_that_is_withheld_is_had_from_others(stage: Stage, tmp_path: Path) -> None:
    """One shows yesterday's head for ever; it lies about nothing, and keeps nobody from the newest."""
    with running(stage) as client:
        old = client.get("/checkpoint").body
        with (
            lying(client, lambda path, body: old if path == "/checkpoint" else body) as (late, _),
            following(stage, tmp_path / "copy", late, client.address) as (made, door),
        ):
            client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
            until(lambda: same_head(client, door), made)
            assert url_of(late) in made.book.choose()


def test_two_histories_stop_it_until_people_decide(stage: Stage, tmp_path: Path) -> None:
    """The operator, or over two thirds of the validators, leads a copy of the ledger on in another way and shows it to some."""
    other, copy = stage.copy(tmp_path / "other"), tmp_path / "copy"
    with running(stage) as client, running(other) as forked:
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        forked.wait(forked.hand_in(stage.ballots[1]).json["entry"], "final")
        with (
            pytest.raises(Forked, match="two histories") as caught,
            following(stage, copy, client.address) as (made, _),
        ):
            made.book.type([url_of(forked.address)])
            until(lambda: False, made)
        heads = {client.get("/checkpoint").body, forked.get("/checkpoint").body}
        assert {head.partition(b"\n\n")[0] for head in caught.value.heads} == {
            head.partition(b"\n\n")[0] for head in heads
        }
        found = read_fork(copy)
        assert found is not None and (found.shorter.to_bytes(), found.longer.to_bytes()) == caught.value.heads
        found.check()
        with wired(copy, client.address) as (wire, book), pytest.raises(Forked):  # after a restart, too
            Follower(copy, wire, book, "127.0.0.1:0")
        with following(stage, copy, client.address, decided=True) as (made, door):  # people have decided
            made.book.type([url_of(forked.address)])
            client.wait(client.hand_in(stage.ballots[2]).json["entry"], "final")
            until(lambda: same_head(client, door), made)
            until(lambda: url_of(forked.address) not in made.book.choose(), made)
        with wired(tmp_path / "new", client.address, forked.address) as (wire, book):
            with pytest.raises(Forked):  # whoever joins sees both at once, and downloads nothing
                join(tmp_path / "new", wire, book)
            assert not (tmp_path / "new" / "tile").exists() and read_fork(tmp_path / "new") is not None
            with pytest.raises(Forked):  # nobody has said whose history is the right one
                join(tmp_path / "new", wire, book, decided=[])
            join(tmp_path / "new", wire, book, decided=[url_of(client.address)])
            assert url_of(forked.address) in book.left()
            assert Folder(tmp_path / "new").checkpoint().checkpoint == Folder(copy).checkpoint().checkpoint
        with wired(tmp_path / "new", client.address, forked.address) as (wire, book):
            client.wait(client.hand_in(stage.ballots[3]).json["entry"], "final")
            join(tmp_path / "new", wire, book, decided=[])  # what is here is the right one
            assert client.get("/checkpoint").body == Folder(tmp_path / "new").checkpoint().to_bytes()


def test_whoever_was_away_for_long_copies_again(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few entries block by block, of many a copy at once; the command goes over from one to the other by itself."""
    copy, caught_up = tmp_path / "copy", threading.Event()
    with running(stage) as client:
        with following(stage, copy, client.address) as (made, _):
            pass
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        monkeypatch.setattr("veche.engine.following.FAR", 0)
        with pytest.raises(FarBehind), following(stage, copy, client.address) as (made, _):
            until(lambda: False, made)

        def end() -> None:
            until(lambda: client.get("/checkpoint").body == Folder(copy).checkpoint().to_bytes())
            caught_up.set()
            os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=end)
        thread.start()
        done = inside("node", "join", "-l", copy, "--listen", "127.0.0.1:0", "--no-page", "--seconds", 120)
        thread.join()
        assert done.code == 0 and caught_up.is_set(), done.err
        assert done.out.count("This node has a copy of the whole ledger") >= 1 and "Its newest head" in done.out
    assert log_of(copy) == log_of(stage.folder)
