"""Mistakes, each answered with a sentence and an exit code, and with nothing half-written. Never a traceback."""

import json
import os
import random
import shutil
import time
import tomllib
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from veche.cli import main
from veche.cli.draft import read_draft
from veche.cli.draft_poll import PollDraft
from veche.engine.inbox import hand_in
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.signing import sign
from veche.log.note import ED25519, Verifier
from veche.log.receipt import Receipt
from veche.trustee.trustee import Trustee

from .city import City, announce, found, moment, poll_draft
from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok

DRAFTS = Path(__file__).with_name("drafts")


@dataclass(frozen=True)
class Pilot:
    """A city with a finished committee and one poll that opens in an hour, and nobody who runs the engine."""

    city: City
    committee: str
    poll: str

    @property
    def ledger(self) -> tuple[str, str]:
        return ("--ledger", str(self.city.ledger))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    city = found(tmp_path_factory.mktemp("pilot"), run=inside)
    committee, poll = announce(city, run=inside)
    for place in city.registrars:
        ok("registrar", "open", place, poll[:8], "--ledger", city.ledger)
    return Pilot(city, committee, poll)


@pytest.fixture
def pilot(made: Pilot, tmp_path: Path) -> Pilot:
    """A copy of the city, to be spoilt. (Its trustees notice that they are copies: they are left out.)"""
    folder = tmp_path / "pilot"
    shutil.copytree(made.city.folder, folder, ignore=shutil.ignore_patterns("*-trustee"))
    offices = {name: folder / path.relative_to(made.city.folder) for name, path in made.city.offices.items()}
    return Pilot(City(folder, offices), made.committee, made.poll)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".db-shm", ".db-wal")
    }


