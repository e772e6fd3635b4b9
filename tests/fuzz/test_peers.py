"""What other nodes answer, bent until it is nearly right: whoever joins or reads ends with the honest log or with a sentence, and memory
that does not grow with what is sent."""

import json
import resource
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread

import pytest
from engine.stage import Stage
from network.conftest import kind, made, running, stage
from network.test_framing import framed, named_size
from network.test_node import log_of

from veche.errors import VecheError
from veche.ledger.codec import digest
from veche.ledger.frame import bundles_of, frame_name
from veche.log.log import Log
from veche.log.source import Folder
from veche.node.addresses import AddressBook
from veche.node.copying import Forked
from veche.node.follower import catch_up, find_charter
from veche.node.framing import fetch_frame
from veche.node.web import Wire

from .bent import bent
from .rounds import case, rounds

__all__ = ["kind", "made", "stage"]

MOST = 200 << 20
"""Bytes by which this process may grow over a test: many answers are of megabytes, none of them is kept."""
MANY = 24 << 20
"""Bytes of what goes on and on."""


@pytest.fixture
def files(stage: Stage) -> dict[str, bytes]:
    """All that an honest node answers to who joins, by path."""
    with running(stage) as client:
        folder = Folder(stage.folder)
        count = named_size(Log(folder, folder.checkpoint().checkpoint))
        framed(client, count)
        names = [*folder.names(), "heads", "charter", "nodes", *(frame_name(*one) for one in bundles_of(count))]
        return {f"/{name}": client.get(f"/{name}").body for name in names}


@contextmanager
def door(files: Mapping[str, bytes], dice: Random | None = None) -> Iterator[str]:
    """A node with these files. ``dice``: some of what it answers is not what it should be."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, length = 200, files.get(self.path), None
            if body is None:
                status, body = 404, b""
            elif dice is not None and dice.random() < 0.3:
                status, body, length = answer(dice, body, list(files.values()))
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def answer(dice: Random, body: bytes, others: list[bytes]) -> tuple[int, bytes, int | None]:
    """Status, bytes and the length that is said, of what is nearly right or far from it."""
    match dice.randrange(9):
        case 0:
            return 200, dice.choice(others), None
        case 1:
            return 200, bytes(dice.choice((0, 1, 8192, 8193, 1 << 17, MANY))), None
        case 2:
            return dice.choice((204, 301, 302, 400, 403, 404, 410, 429, 500, 503)), b"", None
        case 3:
            return (
                200,
                dice.choice(
                    (b"[" * 100_000, b"[1]", b"[-1]", b"{}", b"[0,1e400]", json.dumps([2**64]).encode(), b"\xff")
                ),
                None,
            )
        case 4:
            return 200, body[: dice.randrange(len(body) + 1)], len(body) + 1  # and hung up
        case _:
            return 200, bent(dice, body, others), None


def grown() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_whoever_joins_has_the_honest_log_or_a_sentence(stage: Stage, files: dict[str, bytes], tmp_path: Path) -> None:
    before = grown()
    for number in rounds(8):
        with case(number) as dice, door(files, dice) as liar, door(files) as honest:
            folder = tmp_path / f"copy-{number}"
            folder.mkdir()
            book = AddressBook(folder)
            book.type([liar])
            with Wire(book.pinned) as wire:
                for urls in (
                    [],
                    [honest],
                    [honest],
                ):  # told of an honest one later; the first time somebody else may be asked first
                    book.type(urls)
                    try:
                        found = find_charter(folder, wire, book)
                        if found == files["/charter"]:
                            catch_up(folder, found, wire, book, lambda head: None, lambda *_: None, lambda *_: None)
                    except Forked:
                        raise
                    except VecheError as error:
                        assert error.message
            assert log_of(folder) == log_of(stage.folder)
            shutil.rmtree(folder)
    assert grown() - before < MOST


def test_whoever_reads_has_the_honest_polls_or_a_sentence(stage: Stage, files: dict[str, bytes]) -> None:
    before, ledger = grown(), digest(files["/charter"])
    with door(files) as url, Wire() as wire:
        honest = [(poll.id, poll.phase) for poll in fetch_frame(wire, url, ledger).state.polls()]
    for number in rounds(8):
        with case(number) as dice, door(files, dice) as liar, Wire() as wire:
            try:
                found = fetch_frame(wire, liar, ledger)
            except VecheError as error:
                assert error.message
            else:
                assert [(poll.id, poll.phase) for poll in found.state.polls()] == honest
    assert grown() - before < MOST
