"""``veche compare``: two copies are one ledger, two ledgers, or the proof that somebody shows different ones."""

import shutil
from pathlib import Path

import pytest
from node import Node

from veche.log.checkpoint import SignedCheckpoint
from veche.world import World

from .conftest import Answer, fails, inside, ok


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ledger``, ``older``: its beginning, ``fork`` and ``longer-fork``: other ways on from there, by the same key; ``stranger``: another
    ledger; each also as an export, and its checkpoint."""
    top = tmp_path_factory.mktemp("town")
    with World(top) as world:
        world.form_committee()
        shutil.copytree(top / "ledger", top / "older")
        world.say("committee", ["city", "pedersen", 7], world.organisers[0])
        world.engine.tick()
        size, later = world.ledger.size, world.now + 60
    for name, until in (("fork", size - 1), ("longer-fork", size + 1)):
        shutil.copytree(top / "older", top / name)
        with Node(top / name) as fork:
            fork.lead_on(later, until)
            fork.publish()
    with World(top / "elsewhere"):
        pass
    shutil.copytree(top / "elsewhere" / "ledger", top / "stranger")
    for name in ("ledger", "older", "fork", "longer-fork", "stranger"):
        ok("export", "--ledger", top / name, top / f"{name}.tar", run=inside)
        shutil.copy(top / name / "checkpoint", top / f"{name}.head")
    return top


def forms(name: str) -> list[str]:
    return [name, f"{name}.tar", f"{name}.head"]


def compare(town: Path, first: str, second: str, *words: object) -> Answer:
    return inside("compare", town / first, town / second, *words)


def test_equal_in_whatever_form(town: Path) -> None:
    for first in forms("ledger"):
        for second in forms("ledger"):
            answer = compare(town, first, second)
            if first == second == "ledger.head":
                assert answer.code == 2 and "by whom they must be signed" in answer.err
            else:
                assert answer.code == 0 and answer.out.endswith("They are equal.\n"), answer


def test_one_goes_on_from_the_other(town: Path) -> None:
    for shorter in forms("older"):
        for longer in forms("ledger")[:2]:
            assert f"{longer} goes on from" in compare(town, shorter, longer).out
            rows = compare(town, longer, shorter, "--json").json
            assert rows["relation"] == "shorter" and rows["copies"][0]["size"] > rows["copies"][1]["size"]
            assert compare(town, shorter, longer, "--json").json["relation"] == "longer"
    for shorter in forms("older"):
        if not shorter.endswith("head"):
            fails(2, "not only its checkpoint", "compare", town / shorter, town / "ledger.head", run=inside)


def test_two_that_contradict_each_other(town: Path) -> None:
    for fork in (*forms("fork"), *forms("longer-fork")[:2]):
        for other in forms("ledger")[:2]:
            for answer in (compare(town, fork, other), compare(town, other, fork)):
                assert answer.code == 1 and "They contradict each other" in answer.err and "-o FOLDER" in answer.err
                heads = [(town / name / "checkpoint").read_text() for name in ("ledger", fork.split(".")[0])]
                assert all(head in answer.out for head in heads), "both heads, to be copied"
            answer = compare(town, fork, other, "--json")
            assert answer.code == 1 and answer.json["relation"] == "contradicts" and answer.json["evidence"] is None


def test_the_evidence_is_kept_as_it_is_at_this_moment(town: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    answer = compare(town, "ledger", "longer-fork.tar", "-o", folder)
    assert answer.code == 1 and str(folder) in answer.err
    assert sorted(path.name for path in folder.iterdir()) == ["1.checkpoint", "1.tar", "2.checkpoint", "2.tar"]
    assert (folder / "2.tar").read_bytes() == (town / "longer-fork.tar").read_bytes()
    assert compare(folder, "1.checkpoint", "2.tar").code == 1, "which shows the same to whoever gets it"
    fails(2, "not an empty folder", "compare", town / "ledger", town / "fork", "-o", folder, run=inside)
    assert compare(town, "ledger", "older", "-o", tmp_path / "none").code == 0 and not (tmp_path / "none").exists()


def test_two_heads_of_one_size_need_the_key_and_nothing_else(town: Path) -> None:
    key = ok("ledger", "show", "--ledger", town / "ledger", "--json", run=inside).json["vkeys"][0]
    assert compare(town, "ledger.head", "fork.head", "--key", key).code == 1
    assert compare(town, "ledger.head", "ledger.head", "--key", key).code == 0
    other = ok("ledger", "show", "--ledger", town / "stranger", "--json", run=inside).json["vkeys"][0]
    fails(
        2,
        "is of another ledger of the same name",
        "compare",
        town / "ledger.head",
        town / "fork.head",
        "--key",
        other,
        run=inside,
    )
    fails(2, "not those that sign the heads", "compare", town / "ledger", town / "fork", "--key", other, run=inside)


def test_two_ledgers_are_no_contradiction(town: Path) -> None:
    for stranger in forms("stranger"):
        answer = compare(town, "ledger", stranger)
        assert answer.code == 2 and ("two different ledgers" in answer.err or "of another ledger" in answer.err)


def test_one_key_under_two_charters_is(town: Path, tmp_path: Path) -> None:
    """Whoever begins two ledgers of one name with one key shows different ones to different people."""
    with World(tmp_path / "a") as world:
        key, offices, charter = tmp_path / "a" / "ledger" / "log.key", world.office_keys, world.charter
    from dataclasses import replace

    from veche.engine.embedded import create_ledger
    from veche.keys import SigningKey

    (tmp_path / "b").mkdir()
    shutil.copy(key, tmp_path / "b")
    create_ledger(
        tmp_path / "b", replace(charter, time=charter.time + 1).sign(b"", offices), SigningKey.load(key)
    ).close()
    answer = inside("compare", tmp_path / "a" / "ledger", tmp_path / "b")
    assert answer.code == 1 and "They contradict each other" in answer.err


def test_a_head_that_was_not_signed_is_said_to_be_none(town: Path, tmp_path: Path) -> None:
    signed = SignedCheckpoint.parse((town / "older.head").read_bytes())
    lines = (town / "fork.head").read_bytes().split(b"\n\n")[1]
    (tmp_path / "forged").write_bytes(signed.checkpoint.text().encode() + b"\n" + lines)
    fails(1, "forged", "compare", town / "ledger", tmp_path / "forged", run=inside)
    (tmp_path / "junk").write_bytes(b"junk")
    fails(2, "is not a checkpoint", "compare", town / "ledger", tmp_path / "junk", run=inside)
    fails(2, "nowhere", "compare", town / "ledger", tmp_path / "nowhere", run=inside)


def test_a_damaged_copy_is_no_contradiction(town: Path, tmp_path: Path) -> None:
    shutil.copytree(town / "ledger", tmp_path / "damaged")
    for path in (tmp_path / "damaged" / "tile" / "0").rglob("*"):
        if path.is_file():
            path.write_bytes(bytes(len(path.read_bytes())))
    answer = compare(town, "older", str(tmp_path / "damaged"))
    assert answer.code == 1 and "tile/0" in answer.err and "contradict" not in answer.err


def test_an_equal_head_over_other_entries_is_not_equal(town: Path, tmp_path: Path) -> None:
    shutil.copytree(town / "ledger", tmp_path / "forged")
    bundle = next(path for path in (tmp_path / "forged" / "tile" / "entries").rglob("*") if path.is_file())
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    for words in (
        ("ledger", tmp_path / "forged"),
        (tmp_path / "forged", "ledger.head"),
        ("older", tmp_path / "forged"),
    ):
        first, second = (str(town / word) for word in words)
        answer = inside("compare", first, second)
        assert answer.code == 1 and "equal" not in answer.out and f"{tmp_path / 'forged'}: tile/" in answer.err, answer
    bundle.unlink()
    fails(1, "is missing", "compare", town / "ledger", tmp_path / "forged", run=inside)
