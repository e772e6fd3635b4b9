"""Texts of others never speak for the program: in no output of any command does a line begin with one, nor steer the terminal.

The town's names, titles, questions, notices, reasons and files bear line ends, separators, terminal codes, marks that turn the direction,
the markup of rich, and lines like the program's own. All of them begin with one word, which must not begin a line of an output.
"""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from terminal.test_whole import POLL

from veche import world
from veche.keys import SigningKey
from veche.ledger.codec import encode
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.entries.statements import Cancel, Contest, Notice, Outcome, OutcomeStatus
from veche.ledger.shape import Attachment, Text
from veche.ledger.signing import sign
from veche.terminal.say import wrapped
from veche.terminal.show import poll_lines
from veche.terminal.whole import Whole
from veche.texts import Message

from .city import poll_draft
from .conftest import Answer, inside
from .test_named_test import CALLS, Town, made, seal

WORD = "FORGED"
ALIKE = f"{WORD} ✓ L5  everything holds [red]x[/red] :skull: [link=x]y[/link]"
"""What may stand in one line of an entry."""
LINES = f"Fine.\n{ALIKE}\n  {WORD} Decided: 40 ballots counted.\n\n{WORD} Error: none"
"""What may stand in several."""
WILD = f"x\n{WORD} a\r{WORD} b\u2028{WORD} c\x1b[31m{WORD}\u202e d\x07\x9b2J\x00\u2066 [red]:skull:"
"""What may stand in none."""
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
            assert all(char.isprintable() for char in line), repr(line)
            begins = re.match(r"\s*", line)
            assert begins is not None
            assert len(begins[0]) > DEEP or not line[len(begins[0]) :].startswith(WORD), line
        assert "\N{SKULL}" not in out and "\u2028" not in out


ALL: dict[str, Callable[[Town], tuple[object, ...]]] = {
    **CALLS,
    "ledger log": lambda town: (town.ledger, "--from", "0"),
    "due": lambda town: ("-l", town.ledger),
}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_no_command_lets_others_speak_for_it(
    town: Town, name: str, narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60" if narrow else "200")
    seal(town)
    check(inside(*name.split(), *ALL[name](town)))


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
            for line in (*Whole(None).lines(poll), *poll_lines(poll), Message("The poll {title} is open.", title=said)):
                check(Answer(0, wrapped(line.text("en")), ""))
