"""What is asked for and contradicts what is stored: it is said, and nothing is changed."""

from pathlib import Path

import pytest

from . import conftest
from .conftest import Answer, inside


def ok(*args: object) -> Answer:
    return conftest.ok(*args, run=inside)


def fails(code: int, sentence: str, *args: object) -> Answer:
    return conftest.fails(code, sentence, *args, run=inside)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("office", ["registrar", "trustee", "witness", "organiser"])
def test_no_office_opens_the_folder_of_another(office: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    if office == "organiser":
        ok("office", "keygen", folder / "office.key")
    else:
        ok(office, "init", folder, *([] if office == "registrar" else ["--institution", "Office"]))
    roll = tmp_path / "roll.csv"
    roll.write_text("person,district\nann,Arbat\n")
    before = content(folder)
    for command in (
        ("registrar", "show", folder),
        ("registrar", "import", folder, roll),
        ("registrar", "import", folder, roll, "--dry-run"),
        ("trustee", "show", folder),
        ("trustee", "clock", folder, "--yes"),
        ("trustee", "rekey", folder),
        ("witness", "show", folder),
    ):
        if command[0] != office:
            answer = inside(*command)
            assert answer.code == 2 and str(folder) in answer.err, (command, answer)
    for role in ("registrar", "trustee", "witness"):
        answer = inside(role, "init", folder, *([] if role == "registrar" else ["--institution", "Office"]))
        assert answer.code == 2 and "hoose a new folder" in answer.err, (role, answer)
    assert content(folder) == before


def test_a_registrar_whose_database_is_gone_does_not_begin_with_an_empty_one(tmp_path: Path) -> None:
    """Which would sign a second permit for everybody."""
    folder = tmp_path / "registrar"
    ok("registrar", "init", folder)
    (folder / "registrar.db").unlink()
    fails(2, "newest backup", "registrar", "show", folder)
    assert "registrar.db" not in content(folder)


@pytest.mark.parametrize(
    ("one", "other", "command"),
    [
        ("--raw", "--json", "ledger entry 0 --ledger {0} --raw --json"),
        (
            "--key",
            "--ledger",
            "ledger check-receipt {0}/vote.tlog-proof --key veche.example/city+1a2b3c4d+Ab --ledger {0}",
        ),
        ("--once", "--seconds", "ledger run --ledger {0} --once --seconds 3"),
        ("--due", "done", "poll outcome 3fa9 done --text a --text-ru b --due 2027-05-01 --key {0}/key --ledger {0}"),
        ("--due", "not", "poll outcome 3fa9 not --text a --text-ru b --due 2027-05-01 --key {0}/key --ledger {0}"),
    ],
)
def test_options_that_contradict_each_other(one: str, other: str, command: str, tmp_path: Path) -> None:
    """Before anything is read, and nothing is written."""
    fails(2, f"{one} and {other} do not go together.", *command.format(tmp_path).split())
    assert content(tmp_path) == {}
