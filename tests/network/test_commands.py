"""``veche network`` and ``veche node`` as people run them."""

import re
import signal
import subprocess
from pathlib import Path

from cli.conftest import PROGRAM, environment, inside, ok

from .conftest import Client


def test_a_network_is_made_and_run(tmp_path: Path) -> None:
    town = tmp_path / "town"
    said = ok("network", "init", town, "--validators", 1, "--people", 3, run=inside)
    assert "TEST" in said.err and "A network of 1 validators" in said.out
    words = [
        *PROGRAM,
        "node",
        "run",
        "--ledger",
        str(town / "validator-1"),
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as node:
        assert node.stdout is not None
        found = re.search(r"at 127\.0\.0\.1, port ([0-9]+)", node.stdout.readline())
        assert found is not None
        browser = re.search(r"http://127\.0\.0\.1:([0-9]+)\.$", node.stdout.readline().strip())
        assert browser is not None and browser[1] == found[1]
        shown = Client(("127.0.0.1", int(found[1]))).get("/explorer/en")
        assert shown.status == 200 and b"not final yet" not in shown.body
        figures = re.search(r"http://127\.0\.0\.1:([0-9]+)/metrics", node.stdout.readline())
        assert figures is not None and int(figures[1]) != int(found[1])
        assert Client(("", 0), ("127.0.0.1", int(figures[1]))).figures()["veche_height"] >= 0
        status = Client(("127.0.0.1", int(found[1]))).get("/status").json
        assert status["engine"] == "cometbft" and status["origin"] == "veche.example/city"
        busy = inside("node", "run", "--ledger", town / "validator-1", "--listen", "127.0.0.1:0", "--seconds", "0")
        assert busy.code == 2 and "Another program is writing the ledger" in busy.err
        node.send_signal(signal.SIGTERM)
        out, err = node.communicate(timeout=60)
        assert node.returncode == 0 and "is kept" in out, err


def test_what_needs_others_is_not_run_alone(tmp_path: Path) -> None:
    ok("network", "init", tmp_path / "town", run=inside)
    home = tmp_path / "town" / "validator-2"
    assert len(list((tmp_path / "town").glob("validator-*"))) == 4
    alone = inside("ledger", "run", "--ledger", home, "--once", "--after-outage")
    assert alone.code == 2 and "veche node run" in alone.err
    odd = inside("node", "run", "--ledger", home, "--listen", "nowhere")
    assert odd.code == 2 and "no address to listen at" in odd.err
    odd = inside("node", "run", "--ledger", home, "--metrics", "nowhere")
    assert odd.code == 2 and "no address to listen at" in odd.err
    again = inside("network", "init", tmp_path / "town")
    assert again.code == 2 and "exists already" in again.err


def test_keys_are_a_part_of_a_draft(tmp_path: Path) -> None:
    institution = ("--institution", "City archive", "--url", "https://node.example", "--peer", "node.example:26656")
    said = ok("network", "keys", "--ledger", tmp_path / "home", *institution, run=inside).out
    assert re.fullmatch(
        r"""\[\[validator\]\]
institution = "City archive"
key = "[0-9a-f]{64}"
votes = "[0-9a-f]{64}"
url = "https://node.example"
peer = "[0-9a-f]{40}@node.example:26656"
""",
        said,
    )
    again = inside("network", "keys", "--ledger", tmp_path / "home", *institution)
    assert again.code == 2 and "exists already" in again.err
    for wrong in (
        ("--url", "https://node.example/x"),
        ("--url", "ftp://a"),
        ("--peer", "node.example"),
        ("--peer", "a:0"),
    ):
        refused = inside("network", "keys", "--ledger", tmp_path / "other", *institution, *wrong)
        assert refused.code == 1 and "Traceback" not in refused.err
        assert not (tmp_path / "other").exists()
