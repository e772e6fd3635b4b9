"""The two processes as one program, on this machine's clock and with the CometBFT that is installed: who dies, and who goes on."""

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import veche_cometbft
from comet import OnCometBFT

from veche.audit.ledger import verify_ledger
from veche.clock import WrongClock
from veche.engine.cometbft import process as process_module
from veche.engine.cometbft.begin import lacks_blocks
from veche.engine.cometbft.engine import CometEngine
from veche.engine.cometbft.home import FOLDER, chain_id, make_keys, prepare
from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.cometbft.process import Process, last_words, why_given_up
from veche.engine.cometbft.votes import check_votes
from veche.engine.engine import Stopped
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.institutions import PendingChange
from veche.ledger.ledger import Ledger
from veche.log.evidence import note_votes, votes_awaited
from veche.log.source import Folder

from ..stage import Stage, make_stage

BLOCK = Path(__file__).with_name("block_with_votes.json")
RUN = """
import sys
from pathlib import Path
from veche.engine.cometbft.engine import CometEngine
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
folder = Path(sys.argv[1])
with Ledger(folder) as ledger, CometEngine(ledger, SigningKey.load(folder / LOG_KEY), pause=0.1) as engine:
    for line in sys.stdin:
        print(engine.submit(bytes.fromhex(line)).result() if line.strip() else engine.tick(), flush=True)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A ledger whose last block is of a moment ago."""
    return make_stage(OnCometBFT(), tmp_path_factory.mktemp("city"), int(time.time()) - 3670)


