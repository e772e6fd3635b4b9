"""``veche node join`` and ``status`` as people call them: one address is all they type."""

import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from cli.conftest import environment, fails, inside, ok
from engine.stage import Stage

from veche.ledger.codec import digest
from veche.ledger.frame import FRAMED
from veche.log.source import Folder
from veche.node.dashboard.door import LINK
from veche.node.framing import fetch_frame
from veche.node.web import Wire
from veche.words import in_words

from .conftest import Answer, Client, running
from .test_following import LIES, lying, until, url_of
from .test_node import log_of


@contextmanager
def join(folder: Path, *words: object) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own, which is ended if it has not."""
    command = [
        sys.executable,
        "-m",
        "veche",
        "node",
        "join",
        *map(str, words),
        "-l",
        str(folder),
        "--listen",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        try:
            yield process
        finally:
            process.kill()


def follows(process: "subprocess.Popen[str]") -> list[str]:
    """What it says until it follows."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if re.search(r"Its door is at \S+ port \d+\.", " ".join("".join(said).split())):
            return said
    raise AssertionError("".join(said))


def status(folder: Path) -> Any:
    return ok("node", "status", "-l", folder, "--json", run=inside).json


def size(folder: Path) -> int:
    return Folder(folder).checkpoint().checkpoint.size


def test_a_citizen_joins_is_killed_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with running(stage) as client:
        with join(copy, url_of(client.address)) as process:
            said = " ".join("".join(follows(process)).split())
            charter, head = digest(client.get("/charter").body), client.get("/checkpoint").body
            assert "All but the ballots is here, and checked" in said and not (copy / FRAMED).exists()
            assert said.index("A browser shows the ledger at") < said.index("follows. Its door is at")
            assert in_words(charter) in said and in_words(digest(head.partition(b"\n\n")[0] + b"\n")) in said
            client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
            until(lambda: size(copy) == client.get("/status").json["final"])
            process.send_signal(signal.SIGKILL)
            process.wait()
        client.wait(client.hand_in(stage.ballots[1]).json["entry"], "final")
        with join(copy) as process:  # it knows where others are
            follows(process)
            until(lambda: size(copy) == client.get("/status").json["final"])
            until(lambda: status(copy)["answering"] == 1)
            said = status(copy)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert (said["size"], said["running"], said["accused"], said["fork"]) == (size(copy), True, [], False)
    assert said["mood"] in ("right", "busy") and said["left"] == 0 and said["percent"] is None
    assert said["ledger"] == charter.hex() and said["known"] >= 1
    assert log_of(copy) == log_of(stage.folder)
    assert "The node does not run." in ok("node", "status", "-l", copy, run=inside).out


