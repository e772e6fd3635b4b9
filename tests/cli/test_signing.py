"""Whoever signs sees what is signed, is asked on a terminal, and signs nothing that the ledger would refuse."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.entries.poll import Choice
from veche.ledger.entries.statements import Notice
from veche.ledger.shape import Attachment, Text
from veche.world import World

from .city import OFFICES, charter_draft, moment
from .conftest import PROGRAM, environment
from .conftest import fails_inside as fails
from .conftest import ok_inside as ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


class Town:
    """A city with a finished committee, and a draft of a poll with an attachment."""

    def __init__(self, folder: Path) -> None:
        with World(folder, citizens={"Centre": 4}, genesis=int(time.time()) - 86_400) as world:
            self.committee = world.form_committee().hex()
            world.wait(60)
            for name, key in zip(("one", "two"), world.organisers, strict=True):
                key.save(folder / f"{name}.key")
            world.office_keys[-1].save(folder / "registrar.key")
            self.name = world.charter.name
        self.folder = folder
        self.ledger = ("--ledger", str(folder / "ledger"))
        ok("ledger", "run", "--ledger", folder / "ledger", "--once", "--after-outage")
        (folder / "map.geojson").write_text("{}", encoding="utf-8")
        self.draft()

    def key(self, name: str) -> tuple[str, Path]:
        return "--key", self.folder / f"{name}.key"

    def draft(self, name: str = "poll", opens: float = 7200, closes: float = 3 * 86_400, more: str = "") -> Path:
        path = self.folder / f"{name}.toml"
        now = time.time()
        path.write_text(
            f"""