def programs(folder: Path) -> list[int]:
    """The CometBFTs that run from this ledger's folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"start" in words and str(folder / "cometbft").encode() in words:
            found.append(int(each.parent.name))
    return found


def gone(folder: Path) -> bool:
    """Whether none runs any more, soon."""
    end = time.monotonic() + 10
    while programs(folder) and time.monotonic() < end:
        time.sleep(0.02)
    return not programs(folder)


def test_it_runs_on_this_machines_clock(stage: Stage, ledger: Ledger) -> None:
    with CometEngine(ledger, stage.key, pause=0.2) as engine:
        numbers = [engine.submit(entry).result(timeout=30) for entry in stage.ballots[:3]]
        engine.tick()
        assert abs(ledger.time - time.time()) < 3
        height = ledger.height
        time.sleep(1)
        assert ledger.height > height + 1, "it beats while nothing happens"
    assert gone(stage.folder)
    assert [ledger.entry(number) for number in numbers] == stage.ballots[:3]
    verify_ledger(Folder(stage.folder))


def test_when_cometbft_dies_everybody_is_told_and_it_can_be_started_again(stage: Stage, ledger: Ledger) -> None:
    engine = CometEngine(ledger, stage.key, pause=0.2)
    engine.__enter__()
    number = engine.submit(stage.ballots[0]).result(timeout=30)
    (pid,) = programs(stage.folder)
    os.kill(pid, signal.SIGSTOP)
    answer = engine.submit(stage.ballots[1])
    os.kill(pid, signal.SIGKILL)
    assert isinstance(why := answer.exception(timeout=30), Stopped) and "CometBFT has ended" in why.message and why.hint
    with pytest.raises(Stopped, match="CometBFT has ended"):
        engine.stop()
    with CometEngine(ledger, stage.key, pause=0.2) as engine:
        assert ledger.entry(number) == stage.ballots[0]
        assert engine.submit(stage.ballots[1]).result(timeout=30)
    verify_ledger(Folder(stage.folder))


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="This looks for processes where Linux has them.")
def test_when_we_die_cometbft_does_and_what_was_acknowledged_is_there(stage: Stage) -> None:
    acknowledged: dict[int, bytes] = {}
    for burst in range(4):
        command = [sys.executable, "-W", "error", "-c", RUN, str(stage.folder)]
        ours = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert ours.stdin is not None and ours.stdout is not None
        for entry in stage.ballots[3 * burst : 3 * burst + 3]:
            ours.stdin.write(entry.hex() + "\n")
            acknowledged[int(ours.stdout.readline())] = entry
        assert len(programs(stage.folder)) == 1
        ours.kill()  # the next is started at once: it waits for the CometBFT of this one
        ours.wait()
        ours.stdin.close()
        ours.stdout.close()
    assert gone(stage.folder)
    with stage.open() as ledger:
        assert len(acknowledged) == 12
        assert all(ledger.entry(number) == entry for number, entry in acknowledged.items())
    verify_ledger(Folder(stage.folder))


def test_a_clock_that_is_moved_ends_both(stage: Stage, ledger: Ledger) -> None:
    moved = False

    def clock() -> int:
        if moved:
            raise WrongClock("This machine's clock was moved.")
        return int(time.time())

    engine = CometEngine(ledger, stage.key, clock, pause=0.1)
    engine.__enter__()
    engine.tick()
    moved, before = True, ledger.time
    with pytest.raises(WrongClock):
        engine.tick()
    with pytest.raises(WrongClock):
        engine.stop()
    assert gone(stage.folder) and ledger.time <= before + 2


def test_one_that_makes_no_blocks_is_ended(stage: Stage, ledger: Ledger) -> None:
    """CometBFT can give up consensus and go on as a process that does nothing."""
    engine = CometEngine(ledger, stage.key, pause=0.1)
    engine.patience = 1.0
    engine.__enter__()
    engine.tick()
    (pid,) = programs(stage.folder)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Stopped, match="has made no block for"):
            engine.submit(stage.ballots[0]).result(timeout=40)
    finally:
        if pid in programs(stage.folder):
            os.kill(pid, signal.SIGCONT)
    with pytest.raises(Stopped):
        engine.stop()


def test_what_is_missing_is_said(stage: Stage, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    home = stage.folder / "cometbft"

    def why() -> UserError:
        engine = CometEngine(ledger, stage.key, pause=0.1)
        with pytest.raises(UserError) as caught, engine:
            engine.tick()
        return caught.value

    state = home / "data" / "priv_validator_state.json"
    state.rename(home / "aside")
    assert "voted last is missing" in why().message and "twice" in why().hint
    (home / "aside").rename(state)
    key = home / "config" / "priv_validator_key.json"
    key.rename(home / "aside")
    assert str(key) in why().message
    key.write_text("{}")
    key.chmod(0o600)
    assert "not a key of votes" in why().message
    key.unlink()
    shutil.rmtree(home / "data")
    make_keys(stage.folder)
    assert "not the one that the ledger names" in why().message
    monkeypatch.setattr(veche_cometbft, "PROGRAM", home / "nothing")
    with pytest.raises(UserError, match="not compiled") as caught:
        CometEngine(ledger, stage.key)
    assert "make cometbft" in caught.value.hint


def test_a_ledger_key_beside_the_key_of_votes_of_another_seat_is_named(stage: Stage, ledger: Ledger) -> None:
    """Else it would be taken for one whose seat is yet to come."""
    other, (own,) = SigningKey.generate(), ledger.state.validators()
    engine = CometEngine(ledger, other, pause=0.1)
    with pytest.raises(UserError, match=f"not that of {own.institution}.*names {own.key.hex()}"), engine:
        engine.tick()
    change = PendingChange(
        5, bytes(32), OfficeAction.ROTATE, own.institution, Role.VALIDATOR, other.public, 9, own.votes
    )
    ledger.state.set_office_change(change)  # only the ledger key is exchanged, and that waits
    assert prepare(ledger, other.public, stage.folder / "abci", 1) == stage.folder / "cometbft"


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    public = make_keys(tmp_path)
    with pytest.raises(UserError):
        make_keys(tmp_path)
    key = tmp_path / "cometbft/config/priv_validator_key.json"
    assert json.loads(key.read_text())["address"] and len(public.votes) == 32 and len(bytes.fromhex(public.node)) == 20
    for file in (tmp_path / "cometbft").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_two_do_not_run_from_one_folder(stage: Stage, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with CometEngine(ledger, stage.key, pause=0.1) as engine:
        engine.tick()
        monkeypatch.setattr(process_module, "PATIENCE", 0.3)
        second = Process(ledger.folder / FOLDER, INSTALLED.words)
        with pytest.raises(UserError, match="Another CometBFT runs"):
            asyncio.run(second.start())
        monkeypatch.undo()
        engine.tick()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", ""),
        (b"ERROR: failed to load\n", "ERROR: failed to load"),
        (b'{"level":"error","_msg":"CONSENSUS FAILURE!!!","err":"no space"}\n', "CONSENSUS FAILURE!!! no space"),
        (b"\xff\xfe[1,2]\n[1,2]", "[1,2]"),
        (b"x" * 9000, "x" * 500),
    ],
)
def test_its_last_words(said: bytes, expected: str) -> None:
    assert re.sub(r"\s+", " ", last_words(said)) == expected


def line(about: str, why: str) -> bytes:
    return json.dumps({"_msg": about, "err": why, "level": "error", "stack": "x" * 20_000}).encode()


def test_what_another_validator_writes_makes_nobody_give_up() -> None:
    """The name of the chain in a block's header is the proposer's to choose, fifty characters, and stands in what is said of it."""
    gives_up = "CONSENSUS FAILURE!!!", "Error in validation"
    about = "prevote step: consensus deems this block invalid; prevoting nil"
    for name in (*gives_up, "Error in validation is too far in the future", "panic: Error in validation"):
        assert not why_given_up(line(about, f"wrong Block.Header.ChainID. Expected veche, got {name}"))
    assert not why_given_up(line(about, OTHER_STATE)), "one alone may propose that"
    assert not why_given_up(line(gives_up[1], "wrong signature (#0)"))
    assert why_given_up(line(gives_up[0], "no space")) == "CONSENSUS FAILURE!!! no space"
    assert why_given_up(line(gives_up[1], "block time is too far in the future"))
    assert why_given_up(line(gives_up[1], BEFORE)) and not why_given_up(line(about, BEFORE))
    assert why_given_up(line(gives_up[1], "wrong Block.Header.AppHash.  Expected 00, got 01"))
    assert why_given_up(b"panic: " + OTHER_STATE.encode()) == OTHER_STATE
    assert not why_given_up(b"\xff") and not why_given_up(b"[" * 100_000)


GIVES_UP = """
import json, sys
if sys.argv[2] == "block":
    print(json.dumps({"block": sys.argv[3]}))
