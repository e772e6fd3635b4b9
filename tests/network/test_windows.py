"""A citizen's machine may run Windows: joining, checking and voting need nothing that only POSIX has (tests/windows.py)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import windows
from cli.conftest import Answer, documented, environment, ok

from veche.world import EMBEDDED

from .test_by_address import Town
from .test_citizens import follows, size
from .test_following import until

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-X", "warn_default_encoding", windows.__file__, "veche"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux pretends to be Windows here.")


def machine(home: Path) -> dict[str, str]:
    """What a process of that machine finds: paths are not its own, signs are those of a Russian Windows' files."""
    return {name: value for name, value in environment().items() if name != "PYTHONUTF8"} | {
        "XDG_DATA_HOME": str(home),
        "PYTHONUTF8": "0",
        "VECHE_DEBUG": "1",
        "PYTHONIOENCODING": "cp1251",
        "PYTHONPATH": str(ROOT / "src"),
    }


class Command:
    """Runs a command on that machine."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *words: object) -> Answer:
        done = subprocess.run(
            [*PROGRAM, *map(str, words)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=machine(self._home),
            timeout=300,
        )
        out, err = (stream.decode("cp1251") for stream in (done.stdout, done.stderr))
        assert "Traceback" not in out + err and "does not expect" not in err, err
        return documented(words, Answer(done.returncode, out, err))


@contextmanager
def joined(home: Path, folder: Path, url: str) -> Iterator["subprocess.Popen[str]"]:
    """A citizen's node on that machine, which follows."""
    command = [*PROGRAM, "node", "join", url, "-l", str(folder), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="cp1251", env=machine(home)) as process:
        try:
            follows(process)
            yield process
        finally:
            process.kill()


def test_a_citizen_with_windows_votes_joins_and_checks(tmp_path: Path) -> None:
    town, you, copy = Town(tmp_path / "town", EMBEDDED), tmp_path / "you", tmp_path / "copy"
    run = Command(tmp_path / "home")
    you.mkdir()
    with town.node() as url, joined(tmp_path / "home", copy, url):
        at = ("--ledger", url)
        vote = ("vote", town.poll[:12], *at, "--seed", you / "seed", "--person", "Centre-0")
        ok(*vote, "--ask", you / "request.json", "--group", "Everyone", run=run)
        ok("registrar", "issue", town.folder / "registrar-1", "--ledger", copy, "--person", "Centre-0",
           "--request", you / "request.json", "-o", you / "answer.json")  # fmt: skip
        ok(*vote, "--collect", "--answer", you / "answer.json", run=run)
        ok(*vote[:-2], "-c", "1", "--seal", run=run)
        cast = ok("cast", town.poll[:12], *at, "--seed", you / "seed", "--receipts", you, "--json", run=run).json
        until(lambda: size(copy) > cast["entry"])
        said = ok("node", "status", "-l", copy, "--json", run=run).json
        assert said["running"] and said["answering"] == 1 and not said["fork"]
    assert ok("verify", copy, "--receipt", cast["receipt"], "--json", run=run).json["size"] == size(copy)
    assert "идёт" in ok("--lang", "ru", "poll", "list", "--ledger", copy, run=run).out
    ok("export", "--ledger", copy, tmp_path / "copy.tar", run=run)
    ok("verify", tmp_path / "copy.tar", run=run)
    assert ok("verify", tmp_path / "copy.tar").out == ok("verify", copy).out
    assert b"\r" not in Path(cast["receipt"]).read_bytes()


READ = """
import sys, threading, time
from pathlib import Path
from veche.durable import Batch, drop, replace

file, told = Path(sys.argv[1]), threading.Event()

def read():
    with file.open("rb"):
        told.set()
        time.sleep(0.3)

for write in (lambda: replace(file, b"new"), lambda: batch.write(file, b"newer") or batch.finish(), lambda: drop(file)):
    batch, reader = Batch(file.parent, file.parent / "drafts"), threading.Thread(target=read)
    told.clear()
    reader.start()
    told.wait()
    write()
    reader.join()
    print(file.read_bytes() if file.exists() else None)
"""


def test_what_somebody_reads_is_replaced_and_removed_when_they_have_read_it(tmp_path: Path) -> None:
    """A node's checkpoint is read all the time, and there a file that is open stays where it is."""
    (tmp_path / "reading.py").write_text(READ, encoding="utf-8")
    (tmp_path / "ledger").mkdir()
    file = tmp_path / "ledger" / "checkpoint"
    file.write_bytes(b"old")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "src")])
    done = subprocess.run(
        [sys.executable, windows.__file__, "reading", file],
        env=environment() | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["b'new'", "b'newer'", "None"]


def test_the_pretence_holds(tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    find, ours = windows.importing(__import__), {"__package__": "veche.durable"}
    for name in ("fcntl", "uvloop", "veche_cometbft", "resource"):
        with pytest.raises(ModuleNotFoundError):
            find(name, ours)
    assert find("fcntl", {"__package__": "filelock"}) is not None
    assert (
        find("os", ours).name == "nt"
        and find("sys", ours).platform == "win32"
        and find("os", ours).getpid() == os.getpid()
    )
    for module, name in (
        ("os", "geteuid"),
        ("os", "pread"),
        ("os", "O_DIRECTORY"),
        ("signal", "SIGKILL"),
        ("socket", "AF_UNIX"),
    ):
        with pytest.raises(AttributeError):
            getattr(find(module, ours), name)
    (tmp_path / "there").write_bytes(b"")
    with (tmp_path / "there").open("rb"), pytest.raises(PermissionError):
        windows.watch("os.rename", (tmp_path / "new", tmp_path / "there", -1, -1))
    windows.watch("os.rename", (tmp_path / "new", tmp_path / "there", -1, -1))
    with pytest.raises(PermissionError):
        windows.watch("open", (str(tmp_path), "r", os.O_RDONLY))
    for name in ("a:b", "nul.txt", "dot.", "There"):
        with pytest.raises(OSError, match="Windows"):
            windows.watch("open", (str(tmp_path / name), "w", os.O_WRONLY | os.O_CREAT))
