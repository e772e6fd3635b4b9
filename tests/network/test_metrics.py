"""What a node says of itself to whoever watches over it, and what it never says: who handed in what."""

import asyncio
import hashlib
import json
import logging
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from engine.stage import Stage

from veche import logs
from veche.engine.engine import Engine
from veche.keys import SigningKey
from veche.node import api, peers
from veche.node.intake import Intake
from veche.node.peers import Peers

from .conftest import Client, running
from .others import serving

ALWAYS = {
    "veche_height",
    "veche_finality_behind_seconds",
    "veche_entries_waiting",
    "veche_disk_free_bytes",
}


def until(said: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_figures_are_those_of_the_node(stage: Stage) -> None:
    good = stage.ballots[0]
    with running(stage) as client:
        before = client.figures()
        assert before.keys() >= ALWAYS and "veche_clock_offset_seconds" not in before  # there is nobody else
        for _ in range(2):
            client.hand_in(good[:-1] + bytes([good[-1] ^ 1]))
        client.hand_in(stage.ballots[8])
        client.wait(client.hand_in(good).json["entry"], "final")
        after, status = client.figures(), client.get("/status").json
        assert before["veche_height"] < after["veche_height"] <= status["height"]
        assert after['veche_refused_total{rule="cast"}'] == 2 and after['veche_refused_total{rule="permits"}'] == 1
        assert after["veche_entries_waiting"] == 0 and after["veche_finality_behind_seconds"] == 0
        assert after["veche_disk_free_bytes"] == pytest.approx(shutil.disk_usage(stage.folder).free, rel=0.2)
        cosigned = status["engine"] == "cometbft"
        assert ("veche_final_head_age_seconds" in after) == cosigned  # the log's own signature bears no time
        if cosigned:
            assert after["veche_final_head_age_seconds"] == pytest.approx(time.time() - stage.now, abs=60)
        assert abs(status["clock"] - time.time()) < 5


def test_they_are_not_at_the_public_door(stage: Stage) -> None:
    with running(stage) as client:
        assert client.get("/metrics").status == 404
        assert client._metrics is not None and client._metrics != client.address
        assert Client(client._metrics).get("/checkpoint").status == 404


def test_finality_that_stays_behind_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Intake.published
    with running(stage) as client:
        until(lambda: client.figures()["veche_finality_behind_seconds"] == 0)
        monkeypatch.setattr(Intake, "published", lambda *_: None)
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "ledger")
        first = client.figures()["veche_finality_behind_seconds"]
        client.wait(client.hand_in(stage.ballots[1]).json["entry"], "ledger")  # of the same second, or a later one
        until(lambda: client.figures()["veche_finality_behind_seconds"] > first + 1.1)
        monkeypatch.setattr(Intake, "published", told)
        client.wait(client.hand_in(stage.ballots[2]).json["entry"], "final")
        assert client.figures()["veche_finality_behind_seconds"] == 0


AWAY = 7.0
"""Seconds by which another validator's clock is behind."""


def other() -> AbstractContextManager[str]:
    return serving({"/status": lambda: json.dumps({"height": 3, "clock": time.time() - AWAY}).encode()})


ENGINE = cast(
    Engine,
    SimpleNamespace(ledger=SimpleNamespace(id=bytes(32)), lacks=(), speak=lambda: None, gather=lambda signed: None),
)
"""All that is asked of one here."""


def test_a_clock_is_held_against_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "WATCH_SECONDS", 0.05)

    async def look(url: str, seen: Callable[[Peers], bool]) -> None:
        made = Peers(SigningKey(bytes(32)), [(bytes(32), url)], cast(Intake, SimpleNamespace(height=0)), ENGINE)
        await made.begin()
        try:
            async with asyncio.timeout(30):
                while not seen(made):
                    await asyncio.sleep(0.02)
        finally:
            await made.end()

    with other() as url:
        asyncio.run(look(url, lambda made: made.offset is not None and abs(made.offset - AWAY) < 2))

    async def gone() -> None:
        with closing(socket.socket()) as found:
            found.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{found.getsockname()[1]}"
        made = Peers(SigningKey(bytes(32)), [(bytes(32), url)], cast(Intake, SimpleNamespace(height=0)), ENGINE)
        made._all[0].offset = 1.0  # as it answered before
        await made.begin()
        try:
            async with asyncio.timeout(30):
                while made.offset is not None:
                    await asyncio.sleep(0.02)
        finally:
            await made.end()

    asyncio.run(gone())


def test_half_of_the_others_may_have_a_wrong_clock() -> None:
    made = Peers(
        SigningKey(bytes(32)), [(bytes(32), "http://127.0.0.1:1")] * 3, cast(Intake, SimpleNamespace(height=0)), ENGINE
    )
    assert made.offset is None
    for peer, offset in zip(made._all, (3600.0, 0.2, 0.1), strict=True):
        peer.offset = offset
    assert made.offset == 0.2


def test_no_log_says_who_handed_in_what(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes through the door, and whatever goes wrong behind it: no address, port, header, path, hash or number is written."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logs, "_level", logging.INFO)
    ports = []

    def raw(client: Client, sent: bytes) -> None:
        with closing(socket.create_connection(client.address, timeout=60)) as connection:
            ports.append(connection.getsockname()[1])
            connection.sendall(sent)
            with suppress(ConnectionError):
                connection.recv(65_536)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("203.0.113.9")

    good = stage.ballots[0]
    marks: Any = {"X_Forwarded_For": "203.0.113.9", "User_Agent": "marked-agent", "Cookie": "id=marked"}
    entry = hashlib.sha256(good).hexdigest()
    with running(stage) as client:
        for method, path, body in (
            ("POST", "/entries", good), ("POST", "/entries", b"junk"), ("POST", "/batch", b"\xff"), ("POST", "/heads", b"x"),
            ("GET", f"/entries/{entry}", None), ("GET", f"/marked-path/{entry}", None), ("GET", "/status", None),
        ):  # fmt: skip
            client.ask(method, path, body, Content_Type="application/octet-stream", **marks)
        number = client.wait(entry, "final")["number"]
        client.ask("GET", f"/entries/{entry}/receipt", **marks)
        raw(client, b"GET /marked-path HTTP/9.9\r\nHost: marked\r\n\r\n")
        raw(client, b"\x16\x03\x01\x02\x00marked")
        raw(client, b"POST /entries HTTP/1.1\r\nHost: marked\r\nContent-Length: x\r\n\r\n")
        with closing(socket.create_connection(client.address)) as connection:  # and who goes away half-way
            ports.append(connection.getsockname()[1])
            connection.sendall(
                b"POST /entries HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 900\r\n\r\nmarked"
            )
        monkeypatch.setattr(api, "_progress", fail)  # a fault of ours
        broken = client.ask("GET", f"/entries/{entry}", **marks)
        assert broken.status == 500 and broken.json["message"]["en"]
    out = capfd.readouterr()
    said = f"{out.out}{out.err}" + "".join(
        record.getMessage() + str(record.exc_info or "") for record in caplog.records
    )
    assert "a request failed" in said and "ZeroDivisionError" in said, "the fault itself is said"
    assert len(ports) == 4 and isinstance(number, int)
    for told in ("127.0.0.1", "203.0.113.9", "marked", entry, entry[:8], *(f"{port}" for port in ports)):
        assert told not in said, said
