"""``veche charter add-class``: the draft of a class becomes an entry that institutions sign and hand in."""

from pathlib import Path

import pytest

from veche.world import World

from .conftest import fails_inside as fails
from .conftest import ok_inside as ok

DRAFT = """
[[class]]
name = "districts"
registrars = [{ institution = "Civil registry", source = "source 1" }, { institution = "Post office", source = "source 2" }]
k = 2
f = 0
sources = 2
trustees = ["University", "Bar association", "Journalists' union"]
t = 2
f_t = 0
smallest = 20
notice = "1 hour"
longest = "7 days"
organisers = 2
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    with World(tmp_path, trustees=(3, 2)) as made:
        made.engine.tick()
        for number, key in enumerate([*made.organisers, made.trustees[0].key]):
            key.save(tmp_path / f"{number}.key")
    return made


def test_institutions_sign_and_hand_in_a_class(world: World, tmp_path: Path) -> None:
    draft, entry, ledger = tmp_path / "class.toml", tmp_path / "class.entry", tmp_path / "ledger"
    draft.write_text(DRAFT, encoding="utf-8")
    keys = [tmp_path / f"{number}.key" for number in range(3)]
    said = ok("charter", "add-class", draft, "-l", ledger, "--key", keys[0], "--key", keys[1], "-o", entry).out
    assert (
        "2 of the 3 trustees together could read single votes" in " ".join(said.split())
        and "3 institutions have to sign" in said
    )
    said = ok("ledger", "sign", entry, "-l", ledger, "--key", keys[2]).out
    assert "districts" in said
    assert entry.stat().st_size > 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[[class]]", "[[classes]]"), "'classes' is not known there"),
        (('name = "districts"', 'name = "city"'), "a class of this name already"),
        (("t = 2", "t = 1"), "two quorums could share"),
        ((DRAFT, ""), "one class is added at a time"),
        ((DRAFT, DRAFT + DRAFT), "one class is added at a time"),
    ],
)
def test_a_draft_that_adds_none(world: World, tmp_path: Path, change: tuple[str, str], said: str) -> None:
    draft = tmp_path / "class.toml"
    draft.write_text(DRAFT.replace(*change), encoding="utf-8")
    code = 2 if change[0] in ("[[class]]", DRAFT) else 1
    fails(
        code,
        said,
        "charter",
        "add-class",
        draft,
        "-l",
        tmp_path / "ledger",
        "--key",
        tmp_path / "0.key",
        "-o",
        tmp_path / "a.entry",
    )
    assert not (tmp_path / "a.entry").exists()
