"""What strangers do to a node's door: it answers in a plain sentence or hangs up, says nothing of them, and goes on."""

import gzip
import resource
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPException

import pytest
from engine.conftest import KINDS
from engine.stage import Stage, make_stage

from veche.engine.threaded import ThreadedEngine
from veche.node import api, listener, service
from veche.node.published import Published

from .conftest import Client, running


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(KINDS["embedded"], tmp_path_factory.mktemp("city"))


def exchange(client: Client, sent: bytes, seconds: float = 30) -> bytes:
    """Send these bytes, and read until the node hangs up or says nothing for so long."""
    with closing(socket.create_connection(client.address, timeout=seconds)) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        return received(connection)


def received(connection: socket.socket) -> bytes:
    got = b""
    with suppress(TimeoutError, ConnectionError):
        while part := connection.recv(65_536):
            got += part
    return got


def said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    return "".join(capfd.readouterr()) + caplog.text


POST = b"POST /entries HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/octet-stream\r\n"
NO_REQUESTS = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "a header too long": b"GET /status HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "headers too many": b"GET /status HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
    "a name too long": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a chunk that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a length that is none": POST + b"Content-Length: -3\r\n\r\nabcd",
    "length and chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "packed, and it is not": POST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "a body cut short": POST + b"Content-Length: 400\r\n\r\nabcd",
    "a NUL in a name": b"GET /tile/\x00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a NUL, written out": b"GET /tile/%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "bytes that are no text": b"GET /tile/%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a whole URL": b"GET http://[::1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "another protocol": b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
    "expects what is not there": POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
    "expects what is no text": POST + b"Expect: \xff\r\nContent-Length: 1\r\n\r\na",
    "expects it of a page": b"HEAD /explorer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: \xff\r\n\r\n",
    "an unknown charset": b"POST /heads HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain; charset=\xff\r\nContent-Length: 1\r\n\r\na",
    "a tunnel": b"CONNECT /status:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", NO_REQUESTS.values(), ids=list(NO_REQUESTS))
