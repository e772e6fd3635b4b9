"""What a node promises to those who hand entries in over HTTP, asked of both engines."""

import hashlib
import http.client
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from engine.stage import Stage

from veche.audit.ledger import verify_ledger
from veche.errors import UserError
from veche.log.log import Log
from veche.log.receipt import verify_receipt
from veche.log.source import Folder
from veche.node import intake
from veche.node.outbox import FILE, Outbox

from .conftest import Answer, Client, running


def log_of(folder: Path) -> list[bytes]:
    """What everybody can read, verified."""
    verified = verify_ledger(Folder(folder))
    return list(Log(verified.source, verified.head).entries())


def kept(folder: Path) -> int:
    """How many entries lie in the outbox."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        return int(db.execute("SELECT count(*) FROM kept").fetchone()[0])


def test_a_ballot_comes_in_and_becomes_final(stage: Stage) -> None:
    entry = stage.ballots[0]
    with running(stage) as client:
        taken = client.hand_in(entry)
        assert taken.status == 202 and taken.json["stage"] in ("kept", "sent", "ledger", "final")
        assert taken.json["entry"] == hashlib.sha256(entry).hexdigest()
        final = client.wait(taken.json["entry"], "final")
        receipt = client.get(f"/entries/{taken.json['entry']}/receipt")
        assert receipt.status == 200
    verified = verify_ledger(Folder(stage.folder))
    assert verify_receipt(receipt.body, entry, verified.state.succession.policy(1)).index == final["number"]
    assert verified.log.entry(final["number"]) == entry
    assert kept(stage.folder) == 0


def test_it_is_told_as_it_happens(stage: Stage) -> None:
    with running(stage) as client:
        taken = client.hand_in(stage.ballots[0]).json["entry"]
        events = client.get(f"/entries/{taken}/events")  # ends when it is final
        assert events.headers["Content-Type"] == "text/event-stream"
        told = [line for line in events.body.decode().splitlines() if line.startswith("data: ")]
        assert told[-1].startswith(f'data: {{"entry":"{taken}","stage":"final"')


def test_the_same_entry_lands_once(stage: Stage) -> None:
    answers: list[Answer] = []
    with running(stage) as client:

        def hand_in() -> None:
            answers.append(client.hand_in(stage.ballots[0]))

        threads = [threading.Thread(target=hand_in) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.wait(answers[0].json["entry"], "final")
        assert client.hand_in(stage.ballots[0]).json["stage"] == "final"
    assert {answer.status for answer in answers} == {202}
    assert log_of(stage.folder).count(stage.ballots[0]) == 1


def test_what_has_no_chance_is_refused_and_not_kept(stage: Stage) -> None:
    good = stage.ballots[0]
    with running(stage) as client:
        forged = client.hand_in(good[:-1] + bytes([good[-1] ^ 1]))
        assert (forged.status, forged.json["stage"], forged.json["refusal"]["rule"]) == (422, "refused", "cast")
        second = client.hand_in(stage.ballots[8])  # of somebody who has no first one yet
        assert (second.status, second.json["refusal"]["rule"]) == (422, "permits")
        assert second.json["refusal"]["message"]["ru"] != second.json["refusal"]["message"]["en"]
        for junk in (b"", b"\x00", bytes(65_535), b"\x83\x66notice\x80\x80"):
            assert client.hand_in(junk).status == 422
        assert client.get("/status").json["waiting"] == 0
        assert client.get(f"/entries/{forged.json['entry']}").json == forged.json
        # A refusal is not for ever.
        client.wait(client.hand_in(good).json["entry"], "final")
        assert client.hand_in(stage.ballots[8]).status == 202
        client.wait(second.json["entry"], "final")
    assert kept(stage.folder) == 0


def test_what_is_no_request_for_anything_is_said_to_be_so(stage: Stage) -> None:
    nothing = f"/entries/{bytes(32).hex()}"
    with running(stage) as client:
        asked = {
            404: [("GET", nothing), ("GET", f"{nothing}/events"), ("GET", f"{nothing}/receipt"), ("GET", "/entries/x"), ("GET", "/log.key"),
                  ("GET", "/veche.db"), ("GET", "/tile/..%2f..%2flog.key"), ("GET", "/tile/0/x001"), ("GET", "/attachment/../log.key")],
            405: [("DELETE", "/checkpoint"), ("POST", "/status"), ("GET", "/entries")],
        }  # fmt: skip
        for status, questions in asked.items():
            for method, path in questions:
                answer = client.ask(method, path)
                assert answer.status == status and answer.json["message"]["en"], (method, path)
        assert client.ask("POST", "/entries", b"x", Content_Type="text/plain").status == 415
        long = client.hand_in(bytes(65_536))
        assert (long.status, long.json["message"]["en"]) == (413, "What was sent is longer than it may be.")


def test_a_body_without_an_announced_length_is_not_read_for_ever(stage: Stage) -> None:
    with running(stage) as client, closing(http.client.HTTPConnection(*client.address, timeout=60)) as connection:
        headers = {"Content-Type": "application/octet-stream"}
        connection.request("POST", "/entries", iter([bytes(60_000)] * 3), headers, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_any_page_may_ask_and_nobody_gets_a_cookie(stage: Stage) -> None:
    with running(stage) as client:
        before = client.ask("OPTIONS", "/entries", Origin="https://a.example")
        assert before.status == 204 and "POST" in before.headers["Access-Control-Allow-Methods"]
        for answer in (before, client.get("/checkpoint"), client.hand_in(b"junk"), client.get("/nothing")):
            assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Set-Cookie" not in answer.headers


def test_the_public_files_are_served(stage: Stage) -> None:
    with running(stage) as client:
        source = Folder(stage.folder)
        names = source.names()
        assert len(names) >= 3
        for name in names:
            assert client.get(f"/{name}").body == source.read(name), name
        status = client.get("/status").json
        assert status["final"] == source.checkpoint().checkpoint.size and status["origin"] == "veche.example/city"


def test_the_charter_and_the_heads_that_others_have_of_a_validator_are_served(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed, founding = Folder(stage.folder).checkpoint(), log_of(stage.folder)[0]
    monkeypatch.setattr(
        "veche.engine.threaded.ThreadedEngine.newest", lambda engine, key: signed if key == bytes(32) else None
    )
    monkeypatch.setattr(
        "veche.engine.cometbft.engine.CometEngine.newest", lambda engine, key: signed if key == bytes(32) else None
    )
    (stage.folder / "head").mkdir()
    (stage.folder / "head/7").write_bytes(signed.to_bytes())
    with running(stage) as client:
        assert client.get("/charter").body == founding
        for path in (f"/heads/{'00' * 32}", "/head/7"):
            assert client.get(path).body == signed.to_bytes(), path
        for path in (f"/heads/{'01' * 32}", "/heads/x", "/heads/", "/head/8", "/head/../log.key", "/evidence/x"):
            assert client.get(path).status == 404, path


def test_what_was_kept_is_offered_again(stage: Stage) -> None:
    with stage.open() as ledger:
        outbox = Outbox(ledger)
        outbox.keep(stage.ballots[:3])
        outbox.close()
    with running(stage) as client:
        for entry in stage.ballots[:3]:
            client.wait(hashlib.sha256(entry).hexdigest(), "final")
    assert set(stage.ballots[:3]) <= set(log_of(stage.folder)) and kept(stage.folder) == 0


@pytest.mark.parametrize("place", (0, 5000))
def test_a_damaged_outbox_is_named_and_not_the_ledgers_database(stage: Stage, place: int) -> None:
    """Whoever followed that advice would make the ledger's database anew, and be told the same again."""
    with stage.open() as ledger:
        outbox = Outbox(ledger)
        outbox.keep(stage.ballots)
        outbox.close()
        file = stage.folder / FILE
        file.write_bytes(file.read_bytes()[:place] + b"x" * 60_000)
        with pytest.raises(UserError, match=r"outbox\.db is damaged") as refused:
            Outbox(ledger).kept()
    assert "rebuild" not in refused.value.hint and "The ledger is whole" in refused.value.hint


