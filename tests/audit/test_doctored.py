"""vectors/doctored: what `veche verify` says of each ledger, and of each entry behind the honest one."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from doctored import ENTRIES, FOLDER, FOLDERS, INDEX, LEDGERS, VECTORS, OneMore, entries_of, odd, unpack
from test_protocol import names, section

from veche.audit.ledger import STEPS, verify_ledger
from veche.cli import main
from veche.errors import DoesNotHold
from veche.log.source import Export, Folder

KINDS_OF_VERDICT = {
    0: "Everything that is in this ledger holds",
    1: "✗ ",
    2: "without it there is no ledger",
    3: "rules version 2",
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return entries_of(unpack("honest.tar", tmp_path_factory.mktemp("honest")))


@pytest.mark.parametrize("form", ["file", "folder"])
@pytest.mark.parametrize("row", LEDGERS, ids=lambda row: row["file"])
def test_ledgers(row: dict[str, Any], form: str, tmp_path: Path) -> None:
    path = FOLDER / row["file"] if form == "file" else unpack(row["file"], tmp_path)
    result = CliRunner().invoke(main, ["verify", str(path)])
    assert result.exit_code == row["exit"]
    assert KINDS_OF_VERDICT[row["exit"]] in result.output
    if row["step"]:
        assert f"✗ {row['step']}  " in result.stderr
        assert row["rule"] is None or f"(rule {row['rule']})" in result.stderr
        assert row["entry"] is None or f"Where: entry {row['entry']}\n" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links here")
@pytest.mark.parametrize("row", FOLDERS, ids=lambda row: row["name"])
def test_odd_folders(row: dict[str, Any], tmp_path: Path) -> None:
    """Neither does any of them keep the verifier for longer than an honest one, nor is it read whole."""
    result = CliRunner().invoke(main, ["verify", str(odd(row["do"], tmp_path))])
    assert result.exit_code == row["exit"], result.output
    assert KINDS_OF_VERDICT[row["exit"]] in result.output
    assert row["step"] is None or f"✗ {row['step']}  " in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links here")
@pytest.mark.parametrize("row", FOLDERS, ids=lambda row: row["name"])
def test_exports_of_odd_folders(row: dict[str, Any], tmp_path: Path) -> None:
    """An export of one has its verdict, or there is none: what cannot be exported is no ledger either."""
    folder, file = odd(row["do"], tmp_path / "ledger"), tmp_path / "ledger.tar"
    made = CliRunner().invoke(main, ["export", "--ledger", str(folder), str(file)])
    assert made.exit_code in (0, 1, 2)
    assert file.exists() is (made.exit_code == 0)
    assert made.exit_code == 0 or row["exit"] == made.exit_code
    if made.exit_code == 0:
        result = CliRunner().invoke(main, ["verify", str(file)])
        assert result.exit_code == row["exit"], result.output


def test_a_process_of_its_own() -> None:
    for row in [row for row in LEDGERS if row["file"] in ("honest.tar", "tally-sums.tar", "newer-rules.tar")]:
        command = [sys.executable, "-W", "error", "-m", "veche", "verify", "--json", str(FOLDER / row["file"])]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == row["exit"], done.stderr
        if row["step"]:
            said = json.loads(done.stdout)
            assert (said["error"]["step"], said["error"]["where"]) == (row["step"], f"entry {row['entry']}")


def test_how_the_polls_end() -> None:
    with Export(FOLDER / "honest.tar") as source:
        verified = verify_ledger(source)
    assert verified.ledger.hex() == INDEX["ledger"]
    polls = verified.state.polls()
    assert {poll.id.hex() for poll in polls} == {row["id"] for row in INDEX["polls"]}
    totals = {poll.id.hex(): poll.result.body()[2] if poll.result else [] for poll in polls}
    assert totals == {row["id"]: row["total"] for row in INDEX["polls"]}


@pytest.mark.parametrize("case", ENTRIES, ids=lambda case: f"{case.rule}: {case.name}")
def test_one_more_entry(case: OneMore, honest: list[bytes], tmp_path: Path) -> None:
    folder = Folder(case.publish(honest, tmp_path / "ledger"))
    if case.rule is None:
        assert verify_ledger(folder).head.size == case.place + 1
        return
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(folder)
    assert caught.value.step == ("L6" if case.is_ballot else "L5")
    assert caught.value.where == f"entry {case.place}"
    assert f"(rule {case.rule})" in caught.value.message


def test_each_rule_and_each_step_is_there() -> None:
    """Of the rules, all by which an entry is refused that is handed in."""
    on_the_page = set(names(section(8).split("**Elsewhere than in a ledger**")[0]))
    refused = {case.rule for case in ENTRIES if case.rule} | {row["rule"] for row in LEDGERS if row["rule"]}
    assert refused - {"block", "charter"} == on_the_page - {"block", "charter"}
    assert sum(case.rule is None for case in ENTRIES) >= 10
    assert {row["step"] for row in LEDGERS if row["step"]} == set(STEPS)
    assert {path.name for path in FOLDER.iterdir()} == {row["file"] for row in LEDGERS}


def test_the_script_makes_these_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes, the same verdicts."""
    monkeypatch.syspath_prepend(VECTORS)
    specification = importlib.util.spec_from_file_location("make_doctored", VECTORS / "make_doctored.py")
    assert specification and specification.loader
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    script.make(tmp_path)
    made = json.loads((tmp_path / "doctored.json").read_text(encoding="utf-8"))
    assert made["ledgers"] == LEDGERS
    folders = [[(row["name"], row["exit"], row["step"]) for row in index["folders"]] for index in (made, INDEX)]
    assert folders[0] == folders[1]
    rows = [[(row["name"], row["rule"], row["size"]) for row in index["entries"]] for index in (made, INDEX)]
    assert rows[0] == rows[1]
    for row in LEDGERS:
        assert (tmp_path / "doctored" / row["file"]).stat().st_size == (FOLDER / row["file"]).stat().st_size
