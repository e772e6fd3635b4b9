"""Rolls as cities really hand them over, and what an import reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.errors import UserError
from veche.registrar.registrar import Registrar
from veche.registrar.roll_file import BadLine, Resident, read_roll


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "roll.csv"


@pytest.fixture
def registrar(tmp_path: Path) -> Iterator[Registrar]:
    with Registrar.create(tmp_path / "registrar") as registrar:
        yield registrar


@pytest.mark.parametrize(
    "content",
    [
        "person,name,district\nann,Ann A.,Arbat\nboris,,Арбат\n",
        "person,name,group\r\nann,Ann A.,Arbat\r\n\r\nboris,,Арбат",
        '\ufeffPerson;Name;Group\n"ann";"Ann A.";Arbat\nboris; ; Арбат \n',
        "district\tname\tperson\nArbat\tAnn A.\tann\nАрбат\t\tboris\n",
    ],
    ids=["plain", "windows", "spreadsheet", "tabs"],
)
def test_one_roll_in_several_dresses(path: Path, content: str) -> None:
    path.write_bytes(content.encode())
    assert list(read_roll(path)) == [Resident("ann", "Ann A.", "Arbat"), Resident("boris", "", "Арбат")]


def test_a_quoted_separator(path: Path) -> None:
    path.write_text('person,district\n"ann ""x"", a",Arbat\n')
    assert list(read_roll(path)) == [Resident('ann "x", a', "", "Arbat")]


def test_every_bad_line_is_named_with_its_reason(path: Path) -> None:
    lines = [
        b"person,name,district",
        b"ann,Ann,Arbat",
        b"ann,Ann again,Presnya",
        b"boris,Arbat",
        b",,Arbat",
        b"vera,Vera,",
        b"\xff\xfe,x,Arbat",
        b'"gleb,x,Arbat',
        b"zoya\x07,x,Arbat",
        b"x" * 201 + b",x,Arbat",
        b"dina,Dina,Arbat",
        b"a" * 200_000 + b",x,Arbat",
    ]
    path.write_bytes(b"\n".join(lines))
    assert list(read_roll(path)) == [
        Resident("ann", "Ann", "Arbat"),
        BadLine(3, "the same person stands in line 2"),
        BadLine(4, "it has 2 columns, the header has 3"),
        BadLine(5, "the person is empty"),
        BadLine(6, "the district is empty"),
        BadLine(7, "it is not UTF-8"),
        BadLine(8, "it is not well-formed CSV"),
        BadLine(9, "the person has control characters"),
        BadLine(10, "the person is longer than 200 characters"),
        Resident("dina", "Dina", "Arbat"),
        BadLine(12, "it is far too long"),
    ]


def test_the_same_person_in_two_spellings_is_one(path: Path) -> None:
    path.write_text("person,district\nй,Arbat\nи\u0306,Presnya\n")
    assert list(read_roll(path))[1] == BadLine(3, "the same person stands in line 2")


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (b"", "person"),
        (b"name,district", "person"),
        (b"person", "district"),
        (b"person,group,district", "one column"),
        (b"person,person,district", "one column"),
        (b"person,district,passport", "passport"),
        (b"\xff\xfe", "UTF-8"),
        (b"\x00\x01\x02", "not known"),
    ],
)
def test_files_that_are_no_roll(path: Path, registrar: Registrar, header: bytes, word: str) -> None:
    path.write_bytes(header + b"\nann,Ann,Arbat\n" if header else b"")
    with pytest.raises(UserError) as error:
        registrar.import_roll(path)
    assert word in error.value.message + error.value.hint


def test_a_file_that_is_not_there(tmp_path: Path, registrar: Registrar) -> None:
    for missing in [tmp_path / "missing.csv", tmp_path]:
        with pytest.raises(UserError, match="cannot be read"):
            registrar.import_roll(missing)


def test_a_report_says_what_changes_and_a_dry_run_changes_nothing(path: Path, registrar: Registrar) -> None:
    path.write_text("person,district\nann,Arbat\nboris,Arbat\nvera,Presnya\n")
    first = registrar.import_roll(path)
    assert (first.people, first.added, first.removed, first.moved) == (3, 3, 0, 0)
    path.write_text("person,district\nann,Presnya\nvera,Presnya\nzoya,Arbat\ndina,Arbat\nvera,Arbat\n")
    for _ in range(2):
        report = registrar.import_roll(path, dry_run=True)
        assert (report.people, report.added, report.removed, report.moved) == (4, 2, 1, 1)
        assert report.districts == {"Arbat": 2, "Presnya": 2}
        assert report.bad == [BadLine(6, "the same person stands in line 3")]
        assert registrar.districts() == {"Arbat": 2, "Presnya": 1}


def test_one_bad_line_refuses_the_whole_file(path: Path, registrar: Registrar) -> None:
    path.write_text("person,district\nann,Arbat\n")
    registrar.import_roll(path)
    path.write_text("person,district\nvera,Presnya\n,Arbat\n")
    with pytest.raises(UserError, match="1 line of the roll cannot be used; line 3: the person is empty"):
        registrar.import_roll(path)
    path.write_text("person,district\n")
    with pytest.raises(UserError, match="nobody"):
        registrar.import_roll(path)
    assert registrar.districts() == {"Arbat": 1}
