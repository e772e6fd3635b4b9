"""Exit codes mean what docs/protocol.md says, whatever becomes of the output: in processes of their own, as shells start them."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from veche import errors
from veche.cli.group import INTERRUPTED
from veche.cli.streams import FAILED, PIPE

from .city import found
from .conftest import PROGRAM, environment, fails, inside, ok, veche

ROOT = Path(__file__).parents[2]
LEDGERS = {"honest": 0, "tally-sums": 1, "newer-rules": 3}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shells and devices of POSIX")


def shell(words: str, path: Path, **more: str) -> int:
    """The exit code of ``veche`` in a shell line: V is the program, L the ledger."""
    line = words.replace("V ", " ".join([*PROGRAM[:1], "-m", "veche "])).replace("L", str(path))
    done = subprocess.run(
        ["bash", "-c", line], env=environment() | more, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
    )
    assert b"Traceback" not in done.stdout + done.stderr, done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode


def test_the_table_is_what_the_errors_are() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    table = text.partition("| exit code | `veche verify` | any other command |")[2].partition("\n\n")[0]
    rows = {int(row[1]): row[2] for row in re.finditer(r"^\| (\d+) \| (.*) \|$", table, re.MULTILINE)}
    assert set(rows) == {0, 1, FAILED, 3, INTERRUPTED, PIPE}
    of: dict[type[errors.VecheError], str] = {
        errors.Refused: "refuse", errors.DoesNotHold: "does not hold", errors.UserError: "asked for wrongly",
        errors.Unsupported: "this program cannot",
    }  # fmt: skip
    assert {kind.exit_code for kind in errors.VecheError.__subclasses__()} == {kind.exit_code for kind in of}
    for kind, words in of.items():
        assert words in rows[kind.exit_code], kind


@pytest.mark.parametrize("name", LEDGERS)
def test_a_terminal_s_encoding_changes_nothing(name: str) -> None:
    path = ROOT / "vectors" / "doctored" / f"{name}.tar"
    for more in (
        *({"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"} for encoding in ("ascii", "cp1251", "koi8-r", "cp437", "utf-16")),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ):  # fmt: skip
        for options in ("", "--json", "--lang ru"):
            assert shell(f"V verify L {options}", path, **more) == LEDGERS[name], (more, options)


def test_json_in_any_encoding_says_the_same() -> None:
    path = ROOT / "vectors" / "doctored" / "honest.tar"
    words = [sys.executable, "-m", "veche", "verify", str(path), "--json"]
    said = []
    for encoding in ("utf-8", "ascii", "cp437"):
        env = environment() | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        said.append(json.loads(subprocess.run(words, env=env, capture_output=True, check=True).stdout.decode("utf-8")))
        said[-1].pop("written", None)
    assert said[0] == said[1] == said[2] and re.search("[а-я]", json.dumps(said[0], ensure_ascii=False))


@pytest.mark.parametrize("name", LEDGERS)
def test_outputs_that_are_closed_or_full(name: str, tmp_path: Path) -> None:
    path, code = ROOT / "vectors" / "doctored" / f"{name}.tar", LEDGERS[name]
    full = code or FAILED
    wanted = {
        "V verify L >&-": code, "V verify L 2>&-": code, "V verify L >&- 2>&- <&-": code, "V verify L 2>/dev/full": code,
        "V verify L >/dev/full": full if code == 0 else code, "V verify L --json >/dev/full": full, "V verify L >/dev/full 2>&1": full if code == 0 else code,
        "V verify L | head -1 >/dev/null; exit ${PIPESTATUS[0]}": None,
        "V verify L | true; exit ${PIPESTATUS[0]}": None,
        "V verify L --json | true; exit ${PIPESTATUS[0]}": None,
    }  # fmt: skip
    for words, expected in wanted.items():
        got = shell(words, path)
        assert got in ({code, PIPE if code == 0 else code} if expected is None else {expected}), (words, got)


def test_a_report_that_cannot_be_written_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name, code in LEDGERS.items():
        path = ROOT / "vectors" / "doctored" / f"{name}.tar"
        for report in ("file/report", "missing/report"):
            assert veche("verify", path, "--report", tmp_path / report).code == (code or FAILED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_nothing_is_written_in_the_place_of_a_device(tmp_path: Path) -> None:
    made = found(tmp_path / "city", run=inside)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ok("witness", "init", tmp_path / "w", "--institution", "Observers", run=inside)
    fails(2, "is not a file", "witness", "cosign", tmp_path / "w", "-l", made.ledger, "-o", pipe, run=inside)
    assert pipe.is_fifo() and not list(tmp_path.glob(".*"))


def test_a_receipt_on_the_output_is_one_in_any_encoding(tmp_path: Path) -> None:
    made = found(tmp_path / "city", run=inside)
    env = environment() | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    words = [sys.executable, "-m", "veche", "ledger", "receipt", "--ledger", str(made.ledger), "0"]
    (tmp_path / "r.tlog-proof").write_bytes(subprocess.run(words, env=env, capture_output=True, check=True).stdout)
    ok("verify", made.ledger, "--receipt", tmp_path / "r.tlog-proof", run=inside)


def test_an_engine_notices_that_its_ledger_was_taken_away(tmp_path: Path) -> None:
    made = found(tmp_path / "city", run=inside)
    other = tmp_path / "other"
    shutil.copytree(made.ledger, other)
    for what in ("removed", "replaced"):
        ledger = tmp_path / what
        shutil.copytree(made.ledger, ledger)
        running = subprocess.Popen([*PROGRAM, "ledger", "run", "--ledger", str(ledger)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())  # fmt: skip
        try:
            assert running.stdout is not None
            assert b"runs" in running.stdout.readline()
            ledger.rename(tmp_path / f"{what}-away")
            if what == "replaced":
                shutil.copytree(other, ledger)
            end = time.monotonic() + 60
            while running.poll() is None and time.monotonic() < end:
                time.sleep(0.1)
            out, err = running.communicate(timeout=1)
            assert running.returncode == FAILED, (out, err)
            assert b"Error: " in err and b"Traceback" not in err
        finally:
            if running.poll() is None:
                running.kill()
                running.communicate()


def test_an_empty_path_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(found(tmp_path / "city", run=inside).ledger)
    ok("verify", ".", run=inside)
    fails(2, "An empty path names nothing", "verify", "", run=inside)
    fails(2, "An empty path names nothing", "poll", "list", "--ledger", "", run=inside)


def test_an_export_that_is_cut_off_says_where_it_ends(tmp_path: Path) -> None:
    good = (ROOT / "vectors" / "doctored" / "honest.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(good[: len(good) // 2])
    answer = fails(1, "is cut off", "verify", tmp_path / "cut.tar", run=inside)
    assert f"Where: byte {len(good) // 2}\n" in answer.err and "Download or copy it anew" in answer.err


def test_a_poll_that_is_not_there_names_the_command_that_lists_them() -> None:
    fails(2, "veche poll list", "verify", ROOT / "vectors" / "doctored" / "honest.tar", "--poll", "zzz", run=inside)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE])
def test_what_may_not_be_read_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A ledger of whose files this user may read some only, and a disk that fails."""
    ledger = found(tmp_path / "city", run=inside).ledger
    opened, looked = os.open, Path.lstat
    closed: list[Path] = []

    def deny(path: object) -> None:
        if str(path) in map(str, closed):
            raise OSError(number, os.strerror(number), str(path))

    def open_(path: object, *rest: object, **more: object) -> int:
        deny(path)
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    def lstat(path: Path) -> os.stat_result:
        deny(path.parent)
        return looked(path)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(Path, "lstat", lstat)
    bundle = next(path for path in (ledger / "tile" / "entries").rglob("*") if path.is_file())
    for path in (ledger / "checkpoint", bundle, ledger / "tile"):
        closed[:] = [path]
        fails(2, "cannot be read", "verify", ledger, run=inside)
        fails(2, "cannot be read", "compare", ledger, ledger, run=inside)
    closed.clear()
    ok("verify", ledger, run=inside)


def test_borders_and_bars_where_an_encoding_has_none() -> None:
    for encoding in ("ascii", "cp1251"):
        assert "┌──┬──┐│ 1 │└──┴──┘".encode(encoding, "veche") == b"+--+--+| 1 |+--+--+"
        assert "За ██▌▏ 5".encode("cp1251", "veche").decode("cp1251") == "За ### 5".replace("### ", "###  ")
