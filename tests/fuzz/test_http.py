"""A node's door: whatever is asked, by schemathesis from the node's own description and in bytes that are hardly a request, is answered
as described or hung up on, with nothing said of it, and the node goes on."""

import json
import socket
from contextlib import closing, suppress
from importlib.resources import files
from random import Random
from typing import Any

import pytest
import schemathesis
from engine.stage import Stage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from network.conftest import Client, kind, made, running, stage
from schemathesis.specs.openapi.checks import positive_data_acceptance

from veche.node import batch

from .bent import bent
from .rounds import case, rounds

__all__ = ["kind", "made", "stage"]

DOCUMENT = json.loads(files("veche.node").joinpath("openapi.json").read_bytes())


@schemathesis.serializer("application/cbor")
def as_it_is(_: Any, value: Any) -> Any:
    """What schemathesis makes up is sent as it is."""
    return getattr(value, "data", value) if isinstance(value, bytes) or hasattr(value, "data") else str(value).encode()


def operations() -> list[Any]:
    found: Any = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    return [one.ok() for one in found]


PAGES = [
    operation for operation in operations() if "/components/responses/Page" in json.dumps(operation.definition.raw)
]
"""They have no engine: all of them are asked for at one node."""
OPERATIONS = [operation for operation in operations() if "/explorer" not in operation.path]


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_whatever_is_asked_the_answer_is_as_described(stage: Stage, operation: Any) -> None:
    with running(stage) as client:
        base = "http://{}:{}".format(*client.address)
        answered = 0

        @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal answered
            # What is well formed may still be refused: no schema says what an entry is.
            case.call_and_validate(base_url=base, excluded_checks=[positive_data_acceptance])
            answered += 1

        for _ in rounds(1, share=1 / (2 * len(OPERATIONS)), of=lambda: answered):
            ask()
        assert answered
        assert client.get("/status").status == 200


def test_whatever_page_is_asked_for_the_answer_is_as_described(stage: Stage) -> None:
    with running(stage) as client:
        base = "http://{}:{}".format(*client.address)
        answered = 0

        @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=st.one_of([operation.as_strategy() for operation in PAGES]))
        def ask(case: Any) -> None:
            nonlocal answered
            case.call_and_validate(base_url=base, excluded_checks=[positive_data_acceptance])
            answered += 1

        for _ in rounds(1, share=1 / 4, of=lambda: answered):
            ask()
        assert answered and len(PAGES) == 10
        assert client.get("/explorer/en").status == 200


def any_request(dice: Random, stage: Stage, ledger: bytes) -> bytes:
    """A request that would be right, or nearly."""
    entries = [bent(dice, entry) if dice.random() < 0.5 else entry for entry in dice.sample(stage.ballots, 3)]
    sent = batch.write(entries)
    if dice.random() < 0.5:
        sent = bent(dice, sent)
    signed = batch.sign(sent, ledger, stage.key.public, stage.key)
    bodies = (("/batch", "application/cbor", signed), ("/entries", "application/octet-stream", entries[0]), ("/heads", "text/plain", (stage.folder / "checkpoint").read_bytes()))  # fmt: skip
    if dice.random() < 0.5:
        path, kind, body = dice.choice(bodies)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        if dice.random() < 0.2:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            head = head.replace(f"Content-Length: {len(body)}", "Transfer-Encoding: chunked")
    else:
        names = (
            "/status",
            "/checkpoint",
            "/tile/entries/000",
            "/heads/" + "a" * 64,
            "/entries/" + "b" * 64,
            "/openapi.json",
            "/explorer/en/entries/1",
            "/explorer/ru/blocks?below=3",
        )
        head, body = f"{dice.choice(('GET', 'HEAD', 'OPTIONS'))} {dice.choice(names)} HTTP/1.1\r\nHost: x\r\n", b""
    head += dice.choice(("", "Connection: close\r\n", "Accept-Encoding: gzip\r\n")) + "\r\n"
    if dice.random() < 0.6:
        return bent(dice, head.encode()) + body
    return head.encode() + (bent(dice, body) if dice.random() < 0.5 else body)


def test_whatever_bytes_come_the_node_goes_on(
    stage: Stage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with running(stage) as client:
        ledger = bytes.fromhex(client.get("/status").json["ledger"])
        for number in rounds(60, share=1 / 2):
            with case(number) as dice:
                sent = any_request(dice, stage, ledger)
                got = talk(client, sent)
                assert not got or got.startswith(b"HTTP/"), got
                assert b"HTTP/1.1 500 " not in got and b"Traceback" not in got, got
        assert client.get("/status").status == 200
    said = "".join(capfd.readouterr()) + caplog.text
    assert "Traceback" not in said and "127.0.0.1" not in said, said


def talk(client: Client, sent: bytes) -> bytes:
    """Send, say that this is all, and read what comes."""
    got = b""
    with (
        closing(socket.create_connection(client.address, timeout=10)) as connection,
        suppress(ConnectionError, TimeoutError),
    ):
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            got += part
    return got
