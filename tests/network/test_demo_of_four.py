"""The demo of four institutions runs by itself, leaves what it says, and leaves no process behind."""

import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import veche_cometbft
from cli.conftest import PROGRAM, environment, fails, inside, ok

from veche.audit.ledger import verify_ledger
from veche.demo.nodes import Node, free_port
from veche.engine.inbox import engine_runs
from veche.errors import UserError, VecheError
from veche.log.log import Log
from veche.log.source import Folder


def homes(folder: Path) -> list[Path]:
    return [folder / f"validator-{number}" for number in (1, 2, 3, 4)]


def test_four_institutions_before_your_eyes(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    words = [*PROGRAM, "demo", str(folder), "--svg", str(tmp_path / "town.svg")]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(), timeout=300
    )
    out = done.stdout
    assert done.returncode == 0, done.stderr
    assert "District court: its node is killed" in out and re.search(r"District court +✗", out)
    assert "District court: back, and with the others again" in out and "same, byte for byte" in out
    assert not any(engine_runs(home) for home in (*homes(folder), folder / "citizen"))
    logs = []
    assert "is left and not asked again" in " ".join(out.split()) and "All 5 logs are the same" in out
    for home in (*homes(folder), folder / "citizen"):
        verified = verify_ledger(Folder(home))
        logs.append(list(Log(verified.source, verified.head).entries()))
    assert logs[1:] == logs[:1] * 4
    (poll,) = ok("poll", "list", "-l", folder / "validator-4", "--json", run=inside).json
    (question,) = poll["questions"]
    assert poll["status"] == "decided" and sum(answer["votes"] for answer in question["answers"]) == 24
    assert "byte for byte" in (tmp_path / "town.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    for line in out.split("Now look around yourself")[1].splitlines():
        if called := re.search(r"(?: -m veche |^ +veche )(.*)", line):
            assert ok(*shlex.split(called[1]), run=inside).out


def test_nothing_runs_on_when_it_is_interrupted(tmp_path: Path) -> None:
    words = [*PROGRAM, "demo", str(tmp_path / "town")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        end = time.monotonic() + 60
        while not all(map(engine_runs, homes(tmp_path / "town"))):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
    assert process.returncode and b"Traceback" not in error
    assert not any(map(engine_runs, homes(tmp_path / "town")))


def test_without_cometbft_it_says_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(veche_cometbft, "PROGRAM", tmp_path / "nothing")
    fails(2, "it is not installed", "demo", tmp_path / "town", run=inside)
    assert "--embedded" in inside("demo", tmp_path / "town").err
    assert not (tmp_path / "town").exists()


def test_a_port_that_is_taken_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.9", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.9", port) not in (0, port)
    assert free_port("127.0.0.9", port) == port
    with pytest.raises(UserError, match=r"No program can listen at 192\.0\.2\.1 on this machine"):
        free_port("192.0.2.1", port)


def test_a_node_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    court = Node("Court", tmp_path, "http://127.0.0.9:1", tmp_path / "said")
    court.process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    court.process.wait()
    with pytest.raises(VecheError, match="The node of Court has ended"):
        court.check()
    assert court.ask("/status") is None and court.size() is None
