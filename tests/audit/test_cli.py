"""``veche verify`` and ``veche export`` as people run them: what they say, and how they end."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from doctor import ORIGIN, change, find, publish

from veche.audit.archive import STEPS as ARCHIVE_STEPS
from veche.audit.binding import STEPS as BINDING_STEPS
from veche.audit.ledger import STEPS
from veche.cli import main
from veche.ledger import entries
from veche.ledger.codec import decode
from veche.ledger.store import DATABASE

from .city import City


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and "does not expect" not in result.output, result.output
    return result


def works(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert not result.stderr
    return result.stdout


def fails(code: int, words: str, *arguments: object) -> str:
    result = run(*arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), (result.exit_code, result.output)
    return result.stderr


@pytest.fixture(scope="module")
def exports(large: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ledger in one file (ledger.tar), and an archive with what belongs beside it (poll.bel)."""
    folder = tmp_path_factory.mktemp("exports")
    assert f"{large.verified.head.size} entries" in works("export", "--ledger", large.folder, folder / "ledger.tar")
    said = works(
        "export", "--ledger", folder / "ledger.tar", folder / "poll.bel", "--poll", large.polls["courtyard"].hex()[:12]
    )
    assert "10 ballots, 10 of them counted" in said and "--bound" in said
    return folder


def test_a_ledger(large: City) -> None:
    assert not (large.folder / DATABASE).exists()  # a verdict is the verifier's own
    said = works("verify", large.folder)
    for step, meaning in STEPS.items():
        assert f"✓ {step:<3} {meaning}" in said
    assert (
        large.verified.head.root.hex() in said
        and f"size       {large.verified.head.size}" in said
        and "veche.example/city" in said
    )
    assert re.search("4 30 km/h near schools only █.* 2 20.0%\n", said) and re.search("– Left blank .* 1 10.0%\n", said)
    assert "Trees & <shade>" in said and "Signs change on 1 March." in said and "The node moves on Sunday." in said
    assert "Closed with fewer than 3 ballots: to keep them secret they are never opened." in said
    assert "Look at this: Civil registry has not said how many permits it issued" in said
    assert "Contested by" in said and "The post lost letters." in said
    assert f"No share from: {large.poll('speed').poll_class.trustees[1]}." in said
    assert "Cancelled" in said and "What no ledger can show" in said
    assert "\x1b" not in said and "Checking" not in said  # no colours and no bar where there is no terminal


def test_one_poll_and_json(large: City) -> None:
    said = works("verify", large.folder, "--poll", large.polls["speed"].hex()[:10])
    assert "Speed limit" in said and "renovation" not in said
    report = json.loads(works("verify", large.folder, "--json", "--poll", large.polls["join"].hex()))
    assert report["format"] == "veche-report-v1" and list(report["steps"]) == list(STEPS)
    (poll,) = report["polls"]
    assert poll["title"]["ru"].startswith("Голосование: Участвовать") and poll["status"] == "decided"
    votes = [answer["votes"] for answer in poll["questions"][0]["answers"]]
    assert votes == body_of(large.poll("join").result)[2][0] and sum(votes) == 4 * 5 + 4 * 1 + 2 * 3
    fails(2, "There is no poll", "verify", large.folder, "--poll", "ffff" * 16)
    fails(2, "There is no poll ''", "verify", large.folder, "--poll", "")


def test_an_exported_ledger_under_any_name(large: City, exports: Path, tmp_path: Path) -> None:
    shutil.copy(exports / "ledger.tar", tmp_path / "odd.bel")
    shutil.copy(exports / "poll.bel", tmp_path / "odd.tar")
    assert large.verified.head.root.hex() in works("verify", tmp_path / "odd.bel", "--poll", large.polls["few"].hex())
    said = works("verify", tmp_path / "odd.tar")
    assert all(f"✓ {step:<3} {meaning}" in said for step, meaning in ARCHIVE_STEPS.items())
    assert large.poll("courtyard").frozen.fingerprint in said
    fails(2, "holds neither", "verify", _only(tmp_path, "odd.tar"))


def _only(folder: Path, name: str) -> Path:
    (folder / "only").mkdir()
    shutil.copy(folder / name, folder / "only" / name)
    return folder / "only"


