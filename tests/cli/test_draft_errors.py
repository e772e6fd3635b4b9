"""Drafts of polls and charters that cannot be: each is answered with a sentence that says where, and nothing is written."""

import json
import time
import tomllib
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from veche.cli.draft import read_draft
from veche.cli.draft_poll import PollDraft
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.signing import sign

from .city import moment, poll_draft
from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok
from .pilot import Pilot, made, pilot

__all__ = ["made", "pilot"]

DRAFTS = Path(__file__).with_name("drafts")


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
