"""Rolls as cities really hand them over, and what an import reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.errors import UserError
from veche.registrar import roll_file
from veche.registrar.registrar import Registrar
from veche.registrar.roll_file import BadLine, Doubt, Resident

AS_TEXT, AS_UTF8 = str(roll_file.AS_TEXT), str(roll_file.AS_UTF8)


def read_roll(path: Path) -> list[Resident | BadLine | Doubt]:
    """A roll's lines, with what is said of them in English."""
    return [_in_english(line) for line in roll_file.read_roll(path)]


def _in_english(line: Resident | BadLine | Doubt) -> Resident | BadLine | Doubt:
    match line:
        case BadLine(number, reason, hint):
            return BadLine(number, str(reason), str(hint))
        case Doubt(number, reason):
            return Doubt(number, str(reason))
    return line


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
        "\ufeffsep=;\r\nperson;name;district\r\nann;Ann\u00a0 A.;Arbat\r\nboris;;Арбат\r\n;;\r\n",
        '\ufeff\ufeff"sep=,"\nperson,name,district\nann,Ann A.,Arbat\nboris,,Арбат',
    ],
    ids=["plain", "windows", "spreadsheet", "tabs", "separator named", "separator named in quotes"],
)
def test_one_roll_in_several_dresses(path: Path, content: str) -> None:
    path.write_bytes(content.encode())
    assert list(read_roll(path)) == [Resident("ann", "Ann A.", "Arbat"), Resident("boris", "", "Арбат")]


def test_a_name_that_begins_with_a_mark(path: Path) -> None:
    """No group of a poll can have such a name."""
    path.write_text("person,district\nann,\u0301Arbat\nbob,Arba\u0301t\n", encoding="utf-8")
    bad, good = read_roll(path)
    assert bad == BadLine(
        2, "the district begins with a mark that belongs to a letter before it: U+0301, COMBINING ACUTE ACCENT"
    )
    assert good == Resident("bob", "", "Arb\u00e1t")


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
        "Арбат\ufffd,x,Arbat".encode(),
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
        BadLine(7, "the person was read in a wrong encoding, 'Арбат\ufffd'", AS_UTF8),
        BadLine(
            8,
            "a quotation mark stays open in it",
            "Take the line breaks out of the cells, and every quotation mark that is not in a pair.",
        ),
        BadLine(9, "the person holds a character that nobody sees: U+0007, a control character"),
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
        (b"", "nobody"),
        (b"name,district", "person"),
        (b"person", "district"),
        (b"person,group,district", "one column"),
        (b"person,person,district", "one column"),
        (b"person,district,passport", "passport"),
        (b"\xff\xfe", "UTF-8"),
        (b"\x00\x01\x02", "UTF-16"),
        ("person,район".encode("cp1251"), "iconv -f CP1251"),
        (b"person,district\rann,Arbat\rboris,Arbat", "line ends"),
        (b"sep=;", "not known"),
        (b"PK\x03\x04", "no CSV file"),
        (b"<html>", "no CSV file"),
        (b"person|district", "commas, semicolons or tabs"),
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
    assert first.doubts == []
    for _ in range(2):
        report = registrar.import_roll(path, dry_run=True)
        assert (report.people, report.added, report.removed, report.moved) == (4, 2, 1, 1)
        assert report.districts == {"Arbat": 2, "Presnya": 2}
        assert [_in_english(line) for line in report.bad] == [BadLine(6, "the same person stands in line 3")]
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


def first_bad(path: Path, person: str) -> BadLine:
    path.write_text(f'person;district\n"{person}";Arbat\n', encoding="utf-8")
    (line,) = read_roll(path)
    assert isinstance(line, BadLine)
    return line


@pytest.mark.parametrize(
    "person",
    ["1,23457E+11", "1.23457E+12", "1e+06", "1001.0", "1001,00", "'0012", "=\"\"0013\"\"", "#REF!", "#N/A", "#DIV/0!", "#ССЫЛКА!",
     "#Н/Д", "#ДЕЛ/0!", "########", "01.фев", "2-Mar", "Jan-12", "01.02.2003", "2003-02-01"],
)  # fmt: skip
def test_what_a_spreadsheet_has_made_is_no_person(path: Path, person: str) -> None:
    assert first_bad(path, person).hint == AS_TEXT