def test_an_archive_and_what_is_beside_it(exports: Path, tmp_path: Path) -> None:
    alone = works("verify", exports / "poll.bel")
    assert "What an archive alone cannot show" in alone and "second proof" in alone and "✓ B3" not in alone
    both = works("verify", exports / "poll.bel", "--bound", exports / "poll.bound.json")
    assert all(f"✓ {step:<3} {meaning}" in both for step, meaning in BINDING_STEPS.items())
    assert "second proof" not in both
    beside = run("verify", exports)  # a folder that holds exactly one archive
    assert (beside.exit_code, beside.stdout) == (0, alone) and "verifies the archive poll.bel" in beside.stderr
    values = json.loads(works("verify", exports / "poll.bel", "--json"))
    assert values["format"] == "veche-archive-report-v1" and values["ballots"] == 10 and "A1" in values["steps"]
    changed = (exports / "poll.bound.json").read_text().replace('"trustee": 3', '"trustee": 2')
    (tmp_path / "bad.json").write_text(changed)
    said = fails(1, "✗ B3", "verify", exports / "poll.bel", "--bound", tmp_path / "bad.json")
    assert BINDING_STEPS["B3"] in said
    fails(2, "cannot be read", "verify", exports / "poll.bel", "--bound", tmp_path / "none.json")


def test_a_folder_with_two_archives(exports: Path, tmp_path: Path) -> None:
    for name in ("a.bel", "b.bel"):
        shutil.copy(exports / "poll.bel", tmp_path / name)
    fails(2, "holds 2 archives", "verify", tmp_path)


def test_receipts(large: City, tmp_path: Path) -> None:
    sentences = {
        "counted": "is counted",
        "superseded": "was replaced by a later one from the same voter",
        "not-opened": "no ballot of its poll is ever opened",
        "entry": "It is no ballot.",
    }
    for state, words in sentences.items():
        path = tmp_path / state
        path.write_bytes(large.receipts[state])
        assert words in works("verify", large.folder, "--receipt", path), state
        assert json.loads(works("verify", large.folder, "--json", "--receipt", path))["receipt"]["state"] == state
    path.write_bytes(b"no receipt at all")
    fails(2, "is not a receipt", "verify", large.folder, "--receipt", path)
    changed = large.receipts["counted"].split(b"\n")
    changed[1] = b"index 3"
    path.write_bytes(b"\n".join(changed))
    fails(1, "proof does not hold", "verify", large.folder, "--receipt", path)


def test_a_receipt_of_a_later_ledger(large: City, tmp_path: Path) -> None:
    """A copy that ends before the receipt's head: old, or entries were removed. The log's key signs it all the same."""
    entries = large.entries()
    blocks = [i for i, entry in enumerate(entries) if decode(entry)[0] == "block"]
    old = publish(tmp_path / "old", entries[: blocks[-2]], ORIGIN, large.log_key)
    works("verify", old)
    path = tmp_path / "receipt"
    path.write_bytes(large.receipts["entry"])
    assert "Get a newer copy" in fails(2, "is older than the receipt", "verify", old, "--receipt", path)


def test_what_does_not_hold(large: City, tmp_path: Path) -> None:
    entries = large.entries()
    at = find(entries, "result")
    entries = change(entries, at, [1, 2, 0, 0], decode(entries[at])[1][2][0][0] + 1)
    folder = publish(tmp_path / "doctored", entries, ORIGIN, large.log_key)
    said = fails(1, f"✗ L5  Entry {at}: This is not the result that the trustees' shares open", "verify", folder)
    assert STEPS["L5"] in said and f"Where: entry {at}" in said and "Keep this copy as evidence" in said
    error = json.loads(run("verify", folder, "--json").stdout)["error"]
    assert (error["exit"], error["step"], error["where"], error["meaning"]) == (1, "L5", f"entry {at}", STEPS["L5"])
    fails(1, "✗ L5", "export", "--ledger", folder, tmp_path / "x.bel", "--poll", large.polls["speed"].hex())
    assert not (tmp_path / "x.bel").exists()


def test_a_ledger_without_a_head(tmp_path: Path) -> None:
    (tmp_path / "tile" / "entries").mkdir(parents=True)
    fails(2, "has no checkpoint", "verify", tmp_path)


def test_too_few_ballots(large: City, tmp_path: Path) -> None:
    said = works("export", "--ledger", large.folder, tmp_path / "few.bel", "--poll", large.polls["few"].hex())
    assert "nothing is ever decrypted" in said and [path.name for path in tmp_path.iterdir()] == ["few.bel"]
    fails(3, "its ballots were not summed", "verify", tmp_path / "few.bel")
    fails(
        2, "cancelled", "export", "--ledger", large.folder, tmp_path / "c.bel", "--poll", large.polls["cancelled"].hex()
    )


