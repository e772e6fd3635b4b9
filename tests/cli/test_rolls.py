"""Rolls as cities send them, with the real command: what it says, that a dry run ends as the import does, and that what is not right
changes nothing."""

from pathlib import Path

import pytest

from . import conftest
from .conftest import Answer, inside

HEAD = "person;district\n"
GOOD = {
    "tabs": "person\tdistrict\n1001\tАрбат\n",
    "columns beyond the last": "person;district;;\n1001;Арбат;;\n1002;Арбат\n",
    "cells beyond the last": HEAD + "1001;Арбат;;;\n",
    "a header in another case": "PERSON;District\n1001;Арбат\n",
    "a mark and a separator": "\ufeffsep=;\r\nperson;district\r\n1001;Арбат\r\n",
    "lines that end twice": "person;district\r\r\n1001;Арбат\r\r\n",
    "empty lines before the header": "\n;\n".replace(";", "") + HEAD + "1001;Арбат\n",
    "a Russian header": "Житель;Район\n1001;Арбат\n",
    "a Russian header with names": "ФИО,Номер жителя,Округ\nИванова А.,1001,Арбат\n",
    "all in quotes": '"person";"district"\n"1001";"Арбат"\n"1002";"Арбат ""Старый"""\n',
    "tabs and quotes": '\ufeffperson\t"district"\r\n"1001"\t"Арбат"\r\n',
    "names": "person;name;district\n1001;Иванова, А.;Арбат\n1002;;Арбат\n",
    "empty lines at the end": HEAD + "1001;Арбат\n\n;\n\n",
    "no end of the last line": HEAD + "1001;Арбат",
    "a page break": HEAD + "1001;Арбат\n\x0c\n",
    "districts of one name and other numbers": HEAD + "1;Арбат 3\n2;Арбат 6\n3;Арбат З\n4;Арбат 1-12\n5;Арбат 11-2\n",
    "no-break spaces around": HEAD + "\u00a01001\u00a0;\u202fАрбат\n",
}
REFUSED = {
    "UTF-16": ((HEAD + "1001;Арбат\n").encode("utf-16"), "in UTF-16"),
    "UTF-16 without a mark": ((HEAD + "1001;Арбат\n").encode("utf-16-le"), "in UTF-16"),
    "Windows-1251": ((HEAD + "1001;Арбат\n").encode("cp1251"), "iconv -f CP1251"),
    "two encodings": ((HEAD + "1001;Арбат\n").encode() + "1002;Арбат\n".encode("koi8-r"), "not in UTF-8 (first seen in line 3)"),
    "Windows-1251 taken for Latin 1": (HEAD + "1001;Àðáàò\n", "wrong encoding, 'Àðáàò'"),
    "Windows-1251 taken for that of DOS": (HEAD + "1001;└ЁсрЄ\n", "wrong encoding"),
    "a workbook": (b"PK\x03\x04\x14\x00\x06\x00", "no CSV file"),
    "a page": ("<html><table><tr><td>person</td></tr></table></html>\n", "no CSV file"),
    "nothing": ("", "nobody on this roll"),
    "a mark alone": ("\ufeff", "nobody on this roll"),
    "a separator alone": ("sep=;\n", "nobody on this roll"),
    "a header alone": (HEAD, "nobody on this roll"),
    "empty rows": (HEAD + "\n;\n;\n", "nobody on this roll"),
    "no header": ("1001;Арбат\n1002;Арбат\n", "not known: '1001'"),
    "a Russian header that may mean rows": ("Номер;Район\n1;Арбат\n2;Арбат\n", "not known: 'Номер'"),
    "a column of row numbers": ("№;person;district\n1;1001;Арбат\n", "not known: '№'"),
    "merged cells": (HEAD + "1001;Арбат\n1002;\n", "line 3: the district is empty"),
    "a person twice": (HEAD + "1001;Арбат\n1002;Арбат\n1001;Пресня\n", "line 4: the same person stands in line 2"),
    "a person twice behind spaces": (HEAD + "1001;Арбат\n\u00a01001\u202f;Арбат\n", "line 3: the same person stands in line 2"),
    "a file pasted twice": (2 * (HEAD + "1001;Арбат\n"), "line 3: it is a header"),
    "a date": (HEAD + "02.03.2026;Арбат\n", "is a date"),
    "a date of two words": (HEAD + "12.мар;Арбат\n", "is a date that a spreadsheet has made"),
    "decimals": (HEAD + "1001,00;Арбат\n", "given decimals"),
    "a district with decimals": (HEAD + "1001;7.0\n", "given decimals"),
    "an error of a Russian spreadsheet": (HEAD + "#ССЫЛКА!;Арбат\n", "an error of a spreadsheet"),
    "another error": (HEAD + "1001;#ЗНАЧ!\n", "an error of a spreadsheet"),
    "nothing found": (HEAD + "1001;#Н/Д\n", "an error of a spreadsheet"),
    "a number too wide for its cell": (HEAD + "########;Арбат\n", "an error of a spreadsheet"),
    "totals without a word at the person": (HEAD + "1001;Арбат\n;Итого: 1\n", "line 3: the person is empty"),
    "totals without a district": (HEAD + "1001;Арбат\nВсего жителей: 1;\n", "line 3: the district is empty"),
    "a line of the other separator": (HEAD + "1001;Арбат\n1002,Арбат\n", "line 3: it has 1 column, the header has 2"),
    "a cell too many": (HEAD + "1001;Арбат;7\n", "line 2: it has 3 columns, the header has 2"),
    "the end of a file of DOS": (HEAD + "1001;Арбат\n\x1a", "line 3"),
    "a line separator in a cell": (HEAD + "1001;Ар\u2028бат\n", "LINE SEPARATOR"),
    "a Russian header in the middle": ("Житель;Район\n1001;Арбат\nЖитель;Район\n1002;Арбат\n", "line 3: it is a header"),
    "a title above the header": ("Список избирателей;\nperson;district\n1001;Арбат\n", "not known: 'Список избирателей'"),
    "two ids": ("person;person;district\n1;2;Арбат\n", "one column 'person'"),
    "another id": ("id;person;district\n1;2;Арбат\n", "not known: 'id'"),
    "another separator": ("person|district\n1001|Арбат\n", "commas, semicolons or tabs"),
    "the wrong separator named": ("sep=,\nperson;district\n1001;Арбат\n", "commas, semicolons or tabs"),
    "a header in the middle": (HEAD + "1001;Арбат\n" + HEAD + "1002;Арбат\n", "line 3: it is a header"),
    "a mark in the middle": (HEAD + "1001;Арбат\n\ufeff1002;Арбат\n", "line 3: the person holds a character that nobody sees"),
    "lines that end with CR": ("person;district\r1001;Арбат\r", "do not end as lines do"),
    "a line that ends with CR": (HEAD + "1001;Арбат\r1002;Арбат\n", "line 2: it has the end of a line in its middle"),
    "a line break in a cell": (HEAD + '"10\n01";Арбат\n', "line 2: a quotation mark stays open"),
    "NUL in a cell": (HEAD + "1001\0;Арбат\n", "line 2: it holds bytes that mean nothing"),
    "NUL at the end": (HEAD + "1001;Арбат\n" + 4096 * "\0", "line 3: it holds bytes that mean nothing"),
    "a tab in a cell": (HEAD + "10\t01;Арбат\n", "U+0009"),
    "a control character after a name": (HEAD + "1001\x0b;Арбат\n", "U+000B"),
    "text that turns": (HEAD + "\u202e1001;Арбат\n", "RIGHT-TO-LEFT OVERRIDE"),
    "a formula": (HEAD + '"=1001";Арбат\n', "is a formula"),
    "an apostrophe": (HEAD + "'1001;Арбат\n", "apostrophe"),
    "another apostrophe": (HEAD + "’1001;Арбат\n", "apostrophe"),
    "quotation marks": (HEAD + "“1001”;Арбат\n", "quotation mark"),
    "a dash for nobody": (HEAD + "—;Арбат\n", "neither a letter nor a digit"),
    "a dash for nowhere": (HEAD + "1001;-\n", "neither a letter nor a digit"),
    "a time of day": (HEAD + "2020-01-02 00:00:00;Арбат\n", "is a date"),
    "a line without an end": (HEAD.encode() + b"1001;" + b"A" * 30_000_000 + b"\n1002;Arbat\n", "line 2: it is far too long"),
    "a header without an end": (b"A" * 30_000_000, "not known: 'AAAA"),
}  # fmt: skip
ASKED = {
    "a shortened number": (HEAD + "1E5;Арбат\n", "spreadsheet has shortened"),
    "other digits": (HEAD + "１００１;Арбат\n", "keyboard"),
    "another alphabet's letter": (HEAD + "А1001;Арбат\nA1001;Арбат\n", "looks like"),
    "a number in thousands": (HEAD + "1\u00a0001;Арбат\n", "thousands"),
    "totals with a colon": (HEAD + "1001;Арбат\nИтого:;1\n", "totals"),
    "a truth value": (HEAD + "1001;Арбат\nЛОЖЬ;Арбат\n", "where there is nobody"),
    "a line of totals": (HEAD + "1001;Арбат\nИтого;1\n", "totals"),
    "zeros that are lost": (
        HEAD + "".join(f"{number};Арбат\n" for number in range(9_500, 20_000)),
        "zeros at the beginning",
    ),
    "zeros that are lost in a few lines": (
        HEAD + "0001;Арбат\n0002;Арбат\n3;Арбат\n",
        "2 numbers of persons have 4 digits and 1 fewer",
    ),
    "districts that look alike": (HEAD + "1;Arbat\n2;Аrbat\n", "Districts look alike"),
    "a digit for a letter": (HEAD + "1;Заречный\n2;3аречный\n", "Districts look alike"),
}