@pytest.mark.parametrize("person", ["Ð\u0090Ñ\u0080Ð±Ð°Ñ\u0082", "РђСЂР±Р°С‚", "????", "Арба\ufffd"])
def test_letters_that_were_lost_are_no_person(path: Path, person: str) -> None:
    assert first_bad(path, person).line == 2


@pytest.mark.parametrize(
    ("character", "name"),
    [("\u00ad", "SOFT HYPHEN"), ("\u034f", "COMBINING GRAPHEME JOINER"), ("\u061c", "ARABIC LETTER MARK"),
     ("\u115f", "HANGUL CHOSEONG FILLER"), ("\u180e", "MONGOLIAN VOWEL SEPARATOR"), ("\u200b", "ZERO WIDTH SPACE"),
     ("\u2800", "BRAILLE PATTERN BLANK"), ("\u3164", "HANGUL FILLER"), ("\ufe0f", "VARIATION SELECTOR-16"),
     ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"), ("\U000e0041", "TAG LATIN CAPITAL LETTER A")],
)  # fmt: skip
def test_what_nobody_sees_is_named(path: Path, character: str, name: str) -> None:
    for person in (f"10{character}01", f"1001{character}"):
        assert first_bad(path, person).reason == (
            f"the person holds a character that nobody sees: U+{ord(character):04X}, {name}"
        )


@pytest.mark.parametrize(
    "person", ["+79990001122", "12.5", "10-01", "10 02", "ann@city.example", "O'Brien", "№ 7", "Ёлка", "山田"]
)
def test_what_people_write_is_a_person(path: Path, person: str) -> None:
    path.write_text(f"person;district\n{person};Arbat\n", encoding="utf-8")
    assert list(read_roll(path)) == [Resident(person, "", "Arbat")]


def test_a_file_in_another_encoding_is_told_once(path: Path, registrar: Registrar) -> None:
    path.write_bytes("person;district\n1;Арбат\n2;Арбат\n".encode("cp1251"))
    with pytest.raises(UserError, match=r"not in UTF-8 \(first seen in line 2\).*Windows-1251") as error:
        registrar.import_roll(path, dry_run=True)
    assert error.value.hint == AS_UTF8
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        path.write_bytes("person;district\n1;Арбат\n".encode(encoding))
        with pytest.raises(UserError, match="UTF-16") as error:
            registrar.import_roll(path)
        assert "iconv -f UTF-16" in error.value.hint


def test_two_files_joined(path: Path) -> None:
    path.write_text("person;district\n1;Arbat\n\ufeffDistrict;Person\n2;Arbat\n", encoding="utf-8")
    bad = list(read_roll(path))[1]
    assert isinstance(bad, BadLine) and (bad.line, bad.reason) == (3, "it is a header")


def test_a_line_without_an_end_is_never_read_whole(path: Path) -> None:
    path.write_bytes(b"person,district\n" + b"1" * 30_003 + b"\n2,Arbat\n")
    assert list(read_roll(path)) == [BadLine(2, "it is far too long"), Resident("2", "", "Arbat")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("12", "012"),
        ("012", "12"),
        ("0012", "012"),
        ("Ann", "ann"),
        ("А-1", "A-1"),
        ("user07", "user7"),
        ("Алёна", "Алена"),
        ("10-01", "10–01"),
        ("1001.", "1001"),
        ("12345678901", "123-456-789 01"),
    ],
)
def test_persons_who_look_alike_are_asked_about(path: Path, first: str, second: str) -> None:
    path.write_text(f"person,district\n{first},Arbat\n{second},Arbat\n", encoding="utf-8")
    assert list(read_roll(path))[1:] == [
        Doubt(3, f"{second!r} looks like {first!r} in line 2"),
        Resident(second, "", "Arbat"),
    ]


def doubts(registrar: Registrar, path: Path, *rows: str) -> list[str]:
    """What an import asks; it refuses just then, and takes the roll when somebody has decided."""
    path.write_text("\n".join(["person;district", *rows]) + "\n", encoding="utf-8")
    found = [str(doubt) for doubt in registrar.import_roll(path, dry_run=True).doubts]
    before = registrar.districts()
    if found:
        with pytest.raises(UserError, match="may be wrong") as error:
            registrar.import_roll(path)
        assert found[0] in error.value.message and registrar.districts() == before
    registrar.import_roll(path, decide=lambda _: None)
    assert sum(registrar.districts().values()) == len(rows)
    return found


