"""Results as they are, in what people and scripts get: ``poll show``, ``poll list``, ``verify`` and the table for spreadsheets."""

import csv
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.audit.page.page import page
from veche.audit.poll_view import view_poll
from veche.audit.report import report_ledger
from veche.cli.reading import read_ledger
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.terminal.poll_text import say_list
from veche.terminal.say import choose_language
from veche.world import DAY, World

from .conftest import fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, True)
WORKS = Choice(Text("Works?", "Работы?"), (Text("Trees", "Деревья"), Text("Benches", "Лавки")), 1, 2, False)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, PollState, PollState]]:
    """A decided poll of districts and weights whose registrars have different rolls, and one that waits for its registrars."""
    folder = tmp_path_factory.mktemp("town")
    with World(folder, citizens={"Centre": 4, "North": 3}, genesis=int(time.time()) - 5 * DAY) as world:
        roll = folder / "roll.csv"
        roll.write_text("\n".join([*roll.read_text().splitlines(), "someone,North"]) + "\n")
        world.registrars[1].import_roll(roll)
        committee = world.form_committee()
        poll = world.poll([JOIN], committee=committee, districts=[("Centre", 2), ("North", 1)], days=1)
        world.wait_until(poll.definition.opens)
        for number, citizen in enumerate(world.citizens):
            world.vote(citizen, poll, [[1, 0, 0]] if number == 0 else [[0, number % 2, 1 - number % 2]])
        world.wait_until(poll.closing)
        world.trustees_act()
        world.wait_until(int(time.time()) - 60)
        world.say("outcome", [poll.id, "will", ["We will.", "Сделаем."], world.now, []], world.organisers[0])
        waiting = world.announce([WORKS], committee=committee)
        world.submit(world.permit_keys(0, waiting))
    yield folder / "ledger", poll, waiting


Town = tuple[Path, PollState, PollState]


@pytest.mark.parametrize("words", [("poll", "show"), ("verify",)])
def test_districts_weights_turnout_and_rolls_are_said(town: Town, words: tuple[str, ...]) -> None:
    ledger, poll, _ = town
    given = (poll.id.hex(), "-l", ledger) if words[0] == "poll" else (ledger, "--poll", poll.id.hex())
    lines = ok(*words, *given, run=inside).out.splitlines()
    said = "\n".join(" ".join(line.split()) for line in lines)
    assert "7 ballots (87.5% of the 8 people on the longest rolls), which weigh 11" in said
    assert "The registrars' rolls differ: Civil registry: 7; Post office: 8." in said
    for row in ("│ Centre │ 4 │ 2 │ 4 │ 100.0% │", "│ North │ 3 │ 1 │ 4 │ 75.0% │"):
        assert row in said
    assert (
        "│ Group │ For │ Against │ Left blank │\n" in said
        and "│ Centre │ 4 │ 2 │ 2 │\n" in said
        and "│ North │ 1 │ 2 │ 0 │\n" in said
    )
    order = [said.index(answer) for answer in ("1 For █", "2 Against █", "– Left blank █")]
    assert order == sorted(order), "blank comes last, as everywhere"
    assert "The city will do this by" in said and "late" not in said, "it is due today"


def test_the_same_numbers_in_all_json(town: Town) -> None:
    ledger, poll, _ = town
    shown = ok("poll", "show", poll.id.hex(), "-l", ledger, "--json", run=inside).json
    listed = ok("poll", "list", "-l", ledger, "--json", run=inside).json[0]
    verified = ok("verify", ledger, "--json", run=inside).json["polls"][0]
    assert {name: value for name, value in shown.items() if name != "test"} == verified
    assert all(shown[name] == value for name, value in listed.items())
    assert (shown["counted"], shown["weight"], shown["people"], shown["rolls_differ"]) == (7, 11, 8, True)
    answers = [{**answer, "text": answer["text"]["ru"]} for answer in shown["questions"][0]["answers"]]
    assert answers == [
        {"text": "За", "blank": False, "votes": 5},
        {"text": "Против", "blank": False, "votes": 4},
        {"text": "Без ответа", "blank": True, "votes": 2},
    ]