def ok(*args: object) -> Answer:
    return conftest.ok(*args, run=inside)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    ok("registrar", "init", tmp_path / "registrar")
    return tmp_path / "registrar"


def both(desk: Path, content: str | bytes, *more: str) -> Answer:
    """What the import says; a dry run before it ended the same way, and changed nothing."""
    roll = desk.with_name("roll.csv")
    roll.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = ok("registrar", "show", desk).out
    dry = inside("registrar", "import", desk, roll, "--dry-run", *more)
    assert ok("registrar", "show", desk).out == before
    answer = inside("registrar", "import", desk, roll, *more)
    assert (dry.code, dry.err) == (answer.code, answer.err)
    assert answer.code == 0 or ok("registrar", "show", desk).out == before
    return answer


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_it_is_taken(desk: Path, content: str) -> None:
    answer = both(desk, content)
    assert answer.code == 0 and "Арбат" in answer.out, answer


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(desk: Path, content: str | bytes, said: str) -> None:
    for more in ((), ("--yes",)):
        answer = both(desk, content, *more)
        assert answer.code == 2 and said in answer.err and len(answer.err) < 1000, answer.err


@pytest.mark.parametrize(("content", "said"), ASKED.values(), ids=ASKED)
def test_it_is_asked_about(desk: Path, content: str, said: str) -> None:
    answer = both(desk, content)
    assert answer.code == 2 and said in answer.err and "--yes" in answer.err
    assert both(desk, content, "--yes").code == 0


def test_most_of_the_people_replaced(desk: Path) -> None:
    assert both(desk, HEAD + "".join(f"a{number};Арбат\n" for number in range(10))).code == 0
    answer = both(desk, HEAD + "".join(f"a{number};Арбат\n" for number in range(6, 16)))
    assert answer.code == 2 and "6 of the 10 people who are on the roll now would be gone." in answer.err