else:
    print(json.dumps({"_msg": "prevote step: consensus deems this block invalid; prevoting nil", "err": sys.argv[1]}))
    print(json.dumps({"_msg": "CONSENSUS FAILURE!!!", "err": sys.argv[1], "stack": "x" * 20_000}), flush=True)
    sys.stdin.read()
"""
"""A CometBFT that ends its part in consensus, and stays."""
OTHER_STATE = "+2/3 prevoted for an invalid block: wrong Block.Header.AppHash.  Expected 00, got 01"

BEFORE = "Invalid evidence: don't have header #7. Evidence: DuplicateVoteEvidence{}"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("disk is full", "decides nothing any more: CONSENSUS FAILURE!!! disk is full"),
        ("block time 2026 is too far in the future", "clock is a minute or more behind"),
        ("precommit step; " + OTHER_STATE, "Over two thirds of the validators have signed"),
        ("precommit step; +2/3 prevoted for an invalid block: " + BEFORE, "Start the node again"),
        (OTHER_STATE.replace("prevoted for", "committed").replace("AppHash", "LastResultsHash"), "Over two thirds"),
    ],
)
def test_when_cometbft_gives_up_and_stays_it_is_said_why(stage: Stage, ledger: Ledger, reason: str, said: str) -> None:
    """What another validator proposes alone stops nobody, whatever it says of it."""
    engine = CometEngine(ledger, stage.key, pause=0.1, launch=Launch([sys.executable, "-c", GIVES_UP, reason]))
    with pytest.raises(Stopped) as caught, engine:
        engine.tick()
    assert said in f"{caught.value} {caught.value.hint}"
    assert lacks_blocks(ledger) == (BEFORE in reason), (
        "then it begins anew by itself, behind the block that it cannot check"
    )
    kept = ledger.folder / "evidence" / f"block-{ledger.height}.json"
    if "Block.Header" in reason:
        assert json.loads(kept.read_text()) == {"block": str(ledger.height)} and str(kept) in str(caught.value.advice)
    else:
        assert not kept.exists()
    assert gone(stage.folder)


TELLS = """
import json, sys
from pathlib import Path
block, file, what, height = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:5]
if what == "start":
    said = json.loads(file.read_bytes())
    print(len(said["votes"]), "votes are kept")
    file.write_text(json.dumps(said | {"votes": []}))
