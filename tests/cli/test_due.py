"""``veche due``: a table for people and rows for scripts, of all or of one's own."""

import time
from pathlib import Path

import pytest

from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.texts import DATE, Moment
from veche.world import DAY, World

from .city import City, found
from .conftest import fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    city = found(tmp_path_factory.mktemp("city"), run=inside)
    ok("committee", "form", "--class", "pilot", "-k", city.organisers[0], "-l", city.ledger, run=inside)
    return city


def due(city: City, *words: object) -> str:
    return ok("due", "-l", city.ledger, *words, run=inside).out


def test_it_says_of_whom_what_and_until_when(city: City) -> None:
    lines = due(city).splitlines()
    assert lines[0].split() == ["When", "Who", "What", "About"] and len(lines) == 4
    assert all(line.startswith("until ") and "key generation" in line and "class pilot" in line for line in lines[1:])
    assert [name in "".join(lines) for name in ("University", "Bar association", "Journalists' union")] == [True] * 3


def test_one_s_own(city: City) -> None:
    mine = due(city, "--institution", "University")
    assert "University (trustee)" in mine and "Bar association" not in mine
    assert due(city, "--key", city.trustees[0]) == mine
    assert due(city, "--key", city.registrars[0]) == "Nothing is due.\n"
    fails(
        2,
        "No institution in this ledger is called 'Universty'.",
        "due",
        "-l",
        city.ledger,
        "--institution",
        "Universty",
        run=inside,
    )
    stranger = city.folder / "stranger.key"
    ok("office", "keygen", stranger, run=inside)
    fails(2, "was never that of an office in this ledger", "due", "-l", city.ledger, "--key", stranger, run=inside)


def test_rows_for_scripts(city: City) -> None:
    rows = ok("due", "-l", city.ledger, "--json", run=inside).json
    assert {row["institution"] for row in rows} == {"University", "Bar association", "Journalists' union"}
    for row in rows:
        assert (
            row["duty"] == "committee-certificate" and row["role"] == "trustee" and row["possible"] and not row["late"]
        )
        assert row["until"] - row["since"] == 7 * 86_400 and len(row["about"]) == 64


def test_what_is_late_stands_first_and_is_named_so(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 4}) as world:  # it lives months ago
        poll = world.poll([JOIN], committee=world.form_committee())
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.wait_until(poll.closing)
        for trustee in world.trustees[:2]:
            for entry in trustee.due(world.view()):
                world.submit(entry)
        world.engine.tick()
    ledger = tmp_path / "ledger"
    lines = ok("due", "-l", ledger, run=inside).out.splitlines()[1:]
    assert len(lines) == 3 and all(line.startswith("LATE since ") for line in lines)
    # The third trustee's share would be taken, and nothing waits for it: the poll is decided.
    assert (
        not any("decrypt the tally" in line for line in lines) and sum("any organiser" in line for line in lines) == 1
    )
    assert sum("account for the permits" in line for line in lines) == 2
    assert all(row["late"] for row in ok("due", "-l", ledger, "--json", run=inside).json)


def test_a_promise_has_one_day_wherever_it_is_said(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 4}, genesis=int(time.time()) - 3 * DAY) as world:
        poll = world.poll([JOIN], committee=world.form_committee(), days=1)
        world.wait_until(poll.closing)
        day = world.now // DAY * DAY + 100 * DAY
        said = world.say(
            "outcome", [poll.id, "will", ["We will.", "Сделаем."], day + 5 * 3600, []], world.organisers[0]
        )
    ledger, named = tmp_path / "ledger", Moment(day, DATE).text("en")
    promise = next(line for line in ok("due", "-l", ledger, run=inside).out.splitlines() if "promised" in line)
    assert promise.startswith(f"until {named}  ")
    shown = ok("poll", "show", poll.id.hex(), "-l", ledger, run=inside).out
    assert f"The city will do this by {named}" in shown
    assert f"\nBy: {named} (in the entry: " in ok("ledger", "entry", said, "-l", ledger, run=inside).out
