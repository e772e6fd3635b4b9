"""``veche rules``: what is announced, and who is ready for it: nobody signs it blind."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from veche.cli import ready
from veche.cli.ready import ask, dangers
from veche.ledger.codec import decode
from veche.ledger.state import State
from veche.world import Played, World

from .conftest import fails_inside as fails
from .conftest import ok_inside as ok


def door(answer: bytes | Iterator[bytes], status: int = 200) -> HTTPServer:
    """A node's door that says this, whatever is asked; in parts, if that is what it is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            with suppress(OSError):  # whoever asked has gone
                for part in [answer] if isinstance(answer, bytes) else answer:
                    self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def state() -> Iterator[State]:
    """Of six validators, each of which answers in its own way; the last is found nowhere."""
    answers = [json.dumps({"rules": version}).encode() for version in (2, 1, "2")] + [b"[" * 70_000, b"{}"]
    with ExitStack() as opened:
        doors = [door(answer) for answer in answers]
        for one in doors:
            opened.callback(one.server_close)
            opened.callback(one.shutdown)
        names = [f"N{number}" for number in range(len(doors) + 1)]
        rows = [
            SimpleNamespace(institution=name, url=f"http://127.0.0.1:{one.server_port}")
            for name, one in zip(names, doors, strict=False)
        ]
        validators = [SimpleNamespace(institution=name) for name in names]
        yield cast(State, SimpleNamespace(validators=lambda: validators, validator_rows=lambda: rows))


def test_each_node_says_what_it_knows(state: State) -> None:
    assert ask(state) == {"N0": 2, "N1": 1, "N2": None, "N3": None, "N4": None, "N5": None}
    said = [str(one) for one in dangers(state, 2)]
    assert "N1, N2, N3, N4, N5" in said[0] and "N0" not in said[0] and "the ledger stands still" in said[1]
    assert "N1" not in next(str(one) for one in dangers(state, 1))


def test_a_node_that_answers_drop_by_drop_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "SECONDS", 1)
    over = threading.Event()

    def drops() -> Iterator[bytes]:
        while not over.wait(0.05):
            yield b" "

    slow = door(drops())
    state = SimpleNamespace(
        validators=lambda: [SimpleNamespace(institution="N0")],
        validator_rows=lambda: [SimpleNamespace(institution="N0", url=f"http://127.0.0.1:{slow.server_port}")],
    )
    asked = threading.Thread(target=lambda: found.update(ask(cast(State, state))))
    found: dict[str, int | None] = {}
    asked.start()
    asked.join(30)
    late = asked.is_alive()
    over.set()
    slow.shutdown()
    slow.server_close()
    assert not late and found == {"N0": None}


def test_versions_are_announced_and_withdrawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_known", lambda *_: None)  # no node of this world runs, but another test's may be there
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        ledger = ("-l", tmp_path / "ledger")
        for number, key in enumerate([*world.organisers, world.trustees[0].key]):
            key.save(tmp_path / f"{number}.key")
        keys = [word for number in range(3) for word in ("--key", tmp_path / f"{number}.key")]
        world.engine.tick()
        entry, back = tmp_path / "rules.entry", tmp_path / "withdraw.entry"
        fails(1, "at least", "rules", "announce", "2", "--from", "2020-01-01", *ledger, *keys, "-o", entry)
        said = ok("rules", "announce", "2", "--from", "2099-01-01", *ledger, *keys[:4], "-o", entry)
        assert "Of 4 validators these do not say that they know version 2" in " ".join(
            said.err.split() + said.out.split()
        )
        said = ok("ledger", "sign", entry, *ledger, *keys[4:])
        assert "do not say that they know" in " ".join(said.err.split() + said.out.split()), (
            "asked again of each who signs"
        )
        world.submit(entry.read_bytes())
        world.engine.tick()
        found = ok("rules", "ready", *ledger, "--json").json
        assert (
            found["known"] == 1
            and [one["version"] for one in found["announced"]] == [2]
            and len(found["validators"]) == 4
        )
        shown = ok("rules", "ready", *ledger).out
        assert "Version 2 holds from" in shown and "does not say it" in shown
        ok("rules", "withdraw", "2", *ledger, *keys, "-o", back)
        world.submit(back.read_bytes())
        world.engine.tick()
        assert decode(world.ledger.entry(world.ledger.size - 1))[0] == "rules-withdrawal"
        assert not ok("rules", "ready", *ledger, "--json").json["announced"]
