"""A validator whose key of votes lies on another machine, with a program that signs for it: CometBFT's own, as the standard asks for it."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import comet
from cli.conftest import PROGRAM, environment, inside, ok

from veche.engine.cometbft.home import chain_id
from veche.ledger.reader import read_own

from .conftest import Client
from .hosts import free


@cache
def program() -> Path:
    """The signer that comes with CometBFT's sources."""
    build = comet.builder()
    folder = comet.ROOT / "build" / "cometbft-signer"
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "signer"
    build.go("build", *build.OPTIONS, "-o", str(binary), f"{comet.MODULE}/cmd/priv_val_server")
    return binary


@contextmanager
def signing(words: list[str | Path]) -> Iterator[None]:
    """The signer, started again whenever it has given up: it tries for a second only."""
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True)]
    ended = threading.Event()

    def again() -> None:
        while not ended.is_set():
            with running[-1] as signer:
                assert signer.stdout is not None
                for line in signer.stdout:
                    if "Max retries exceeded" in line:
                        signer.kill()
            if not ended.is_set():
                running.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        while thread.is_alive():
            running[-1].kill()
            thread.join(0.1)


def wait_for(node: Client, height: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if node.get("/status").json["height"] >= height:
                return
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_key_of_votes_may_lie_on_another_machine(tmp_path: Path) -> None:
    town = tmp_path / "town"
    ok("network", "init", town, "--validators", 1, "--people", 3, run=inside)
    home, elsewhere = town / "validator-1", tmp_path / "elsewhere"
    elsewhere.mkdir()
    key, state = elsewhere / "key.json", elsewhere / "state.json"
    (home / "cometbft/config/priv_validator_key.json").rename(key)
    (home / "cometbft/data/priv_validator_state.json").rename(state)
    missing = inside("node", "run", "--ledger", home, "--listen", "127.0.0.1:0", "--seconds", "0")
    assert missing.code == 2 and "priv_validator_key.json" in missing.err
    odd = inside("node", "run", "--ledger", home, "--signer", 'x"\nbypass')
    assert odd.code == 2 and "no address to listen at" in odd.err

    port, waits = free("127.0.0.1"), f"127.0.0.1:{free('127.0.0.1')}"
    words = [*PROGRAM, "node", "run", "--ledger", str(home), "--listen", f"127.0.0.1:{port}", "--signer", waits]
    with read_own(home) as ledger:
        chain = chain_id(ledger.id)
    signs: list[str | Path] = [
        program(),
        "-addr",
        f"tcp://{waits}",
        "-chain-id",
        chain,
        "-priv-key",
        key,
        "-priv-state",
        state,
    ]
    alone = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=60)
    assert alone.returncode == 1 and "The remote signer has not come" in alone.stderr, alone.stderr
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as node:
        try:
            with signing(signs):
                client = Client(("127.0.0.1", port))
                wait_for(client, 3)
        finally:
            node.send_signal(signal.SIGTERM)
            _, err = node.communicate(timeout=60)
    assert node.returncode == 0, err
    assert int(json.loads(state.read_text())["height"]) >= 3
    (made,) = home.rglob("priv_validator_key.json")  # CometBFT makes one of its own at its start, and does not use it
    assert json.loads(made.read_text())["address"] != json.loads(key.read_text())["address"]