def test_polls_can_be_read_while_the_ballots_come(stage: Stage, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with running(stage) as client, Wire() as wire:
        charter = digest(client.get("/charter").body)
        fetch_frame(wire, url_of(client.address), charter, keep=copy)
    listed = ok("poll", "list", "-l", copy, run=inside)
    assert "ballots not read" in listed.out and "veche verify" in listed.err
    assert "entries, root" in ok("ledger", "show", "-l", copy, run=inside).out
    for acts in (("find", "3fa9"), ("ledger", "log"), ("vote", "3fa9", "--seed", tmp_path / "seed")):
        fails(2, "are not in", *acts, "-l", copy, run=inside)
    (item,) = (copy / FRAMED / "frame" / "0").iterdir()
    item.write_bytes(item.read_bytes()[:-1])
    fails(1, "cut off", "poll", "list", "-l", copy, run=inside)


def test_no_other_ledger_is_joined_than_the_one_that_is_wanted(stage: Stage, tmp_path: Path) -> None:
    with running(stage) as client:
        url, charter = url_of(client.address), client.get("/charter").body
        (tmp_path / "charter.entry").write_bytes(charter)
        (tmp_path / "other.entry").write_bytes(charter + b"?")
        rest = ("-l", tmp_path / "copy", "--listen", "127.0.0.1:0", "--seconds", "0")
        for wanted in (in_words(bytes(32)), tmp_path / "other.entry"):
            answer = fails(2, "has another ledger", "node", "join", url, "--charter", wanted, *rest, run=inside)
            assert in_words(digest(charter)) in " ".join(answer.err.split())
        assert not (tmp_path / "copy" / "tile").exists()
        for wanted in (in_words(digest(charter)), tmp_path / "charter.entry"):
            ok("node", "join", url, "--charter", wanted, *rest, run=inside)


def test_whoever_lied_to_it_while_it_copied_is_named_and_not_asked_again(stage: Stage, tmp_path: Path) -> None:
    with (
        running(stage) as client,
        lying(client, LIES["a head that nobody signed"]) as (liar, asked),
        join(tmp_path / "copy", url_of(liar), url_of(client.address)) as process,
    ):
        said = " ".join("".join(follows(process)).split())
        assert f"{url_of(liar)} is left and not asked again: what it shows does not hold." in said
        count = asked.count("/checkpoint")
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        until(lambda: size(tmp_path / "copy") == client.get("/status").json["final"])
        assert asked.count("/checkpoint") == count


def test_what_is_asked_for_wrongly_is_said(stage: Stage, tmp_path: Path) -> None:
    new = ("-l", tmp_path / "new", "--listen", "127.0.0.1:0")
    fails(2, "No node is known", "node", "join", *new, run=inside)
    fails(2, "no address of a node", "node", "join", "http://city.example/path", *new, run=inside)
    fails(2, "no address of a node", "node", "join", "http://city.example", "--public", "ftp://me", *new, run=inside)
    fails(2, "follows nobody", "node", "join", "http://city.example", "-l", stage.folder, run=inside)


def test_a_copy_that_was_moved_and_finds_nobody_says_so_and_accuses_nobody(stage: Stage, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with running(stage) as client, join(copy, url_of(client.address)) as process:
        follows(process)
    shutil.copytree(copy, tmp_path / "moved")
    said = fails(
        2, "None of the nodes that were asked answers", "node", "join", "-l", tmp_path / "moved", "--listen", "127.0.0.1:0", "--no-page",
        run=inside,
    )  # fmt: skip
    assert "holds" not in said.err


def is_red(shown: Callable[[], Answer]) -> bool:
    return b'role="alert"' in shown().body


def test_an_alarm_stays_to_be_seen_until_its_person_has_seen_it(stage: Stage, tmp_path: Path) -> None:
    """Two histories: the command says so at once, its page shows it, and the exit code comes when its person ends it. Without a page, at once."""
    other, copy = stage.copy(tmp_path / "other"), tmp_path / "copy"
    with running(stage) as client, running(other) as forked:
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        forked.wait(forked.hand_in(stage.ballots[1]).json["entry"], "final")
        both = (url_of(client.address), url_of(forked.address))
        for words in (both, ()):  # the second time it is known from before
            with join(copy, *words) as process:
                link = copy / LINK
                until(link.exists)
                found = re.search(r'url=(http://127\.0\.0\.1:(\d+)(/[^"]+))"', link.read_text())
                assert found is not None
                shown = partial(Client(("127.0.0.1", int(found[2]))).get, f"{found[3]}/ru")
                until(partial(is_red, shown))
                assert stat.S_IMODE(link.stat().st_mode) == 0o600
                second = inside("node", "join", "-l", copy, "--listen", "127.0.0.1:0", "--seconds", "0")
                assert second.code == 2 and "Another program" in second.err and link.exists()
                assert process.poll() is None
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=60)
                assert process.returncode == 1 and found[1] not in said and not link.exists()
        fails(1, "two histories", "node", "join", "-l", copy, "--no-page", run=inside)
        alarm = inside("node", "status", "-l", copy, "--json")
        assert alarm.code == 1 and alarm.json["mood"] == "alarm" and alarm.json["fork"] is True
        plain = inside("node", "status", "-l", copy)
        assert plain.code == 1 and "Two different histories" in " ".join(plain.out.split())