elif height == "9":
    print(block.read_text())
sys.exit(1 if height != "9" else 0)
"""
"""A CometBFT with one block, which ends at once, and while it ran somebody voted twice."""
ACCUSED = SigningKey(hashlib.sha256(bytes(range(32, 64))).digest())
"""The second of two who voted twice in the block, which CometBFT v0.40.0 made and its command printed, but for the names of things in it."""


def test_the_votes_of_who_voted_twice_are_taken_out_of_the_block(stage: Stage, ledger: Ledger) -> None:
    """When a node starts, and when it ends: only then does nobody hold the lock on CometBFT's blocks."""
    note_votes(stage.folder, ACCUSED.public, chain_id(bytes(32)), 7, 9)
    ((file, _),) = votes_awaited(stage.folder)
    command = [sys.executable, "-c", TELLS, str(BLOCK), str(file)]
    with (
        pytest.raises(Stopped, match="2 votes are kept"),
        CometEngine(ledger, stage.key, launch=Launch(command)) as engine,
    ):
        engine.tick()
    assert check_votes(file.read_bytes())[:2] == (ACCUSED.public, 7)
    shutil.rmtree(file.parent)

    for height, block in (
        (8, 9),
        (7, 10),
    ):  # of another height, and in a block that is not there any more: nothing ends for that
        note_votes(stage.folder, ACCUSED.public, chain_id(bytes(32)), height, block)
        with (
            pytest.raises(Stopped, match="0 votes are kept"),
            CometEngine(ledger, stage.key, launch=Launch(command)) as engine,
        ):
            engine.tick()
        assert [one for one, _ in votes_awaited(stage.folder)] == [file]
        shutil.rmtree(file.parent)


def test_a_block_and_who_signed_it_can_be_read_when_it_has_ended(stage: Stage, ledger: Ledger) -> None:
    with CometEngine(ledger, stage.key, pause=0.1) as engine:
        number = engine.submit(stage.ballots[0]).result(timeout=30)
        height = ledger.height
    assert ledger.entry(number) == stage.ballots[0]
    command = [str(veche_cometbft.PROGRAM), "block", "--home", str(stage.folder / "cometbft")]
    found = []
    for wanted in range(height - 3, height + 1):
        kept = json.loads(subprocess.run([*command, str(wanted)], check=True, capture_output=True).stdout)
        assert kept["block"]["header"]["height"] == kept["commit"]["height"] == str(wanted)
        assert [vote["block_id_flag"] for vote in kept["commit"]["signatures"]] == [2]
        found += kept["block"]["data"]["txs"]
    assert base64.b64encode(stage.ballots[0]).decode() in found
    assert subprocess.run([*command, str(height + 1000)], capture_output=True).returncode == 1
