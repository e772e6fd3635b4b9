"""``veche registrar compare``: two registrars find out before a poll opens that one of them has not somebody on the roll."""

import stat
from pathlib import Path

import pytest

from . import conftest
from .conftest import Answer, inside


def ok(*args: object) -> Answer:
    return conftest.ok(*args, run=inside)


def fails(code: int, sentence: str, *args: object) -> Answer:
    return conftest.fails(code, sentence, *args, run=inside)


@pytest.fixture
def offices(tmp_path: Path) -> Path:
    """Two registrars, ``registry`` and ``post``, with a key in common; each has written a comparison."""
    for name, rows in (
        ("registry", ["1001,Arbat", "1002,Arbat", "1003,Arbat"]),
        ("post", ["1001,Arbat", "1002,Presnya"]),
    ):
        ok("registrar", "init", tmp_path / name)
        roll = tmp_path / "roll.csv"
        roll.write_text("\n".join(["person,district", *rows]) + "\n", encoding="utf-8")
        ok("registrar", "import", tmp_path / name, roll)
    key = tmp_path / "rolls.key"
    assert "in person" in ok("registrar", "compare-key", key).out
    for name in ("registry", "post"):
        ok("registrar", "compare-file", tmp_path / name, "--key", key, "-o", tmp_path / f"{name}.comparison")
    return tmp_path


def test_what_the_two_find(offices: Path) -> None:
    key = ("--key", offices / "rolls.key")
    answer = inside("registrar", "compare", offices / "registry", offices / "post.comparison", *key)
    assert answer.code == 1
    for line in (
        "  Arbat           3         1  !",
        "  Presnya         0         1  !",
        "1 person is on our roll only:",
        "  1003, Arbat",
        "  1002: Arbat on ours, Presnya on theirs",
        "The rolls are not the same.",
    ):
        assert line in answer.out.splitlines(), answer.out
    answer = inside("registrar", "compare", offices / "post", offices / "registry.comparison", *key)
    assert answer.code == 1 and "1 person is on their roll only (Arbat 1)" in answer.out
    answer = inside("registrar", "compare", offices / "post", offices / "registry.comparison", *key, "--json")
    assert answer.code == 1 and answer.json == {
        "equal": False,
        "districts": {"Arbat": {"ours": 1, "theirs": 3}, "Presnya": {"ours": 1, "theirs": 0}},
        "only_ours": [],
        "only_theirs": {"Arbat": 1},
        "moved": [{"person": "1002", "ours": "Presnya", "theirs": "Arbat"}],
        "alike": [],
    }
    (offices / "roll.csv").write_text("person,district\n1002,Arbat\n1001,Arbat\n1003,Arbat\n")
    ok("registrar", "import", offices / "post", offices / "roll.csv", "--yes")
    said = ok("registrar", "compare", offices / "post", offices / "registry.comparison", *key)
    assert "The rolls are the same. Erase the comparison" in said.out


def test_the_files_are_their_owners_alone_and_are_not_replaced(offices: Path) -> None:
    for name in ("rolls.key", "post.comparison"):
        assert stat.S_IMODE((offices / name).stat().st_mode) == 0o600
    before = {path: path.read_bytes() for path in offices.iterdir() if path.is_file()}
    key = ("--key", offices / "rolls.key")
    fails(2, "rolls.key", "registrar", "compare-key", offices / "rolls.key")
    fails(2, "post.comparison", "registrar", "compare-file", offices / "post", *key, "-o", offices / "post.comparison")
    assert before == {path: path.read_bytes() for path in offices.iterdir() if path.is_file()}


def test_what_does_not_go_together(offices: Path) -> None:
    key, compare = ("--key", offices / "rolls.key"), ("registrar", "compare")
    fails(2, "by this registrar itself", *compare, offices / "post", offices / "post.comparison", *key)
    fails(2, "is no comparison", *compare, offices / "post", offices / "roll.csv", *key)
    fails(2, "cannot be read", *compare, offices / "post", offices / "missing", *key)
    fails(
        2, "cannot be read", *compare, offices / "post", offices / "registry.comparison", "--key", offices / "missing"
    )
    fails(2, "no registrar in the folder", *compare, offices, offices / "registry.comparison", *key)
    other = offices / "other.key"
    ok("registrar", "compare-key", other)
    fails(2, "another key", *compare, offices / "post", offices / "registry.comparison", "--key", other)
    for content in ("", "00", "no key"):
        other.write_text(content)
        fails(
            2,
            "not a key for comparing rolls",
            *compare,
            offices / "post",
            offices / "registry.comparison",
            "--key",
            other,
        )
        other.chmod(0o644)  # what it is comes before who may read it
        assert (
            "chmod"
            not in fails(
                2, "not a key for", *compare, offices / "post", offices / "registry.comparison", "--key", other
            ).err
        )
    (offices / "rolls.key").chmod(0o644)
    fails(2, "read by others", *compare, offices / "post", offices / "registry.comparison", *key)


def test_many_who_differ_are_not_all_shown(offices: Path) -> None:
    (offices / "roll.csv").write_text("person,district\n" + "".join(f"p{number},Arbat\n" for number in range(150)))
    ok("registrar", "import", offices / "registry", offices / "roll.csv", "--yes")
    words = ("registrar", "compare", offices / "registry", offices / "post.comparison", "--key", offices / "rolls.key")
    answer = inside(*words)
    assert answer.code == 1 and "150 people are on our roll only:" in answer.out and "and 50 more" in answer.out
    assert len(inside(*words, "--json").json["only_ours"]) == 150
