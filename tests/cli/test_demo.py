"""The demo of a city runs by itself, and leaves what it says: every command that it prints at the end works as it stands."""

import ast
import os
import pty
import re
import shlex
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from catalogues import extracted

from veche.demo import content
from veche.demo.content import POLLS
from veche.demo.screen import Screen
from veche.engine.inbox import engine_runs
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.shape import text
from veche.log.log import Log
from veche.log.source import Folder
from veche.texts import Words, catalogue

from .conftest import PROGRAM, Answer, environment, fails, inside, ok, veche


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, ok("demo", folder / "city", "--embedded", "--svg", folder / "demo.svg")


def commands(answer: Answer) -> list[list[str]]:
    """The command lines that the demo prints at the end, without the program's name."""
    lines = [line.strip() for line in answer.out.split("Now look around yourself")[1].splitlines()]
    called = [line for line in lines if " -m veche " in line or line.startswith("veche ")]
    return [shlex.split(re.split(r" -m veche |^veche ", line)[1]) for line in called]


def test_it_tells_the_story_to_a_pipe(played: tuple[Path, Answer]) -> None:
    out = played[1].out
    assert "\x1b" not in out and "⏎" not in out
    for rule in ("proofs", "permits", "permit-once", "turn", "kind", "not-open"):
        assert re.search(rf"✗ .* {rule} ", out), rule
    assert "The Bar association is on holiday" in out and "Journalists' union: verified the ledger" in out
    assert "360 of 500 voted" in out and "✓ L8" in out and "✗ L3" in out


def test_a_citizens_node_leaves_the_liar_and_has_the_same_log(played: tuple[Path, Answer]) -> None:
    folder, out = played[0] / "city", " ".join(played[1].out.split())
    assert "is left and not asked again: what it shows does not hold. This is not a signed note" in out
    assert "Both logs are the same, byte for byte" in out
    assert not any(map(engine_runs, (folder / "ledger", folder / "citizen")))
    (left_out,) = map(int, re.findall(r"It leaves out a ballot, entry (\d+)", out))
    whole, lie = (
        list(Log(Folder(path), Folder(path).checkpoint().checkpoint).entries())
        for path in (folder / "citizen", folder / "lie")
    )
    assert is_ballot(whole.pop(left_out)) and whole == lie, "the lie is whole but for that one"


def test_the_first_screen_is_there_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo", str(tmp_path / "city"), "--embedded"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    assert "Veche" in process.stdout.readline().decode()
    assert not (tmp_path / "city" / "ledger" / "checkpoint").exists()
    process.kill()
    process.communicate()


def test_what_it_prints_at_the_end_works(played: tuple[Path, Answer]) -> None:
    found = {words[0]: words for words in commands(played[1])}
    assert set(found) == {"vote", "find", "poll", "ledger", "verify"}
    vote, *others = commands(played[1])
    assert vote[0] == "vote" and vote[6] == "--receipts"
    where = vote[2:8]  # the ledger, the seed, the folder of receipts
    vote = [
        *vote[:6],
        *vote[8:],
    ]  # where nobody can be asked, sealing and casting are two steps, and the receipt comes with the second
    ok(*vote, "--choose", "3", "--seal")
    assert "is entry" in ok("cast", vote[1], *where).out
    forged = next(words for words in others if words[-1].endswith("forged-ledger"))
    for words in others:
        if words is forged:
            assert veche(*words).code == 1
        else:
            assert ok(*words).out
    ok(*vote, "--choose", "1", "--seal")
    assert "replaces the one before" in ok("cast", vote[1], *where).out


def test_whoever_is_at_a_terminal_is_asked(played: tuple[Path, Answer]) -> None:
    vote = commands(played[1])[0]
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*PROGRAM, *vote], stdin=theirs, stdout=theirs, stderr=theirs, env=environment())
    os.close(theirs)
    os.write(ours, b"7\n2\ny\ncast\n")  # no such answer; the second; yes, seal; cast
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(timeout=30) == 0
    text = shown.decode()
    assert "is not an answer to question 1" in text and "The central route" in text.split("You chose:")[1]
    assert "Your ballot is entry" in text


def test_the_ledger_goes_on_after_the_demo(played: tuple[Path, Answer]) -> None:
    ledger = played[0] / "city" / "ledger"
    polls = ok("poll", "list", "-l", ledger, "--json", run=inside).json
    assert [poll["status"] for poll in polls] == ["decided"] * 4 + ["open"]
    (question,) = polls[0]["questions"]
    assert sum(answer["votes"] for answer in question["answers"]) == polls[0]["counted"]
    ok("ledger", "run", "--ledger", ledger, "--once", run=inside)


def test_the_picture_stands_alone(played: tuple[Path, Answer]) -> None:
    picture = (played[0] / "demo.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg") and "Gleb" in picture.replace("&#160;", " ")
    assert "url(http" not in picture and "@font-face" not in picture


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    fails(2, "no demo made it", "demo", tmp_path, "--embedded", run=inside)
    fails(2, "no demo made it", "demo", tmp_path / "mine", "--embedded", run=inside)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_demo_that_is_in_use_is_left_alone(played: tuple[Path, Answer]) -> None:
    folder = played[0] / "city"
    words = [*PROGRAM, "ledger", "run", "--ledger", str(folder / "ledger")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    process.stdout.readline()
    try:
        fails(2, "is in use", "demo", folder, "--embedded", run=inside)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert (folder / "ledger" / "checkpoint").exists()


def test_every_text_is_one_that_the_ledger_takes() -> None:
    for demo in POLLS:
        for one in (demo.title, demo.background, demo.question.text, *demo.question.answers):
            assert text(list(one), "A text") == one


def sentences() -> Iterator[tuple[str, str]]:
    """Every text in both languages that the demo has: those of its polls, and those of the catalogue that it says."""
    for node in ast.walk(ast.parse(Path(content.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
            en, ru = node.args
            assert isinstance(en, ast.Constant) and isinstance(ru, ast.Constant)
            yield str(en.value), str(ru.value)
    for message in extracted():
        if any(re.match("demo/|cli/demo.py", path) for path, _ in message.locations):
            if isinstance(message.id, str):
                yield message.id, catalogue("ru").gettext(message.id)
            else:
                yield from (
                    (form, catalogue("ru").ngettext(message.id[0], message.id[1], n))
                    for n, form in enumerate(message.id, 1)
                )


def test_it_speaks_russian_as_it_speaks_english() -> None:
    found = [pair for pair in sentences() if pair != ("", "")]
    assert len(found) > 80
    for en, ru in found:
        names = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in (en, ru)]
        assert names[0] == names[1], en
        assert re.search("[а-яё]", ru.lower()) and not re.search("[а-яё]", en.lower()), (en, ru)


def test_its_screen_speaks_the_language_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen("ru")
    screen.say(Words("3 voters", "3 голосов"))
    assert capsys.readouterr().out.strip() == "3 голосов"