def test_what_is_no_request_stops_nobody_and_is_not_talked_about(
    stage: Stage, sent: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with running(stage) as client:
        with closing(socket.create_connection(client.address, timeout=5)) as connection:
            with suppress(ConnectionError):
                connection.sendall(sent)
            if sent.endswith(b"400\r\n\r\nabcd"):
                connection.close()
                got = b""
            else:
                got = received(connection)
        assert client.get("/status").status == 200
    assert b" 500 " not in got.split(b"\r\n")[0] and b"Traceback" not in got
    log = said(capfd, caplog)
    assert "Traceback" not in log and "127.0.0.1" not in log, log


def test_what_is_packed_is_not_unpacked(stage: Stage) -> None:
    with running(stage) as client:
        packed = gzip.compress(bytes(60_000))
        answer = client.ask(
            "POST", "/entries", packed, Content_Type="application/octet-stream", Content_Encoding="gzip"
        )
        assert answer.status == 415


HEADS = [
    b"",
    b"x",
    b"\xff",
    b"a\nb\nc\n\n\xe2\x80\x94 a b\n",
    b"veche.example/city\n99999999999999999999999\nAAAA\n\n",
    bytes(200_000),
]


@pytest.mark.parametrize("sent", HEADS)
def test_a_head_that_is_none_is_refused(stage: Stage, sent: bytes) -> None:
    with running(stage) as client:
        assert client.ask("POST", "/heads", sent, Content_Type="text/plain").status in (400, 413)


PATHS = ["/tile/../log.key", "/tile/%2e%2e/log.key", "/tile/..%2flog.key", "/head/../log.key", "/head/..%5clog.key", "/witness/%00", "/tile//0/000",
         "/tile/0/%D9%A0%D9%A0%D9%A0", "/attachment/" + "a" * 63, "/attachment/" + "A" * 64, "/tile/0/000.p/0", "/tile/64/000", "/tile/-1/000", "//checkpoint", "/checkpoint/",
         "/checkpoint%00", "/log.key", "/outbox.db", "/veche.db", "/cometbft/config/priv_validator_key.json", "/head/0", "/head/01", "/head/99999999999999999999"]  # fmt: skip


def test_no_name_leads_to_what_is_not_public(stage: Stage) -> None:
    secret = (stage.folder / "log.key").read_bytes()
    (stage.folder / "attachment").mkdir(exist_ok=True)
    (stage.folder / "attachment" / ("b" * 64)).symlink_to(stage.folder / "log.key")
    with running(stage) as client:
        for path in [*PATHS, "/attachment/" + "b" * 64]:
            answer = client.get(path)
            assert answer.status in (404, 500) and secret not in answer.body, path
            assert str(stage.folder).encode() not in answer.body, path


def test_kept_heads_are_served(stage: Stage) -> None:
    (stage.folder / "head").mkdir()
    (stage.folder / "head" / "5").write_bytes(b"a head")
    with running(stage) as client:
        answer = client.get("/head/5")
        assert (answer.status, answer.body) == (200, b"a head") and "immutable" in answer.headers["Cache-Control"]


def test_the_head_of_an_answer_is_all_that_is_asked_for(stage: Stage) -> None:
    with running(stage) as client:
        for path in ("/checkpoint", "/openapi.json"):  # what does not change from one question to the next
            asked, got = client.ask("HEAD", path), client.get(path)
            assert asked.status == 200 and not asked.body and asked.headers["Content-Length"] == str(len(got.body))
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"):
            assert client.ask(method, "/checkpoint").status == 405


def test_who_says_nothing_is_hung_up_on(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "IDLE", 1)
    monkeypatch.setattr(api, "BODY_SECONDS", 1)
    with running(stage) as client:
        for slow in (b"", b"GET /status HTTP/1.1\r\nHost: x\r\nX:", POST + b"Content-Length: 100\r\n\r\na"):
            start = time.monotonic()
            got = exchange(client, slow, 20)
            assert time.monotonic() - start < 10 and (not got or b" 408 " in got)


def test_chunks_may_be_small_but_not_without_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_SECONDS", 1)
    with running(stage) as client, closing(socket.create_connection(client.address, timeout=20)) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        start = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - start < 10:
                connection.sendall(b"1\r\na\r\n")
                time.sleep(0.05)
                connection.settimeout(0.01)
                with suppress(TimeoutError):
                    if connection.recv(100).startswith(b"HTTP/1.1 408"):
                        break
                connection.settimeout(20)
        assert time.monotonic() - start < 9


def test_who_connects_a_thousand_times_leaves_room_for_the_ledger(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CONNECTIONS", 50)
    with running(stage) as client:
        held = [socket.create_connection(client.address, timeout=20) for _ in range(1_000)]
        gone = 0
        for connection in reversed(held):
            connection.settimeout(0.001 if gone < 900 else 0.01)
            with suppress(TimeoutError, ConnectionError):
                gone += connection.recv(1) == b""
        assert gone >= 850  # those who come at once are counted together
        for connection in held:
            connection.close()
        wait_for(lambda: client.get("/status").status == 200)
        assert client.hand_in(stage.ballots[0]).status == 202


def test_who_watches_over_a_node_finds_no_more_room_than_there_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WATCHERS", 5)
    with running(stage) as client:
        assert client._metrics is not None
        held = [socket.create_connection(client._metrics, timeout=20) for _ in range(20)]
        gone = 0
        for connection in held:
            connection.settimeout(0.1)
            with suppress(TimeoutError, ConnectionError):
                gone += connection.recv(1) == b""
        assert gone >= 10  # those who come at once are counted together
        assert client.get("/status").status == 200
        for connection in held:
            connection.close()


@pytest.mark.parametrize(("files", "room"), [(64, 32), (1 << 20, 2_000), (resource.RLIM_INFINITY, 2_000)])
def test_half_of_the_files_are_for_those_who_connect(monkeypatch: pytest.MonkeyPatch, files: int, room: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert listener._bearable(2_000) == room


def wait_for(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError, HTTPException):
            if holds():
                return
        assert time.monotonic() < end
        time.sleep(0.05)


def test_who_asks_for_much_and_does_not_read_holds_no_memory(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "a" * 64
    (stage.folder / "attachment").mkdir(exist_ok=True)
    (stage.folder / "attachment" / name).write_bytes(bytes(20 << 20))
    monkeypatch.setattr(api, "SENDING", 50 << 20)
    monkeypatch.setattr(api, "PIECE_SECONDS", 2)
    with running(stage) as client:
        held = [socket.create_connection(client.address) for _ in range(8)]
        for connection in held:
            connection.sendall(f"GET /attachment/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_for(lambda: client.get(f"/attachment/{name}").status == 429)
        assert client.get("/status").status == 200
        wait_for(lambda: len(client.get(f"/attachment/{name}").body) == 20 << 20)  # those who do not read are left
        for connection in held:
            connection.close()


def test_who_listens_and_does_not_read_keeps_nobody_waiting(stage: Stage) -> None:
    with running(stage) as client:
        entry = client.hand_in(stage.ballots[0]).json["entry"]
        held = []
        for _ in range(50):
            held.append(socket.create_connection(client.address))
            held[-1].sendall(f"GET /entries/{entry}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.wait(entry, "final")
        assert client.hand_in(stage.ballots[1]).status == 202
        for connection in held:
            connection.close()


def test_what_nobody_thought_of_is_said_to_be_a_fault(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    with running(stage) as client:
        monkeypatch.setattr(Published, "file", broken)
        answer = client.get("/checkpoint")
        assert answer.status == 500 and b"fault" in answer.body and b"secret" not in answer.body
    log = said(capfd, caplog)
    assert "ZeroDivisionError" in log and "secret" not in log and "127.0.0.1" not in log


def test_heads_for_which_there_is_no_room_come_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadedEngine, "gather", lambda *_: False)
    with running(stage) as client:
        head = (stage.folder / "checkpoint").read_bytes()
        answer = client.ask("POST", "/heads", head, Content_Type="text/plain")
        assert answer.status == 429 and answer.headers["Retry-After"] == "1"
