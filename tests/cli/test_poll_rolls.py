"""A poll's groups held against the rolls before it is published, when a name that is wrong can still be corrected."""

import pytest

from .conftest import fails_inside as fails
from .conftest import ok_inside as ok
from .test_signing import Town

ROLL = "person;district\n1;Заречный\n2;Заречный\n3;Центр\n4;Лесной\n"
GROUPS = """
[[group]]
name = {{ en = "Zarechny", ru = "{ru}" }}
[[group]]
name = {{ en = "Centre", ru = "Центр" }}
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    town = Town(tmp_path_factory.mktemp("town"))
    (town.folder / "rolls.csv").write_text(ROLL, encoding="utf-8")
    return town


def test_a_group_that_is_called_as_no_district_is(town: Town) -> None:
    draft, roll = town.draft("typo", more=GROUPS.format(ru="Зареченский")), town.folder / "rolls.csv"
    refused = fails(2, "no district “Zarechny” / “Зареченский”", "poll", "preview", draft, *town.ledger, "--roll", roll)
    assert "A district on it is called “Заречный”." in refused.err and "--everyone" not in refused.err
    lines = [line.split() for line in refused.out.splitlines()]
    assert ["0", "Zarechny", "/", "Зареченский"] in lines and ["1", "Centre", "/", "Центр"] in lines
    assert ["2", "Заречный"] in lines and ["1", "Лесной"] in lines
    assert "3 people live in districts that are in no group of the poll, and cannot vote:" in refused.out


def test_the_same_of_a_registrar_s_folder_and_in_russian(town: Town) -> None:
    draft = town.draft("right", more=GROUPS.format(ru="Заречный"))
    desk = town.folder / "desk"
    ok("registrar", "init", desk)
    fails(2, "nobody on the roll", "poll", "preview", draft, *town.ledger, "--roll", desk)
    ok("registrar", "import", desk, town.folder / "rolls.csv")
    said = ok("poll", "preview", draft, *town.ledger, "--roll", desk, "--lang", "ru").out
    assert ["2", "Zarechny", "/", "Заречный"] in [line.split() for line in said.splitlines()]
    assert "1 житель" in " ".join(said.split()) and "held against no roll" not in said


def test_who_gives_no_roll_is_told_what_was_not_looked_at(town: Town) -> None:
    assert (
        "held against no roll"
        in ok("poll", "preview", town.draft("some", more=GROUPS.format(ru="Заречный")), *town.ledger).out
    )
    assert "held against no roll" not in ok("poll", "preview", town.draft("everyone"), *town.ledger).out
    assert (
        "       4  Everyone / Все"
        in ok("poll", "preview", town.draft("all"), *town.ledger, "--roll", town.folder / "rolls.csv").out
    )


def test_a_roll_that_is_none(town: Town) -> None:
    bad = town.folder / "bad.csv"
    bad.write_text("person;district\n1;#REF!\n", encoding="utf-8")
    draft = town.draft("some", more=GROUPS.format(ru="Заречный"))
    fails(2, "line 2", "poll", "preview", draft, *town.ledger, "--roll", bad)
    fails(2, "cannot be read", "poll", "preview", draft, *town.ledger, "--roll", town.folder / "nowhere.csv")