# Ledgers that are not there


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "show", "--ledger", "{}"), ("ledger", "log", "--ledger", "{}"), ("ledger", "entry", "--ledger", "{}", "0"), ("ledger", "receipt", "--ledger", "{}", "0"),
        ("ledger", "run", "--ledger", "{}"), ("poll", "list", "-l", "{}"), ("poll", "show", "abcd", "-l", "{}"),
        ("committee", "list", "-l", "{}"), ("find", "A" * 43, "-l", "{}"), ("charter", "show", "-l", "{}"),
        ("vote", "abcd", "-l", "{}", "--seal", "-c", "1"), ("open", "abcd", "-l", "{}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["missing", "empty", "file", "garbage"])
def test_no_ledger(words: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if kind == "empty":
        place.mkdir()
    elif kind == "file":
        place.write_bytes(b"")
    elif kind == "garbage":
        place.mkdir()
        for name in ("veche.db", "checkpoint", "log.key"):
            (place / name).write_bytes(os.urandom(700))
            (place / name).chmod(0o600)
    before = files(tmp_path)
    answer = inside(*(word.format(place) for word in words))
    assert answer.code in (1, 2) and answer.err.startswith("Error: ")
    assert files(tmp_path) == before


def test_a_second_ledger_is_not_begun_in_the_same_folder(pilot: Pilot) -> None:
    before = (pilot.city.ledger / "checkpoint").read_bytes()
    fails(
        2, "There is a ledger in", "ledger", "init", "--ledger", pilot.city.ledger, pilot.city.folder / "charter.entry"
    )
    fails(2, "exists already", "ledger", "keygen", "--ledger", pilot.city.ledger)
    assert (pilot.city.ledger / "checkpoint").read_bytes() == before


def test_a_ledger_needs_its_own_key_and_a_whole_charter(pilot: Pilot, tmp_path: Path) -> None:
    charter = pilot.city.folder / "charter.entry"
    fails(2, "There is no log key", "ledger", "init", "--ledger", tmp_path / "new", charter)
    ok("ledger", "keygen", "--ledger", tmp_path / "new")
    fails(2, "not the log's key", "ledger", "init", "--ledger", tmp_path / "new", charter)
    ok(
        "charter",
        "sign",
        pilot.city.folder / "charter.toml",
        "-k",
        pilot.city.organisers[0],
        "-o",
        tmp_path / "c.entry",
    )
    fails(1, "signed by all", "ledger", "init", "--ledger", tmp_path / "new", tmp_path / "c.entry")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["log.key"]


def test_entries_and_ids_that_are_not_there(pilot: Pilot) -> None:
    fails(2, "has no entry 9999", "ledger", "entry", "--ledger", pilot.city.ledger, 9999)
    fails(2, "has no entry 9999", "ledger", "receipt", "--ledger", pilot.city.ledger, 9999)
    other = "0000" if pilot.poll.startswith("ffff") else "ffff"
    fails(2, f"no poll {other!r}", "poll", "show", other, *pilot.ledger)
    fails(2, "no poll 'ab'", "poll", "show", "ab", *pilot.ledger)
    fails(2, "no committee", "committee", "show", "zzzz", *pilot.ledger)
    fails(2, "No ballot", "find", "A" * 43, *pilot.ledger)
    fails(2, "is neither a code nor a tracker", "find", "nonsense", *pilot.ledger)
    fails(2, "Say what to find", "find", *pilot.ledger)
    ok("poll", "show", pilot.poll[:4].upper(), *pilot.ledger)


def test_a_copy_without_the_database_is_verified_and_read(pilot: Pilot, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("checkpoint", "tile"):
        source = pilot.city.ledger / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    assert ok("poll", "list", "-l", copy).out == ok("poll", "list", *pilot.ledger).out
    bundle = next((copy / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    assert inside("poll", "list", "-l", copy).code == 1


def test_a_copy_takes_nothing_in(pilot: Pilot, tmp_path: Path) -> None:
    (pilot.city.ledger / "log.key").unlink()
    entry = pilot.city.folder / "poll.entry"
    before = files(pilot.city.ledger)
    fails(2, "nothing was handed in", "ledger", "submit", entry, *pilot.ledger)
    assert files(pilot.city.ledger) == before
    fails(2, "There is no ledger in", "ledger", "submit", entry, "--ledger", tmp_path)


# Drafts


BROKEN: dict[str, tuple[str, str, str]] = {
    "no TOML": ('class = "pilot"', 'class = "pilot', "not well-formed TOML"),
    "an unknown name": ('class = "pilot"', 'klass = "pilot"', "'klass' is not known"),
    "a missing name": ('class = "pilot"\n', "", "'class' is missing"),
    "a wrong type": ('class = "pilot"', "class = 7", "must be a text"),
    "an unknown class": ('class = "pilot"', 'class = "other"', "no class 'other'"),
    "one language": ('en = "Speed and courtyard", ', "", "'en' is missing"),
    "no zone": ("+00:00\ncloses", "\ncloses", "a time with its zone"),
    "an unknown committee": ('committee = "', 'committee = "zz', "no committee"),
    "too many wanted": ("max = 2", "max = 9", "max must be"),
    "a negative number": ("max = 2", "max = -2", "must not be negative"),
    "truth as a number": ("min = 1", "min = true", "must be a whole number"),
    "a missing file": ('file = "map.geojson"', 'file = "elsewhere"', "cannot be read"),
    "answers of another kind": ('{ en = "60", ru = "60" }', '"60"', "must be a text in both languages"),
    "a typo": ("max = 1", "mx = 1", "question 1: 'mx' is not known there.\nDid you mean 'max'? Known are: text,"),
    "a name that looks like a place": ('class = "pilot"', '"a` - at `$.b" = 3\nclass = "pilot"', "is not known there"),
    "a wrong type inside": ("max = 2", 'max = "2"', "question 2: 'max' must be a whole number."),
    "a missing name inside": ("max = 2\n", "", "question 2: 'max' is missing.\nIt is a whole number."),
    "no list": ("answers = [ {", "answers = 3 #", "question 1: 'answers' must be a list, each item a text in both"),
    "an attachment without a file": ('file = "map.geojson"', "", "'map.geojson' has no file"),
    "no hash": ('file = "map.geojson"', 'hash = "12"', "attachment 1: 'hash' is not the hash of an attachment"),
    "before 1970": ("opens = 20", "opens = 1969-01-01T00:00:00Z # ", "'opens' is before 1970"),
    "an answer twice": (
        '{ en = "60", ru = "60" }',
        '{ en = "X", ru = "50" }, { en = "x", ru = "70" }',
        "the same in English: 'x'",
    ),
    "a group twice": (
        "[[attachment]]",
        '[[group]]\nname = { en = "A", ru = "Ц" }\n[[group]]\nname = { en = "B", ru = "ц" }\n[[attachment]]',
        "the same in Russian: 'ц'",
    ),
    "an unseen answer": ('{ en = "60", ru = "60" }', '{ en = "ㅤ", ru = "60" }', "U+3164, HANGUL FILLER"),
    "an answer of spaces": (
        '{ en = "60", ru = "60" }',
        '{ en = "\u2003", ru = "60" }',
        "nothing in it but spaces or marks: U+2003, EM SPACE",
    ),
    "two lines": ('en = "Speed and courtyard"', 'en = "Speed\\n000000000000  decided"', "longer than one line"),
    "an empty text": ('{ en = "60", ru = "60" }', '{ en = "60", ru = "" }', "1 to 500 characters"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_draft_of_a_poll_that_cannot_be(case: str, made: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "poll.toml"
    text = poll_draft(made.committee, time.time() + 100, time.time() + 200)
    old, new, sentence = BROKEN[case]
    assert old in text
    draft.write_text(text.replace(old, new, 1), encoding="utf-8")
    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    answer = inside("poll", "sign", draft, "--key", made.city.organisers[0], *made.ledger)
    assert answer.code in (1, 2) and sentence in answer.err, answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.geojson", "poll.toml"]


def test_a_draft_with_a_byte_order_mark(made: Pilot, tmp_path: Path) -> None:
    text = poll_draft(made.committee, time.time() + 4000, time.time() + 5000)
    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    draft = tmp_path / "poll.toml"
    draft.write_text("\ufeff" + text, encoding="utf-8")
    assert "Speed and courtyard" in ok("poll", "preview", draft, *made.ledger).out
    draft = tmp_path / "poll.json"
    draft.write_text("\ufeff" + json.dumps(tomllib.loads(text), default=str), encoding="utf-8")
    assert "Speed and courtyard" in ok("poll", "preview", draft, *made.ledger).out


UNFIT = {
    "dup-answers": "Question 1, answers 1 and 2 are the same in English: 'Yes'.",
    "blank-answers": "Question 1, answer 4 holds a character that nobody sees: U+3164, HANGUL FILLER.",
    "newline-title": "The title is longer than one line.",
    "groups-same-en": "The names of groups 1 and 2 are the same in English: 'Central'.",
}
"""Drafts as cities send them (tests/cli/drafts), and what is said of them. They want a class, a committee and two times."""


def fit(name: str, pilot: Pilot, folder: Path) -> Path:
    """A draft of tests/cli/drafts for this pilot."""
    text = (DRAFTS / f"{name}.toml").read_text(encoding="utf-8").replace('class = "city"', 'class = "pilot"')
    times = (moment(time.time() + seconds) for seconds in (4000, 5000))
    for place, value in zip(("@C@", "@O@", "@X@"), (pilot.committee, *times), strict=True):
        text = text.replace(place, value)
    draft = folder / f"{name}.toml"
    draft.write_text(text, encoding="utf-8")
    return draft


@pytest.mark.parametrize("name", UNFIT)
def test_a_poll_in_which_nobody_could_vote(name: str, made: Pilot, tmp_path: Path) -> None:
    """Preview, signing and publishing say the same of it; whoever publishes may have another program, which signs everything."""
    draft, keys = fit(name, made, tmp_path), made.city.organisers
    fails(1, UNFIT[name], "poll", "preview", draft, *made.ledger)
    fails(1, UNFIT[name], "poll", "sign", draft, "--key", keys[0], *made.ledger)
    assert list(tmp_path.iterdir()) == [draft]
    said = read_draft(draft, PollDraft)
    questions = [
        ["choice", list(one.text.text), [list(answer.text) for answer in one.answers], one.min, one.max, int(one.blank)]
        for one in said.question
    ]
    groups = [[list(group.name.text), group.weight] for group in said.group] or [[["Everyone", "Все"], 1]]
    body = ["pilot", list(said.title.text), list(said.background.text), questions, groups, int(said.opens),
            int(said.closes), bytes.fromhex(made.committee), []]  # fmt: skip
    ledger = digest((made.city.folder / "charter.entry").read_bytes())
    entry = draft.with_suffix(".entry")
    entry.write_bytes(sign(ledger, "poll", body, [SigningKey.load(key) for key in keys]))
    before = (made.city.ledger / "checkpoint").read_bytes()
    for words in (("poll", "publish"), ("ledger", "submit"), ("poll", "preview")):
        fails(1, UNFIT[name], *words, entry, *made.ledger)
    fails(1, UNFIT[name], "poll", "sign", entry, "--key", keys[0], *made.ledger)
    assert (made.city.ledger / "checkpoint").read_bytes() == before


def test_a_draft_that_begins_with_a_byte_order_mark(made: Pilot, tmp_path: Path) -> None:
    draft = fit("bom", made, tmp_path)
    assert draft.read_bytes().startswith(BOM_UTF8)
    ok("poll", "preview", draft, *made.ledger)
    ok("poll", "sign", draft, "--key", made.city.organisers[0], *made.ledger)


def test_a_name_that_is_given_twice(made: Pilot, tmp_path: Path) -> None:
    """Of two values one reader takes the first, another the last: neither is what is signed."""
    draft = tmp_path / "poll.json"
    text = json.dumps(tomllib.loads(poll_draft(made.committee, time.time() + 4000, time.time() + 5000)), default=str)
    draft.write_text(text.replace('"title": {', '"title": {"en": "Another title", ', 1), encoding="utf-8")
    fails(2, "the key 'en' is there twice", "poll", "preview", draft, *made.ledger)


def test_a_poll_that_closes_before_it_opens(made: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "poll.toml"
    draft.write_text(poll_draft(made.committee, time.time() + 200, time.time() + 100), encoding="utf-8")
    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    fails(1, "closes before it opens", "poll", "preview", draft, *made.ledger)


def test_a_preview_says_what_the_rules_will_not_admit(made: Pilot, tmp_path: Path) -> None:
    """A poll that lasts too long, or opens too early, is shown with what is wrong before anybody signs it."""
    draft, now = tmp_path / "poll.toml", time.time()
    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    draft.write_text(poll_draft(made.committee, now + 200, now + 400 * 86_400), encoding="utf-8")
    shown = fails(1, "lasts 1 day at most", "poll", "preview", draft, *made.ledger).out
    assert "Which limit?" in shown
    draft.write_text(poll_draft(made.committee, now - 7200, now + 200), encoding="utf-8")
    fails(1, "published 1 second before it opens", "poll", "preview", draft, *made.ledger)


def test_the_template_of_a_poll_becomes_an_entry(made: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "new.toml"
    ok("poll", "new", draft, "--class", "pilot", "--committee", made.committee[:6])
    fails(2, "exists already", "poll", "new", draft)
    for words in (("preview", draft), ("sign", draft, "--key", made.city.organisers[0])):
        assert "Which speed limit do you want?" in fails(1, "lasts 1 day", "poll", *words, *made.ledger).out
    assert not (tmp_path / "new.entry").exists()
    lines = draft.read_text(encoding="utf-8").splitlines()
    ends = (
        next(line for line in lines if line.startswith("opens = "))
        .replace("opens", "closes")
        .replace(":00:00", ":59:00")
    )
    draft.write_text("\n".join(ends if line.startswith("closes = ") else line for line in lines), encoding="utf-8")
    ok("poll", "sign", draft, "--key", made.city.organisers[0], *made.ledger)
    before = (tmp_path / "new.entry").read_bytes()
    fails(2, "exists already", "poll", "sign", draft, "--key", made.city.organisers[0], *made.ledger)
    assert (tmp_path / "new.entry").read_bytes() == before


def test_a_charter_with_which_no_ledger_begins_is_not_signed(made: Pilot, tmp_path: Path) -> None:
    """Refused before the first signature, and not when everybody has signed."""
    draft = tmp_path / "charter.toml"
    text = (made.city.folder / "charter.toml").read_text(encoding="utf-8")
    (log_key,) = (line for line in text.splitlines() if line.startswith("log_key = "))
    for old, new, sentence in (
        ("\nk = 2\n", "\nk = 200\n", "k must be a number from 1 to 7"),
        ('origin = "veche.example/pilot"', 'origin = "a b"', "must be plain ASCII"),
        (log_key, f'log_key = "{"00" * 32}"', "log"),
    ):
        assert old in text
        draft.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert sentence in inside("charter", "show", draft).err
        assert inside("charter", "sign", draft, "-k", made.city.organisers[0]).code in (1, 2)
        assert not (tmp_path / "charter.entry").exists()


def test_the_template_of_a_charter_says_what_is_missing(tmp_path: Path) -> None:
    draft = tmp_path / "charter.toml"
    ok("charter", "new", draft)
    ok("office", "keygen", tmp_path / "office.key")
    fails(2, "is not a public key", "charter", "sign", draft, "--key", tmp_path / "office.key")
    assert not (tmp_path / "charter.entry").exists()


def test_a_class_that_cannot_be(made: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "charter.toml"
    text = (made.city.folder / "charter.toml").read_text(encoding="utf-8")
    draft.write_text(text.replace("t = 2", "t = 1"), encoding="utf-8")
    fails(1, "more than half", "charter", "sign", draft, "--key", made.city.organisers[0])


# Keys and signatures


def test_keys_that_others_can_read_are_refused(pilot: Pilot, tmp_path: Path) -> None:
    one = pilot.city.organisers[0]
    one.chmod(0o644)
    fails(
        2,
        "can be read by others",
        "charter",
        "sign",
        pilot.city.folder / "charter.toml",
        "-k",
        one,
        "-o",
        tmp_path / "x",
    )
    assert not (tmp_path / "x").exists()
    fails(
        2,
        "can be read by others",
        "poll",
        "outcome",
        pilot.poll,
        "will",
        "--text",
        "a",
        "--text-ru",
        "б",
        "-k",
        one,
        *pilot.ledger,
    )
    (pilot.city.ledger / "log.key").chmod(0o644)
    fails(2, "can be read by others", "ledger", "run", "--ledger", pilot.city.ledger, "--once")
    seed = tmp_path / "seed"
    seed.write_text("00" * 32)
    seed.chmod(0o644)
    fails(2, "can be read by others", "vote", pilot.poll, "--seed", seed, "--seal", "-c", "1", "-c", "1", *pilot.ledger)


def test_keys_that_are_none(tmp_path: Path, made: Pilot) -> None:
    key = tmp_path / "office.key"
    fails(2, "cannot be read", "office", "public", key)
    key.write_text("nonsense")
    key.chmod(0o600)
    fails(2, "not a Veche key file", "office", "public", key)
    fails(2, "exists already", "office", "keygen", key)
    stranger = tmp_path / "stranger.key"
    SigningKey.generate().save(stranger)
    fails(2, "is not the key of an office", "committee", "form", "--class", "pilot", "-k", stranger, *made.ledger)
    fails(2, "another office is wanted here: organiser", "committee", "form", "--class", "pilot",
          "-k", made.city.registrars[0], *made.ledger)  # fmt: skip


def test_an_entry_file_with_a_false_signature_is_not_signed_further(pilot: Pilot, tmp_path: Path) -> None:
    one, two = pilot.city.organisers
    entry = tmp_path / "e.entry"
    ok("poll", "cancel", pilot.poll, "--text", "a", "--text-ru", "б", "--key", one, "-o", entry, *pilot.ledger)
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    entry.write_bytes(data)
    fails(1, "does not hold", "ledger", "sign", entry, "--key", two, *pilot.ledger)
    assert entry.read_bytes() == data
    entry.write_bytes(b"not an entry")
    fails(2, "does not hold an entry", "ledger", "sign", entry, "--key", two, *pilot.ledger)
    fails(2, "does not hold an entry", "ledger", "submit", entry, *pilot.ledger)


def test_a_malformed_body_is_refused_by_the_rules(pilot: Pilot, tmp_path: Path) -> None:
    key = SigningKey.load(pilot.city.organisers[0])
    entry = tmp_path / "e.entry"
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    bodies: list[list[Any]] = [[], [1], [b"", [], []], ["x", ["y"]], [[[[]]]]]
    for kind in ("outcome", "poll", "cancel", "office", "notice", "committee", "rules", "permit-key", "decryption"):
        for body in bodies:
            entry.write_bytes(sign(ledger, kind, body, [key]))
            assert inside("ledger", "submit", entry, *pilot.ledger).code == 1
            fails(1, f"{entry}: ", "ledger", "sign", entry, "--key", pilot.city.organisers[1], *pilot.ledger)
            assert len(decode(entry.read_bytes())[2]) == 1
    for item in (["ballot"], ["block", [1, 2, 3]], ["result", []]):
        entry.write_bytes(encode(item))
        assert inside("ledger", "submit", entry, *pilot.ledger).code == 1
        assert inside("ledger", "sign", entry, "--key", pilot.city.organisers[1], *pilot.ledger).code in (1, 2)
        assert entry.read_bytes() == encode(item)


def test_cancelling_takes_as_many_institutions_as_the_charter_says(pilot: Pilot, tmp_path: Path) -> None:
    entry = tmp_path / "e.entry"
    ok(
        "poll",
        "cancel",
        pilot.poll,
        "--text",
        "a",
        "--text-ru",
        "б",
        "-k",
        pilot.city.organisers[0],
        "-o",
        entry,
        *pilot.ledger,
    )
    fails(1, "1 institutions signed; the charter wants 2", "ledger", "submit", entry, *pilot.ledger)
    ok("ledger", "sign", entry, "--key", pilot.city.registrars[0], *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)  # told again what it was told before
    assert ok("poll", "show", pilot.poll, *pilot.ledger, "--json").json["status"] == "cancelled"


def test_objecting_comes_after_the_tally(pilot: Pilot, tmp_path: Path) -> None:
    entry, one = tmp_path / "contest.entry", pilot.city.organisers[0]
    words = ("poll", "contest", pilot.poll, "--text", "a", "--text-ru", "б", "-k", one, "-o", entry, *pilot.ledger)
    fails(1, "nothing to contest", *words)
    assert not entry.exists()
    # Somebody whose program does not ask has signed it all the same.
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    body = [bytes.fromhex(pilot.poll), ["a", "б"]]
    entry.write_bytes(sign(ledger, "contest", body, [SigningKey.load(one)]))
    fails(1, "nothing to contest", "ledger", "sign", entry, "--key", pilot.city.registrars[0], *pilot.ledger)
    fails(1, "institutions signed", "ledger", "submit", entry, *pilot.ledger)


def test_offices_come_and_go(pilot: Pilot, tmp_path: Path) -> None:
    key = SigningKey.generate().public.hex()
    seat = ("--institution", "Tax office", "--role", "observer")
    one, two = pilot.city.organisers
    signers, others = ("--key", one, "--key", two), ("--key", one, "--key", pilot.city.registrars[0])
    entry = tmp_path / "e.entry"
    for action, signed, refusal in (
        ("rotate", signers, "is not observer"),
        ("add", signers, ""),
        ("add", others, "Another change of Tax office as observer is waiting"),
        ("object", signers, ""),
        ("add", others, ""),
    ):
        public = () if action == "object" else ("--public", key)
        words = ("office", action, *seat, *public, *signed, "-o", entry, *pilot.ledger)
        if refusal:
            fails(1, refusal, *words)
            assert not entry.exists()
            continue
        assert ("takes effect 14 days after" in ok(*words).out) == (action == "add")
        ok("ledger", "submit", entry, *pilot.ledger)
        entry.unlink()
    (change,) = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["changes"]
    assert (change["action"], change["institution"], change["key"]) == ("add", "Tax office", key)
    assert "Waiting: add Tax office (observer)" in ok("ledger", "show", "--ledger", pilot.city.ledger).out
    ends = (*signers, "-o", entry, *pilot.ledger)
    fails(2, "is not a public key", "office", "add", *seat, "--public", "ab", *ends)
    fails(2, "Tax office holds no office as observer", "office", "retire", *seat, *ends)
    fails(2, "No change of Tax office as trustee is waiting", "office", "object", *seat[:3], "trustee", *ends)
    assert not entry.exists()


def test_a_stolen_key(pilot: Pilot, tmp_path: Path) -> None:
    """Its holder silences it alone; whoever signs with it is told at once."""
    _, two = pilot.city.organisers
    key = SigningKey.load(two / "office.key" if two.is_dir() else two).public
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == key.hex()
    ]
    seat = ("--institution", office["institution"], "--role", "organiser")
    entry = tmp_path / "e.entry"
    said = ok("office", "suspend", *seat, "--key", two, "-o", entry, *pilot.ledger).out
    assert "hand it in" in said
    ok("ledger", "submit", entry, *pilot.ledger)
    assert f": {office['institution']} (organiser), {key.hex()}" in ok("ledger", "show", "--ledger", pilot.city.ledger).out  # fmt: skip
    fails(2, "is suspended until", "committee", "form", "--class", "pilot", "--key", two, *pilot.ledger)


def test_the_holder_of_a_key_replaces_it(pilot: Pilot, tmp_path: Path) -> None:
    one, _ = pilot.city.organisers
    desk, new = pilot.city.registrars[0], tmp_path / "new.key"
    public = ok("office", "keygen", new).out.strip()
    old = ok("office", "public", desk).out.strip()
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == old
    ]
    entry = tmp_path / "e.entry"
    words = ("--institution", office["institution"], "--role", "registrar", "--public", public)
    ok("office", "rotate", *words, "--key", one, "--key", desk, "-o", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    shown = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json
    assert shown["changes"] == []
    assert {(row["key"], row["active"]) for row in shown["offices"]} >= {(old, False), (public, True)}
    fails(2, f"it was that of {office['institution']}", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger)
    fails(2, "is not the key of an office", "office", "retire", *words[:4], "--key", desk, "-o", tmp_path / "x", *pilot.ledger)  # fmt: skip


# Voters and registrars


def test_votes_that_cannot_be(pilot: Pilot, tmp_path: Path) -> None:
    registrars = [word for place in pilot.city.registrars for word in ("--registrar", place)]
    seed = ("--seed", tmp_path / "seed")
    who = ("--person", "person-1", *registrars)

    def vote(*words: object) -> tuple[object, ...]:
        return ("vote", pilot.poll, *pilot.ledger, *seed, "--seal", *words)

    fails(2, "2 questions, and 1", *vote("-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "4", "-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "x", "-c", "1", *who))
    fails(2, "choose 1; 2 answers were chosen", *vote("-c", "1,2", "-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "1" * 5000, "-c", "1", *who))
    fails(2, "given twice", *vote("-c", "1,1", "-c", "1", *who))
    fails(2, "cannot be left blank", *vote("-c", "blank", "-c", "1", *who))
    fails(2, "choose 1 to 2; 0 answers were chosen", *vote("-c", "1", "-c", "0", *who))
    fails(2, "Nothing was chosen", *vote(*who))
    fails(2, "needs permits of 2 registrars", *vote("-c", "1", "-c", "1"))
    fails(2, "needs permits of 2 registrars", *vote("-c", "1", "-c", "1", *who[:4]))
    fails(1, "not on the electoral roll", *vote("-c", "1", "-c", "1", "--person", "nobody", *registrars))
    fails(2, "nothing was cast", "vote", pilot.poll, *pilot.ledger, "-c", "1", "--receipts", tmp_path / "elsewhere")
    fails(2, "Nobody can be asked here", "vote", pilot.poll, *pilot.ledger, *seed, "-c", "1", "-c", "1", *who)
    fails(2, "have sealed no ballot", "open", pilot.poll, *pilot.ledger, *seed[:2])
    ok(*vote("-c", "1", "-c", "1", *who))
    fails(2, "sealed a ballot in this poll already", *vote("-c", "1", "-c", "1", *who))
    fails(2, "not open yet. Your ballot stays sealed", "cast", pilot.poll, *pilot.ledger, *seed)
    ok("open", pilot.poll, *pilot.ledger, *seed[:2], "-o", tmp_path / "opened")
    # The registrar has signed for this seed now; another seed of the same person gets nothing.
    fails(
        1,
        "already have a permit",
        "vote",
        pilot.poll,
        *pilot.ledger,
        "--seed",
        tmp_path / "other",
        "--seal",
        "-c",
        "1",
        "-c",
        "1",
        *who,
    )
    assert not list(tmp_path.glob("vote-*"))
    ok("vote", pilot.poll, *pilot.ledger, *seed, "--collect", *who)
    (kept,) = (tmp_path / "seed.permits").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_bytes(b"{")
    fails(2, "are damaged", *vote("-c", "1", "-c", "1", *who))


def test_registrars_mistakes(pilot: Pilot, tmp_path: Path) -> None:
    place = pilot.city.registrars[0]
    fails(2, "holds the key of an office already", "registrar", "init", place)
    fails(2, "cannot be read", "registrar", "import", place, tmp_path / "roll.csv")
    (tmp_path / "roll.csv").write_text("person,district\na,Arbat\na,Arbat\n", encoding="utf-8")
    fails(2, "line 3", "registrar", "import", place, tmp_path / "roll.csv")
    assert "line 3" in fails(2, "line 3", "registrar", "import", place, tmp_path / "roll.csv", "--dry-run").out
    desk = tmp_path / "desk"
    ok("registrar", "init", desk)
    (tmp_path / "roll.csv").write_text("person,district\na,Arbat\nA,Arbat\n", encoding="utf-8")
    asked = ("registrar", "import", desk, tmp_path / "roll.csv")
    for more in [(), ("--dry-run",), ("--json",), ("--json", "--dry-run")]:
        fails(2, "'A' looks like 'a' in line 2", *asked, *more)
    assert "1  Arbat" not in ok("registrar", "show", desk).out
    ok(*asked, "--yes", "--dry-run")
    assert "2 people (2 new" in ok(*asked, "--yes").out
    fails(2, "There is no folder", "registrar", "show", tmp_path / "nowhere")
    fails(2, "has not closed yet", "registrar", "issuance", place, pilot.poll, *pilot.ledger)
    fails(
        1,
        "not on the electoral roll",
        "registrar",
        "proof",
        place,
        pilot.poll,
        "--person",
        "x",
        "-o",
        tmp_path / "p",
        *pilot.ledger,
    )
    fails(2, "is not hexadecimal", "registrar", "issue", place, pilot.poll, "--person", "person-1", "--group", 0, "--blinded", "x",
          *pilot.ledger)  # fmt: skip
    fails(
        1,
        "",
        "registrar",
        "issue",
        place,
        pilot.poll,
        "--person",
        "person-1",
        "--group",
        0,
        "--blinded",
        "ab",
        *pilot.ledger,
    )
    fails(1, "has not been made", "registrar", "erase", place, pilot.poll, "--yes", *pilot.ledger)
    assert inside("registrar", "erase", place, pilot.poll, *pilot.ledger).code == 130  # nobody said yes
    ok("registrar", "proof", place, pilot.poll, "--person", "person-1", "-o", tmp_path / "row", *pilot.ledger)
    assert "accounted for yet" in ok("registrar", "check-proof", tmp_path / "row", *pilot.ledger).out
    text = (tmp_path / "row").read_text()
    (tmp_path / "row").write_text(text.replace("person-1", "person-3"))
    assert inside("registrar", "check-proof", tmp_path / "row", *pilot.ledger).code == 1
    (tmp_path / "row").write_text("{}")
    fails(2, "not a proof of a row", "registrar", "check-proof", tmp_path / "row", *pilot.ledger)


def test_trustees_mistakes(made: Pilot, tmp_path: Path) -> None:
    place = made.city.trustees[0]
    fails(2, "is not empty", "trustee", "init", place, "--institution", "University")
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    fails(2, "is a copy or a restored backup", "trustee", "act", copy, *made.ledger)
    assert inside("trustee", "adopt", copy, *made.ledger).code == 130
    ok("trustee", "adopt", copy, "--yes", *made.ledger)
    fails(2, "", "trustee", "act", tmp_path / "nowhere", *made.ledger)
    stranger = Trustee.create(tmp_path / "stranger", "Nobody")
    fails(2, "is not the key of a trustee in this ledger", "trustee", "act", tmp_path / "stranger", *made.ledger)
    assert stranger.key.public.hex() in ok("trustee", "show", tmp_path / "stranger").out
    added = ok("trustee", "rekey", tmp_path / "stranger").first
    assert ok("trustee", "show", tmp_path / "stranger").out.splitlines()[-1] == f"Public key {added}"
    ok("trustee", "rekey", tmp_path / "stranger", "--key", made.city.trustees[0])
    said = fails(2, "This is the key of University", "trustee", "act", tmp_path / "stranger", *made.ledger)
    assert "Correct the name in" in said.err


# Receipts


def test_receipts_that_do_not_hold(pilot: Pilot, tmp_path: Path) -> None:
    receipt, entry = tmp_path / "r.tlog-proof", tmp_path / "r.entry"
    ok("ledger", "receipt", "--ledger", pilot.city.ledger, 3, "-o", receipt)
    entry.write_text(ok("ledger", "entry", "--ledger", pilot.city.ledger, 3, "--json").out)
    fails(1, "", "ledger", "check-receipt", receipt, *pilot.ledger)  # not the entry's bytes
    entry.write_bytes(raw_entry(pilot))
    ok("ledger", "check-receipt", receipt, *pilot.ledger)
    vkey = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["vkeys"][0]
    ok("ledger", "check-receipt", receipt, "--key", vkey)
    fails(2, "is not a verifier key", "ledger", "check-receipt", receipt, "--key", "nonsense")
    fails(2, "is damaged", "ledger", "check-receipt", receipt, "--key", str(vkey).replace("pilot", "other"))
    stranger = Verifier("veche.example/pilot", ED25519, SigningKey.generate().public)
    fails(1, "0 of 1 signed", "ledger", "check-receipt", receipt, "--key", stranger)
    good = receipt.read_bytes()
    parsed = Receipt.parse(good)
    receipt.write_bytes(good.replace(b"index 3", b"index 2"))
    fails(1, "", "ledger", "check-receipt", receipt, *pilot.ledger)
    for position in range(0, len(good), 7):
        receipt.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert inside("ledger", "check-receipt", receipt, *pilot.ledger).code in (1, 2), position
    receipt.write_bytes(good)
    fails(2, "cannot be read", "ledger", "check-receipt", receipt, "--entry", tmp_path / "gone", *pilot.ledger)
    # A ledger that was cut, or that another history took the place of, does not go on from the receipt's checkpoint.
    other = found(tmp_path / "other", run=inside)
    fails(2, "is of another ledger", "ledger", "check-receipt", receipt, "--ledger", other.ledger)
    assert parsed.index == 3


def raw_entry(pilot: Pilot) -> bytes:
    """The bytes of entry 3, as "veche ledger entry --raw" writes them."""
    return CliRunner().invoke(main, ["ledger", "entry", "--ledger", str(pilot.city.ledger), "3", "--raw"]).stdout_bytes


def test_a_ledger_that_was_rewritten_does_not_go_on(pilot: Pilot, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((pilot.city.ledger / "checkpoint").read_bytes())
    key = SigningKey.load(pilot.city.organisers[0])
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    # Two copies of the city, each with its log's key, go on in different ways.
    fork = tmp_path / "fork"
    shutil.copytree(pilot.city.ledger, fork)
    for place, text in ((pilot.city.ledger, "One."), (fork, "Another.")):
        hand_in(place, [sign(ledger, "notice", [b"", [text, text], []], [key])])
        ok("ledger", "consistency", "--ledger", place, kept)
    kept.write_bytes((fork / "checkpoint").read_bytes())
    fails(1, "was rewritten", "ledger", "consistency", "--ledger", pilot.city.ledger, kept)
    kept.write_bytes(b"nonsense")
    fails(2, "is not a checkpoint", "ledger", "consistency", "--ledger", pilot.city.ledger, kept)
    fails(2, "cannot be read", "ledger", "consistency", "--ledger", pilot.city.ledger, tmp_path / "gone")


# Keys that hold no office


def test_who_signs_with_a_key_that_holds_no_office_is_told_at_once(pilot: Pilot, tmp_path: Path) -> None:
    stray, entry, one = tmp_path / "stray.key", tmp_path / "e.entry", pilot.city.organisers[0]
    ok("office", "keygen", stray)
    why = ("--text", "A", "--text-ru", "А")
    for words in (
        ("poll", "cancel", pilot.poll[:8], *why, "-o", entry),
        ("poll", "contest", pilot.poll[:8], *why, "-o", entry),
        ("poll", "outcome", pilot.poll[:8], "not", *why),
        ("committee", "form", "--class", "pilot"),
        ("office", "add", "--institution", "A", "--role", "observer", "--public", "ab" * 32, "-o", entry),
        ("poll", "sign", pilot.city.folder / "poll.entry"),
    ):
        fails(2, "is not the key of an office in this ledger", *words, "--key", stray, *pilot.ledger)
    assert not entry.exists()
    ok("poll", "cancel", pilot.poll[:8], *why, "-o", entry, "--key", one, *pilot.ledger)
    before = entry.read_bytes()
    fails(2, "is not the key of an office", "ledger", "sign", entry, "--key", stray, *pilot.ledger)
    assert entry.read_bytes() == before


def test_a_charter_is_signed_by_offices_that_it_names(pilot: Pilot, tmp_path: Path) -> None:
    stray, made = tmp_path / "stray.key", tmp_path / "c.entry"
    ok("office", "keygen", stray)
    draft, charter = pilot.city.folder / "charter.toml", pilot.city.folder / "charter.entry"
    fails(2, "names no office with the key", "charter", "sign", draft, "--key", stray, "-o", made)
    assert not made.exists()
    before = charter.read_bytes()
    fails(2, "names no office with the key", "charter", "sign", charter, "--key", stray)
    assert charter.read_bytes() == before


def test_an_engine_refuses_another_log_key_before_it_publishes(pilot: Pilot, tmp_path: Path) -> None:
    key, head = pilot.city.ledger / "log.key", pilot.city.ledger / "checkpoint"
    before = head.read_bytes()
    key.unlink()
    SigningKey.generate().save(key)
    fails(2, "not the log's key that the charter names", "ledger", "run", "--ledger", pilot.city.ledger, "--once")
    fails(2, "not the log's key that the charter names", "committee", "form", "--class", "pilot", "--key",
          pilot.city.organisers[0], *pilot.ledger)  # fmt: skip
    assert head.read_bytes() == before


def test_who_holds_an_office_hears_that_others_want_it(pilot: Pilot, tmp_path: Path) -> None:
    desk, entry = pilot.city.registrars[0], tmp_path / "e.entry"
    old = ok("office", "public", desk).first
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == old
    ]
    seat = ("--institution", office["institution"], "--role", "registrar")
    one, two = pilot.city.organisers
    ok("office", "rotate", *seat, "--public", ok("office", "keygen", tmp_path / "k").first, "--key", one, "--key", two,
       "-o", entry, *pilot.ledger)  # fmt: skip
    ok("ledger", "submit", entry, *pilot.ledger)
    heard = fails(2, "has not closed yet", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger).err
    assert f"others want to rotate the key of {office['institution']} as registrar" in heard
    assert "veche office object" in heard
    entry.unlink()
    ok("office", "object", *seat, "--key", desk, "-o", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    assert "others want" not in fails(2, "has not closed yet", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger).err  # fmt: skip


def test_an_owner_who_has_k_institutions(pilot: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "charter.toml"
    text = (pilot.city.folder / "charter.toml").read_text(encoding="utf-8")
    assert "Look at this" not in ok("charter", "show", pilot.city.folder / "charter.toml").out
    for name in ("Polls office", "Legal office"):
        text = text.replace(f'"{name}"', f'"City hall: {name}"')
    draft.write_text(text, encoding="utf-8")
    warning = "City hall alone has 2 of the institutions"
    assert warning in ok("charter", "show", draft).out
    assert ok("charter", "show", draft, "--json").json["warnings"] != []
    signed = ok("charter", "sign", draft, "--key", pilot.city.organisers[0], "-o", tmp_path / "c.entry")
    assert warning in signed.out


# Anything at all


def test_no_file_whatever_brings_forth_a_traceback(pilot: Pilot, tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "file"
    commands = (
        ("ledger", "check-receipt", path, "--entry", path, *pilot.ledger),
        ("ledger", "consistency", "--ledger", pilot.city.ledger, path),
        ("ledger", "submit", path, *pilot.ledger),
        ("ledger", "sign", path, "-k", pilot.city.organisers[0], *pilot.ledger),
        ("charter", "show", path),
        ("poll", "preview", path, *pilot.ledger),
        ("registrar", "check-proof", path, *pilot.ledger),
        ("registrar", "import", pilot.city.registrars[0], path),
        ("check", "0" * 64, path, *pilot.ledger),
        ("check", path, path, *pilot.ledger),
        ("poll", "list", "--ledger", path),
    )
    seeds = [
        b"", b"\n", b"{}", b"[]", b"\xff" * 40, b"\x83" * 200, b"[" * 5000, b"\x83fpoll\x80\x80", b"\x82gcharter\x80",
        b"\x83gcharter\x89\x01\x02\x03\x04\x05\x06\x07\x08\x09\x80", (pilot.city.folder / "poll.toml").read_bytes(),
        (pilot.city.folder / "charter.entry").read_bytes(), (pilot.city.ledger / "checkpoint").read_bytes(),
    ]  # fmt: skip
    for seed in seeds:
        for _ in range(3):
            data = bytearray(seed)
            for _ in range(rng.randrange(3)):
                if data:
                    data[rng.randrange(len(data))] = rng.randrange(256)
            for suffix in ("", ".toml", ".json", ".entry"):
                path.with_suffix(suffix).write_bytes(data)
                for words in commands:
                    inside(*(path.with_suffix(suffix) if word == path else word for word in words))


def test_a_file_that_is_no_secret_is_not_to_be_made_private(pilot: Pilot, tmp_path: Path) -> None:
    """What a file is comes before who may read it: an archive stays as open as it is."""
    archive = tmp_path / "speed.bel"
    archive.write_bytes(b"BELENIOS" + bytes(1000))
    archive.chmod(0o644)
    words = ("vote", pilot.poll, *pilot.ledger, "--seal", "-c", "1", "-c", "1", "--seed", archive)
    assert "chmod" not in fails(2, "does not hold a seed", *words).err
    key = ("poll", "outcome", pilot.poll, "not", "--text", "a", "--text-ru", "b", *pilot.ledger, "--key", archive)
    assert "chmod" not in fails(2, "is not a Veche key file", *key).err


def test_a_class_that_the_charter_does_not_have(pilot: Pilot, tmp_path: Path) -> None:
    """Said at once, and not that it has no committee, nor after all that would be signed."""
    draft = tmp_path / "poll.toml"
    ok("poll", "new", draft, "--class", "city")
    refused = fails(1, "no class 'city'", "poll", "preview", draft, *pilot.ledger)
    assert "It has: pilot." in refused.err
    key = ("--key", pilot.city.organisers[0])
    refused = fails(1, "no class 'city'", "committee", "form", "--class", "city", *key, *pilot.ledger)
    assert refused.out == ""