def test_a_list_says_what_each_poll_waits_for(town: Town) -> None:
    ledger, poll, waiting = town
    said = ok("poll", "list", "-l", ledger, run=inside).out
    first, second, note = said.splitlines()
    assert first.startswith(poll.id.hex()[:12]) and "decided" in first and "7 of 8 voted" in first
    assert (
        second.startswith(waiting.id.hex()[:12])
        and "announced" in second
        and "opens " in second
        and "2026" in second
        and "open " not in second
    )
    assert "if 2 of its 2 registrars have published permit keys by then. They are missing from: Post office." in note
    assert "  │ 1. Works?\n  │    1. Trees\n  │    2. Benches\n" in ok("verify", ledger, run=inside).out
    found = ok("poll", "list", "-l", ledger, "--json", run=inside).json[1]
    assert (found["status"], found["next"]) == ("announced", None)
    assert [one["published"] for one in found["registrars"]] == [True, False]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_list_has_the_id_of_each_poll_however_narrow(
    town: Town, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, poll, waiting = town
    with read_ledger(ledger) as reading:
        found = [view_poll(reading.state, one, reading.time) for one in reading.state.polls()]
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("VECHE_LANG", "ru")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    choose_language("ru")
    capsys.readouterr()
    say_list(found)
    choose_language(None)
    said = capsys.readouterr().out
    assert all(len(line) <= columns for line in said.splitlines()), said
    for one in (poll, waiting):
        assert any(line.startswith(f"{one.id.hex()[:12]} ") for line in said.splitlines()), said
    assert "подсчитано" in said and "объявлено" in said, said


def test_a_table_for_spreadsheets(town: Town, tmp_path: Path) -> None:
    ledger, poll, waiting = town
    target = tmp_path / "result.csv"
    ok("poll", "show", poll.id.hex(), "-l", ledger, "--csv", target, run=inside)
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["group"], row["answer_text"], row["votes"]) for row in csv.DictReader(file)]
    assert rows[:3] == [("", "“For”", "5"), ("", "“Against”", "4"), ("", "Left blank", "2")]
    assert rows[3:] == [
        ("“Centre”", "“For”", "4"), ("“Centre”", "“Against”", "2"), ("“Centre”", "Left blank", "2"),
        ("“North”", "“For”", "1"), ("“North”", "“Against”", "2"), ("“North”", "Left blank", "0"),
    ]  # fmt: skip
    fails(2, "exists already", "poll", "show", poll.id.hex(), "-l", ledger, "--csv", target, run=inside)
    early = tmp_path / "early.csv"
    fails(2, "has no result yet", "poll", "show", waiting.id.hex(), "-l", ledger, "--csv", early, run=inside)
    assert not early.exists()


def test_groups_that_were_counted_together_are_named(tmp_path: Path) -> None:
    """Three ballots from two districts, where fewer than three are never decrypted apart."""
    with World(tmp_path, citizens={"Centre": 2, "North": 2}, genesis=int(time.time()) - 2 * DAY) as world:
        groups = tuple(Group(Text(name, name), 1) for name in ("Centre", "North"))
        committee, opens = world.form_committee(), world.now + 2 * 3600
        poll = world.publish(Poll("city", JOIN.text, Text("", ""), (JOIN,), groups, opens, opens + 3 * 3600, committee))
        for number in range(2):
            world.submit(world.permit_keys(number, poll))
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens[:3]:
            world.vote(citizen, poll, [[0, 1, 0]])
        world.wait_until(poll.closing)
        world.trustees_act()
        world.engine.tick()
    given, table = (poll.id.hex(), "-l", tmp_path / "ledger"), tmp_path / "result.csv"
    for words in (("poll", "show", *given, "--csv", table), ("verify", tmp_path / "ledger")):
        said = ok(*words, run=inside).out
        assert "Counted together, because fewer than 3 ballots are never decrypted: Centre + North." in said
        assert "│ Centre + North │ 3 │ 0 │ 0 │" in " ".join(said.split())
        assert "Look at this: It was open for 3 hours only." in said and "It is open" not in said
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["group"], row["ballots"], row["answer_text"], row["votes"]) for row in csv.DictReader(file)]
    assert ("“Centre” + “North”", "3", "“For”", "3") in rows
    (cell,) = ok("poll", "show", *given, "--json", run=inside).json["cells"]
    assert (cell["groups"], cell["counted"]) == ([0, 1], 3)
    assert "Counted together" in page(report_ledger(verify_ledger(Folder(tmp_path / "ledger"))))


def test_of_a_folder_it_is_said_what_was_verified(town: Town, tmp_path: Path) -> None:
    ledger, poll, _ = town
    folder = tmp_path / "city"
    folder.mkdir()
    ok("export", folder / "bridge.bel", "--poll", poll.id.hex(), "-l", ledger, run=inside)
    said = ok("verify", folder, run=inside).err
    assert f"Of the folder {folder} this verifies the archive bridge.bel." in said and "Look at this" not in said
    shutil.copytree(ledger, folder / "ledger")
    assert (
        f"Look at this: {folder / 'ledger'} is a ledger, and is not verified now"
        in ok("verify", folder, run=inside).err
    )
    assert "this verifies the archive" not in ok("verify", folder / "bridge.bel", run=inside).err
