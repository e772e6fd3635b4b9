"""Texts of others never speak for the program: in no output of any command does a line begin with one, nor steer the terminal.

The town's names, titles, questions, notices, reasons and files bear line ends, separators, terminal codes, marks that turn the direction,
the markup of rich, and lines like the program's own. All of them begin with one word, which must not begin a line of an output.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from terminal.test_whole import POLL

from veche import world
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.codec import encode
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.entries.statements import Cancel, Contest, Notice, Outcome, OutcomeStatus
from veche.ledger.shape import Attachment, Text
from veche.ledger.signing import sign
from veche.terminal.definition import poll_lines
from veche.terminal.say import wrapped
from veche.terminal.written import Written
from veche.texts import Message

from .city import poll_draft
from .conftest import Answer, inside
from .test_help import ALL as COMMANDS
from .test_named_test import CALLS, Town, made, seal

WORD = "FORGED"
ALIKE = f"{WORD} ✓ L5  everything holds [red]x[/red] :skull: [link=x]y[/link]"
"""What may stand in one line of an entry."""
LINES = f"Fine.\n{ALIKE}\n  {WORD} Decided: 40 ballots counted.\n\n{WORD} Error: none"
"""What may stand in several."""
WILD = f"x\n{WORD} a\r{WORD} b\u2028{WORD} c\x1b[31m{WORD}\u202e d\x07\x9b2J\x00\u2066 [red]:skull:"
"""What may stand in none."""
NO_BREAK = "\u00a0\u202f"
"""Spaces of Russian numbers and dates: our own."""
DEEP = 5
"""Columns in which the program's own lines begin; what goes on of a broken line, and a table's later columns, are further right."""


def both(text: str) -> Text:
    return Text(text, f"{text} ё")


def spoil(city: world.World, committee: bytes) -> None:
    """All that people may say in this ledger, said by somebody who wants to be taken for the program."""
    opens = city.now + city.charter.lasting(3600) + 120
    asked = (Choice(both(ALIKE), (both(ALIKE), both(f"{ALIKE} 2 {ALIKE} {ALIKE}")), 1, 1, True),)
    groups = (Group(both(ALIKE), 1), Group(both(f"{ALIKE} 2"), 3))
    papers = (Attachment(f"{ALIKE}.pdf", bytes(32)),)
    poll = Poll(
        "city", both(ALIKE), both(LINES), asked, groups, opens, opens + city.charter.lasting(86_400), committee, papers
    )
    published = [city.publish(poll), city.publish(replace(poll, closes=poll.closes - 1))]
    offices = city.office_keys[: city.charter.k]
    city.say("notice", Notice(published[0].id, both(LINES), papers).body(), offices[0])
    city.say("notice", Notice(b"", both(LINES), papers).body(), offices[0])
    city.say("cancel", Cancel(published[1].id, both(LINES)).body(), *offices)
    for over in city.ledger.state.polls()[:1]:
        city.say("contest", Contest(over.id, both(LINES)).body(), *offices)
        city.say(
            "outcome", Outcome(over.id, OutcomeStatus.WILL, both(LINES), city.now, papers).body(), city.organisers[0]
        )
    city.say("office", ["add", f"{ALIKE} new", "observer", SigningKey.generate().public, 0], *offices)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    with pytest.MonkeyPatch.context() as patch:
        for role in ("ORGANISERS", "TRUSTEES", "REGISTRARS", "WITNESSES"):
            names = getattr(world, role)
            patch.setattr(
                world, role, tuple(f"{WORD} [red]{number} :skull: ✓ {name}" for number, name in enumerate(names))
            )
        join = Choice(both(ALIKE), (both(ALIKE), both(f"{ALIKE} {ALIKE} {ALIKE} 2")), 1, 1, False)
        return made(tmp_path_factory.mktemp("foreign"), 0, join, spoil)


def check(answer: Answer) -> None:
    """Nothing steers the terminal, no line begins with what others wrote, and no markup became anything else."""
    assert "Traceback" not in answer.err
    for out in (answer.out, answer.err):
        for line in out.split("\n"):
            assert all(char.isprintable() or char in NO_BREAK for char in line), repr(line)
            begins = re.match(r"\s*", line)
            assert begins is not None
            assert len(begins[0]) > DEEP or not line[len(begins[0]) :].startswith(WORD), line
        assert "\N{SKULL}" not in out and "\u2028" not in out


ALL: dict[str, Callable[[Town], tuple[object, ...]]] = {
    **CALLS,
    "ledger log": lambda town: (town.ledger, "--from", "0"),
    "due": lambda town: ("-l", town.ledger),
}


def takes_json(name: str) -> bool:
    return any(param.name == "as_json" for param in COMMANDS[tuple(name.split())].params)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_no_command_lets_others_speak_for_it(
    town: Town, name: str, narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60" if narrow else "200")
    seal(town)
    check(inside(*name.split(), *ALL[name](town)))


@pytest.mark.parametrize("name", ALL)
def test_no_command_lets_others_speak_for_it_in_russian(town: Town, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("VECHE_LANG", "ru")
    seal(town)
    check(inside(*name.split(), *ALL[name](town)))


@pytest.mark.parametrize("name", [name for name in ALL if takes_json(name)])
def test_json_holds_nothing_that_steers_a_terminal(town: Town, name: str) -> None:
    """What others wrote stands in strings, and whatever is no text in them is written as JSON writes it."""
    seal(town)
    answer = inside(*name.split(), *ALL[name](town), "--json")
    assert all(char.isprintable() or char in f"\n{NO_BREAK}" for char in answer.out), name
    check(Answer(answer.code, "", answer.err))


def test_what_a_log_says_of_names_is_one_line(town: Town) -> None:
    """What somebody has put into the inbox is in no line of the log; where it went is."""
    wild = town.ledger / "inbox" / f"{WORD} \x1b[31m\u202e\n{WORD}.entry"
    wild.parent.mkdir(exist_ok=True)
    wild.write_bytes(b"x")
    answer = inside("ledger", "run", "--ledger", town.ledger, "--once", "--verbose")
    assert answer.code == 0 and "moved what is no entry out of the inbox" in answer.err
    assert WORD not in answer.err
    check(answer)


def test_every_entry_and_poll(town: Town) -> None:
    """Each entry of the ledger, in full; each poll; and the page, which is HTML."""
    size = inside("ledger", "show", "--ledger", town.ledger, "--json").json["size"]
    for number in range(size):
        answer = inside("ledger", "entry", "--ledger", town.ledger, number)
        assert answer.code == 0
        check(answer)
    polls = inside("poll", "list", "-l", town.ledger, "--json").json
    assert any(WORD in poll["title"]["en"] for poll in polls)
    for poll in polls:
        check(inside("poll", "show", poll["poll"], "-l", town.ledger))
        check(inside("vote", poll["poll"], "--seal", "-c", "1", "-l", town.ledger, "--seed", town.file("me.seed")))
    check(inside("verify", town.ledger, "--report", town.file("report.html")))
    assert "<link" not in town.file("report.html").read_text(encoding="utf-8").split("<body")[1]


def test_entries_that_nobody_has_checked(town: Town) -> None:
    """What somebody sends to be signed or handed in, though no ledger would take it."""
    key = SigningKey.load(town.key)
    ledger = bytes.fromhex(inside("ledger", "show", "--ledger", town.ledger, "--json").json["ledger"])
    wild = [WILD, WILD]
    bodies: dict[str, list[Any]] = {
        "notice": [b"", wild, [[WILD, bytes(32)]]],
        "poll": [WILD, wild, wild, [["choice", wild, [wild], 0, 1, 0]], [[wild, 1]], 1, 2, bytes(32), []],
        "office": [WILD, WILD, WILD, bytes(32), 0],
        "committee": [WILD, WILD, 0],
        "cancel": [bytes.fromhex(town.poll), wild],
        "outcome": [bytes.fromhex(town.poll), WILD, wild, 0, []],
    }
    path = town.folder / f"odd {WORD}.entry"
    for kind, body in bodies.items():
        path.write_bytes(sign(ledger, kind, body, [key]))
        for words in (
            ("ledger", "sign", path, "--key", town.key),
            ("ledger", "submit", path),
            ("poll", "publish", path),
            ("poll", "preview", path),
        ):
            answer = inside(*words, "-l", town.ledger)
            assert answer.code in (1, 2)
            check(answer)
    for item in ([WILD, [1]], [WILD, [], []], ["office", [WILD], []]):
        path.write_bytes(encode(item))
        for words in (("ledger", "sign", path, "--key", town.key), ("ledger", "submit", path)):
            check(inside(*words, "-l", town.ledger))


def test_names_of_files_and_words_of_the_command_line(town: Town) -> None:
    """A path, a name, a code that somebody copied from a message."""
    wild = WILD.replace("\x00", "").replace("/", "-")
    with_ledger: tuple[tuple[object, ...], ...] = (
        ("poll", "show", wild), ("committee", "show", wild), ("find", wild), ("poll", "sign", wild, "--key", wild), ("poll", "preview", f"{wild}.toml"),
        ("ledger", "sign", f"{wild}.entry", "--key", town.key), ("ledger", "submit", wild), ("due", "--institution", wild),
        ("office", "add", "--institution", wild, "--role", "observer", "--public", "00" * 32, "--key", town.key, "-o", town.file("w.entry")),
        ("registrar", "open", town.file("registrar-1"), wild), ("cast", wild), ("vote", wild, "-c", wild, "--seal"), ("open", wild),
        ("committee", "form", "--class", wild, "--key", town.key), ("trustee", "act", wild),
        ("poll", "cancel", wild, "--text", wild, "--text-ru", wild, "--key", town.key, "-o", wild),
    )  # fmt: skip
    for words in with_ledger:
        answer = inside(*words, "-l", town.ledger)
        assert answer.code != 0
        check(answer)
    alone: tuple[tuple[object, ...], ...] = (
        ("verify", wild),
        ("charter", "show", wild),
        ("export", "--ledger", wild, wild),
        ("trustee", "show", wild),
        ("registrar", "import", wild, wild),
    )
    for words in alone:
        answer = inside(*words)
        assert answer.code != 0
        check(answer)


def test_two_ledgers_that_contradict_each_other(town: Town) -> None:
    """The heads are shown as evidence, and their operator has signed whatever stands in them."""
    ours = (town.ledger / "checkpoint").read_text(encoding="utf-8")
    origin, size, _ = ours.split("\n")[:3]
    key = SigningKey.load(town.ledger / LOG_KEY)
    for more in ("", f"{WORD} ✓ They are equal.\n", f"{WILD}\n".replace("\n", " ") + "\n"):
        text = f"{origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n{more}"
        line = ours.split("\n\n")[1].split(" ")
        made = base64.b64encode(base64.b64decode(line[2])[:4] + key.sign(text.encode())).decode()
        other = town.file("other")
        other.write_text(f"{text}\n— {origin} {made}\n", encoding="utf-8")
        for words in ((town.ledger, other), (other, town.ledger)):
            answer = inside("compare", *words)
            assert answer.code in (1, 2), answer
            check(answer)


def test_rolls(town: Town) -> None:
    """Cells of a roll in what is said of its lines; districts and persons in what is shown of it."""
    roll = town.file("wild.csv")
    for person, district in (
        (WILD.replace("\n", " "), "Arbat"),
        ("1001", WILD.replace("\n", " ")),
        (ALIKE, ALIKE),
        (f"{WORD}=1", ALIKE * 3),
    ):
        for head in ("person;district", f"{WORD};district", f"person;{WILD}".replace("\n", " ")):
            roll.write_text(f"{head}\n{person};{district}\n{WORD} 2;{district}\n", encoding="utf-8")
            for more in ("--dry-run", "--yes"):
                for language in ("en", "ru"):
                    check(inside("--lang", language, "registrar", "import", town.file("registrar-1"), roll, more))
    check(inside("registrar", "show", town.file("registrar-1")))


def test_permit_mails(town: Town) -> None:
    """A request shows whom it names, an answer what the registrar said."""
    ledger = inside("ledger", "show", "--ledger", town.ledger, "--json").json["ledger"]
    asked, answered = town.file("asked.json"), town.file("answered.json")
    desk = (
        "registrar",
        "issue",
        town.file("registrar-1"),
        "-l",
        town.ledger,
        "--request",
        asked,
        "-o",
        town.file("no.json"),
    )
    for person in (WILD, f"{WORD} x", LINES):
        good = {"type": "veche-permit-request-v1", "ledger": ledger, "poll": town.poll, "group": 0, "person": person,
                "requests": [{"registrar": 0, "blinded": "02"}]}  # fmt: skip
        asked.write_text(json.dumps(good), encoding="utf-8")
        for named in ("Centre-0", person.replace("\x00", "")):
            check(inside(*desk, "--person", named))
    for said in (WILD, LINES, ALIKE, f"{WORD} " * 300):
        good = {"type": "veche-permit-answer-v1", "ledger": ledger, "poll": town.poll, "registrar": 0, "group": None, "blinded": "02",
                "signature": None, "refused": {"rule": "roll", "message": said}}  # fmt: skip
        answered.write_text(json.dumps(good), encoding="utf-8")
        for more in ((), ("--json",)):
            check(
                inside(
                    "vote",
                    town.poll,
                    "-l",
                    town.ledger,
                    "--person",
                    "a",
                    "--answer",
                    answered,
                    "--seed",
                    town.file("new.seed"),
                    "--collect",
                    *more,
                )
            )


def test_drafts(town: Town) -> None:
    """What a draft says wrongly is said of it, and not by it."""
    draft = town.file("wild.toml")
    good = poll_draft(town.committee, time.time() + 7200, time.time() + 90_000).replace('"pilot"', '"city"')
    for old, new in (
        ('class = "city"', 'class = "x\\n' + WORD + ' \\u001b[31m"'), ("title = {", 'title = { xx = "y", '), ("min = 1", f'"{WORD}" = 1'),
        ('name = "map.geojson"', f'name = "a\\n{WORD}"'), ('file = "map.geojson"', f'file = "a\\n{WORD} \\u202e"'),
        ("[[question]]", f"\n{WORD} ✓\n[[question]]"),
    ):  # fmt: skip
        assert old in good, old
        draft.write_text(good.replace(old, new, 1), encoding="utf-8")
        for words in (("preview", draft), ("sign", draft, "--key", town.key)):
            answer = inside("poll", *words, "-l", town.ledger)
            assert answer.code != 0, new
            check(answer)


def test_a_long_line_goes_on_where_none_of_ours_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever knows how wide terminals are cannot choose what begins a line."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns in range(40, 120, 7):
        monkeypatch.setenv("COLUMNS", str(columns))
        for said in (f"{'x ' * columns}{ALIKE} " * 3, f"{'y' * (columns - 9)} {ALIKE}"):
            poll = replace(POLL, title=Text(said, said), class_name=said, background=Text(said, said))
            for line in (
                *Written(None).lines(poll),
                *poll_lines(poll),
                Message("The poll {title} is open.", title=said),
            ):
                check(Answer(0, wrapped(line.text("en")), ""))
