"""A ledger that one process ran goes on as a network of four real ones; then one validator is replaced, without a halt."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from cli.conftest import inside, ok

from veche.audit.ledger import verify_ledger
from veche.demo.network import TEST, Town
from veche.demo.nodes import Node, free_port
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.signing import sign
from veche.log.source import Folder
from veche.texts import Message
from veche.world import VALIDATORS, World, address

PUBLIC = ("tile", "head", "attachment")


class Handed(Town):
    """A town whose ledger an operator keeps, and four institutions that are to keep it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._lang = folder, "en"
        self.world = World(folder, citizens={"Centre": 2}, registrars=(1, 1, 0), genesis=int(time.time()), test=TEST)
        self.world.ledger.close()
        self.operated = folder / "ledger"
        self.institutions = []
        self.rows = []
        for number, name in enumerate(VALIDATORS[:4]):
            home = folder / f"home-{number}"
            http, peer = (free_port(address(number), port) for port in (8080, 26656))
            url = f"http://{address(number)}:{http}"
            self.rows.append(self.keys(home, name, url, f"{address(number)}:{peer}"))
            self.institutions.append(Node(name, home, url, folder / f"node-{number}.txt"))
        for number, key in enumerate([*self.world.organisers, self.world.trustees[0].key]):
            key.save(folder / f"{number}.key")
        self.signers = [word for number in range(3) for word in ("--key", folder / f"{number}.key")]
        self.began = time.monotonic()

    @staticmethod
    def keys(home: Path, name: str, url: str, peer: str) -> Path:
        """Make a validator's keys; the file with what was printed."""
        words = ("--institution", name, "--url", url, "--peer", peer)
        row = home.with_suffix(".toml")
        row.write_text(ok("network", "keys", "--ledger", home, *words, run=inside).out, encoding="utf-8")
        return row

    def notice(self, number: int, at: Node) -> int:
        """Say something through this node; the entry's number when it is final."""
        body = [b"", [f"Notice {number}.", f"Заметка {number}."], []]
        return self.final(self.hand_in(sign(self.world.id, "notice", body, self.world.organisers[:1]), at), at)


def copy_public(source: Path, target: Path) -> None:
    for name in PUBLIC:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    shutil.copy(source / "checkpoint", target)


def test_an_operators_ledger_goes_on_as_a_network(tmp_path: Path) -> None:
    town = Handed(tmp_path)
    operated, ledger = town.operated, ("--ledger", town.operated)
    said = ("--text", "We hand over.", "--text-ru", "Передаём.", "--key", tmp_path / "0.key")
    number = ok("office", "notice", *said, *ledger, "--json", run=inside).json["entry"]
    ok("ledger", "receipt", str(number), *ledger, "-o", tmp_path / "receipt", run=inside)
    before = verify_ledger(Folder(operated))

    engine = subprocess.Popen(
        [sys.executable, "-m", "veche", "ledger", "run", *map(str, ledger)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert engine.stdout is not None and "runs, with" in engine.stdout.readline()
        entry = tmp_path / "engine.entry"
        words = ("network", "hand-over", *town.rows, *ledger, "-o", entry)
        begun = ok(*words, *town.signers[:2], run=inside)
        assert "4 validators go on with the ledger" in begun.out
        early = inside("ledger", "submit", entry, *ledger)
        assert early.code == 1 and "1 institutions signed" in early.err
        ok("ledger", "sign", entry, *ledger, *town.signers[2:], run=inside)
        ok("ledger", "submit", entry, *ledger, run=inside)
        _, err = engine.communicate(timeout=60)
        assert engine.returncode != 0 and "goes on as a network of validators" in err, err
    finally:
        engine.kill()
    over = inside("ledger", "run", *ledger, "--once", "--after-outage")
    assert over.code == 2 and "veche node run" in over.err, over.err
    late = ("--text", "Too late.", "--text-ru", "Поздно.", "--key", tmp_path / "0.key")
    again = inside("office", "notice", *late, *ledger)
    assert again.code == 2, "nobody is the engine for a moment any more"

    for institution in town.institutions:
        copy_public(operated, institution.home)
        ok("ledger", "rebuild", "--ledger", institution.home, run=inside)
    with town.running():
        town.agreed(town.institutions)
        one, *_, four = town.institutions
        first = town.notice(1, one)
        assert first > before.head.size

        # A validator replaces its consensus key and its ledger key: three go on meanwhile.
        row = town.keys(tmp_path / "next", four.name, four.url, "127.0.0.9:1").read_text(encoding="utf-8")
        found = dict(line.split(" = ") for line in row.splitlines() if " = " in line)
        key, votes = (found[name].strip('"') for name in ("key", "votes"))
        change = ("office", "rotate", "--ledger", one.home, "--institution", four.name, "--role", "validator")
        rotate = tmp_path / "rotate.entry"
        ok(
            *change,
            "--public",
            key,
            "--votes",
            votes,
            *town.signers,
            "--key",
            four.home / LOG_KEY,
            "-o",
            rotate,
            run=inside,
        )
        said_number = ok("ledger", "submit", rotate, "--ledger", one.home, "--json", run=inside).json["entry"]
        town.wait(Message("it is final"), lambda: (one.ask("/status") or {}).get("final", 0) > said_number + 1 or None)
        assert four.process is not None
        four.process.terminate()
        four.process.wait(60)
        four.process = None
        others, town.institutions = town.institutions, town.institutions[:3]
        second = town.notice(2, one)
        for name in (LOG_KEY, "cometbft/config/priv_validator_key.json"):
            shutil.copy(tmp_path / "next" / name, four.home / name)
        town.start(four)
        town.institutions = others
        town.agreed(town.institutions)
        third = town.notice(3, four)
        assert first < second < third
        town.agreed(town.institutions)
        # The new key counts: with it and two others heads become final.
        others[1].kill()
        town.institutions = [others[0], others[2], four]
        town.notice(4, four)
        town.institutions = others

    verified = verify_ledger(Folder(four.home))
    assert verified.ledger == town.world.id and verified.log.root(before.head.size) == before.head.root
    kinds = [decode(data)[0] for data in verified.log.entries()]
    assert kinds.count("validators") == 2 and kinds.count("engine") == 1
    assert SigningKey.load(four.home / LOG_KEY).public in {one.key for one in verified.state.validators()}
    assert ok("verify", one.home, "--receipt", tmp_path / "receipt", run=inside).code == 0


def test_nobody_takes_a_key_twice(tmp_path: Path) -> None:
    town = Handed(tmp_path)
    twice = inside(
        "network",
        "hand-over",
        town.rows[0],
        town.rows[0],
        "--ledger",
        town.operated,
        *town.signers,
        "-o",
        tmp_path / "a.entry",
    )
    assert twice.code == 1 and "ascending order" in twice.err and not (tmp_path / "a.entry").exists()
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    none = inside("network", "hand-over", empty, "--ledger", town.operated, *town.signers, "-o", tmp_path / "a.entry")
    assert none.code == 2 and "there is no validator" in none.err