def test_nothing_to_verify(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    fails(2, "cannot be read: No such file", "verify", tmp_path / "missing")
    fails(2, "holds neither a ledger nor an archive", "verify", tmp_path / "empty")
    fails(2, "It is empty", "verify", tmp_path / "nothing")
    fails(2, "neither an exported ledger nor a Belenios archive", "verify", tmp_path / "noise")
    fails(2, "cannot be read", "verify", tmp_path / "loop")
    fails(2, "neither a file nor a folder", "verify", tmp_path / "pipe")
    fails(2, "Missing argument", "verify")


def test_a_damaged_beginning(exports: Path, tmp_path: Path) -> None:
    """What begins like a ledger or an archive is one, however it goes on."""
    for name, step in (("ledger.tar", "✗ L1"), ("poll.bel", "✗ A1")):
        good = (exports / name).read_bytes()
        for cut in (512, 600, len(good) // 2, len(good) - 1):
            (tmp_path / "cut").write_bytes(good[:cut])
            fails(1, step, "verify", tmp_path / "cut")
        (tmp_path / "noise").write_bytes(good[:100] + os.urandom(3000))
        fails(1, step, "verify", tmp_path / "noise")


def test_options_that_do_not_fit(large: City, exports: Path, tmp_path: Path) -> None:
    fails(2, "--bound has no meaning for a ledger", "verify", large.folder, "--bound", exports / "poll.bound.json")
    fails(2, "--receipt has no meaning for an archive", "verify", exports / "poll.bel", "--receipt", tmp_path)
    fails(2, "cannot be read: Is a directory", "verify", large.folder, "--receipt", tmp_path)
    fails(2, "cannot be written", "verify", large.folder, "--report", tmp_path / "nowhere" / "r")


def test_export_never_replaces(large: City, exports: Path, tmp_path: Path) -> None:
    good = (exports / "ledger.tar").read_bytes()
    fails(2, "exists already", "export", "--ledger", large.folder, exports / "ledger.tar")
    fails(2, "no folder", "export", "--ledger", large.folder, tmp_path / "nowhere" / "x.tar")
    fails(2, "cannot be read", "export", "--ledger", tmp_path / "missing", tmp_path / "x.tar")
    assert (exports / "ledger.tar").read_bytes() == good
    works("export", "--ledger", exports / "ledger.tar", tmp_path / "again.tar")  # equal ledgers give equal files
    assert (tmp_path / "again.tar").read_bytes() == good
    assert [path.name for path in tmp_path.iterdir()] == ["again.tar"]


def test_the_report(large: City, tmp_path: Path) -> None:
    for name in ("report", "report.html", "report.json"):  # the same two files, replaced
        said = works("verify", large.folder, "--report", tmp_path / name)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
        assert f"Report: {tmp_path / 'report.html'}" in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report == json.loads(works("verify", large.folder, "--json"))
    assert len(report["polls"]) == 6


def test_the_report_on_an_archive(exports: Path, tmp_path: Path) -> None:
    plain = works("verify", exports / "poll.bel", "--report", tmp_path / "alone")
    assert f"Report: {tmp_path / 'alone.html'}" in plain
    works("verify", exports / "poll.bel", "--bound", exports / "poll.bound.json", "--report", tmp_path / "both")
    alone, both = ((tmp_path / name).read_text() for name in ("alone.html", "both.html"))
    for step in (*(f"A{i}" for i in range(1, 11)),):
        assert f"</span> {step}</td>" in alone
    assert "</span> B4</td>" in both and "</span> B4</td>" not in alone
    assert "Чего архив сам по себе не покажет" in alone
    values = json.loads((tmp_path / "alone.json").read_text())
    assert values == json.loads(works("verify", exports / "poll.bel", "--json"))
    for answer in values["questions"][0]["answers"]:
        assert f"<b>{answer['votes']}</b>" in alone


def test_the_program_itself(large: City) -> None:
    """As a process of its own, with warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "veche", "verify", str(large.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "✓ L8" in done.stdout


def body_of(entry: entries.Tally | entries.Result | None) -> list[Any]:
    """What the entry says, as the log has it."""
    assert entry is not None
    return entry.body()