class = "city"
committee = "{self.committee[:12]}"
opens = {moment(now + opens)}
closes = {moment(now + closes)}
title = {{ en = "A bridge", ru = "Мост" }}
background = {{ en = "Over the river.\\nOr under it.", ru = "Через реку." }}
[[question]]
text = {{ en = "Shall it be?", ru = "Быть?" }}
answers = [ {{ en = "For", ru = "За" }}, {{ en = "Against", ru = "Против" }} ]
min = 1
max = 1
[[attachment]]
name = "map.geojson"
file = "map.geojson"
{more}""",
            encoding="utf-8",
        )
        return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(made: Town) -> Town:
    for path in made.folder.glob("*.entry*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return made


def signed(town: Town) -> Path:
    ok("poll", "sign", town.folder / "poll.toml", *town.key("one"), *town.ledger)
    return town.folder / "poll.entry"


def test_the_first_signer_and_the_second_see_the_same_whole_entry(town: Town) -> None:
    first = ok("poll", "sign", town.folder / "poll.toml", *town.key("one"), *town.ledger).out
    entry = town.folder / "poll.entry"
    second = ok("poll", "sign", entry, *town.key("two"), *town.ledger).out
    hashed = decode(entry.read_bytes())[1][8][0][1].hex()
    for said in (first, second):
        for line in (
            "A poll (poll)", "  in English: A bridge", "  in Russian: Мост", "    │ Over the river.", "    │ Or under it.",
            f"Committee: {town.committee}", f"  Hash of its salt and content: {hashed}", "    in Russian: Против",
        ):  # fmt: skip
            assert line in said.splitlines()
        assert "2 of the 3 trustees together could read single votes." in said
    assert "  The file: as it is now, 2 bytes" in first and "Signed before: by nobody" in first
    assert f"{entry}.attachments/{hashed} has this hash; 2 bytes after its salt" in second
    key = SigningKey.load(town.folder / "one.key").public.hex()
    assert f"Signed: by City hall: polls office (organiser), key {key}" in second
    assert second.endswith(f"Publish it: veche poll publish {entry}\n")


def test_whether_the_file_beside_the_entry_is_the_one_that_is_signed(town: Town) -> None:
    entry = signed(town)
    (content,) = (town.folder / "poll.entry.attachments").iterdir()
    content.write_bytes(content.read_bytes() + b"!")
    assert (
        f"{content} is ANOTHER FILE: it has not this hash"
        in ok("poll", "sign", entry, *town.key("two"), *town.ledger).out
    )
    content.unlink()
    assert (
        "not here: ask whoever sent the entry for the folder poll.entry.attachments"
        in ok("poll", "sign", entry, *town.key("two"), *town.ledger).out
    )


def past(town: Town) -> Path:
    """As a clerk sends it: the opening is years ago."""
    path = town.draft("past")
    text = "\n".join(
        line
        if not line.startswith(("opens", "closes"))
        else f"{line.split()[0]} = 2020-01-0{1 + (line[0] == 'c')}T09:00:00+03:00"
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    path.write_text(text, encoding="utf-8")
    return path


def test_what_publish_would_refuse_is_neither_previewed_nor_signed(town: Town) -> None:
    refused = {
        past(town): "must be published 1 hour before it opens",
        town.draft("soon", opens=1800): "must be published 1 hour before it opens",
        town.draft("long", closes=40 * 86_400): "lasts 30 days at most",
        town.draft("late", opens=93 * 86_400, closes=95 * 86_400): "is over 92 days old when the poll opens",
    }
    strange = town.draft("strange")
    strange.write_text(strange.read_text(encoding="utf-8").replace('"city"', '"town"'), encoding="utf-8")
    refused[strange] = "has no class 'town'"
    for draft, sentence in refused.items():
        fails(1, sentence, "poll", "preview", draft, *town.ledger)
        fails(1, sentence, "poll", "sign", draft, *town.key("one"), *town.ledger)
    assert not list(town.folder.glob("*.entry*"))
    # Too few signatures are for publishing to refuse: here they are on their way.
    entry = signed(town)
    ok("poll", "preview", entry, *town.ledger)
    fails(1, "organisers signed", "poll", "publish", entry, *town.ledger)


def test_who_may_not_sign_is_told_before_anything_is_signed(town: Town) -> None:
    entry = signed(town)
    before = entry.read_bytes()
    fails(1, "A poll is signed by organisers only", "ledger", "sign", entry, *town.key("registrar"), *town.ledger)
    notice = town.folder / "notice.entry"
    said = Notice(b"", Text("A key was lost.", "Потерян ключ."), (Attachment("report.pdf", bytes(32)),))
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", town.folder / "ledger", "--json").json["ledger"])
    notice.write_bytes(said.sign(ledger, [SigningKey.load(town.folder / "one.key")]))
    shown = fails(1, "A notice is signed by one office", "ledger", "sign", notice, *town.key("two"), *town.ledger)
    assert "  in Russian: Потерян ключ." in shown.out and "not here: ask whoever sent the entry" in shown.out
    assert entry.read_bytes() == before


def test_a_draft_is_warned_of_by_preview_and_sign(town: Town) -> None:
    draft = town.draft("short", closes=7200 + 3 * 3600)
    text = draft.read_text(encoding="utf-8").replace('en = "Against"', 'en = "Fоr."')
    draft.write_text(text, encoding="utf-8")
    for words in (("preview", draft), ("sign", draft, *town.key("one"))):
        said = ok("poll", *words, *town.ledger).out
        assert "Look at this: It is open for 3 hours only." in said
        assert "Look at this: Answers 1 and 2 of question 1 look alike: “For”, “Fоr.”." in said
        assert "Look at this: A word has letters of several alphabets" in said


def test_a_draft_without_a_committee_is_told_which_there_is(town: Town) -> None:
    draft = town.draft("alone")
    text = draft.read_text(encoding="utf-8").replace(town.committee[:12], "")
    draft.write_text(text, encoding="utf-8")
    for words in (("preview", draft), ("sign", draft, *town.key("one"))):
        said = fails(2, "no committee is named", "poll", *words, *town.ledger).err
        assert f'Write the trustees\' key there: committee = "{town.committee[:12]}"' in said
    draft.write_text(text.replace('"city"', '"town"'), encoding="utf-8")
    fails(1, "has no class 'town'", "poll", "preview", draft, *town.ledger)


def test_a_draft_of_a_class_whose_trustees_have_no_key_yet(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 4}):
        pass
    draft = tmp_path / "poll.toml"
    ok("poll", "new", draft, "--class", "city")
    refused = fails(2, "no committee is named", "poll", "preview", draft, "--ledger", tmp_path / "ledger")
    assert "veche committee form --class city" in refused.err


def at_a_terminal(answer: str, *words: object) -> tuple[int, str]:
    """Run a command with a terminal as its input, and answer its question. Exit code and what it printed."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, *map(str, words)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        said, end = b"", time.monotonic() + 60
        while b"[y/N]" not in said and time.monotonic() < end:
            if select.select([process.stdout], [], [], 0.2)[0]:
                part = os.read(process.stdout.fileno(), 65_536)
                if not part:
                    break
                said += part
        os.write(ours, answer.encode())
        said += process.stdout.read()
    os.close(ours)
    return process.returncode, said.decode()