def test_districts_that_look_alike(path: Path, registrar: Registrar) -> None:
    names = [
        "Нагатинский затон",
        "нагатинский затон",
        "Hагатинский-затон",
        "Нагатинскии затон",
        "1-12",
        "11-2",
        "Район 1",
    ]
    (said,) = doubts(registrar, path, *(f"p{number}x;{name}" for number, name in enumerate(names)))
    assert said.startswith("Districts look alike") and all((name in said) == (name in names[:4]) for name in names)


@pytest.mark.parametrize(
    ("person", "why"),
    [("1E5", "spreadsheet has shortened"), ("1E10", "spreadsheet has shortened"), ("1 001", "thousands"), ("1,234,567", "thousands"),
     ("1.003", "thousands"), ("NULL", "where there is nobody"), ("ИСТИНА", "where there is nobody"), ("-1", "where there is nobody"),
     ("Итого", "totals"), ("１００１", "keyboard"), ("١٠٠١", "keyboard"), ("1001²", "keyboard"), ("Аrbat", "two alphabets")],
)  # fmt: skip
def test_persons_about_whom_somebody_is_asked(path: Path, registrar: Registrar, person: str, why: str) -> None:
    (said,) = doubts(registrar, path, f'"{person}";Arbat')
    assert said.startswith("Line 2: ") and why in said


def test_a_letter_of_another_alphabet_than_all_others(path: Path, registrar: Registrar) -> None:
    latin, cyrillic = [f"A{number};Arbat" for number in range(1000, 1020)], "А2001;Arbat"
    assert doubts(registrar, path, *latin) == []
    (said,) = doubts(registrar, path, *latin, cyrillic)
    assert said.startswith("The letters of 1 id look like those of nearly all others") and "these are Latin" in said
    assert doubts(registrar, path, *latin, "Ж2001;Arbat") == []


def test_names_compare_as_they_are_cleaned(path: Path, registrar: Registrar) -> None:
    rows = ["1;Нагатинский затон", "2; Нагатинскии\u0306\u00a0\u2003затон "]
    assert doubts(registrar, path, *rows) == []
    assert registrar.districts() == {"Нагатинский затон": 2}
    (keys,) = registrar.open_poll(bytes(32), ["Нагатинский  затон"])
    assert keys.people == 2


def test_numbers_that_lost_their_zeros(path: Path, registrar: Registrar) -> None:
    long = [f"{number}" for number in range(200_100, 200_120)]
    assert doubts(registrar, path, *(f"{number};Arbat" for number in [*long, "001234"])) == []
    said = doubts(registrar, path, *(f"{number};Arbat" for number in [*long, "1234"]))
    assert said == [
        "20 numbers of persons have 6 digits and 1 fewer, as if zeros at the beginning were lost.",
        "1 person is spelt in another way than on the roll now: '1234' instead of '001234'.",
    ]
    assert doubts(registrar, path, *(f"{number};Arbat" for number in [*long, "1234567890123450000"]))[0].startswith(
        "Line 22"
    )


def test_a_roll_that_replaces_most_people_or_moves_them(path: Path, registrar: Registrar) -> None:
    assert doubts(registrar, path, *(f"a{letter};Arbat" for letter in "bcdefg")) == []
    assert doubts(registrar, path, *(f"a{letter};Arbat" for letter in "bcdhij")) == []
    (said,) = doubts(registrar, path, *(f"a{letter};Arbat" for letter in "bcklm"))
    assert said == "4 of the 6 people who are on the roll now would be gone."
    (said,) = doubts(registrar, path, *(f"a{letter};Presnya" for letter in "bcklm"))
    assert said == "5 of the 5 people who stay on the roll would be in another district."


def test_numbers_that_were_counted_up_from_one_lost_nothing(path: Path, registrar: Registrar) -> None:
    assert doubts(registrar, path, *(f"{number};Arbat" for number in range(1, 9000))) == []
    (said,) = doubts(registrar, path, *(f"{number};Arbat" for number in range(900, 9000)))
    assert said == "8,000 numbers of persons have 4 digits and 100 fewer, as if zeros at the beginning were lost."
