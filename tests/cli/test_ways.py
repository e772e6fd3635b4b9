"""What offices say: each kind of entry has a command, each such command writes to a file as well, and no output that fails makes a verdict."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from veche.ledger.entries import KINDS, ByOffice

from .conftest import environment, inside, ok
from .test_help import ALL
from .test_named_test import CALLS, Town, made, seal

MADE_BY = {
    "charter": "charter sign", "office": "office add", "notice": "office notice", "address": "office address", "class": "charter add-class", "committee": "committee form",
    "committee-certificate": "trustee act", "committee-shares": "trustee act", "committee-key": "trustee act", "committee-complaint": "trustee act",
    "poll": "poll sign", "permit-key": "registrar open", "cancel": "poll cancel", "contest": "poll contest", "outcome": "poll outcome",
    "issuance": "registrar issuance", "decryption": "trustee act", "engine": "network hand-over", "restart": "network restart",
    "rules": "rules announce", "rules-withdrawal": "rules withdraw",
}  # fmt: skip
"""By which command an office makes an entry of each kind."""


def test_there_is_a_command_for_each_kind_of_entry_that_offices_sign() -> None:
    assert {kind.kind for kind in KINDS if issubclass(kind, ByOffice)} == set(MADE_BY)
    assert {tuple(words.split()) for words in MADE_BY.values()} <= set(ALL)


def test_whatever_makes_an_entry_can_write_it_to_a_file() -> None:
    """Where nobody can hand anything in, and elsewhere "veche ledger submit" takes it."""
    for words in {
        *MADE_BY.values(),
        "poll result",
        "cast",
        "registrar act",
        "witness cosign",
        "office rotate",
        "office retire",
    }:
        assert any("--output" in param.opts for param in ALL[tuple(words.split())].params), words


def test_a_notice_is_said_by_one_office_about_a_poll_or_none(town: Town) -> None:
    said = (
        "office",
        "notice",
        "--text",
        "Closed on Monday.",
        "--text-ru",
        "Закрыто.",
        "--key",
        town.key,
        "-l",
        town.ledger,
    )
    answer = ok(*said, "--poll", town.poll[:8], "--json", run=inside)
    assert answer.json["kind"] == "notice" and "Closed on Monday." in answer.err, "shown before it is signed"
    entry = ok("ledger", "entry", str(answer.json["entry"]), "-l", town.ledger, run=inside).out
    assert "Closed on Monday." in entry and "Закрыто." in entry and town.poll in entry
    ok(*said, "-o", town.file("said.entry"), run=inside)
    assert "notice" in ok("ledger", "submit", town.file("said.entry"), "-l", town.ledger, run=inside).out


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return made(tmp_path_factory.mktemp("ways"), 0)


OUTPUTS = {"closed": ">&-", "full": "> /dev/full", "gone": "| true; exit ${PIPESTATUS[0]}"}
LEAVES = [words for words, one in ALL.items() if not isinstance(one, click.Group) and " ".join(words) in CALLS]


@pytest.mark.skipif(sys.platform == "win32", reason="shells and devices of POSIX")
def test_no_command_finds_something_wrong_because_nobody_reads_it(town: Town) -> None:
    """Every command, with an output that is closed, full or gone, ends as it would, or says that the output failed: never "does not hold".

    They run in one process after another of one Python, which has imported them all: a process of its own each would take minutes.
    """
    script = Path(__file__).with_name("outputs.py")
    seal(town)
    lines = ["\t".join([" ".join(words), *map(str, (*words, *CALLS[" ".join(words)](town)))]) for words in LEAVES]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)], input="\n".join(lines), capture_output=True, text=True, env=environment(),
        cwd=town.folder, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [line.split("\t") for line in done.stdout.splitlines()]
    assert {name for name, *_ in found} == {" ".join(words) for words in LEAVES}
    for name, output, code, plain, said in found:
        assert "Traceback" not in said and "does not expect" not in said, (name, output, said)
        if int(plain) != 1:
            assert int(code) != 1, (name, output, plain, said)


def test_a_file_that_cannot_be_written_is_no_refusal(town: Town) -> None:
    """-o into a folder that is not there: exit code 2, and what is said names it."""
    nowhere = town.file("missing") / "folder" / "x.entry"
    for words in LEAVES:
        name = " ".join(words)
        given = list(CALLS[name](town))
        if not any("--output" in param.opts for param in ALL[words].params) or name in (
            "cast",
            "vote",
            "registrar issuance",
            "poll result",
        ):
            continue
        if "-o" in given:
            given = given[: given.index("-o")] + given[given.index("-o") + 2 :]
        seal(town)
        refused = (
            inside(*words, *given, "-o", town.file(f"{'-'.join(words)}.out")).code == 1
        )  # by a rule: it is late for it, or done
        seal(town)
        answer = inside(*words, *given, "-o", nowhere)
        assert answer.code in (0, 2) or refused, (name, answer.code, answer.err)
        assert not os.path.lexists(nowhere)