@pytest.mark.parametrize(("answer", "done"), [("y\n", True), ("n\n", False), ("\n", False), ("\x04", False)])
def test_on_a_terminal_it_asks_first(town: Town, answer: str, done: bool) -> None:
    entry = signed(town)
    before = entry.read_bytes()
    code, said = at_a_terminal(answer, "poll", "sign", entry, *town.key("two"), *town.ledger)
    assert said.index("  in Russian: Мост") < said.index("Sign this? [y/N]")
    assert (code == 0) == done and (entry.read_bytes() != before) == done, said


def test_yes_asks_nothing(town: Town) -> None:
    entry = signed(town)
    code, said = at_a_terminal("", "poll", "sign", entry, *town.key("two"), "--yes", *town.ledger)
    assert code == 0 and "[y/N]" not in said and len(decode(entry.read_bytes())[2]) == 2


def test_what_is_signed_is_what_was_shown(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the file while its signer reads does not get that signature."""
    entry = signed(town)
    whole = entry.read_bytes()
    other = ok("poll", "sign", town.draft("other"), *town.key("one"), *town.ledger)
    assert other.code == 0

    def meanwhile(yes: bool) -> None:
        shutil.copy(town.folder / "other.entry", entry)

    monkeypatch.setattr("veche.cli.signing.agree", meanwhile)
    fails(
        2, "was changed while it was shown; nothing was signed", "poll", "sign", entry, *town.key("two"), *town.ledger
    )
    assert entry.read_bytes() == (town.folder / "other.entry").read_bytes() != whole


def test_a_charter_is_shown_whole_once(town: Town, tmp_path: Path) -> None:
    said = ok("charter", "show", "--ledger", town.folder / "ledger")
    assert "Seconds" not in said.out and "Engine: embedded, 1 second between two blocks at least" in said.out
    assert "  in Russian: Реестр города" in said.out


@pytest.mark.parametrize("name", ["cancel", "contest"])
def test_statements_are_shown_before_they_are_signed(town: Town, name: str) -> None:
    entry = town.folder / "said.entry"
    words = ("--text", "a", "--text-ru", "б", *town.key("one"), "-o", entry, *town.ledger)
    fails(2, "The ledger has no poll", "poll", name, "abcd", *words)
    assert not entry.exists()


def test_who_signed_a_charter_is_named_in_its_order(tmp_path: Path) -> None:
    """By the institutions of the charter, which is of no ledger yet."""
    keys: dict[str, tuple[Path, str]] = {}
    for name, _ in OFFICES:
        path = tmp_path / f"{len(keys)}.key"
        keys[name] = (path, ok("office", "keygen", path).first)
    draft, entry = tmp_path / "charter.toml", tmp_path / "charter.entry"
    log = ok("office", "keygen", tmp_path / "log.key").first
    draft.write_text(charter_draft(log, {name: public for name, (_, public) in keys.items()}), encoding="utf-8")
    for number, (name, _) in enumerate(reversed(OFFICES)):
        said = ok("charter", "sign", draft if number == 0 else entry, "--key", keys[name][0]).out
    signed = [line for line in said.splitlines() if line.startswith("Signed: by")]
    assert signed == [f"Signed: by {name} ({role}), key {keys[name][1]}" for name, role in OFFICES[1:]]