def test_what_came_into_the_log_before_a_crash_is_not_offered_again(stage: Stage) -> None:
    entry = stage.ballots[0]
    with running(stage) as client:
        client.wait(client.hand_in(entry).json["entry"], "final")
    with closing(sqlite3.connect(stage.folder / FILE)) as db, db:  # as if the node had ended before it was noted
        db.execute("DELETE FROM placed")
        db.execute("INSERT INTO kept VALUES (?, ?)", (hashlib.sha256(entry).digest(), entry))
        db.execute("UPDATE position SET size = size - 3")
    with running(stage) as client:
        assert client.get(f"/entries/{hashlib.sha256(entry).hexdigest()}").json["stage"] == "final"
        assert client.get("/status").json["waiting"] == 0
    assert log_of(stage.folder).count(entry) == 1


def test_a_node_that_has_too_much_says_when_to_come_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ROOM", 0)
    with running(stage) as client:
        busy = client.hand_in(stage.ballots[0])
        assert busy.status == 429 and int(busy.headers["Retry-After"]) >= 1 and busy.json["message"]["ru"]


def test_nothing_is_taken_in_before_the_disk_is_full(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(stage) as client:
        monkeypatch.setattr(intake, "DISK_SECONDS", 0)
        monkeypatch.setattr(intake, "DISK_FREE", 1 << 60)
        client.hand_in(stage.ballots[0])  # the look before may be a moment old
        refused = client.hand_in(stage.ballots[1])
        assert (
            refused.status == 503 and "nearly full" in refused.json["message"]["en"] and refused.headers["Retry-After"]
        )
        monkeypatch.setattr(intake, "DISK_FREE", 1)
        assert client.hand_in(stage.ballots[1]).status == 202


def test_nobody_is_told_that_it_is_kept_when_the_disk_is_full(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UserError("The ledger in /secret cannot be written: the disk is full.")

    with pytest.raises(UserError, match="full"), running(stage) as client:
        monkeypatch.setattr(Outbox, "keep", full)
        monkeypatch.setattr(Outbox, "settle", full)
        answers = [client.hand_in(entry) for entry in stage.ballots[:4]]
        # The block may be faster than the outbox; then it is in the ledger, and that may be said.
        assert all(answer.status == 503 or answer.json["stage"] in ("ledger", "final") for answer in answers)
        assert answers[-1].status == 503 and not any(b"secret" in answer.body for answer in answers)


def test_clients_that_go_away_stop_nobody(stage: Stage) -> None:
    with running(stage) as client:
        for entry in stage.ballots[:3]:
            with closing(http.client.HTTPConnection(*client.address)) as connection:
                connection.request("POST", "/entries", entry, {"Content-Type": "application/octet-stream"})
        assert Client(client.address).hand_in(stage.ballots[3]).status == 202
