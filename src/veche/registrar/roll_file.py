"""The roll as a city hands it over: a CSV file.

UTF-8, a header line, one person a line; separated by commas, semicolons or tabs, whichever the header has, or what a line
``sep=;`` before it says. Columns, in any order: ``person``, the name under which identity services know them (the subject of
OpenID Connect, a resident's number); ``group`` or ``district``, where they vote; and, if wanted, ``name``, for the staff at the
desk. A registrar keeps no more than it needs, so any other column is refused.

What cannot be right is a :class:`BadLine`, what may be a :class:`Doubt`. What makes two names look alike is in
:mod:`veche.registrar.likeness`.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from veche.errors import UserError, because
from veche.ledger.readable import SPACES, is_mark, name_of, unseen
from veche.registrar.likeness import person_likeness
from veche.texts import Message, Said

MAX_LENGTH = 200
_MAX_LINE = 10_000  # bytes
_SEPARATORS = ",;\t"
_COLUMNS = {"person", "name", "district", "group"}

_SPACES = re.compile(f"[{SPACES}]+")

_NOT_READ = "\ufffd"
"""What programs write in the place of what they cannot read."""
_MONTHS = "янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_SPREADSHEET = (
    (re.compile(r"[+-]?\d+([.,]\d+)?e[+-]\d+", re.I), "is a number that a spreadsheet has shortened"),
    (re.compile(r"\d+[.,]0+"), "is a number that a program has given decimals"),
    (re.compile(r"'.*"), "begins with the apostrophe by which spreadsheets mark text"),
    (re.compile(r"=.*"), "is a formula"),
    (re.compile(r"#[^\W\d]+(/\w+)?[!?]|#N/A|#Н/Д|#+", re.I), "is an error of a spreadsheet"),
    (re.compile(rf"\d{{1,4}}[. /-]({_MONTHS})\w{{0,6}}([. /-]\d{{1,4}})?|({_MONTHS})\w{{0,6}}[. /-]\d{{1,4}}", re.I),
     "is a date that a spreadsheet has made"),
    (re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}-\d\d-\d\d"), "is a date"),
)  # fmt: skip

AS_TEXT = (
    "In the spreadsheet give the whole column the format Text, put the original values in, and save it as CSV again."
)
AS_UTF8 = (
    'Save it again as "CSV UTF-8" (in LibreOffice: Save As, Edit filter settings, Unicode (UTF-8)), or convert it: '
    "iconv -f CP1251 -t UTF-8 OLD.csv > NEW.csv"
)


@dataclass(frozen=True, slots=True)
class Resident:
    """A person on the roll. ``name`` may be empty."""

    person: str
    name: str
    district: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used: its number, counted from 1, why, as a plain phrase, and what to do about such lines."""

    line: int
    reason: Said
    hint: Said = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A line that can be used, and may all the same be wrong: the people answer for it."""

    line: int
    reason: Said


class _Bad(ValueError):
    """Why a line cannot be used, and what to do."""

    def __init__(self, reason: Said, hint: Said = "") -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.hint = hint


def clean(text: str) -> str:
    """The form in which persons and districts are kept and compared: NFC, without spaces around, single spaces within.

    Raises ValueError, with the reason, if the text is empty, longer than 200 characters or has characters that nobody sees.
    """
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if found := unseen(text):
        raise ValueError(f"holds a character that nobody sees: {found}")
    if is_mark(text[0]):
        raise ValueError(f"begins with a mark that belongs to a letter before it: {name_of(text[0])}")
    return text


def read_roll(path: Path) -> Iterator[Resident | BadLine | Doubt]:
    """Read a roll line by line, so that one bad line does not hide the next; a person's second line is a bad one.

    Raises UserError if the file cannot be opened, is not in UTF-8, or if its header is not that of a roll.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            Message("The roll {path} cannot be read: {strerror}.", path=path, strerror=because(error)),
            Message("Check the path."),
        ) from None
    with file:
        lines = _lines(file)
        separator, columns = _read_header(lines)
        seen: dict[str, int] = {}
        alike: dict[str, str] = {}  # of persons that are not their own likeness
        for line, raw in lines:
            try:
                resident = _read_line(line, raw, separator, columns)
                if resident is None:
                    continue
                if resident.person in seen:
                    raise _Bad(Message("the same person stands in line {seen}", seen=str(seen[resident.person])))
            except _Bad as error:
                yield BadLine(line, error.reason, error.hint)
                continue
            person = resident.person
            likeness = person_likeness(person)
            other = alike.get(likeness, likeness if likeness in seen else None)
            if other is not None:
                yield Doubt(
                    line,
                    Message(
                        "{person!r} looks like {other!r} in line {seen}",
                        person=person,
                        other=other,
                        seen=str(seen[other]),
                    ),
                )
            elif len(person) > 15 and person.isdecimal() and not person[15:].strip("0"):
                yield Doubt(
                    line,
                    Message(
                        "the last digits of {person} may have been lost in a spreadsheet, which keeps 15", person=person
                    ),
                )
            seen[person] = line
            if likeness != person:
                alike[likeness] = person
            yield resident


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines and their numbers from 1; of one that is too long no more than shows it."""
    line = 0
    while raw := file.readline(_MAX_LINE + 1):
        line += 1
        rest = raw
        while len(rest) > _MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_MAX_LINE + 1)
        yield line, raw


def _decode(line: int, raw: bytes) -> str:
    """Raises UserError: of a file that is not in UTF-8 all lines are wrong, and said once."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserError(Message("The roll is in UTF-16, not in UTF-8."), AS_UTF8)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UserError(
            Message(
                "The roll is not in UTF-8 (first seen in line {line}): it may be in Windows-1251, as spreadsheets save CSV.",
                line=str(line),
            ),
            AS_UTF8,
        ) from None


def _read_header(lines: Iterator[tuple[int, bytes]]) -> tuple[str, list[str]]:
    line, raw = next(lines, (1, b""))
    header = _decode(line, raw).lstrip("\ufeff").strip()
    said = re.fullmatch(f'"?sep=([{_SEPARATORS}])"?', header.strip(" \r\n"), re.I)
    if said:
        line, raw = next(lines, (2, b""))
        header = _decode(line, raw).lstrip("\ufeff").strip()
    if "\r" in header:
        raise UserError(
            Message("The lines of the roll do not end as lines do."),
            Message("Save it as CSV with line ends of Windows or Unix."),
        )
    separator = said[1] if said else max(_SEPARATORS, key=header.count)
    columns = _column_names(header.split(separator))
    if unknown := [column for column in columns if column not in _COLUMNS]:
        raise UserError(
            Message("The roll has a column that is not known: {unknown!r}.", unknown=unknown[0][:MAX_LENGTH]),
            Message("The first line names the columns: person, name (optional), district. Remove all others."),
        )
    if len(set(columns)) != len(columns) or not {"person", "district"} <= set(columns):
        raise UserError(
            Message("The roll needs one column 'person' and one column 'district' (or 'group')."),
            Message("The first line of the file names the columns."),
        )
    return separator, columns


def _column_names(fields: list[str]) -> list[str]:
    columns = [field.strip("\ufeff \t\r\n").strip('"').strip().lower() for field in fields]
    return ["district" if column == "group" else column for column in columns]


def _read_line(line: int, raw: bytes, separator: str, columns: list[str]) -> Resident | None:
    """Raises _Bad, and UserError if the file is not in UTF-8. None if nothing stands there."""
    if len(raw) > _MAX_LINE:
        raise _Bad(Message("it is far too long"))
    text = _decode(line, raw).rstrip("\r\n")
    try:
        (fields,) = csv.reader([text], delimiter=separator, strict=True) if text else [[]]
    except (csv.Error, ValueError):
        raise _Bad(Message("it is not well-formed CSV")) from None
    if not any(field.strip() for field in fields):
        return None
    if set(_column_names(fields)) >= {"person", "district"}:
        raise _Bad(
            Message("it is a header"), Message("It seems that files were joined: take the headers in the middle out.")
        )
    if len(fields) != len(columns):
        raise _Bad(
            Message("it has {fields} columns, the header has {columns}", fields=len(fields), columns=len(columns))
        )
    values = {"name": ""}
    for column, field in zip(columns, fields, strict=True):
        if column == "name" and not field.strip():
            continue
        if _NOT_READ in field or _misread(field):
            raise _Bad(
                Message(
                    "the {column} was read in a wrong encoding, {field!r}", column=column, field=field.strip()[:40]
                ),
                AS_UTF8,
            )
        try:
            values[column] = clean(field)
        except ValueError as error:
            raise _Bad(Message("the {column} {error}", column=column, error=because(error))) from None
        _check_made_by_people(column, values[column])
    return Resident(values["person"], values["name"], values["district"])


def _check_made_by_people(column: str, text: str) -> None:
    """Raises _Bad for what a spreadsheet, or an encoding without Russian letters, has made of a text."""
    if not text.strip("? "):
        raise _Bad(
            Message("the {column} was read in a wrong encoding, {text!r}", column=column, text=text[:40]), AS_UTF8
        )
    if column != "name":
        for pattern, reason in _SPREADSHEET:
            if pattern.fullmatch(text):
                raise _Bad(
                    Message("the {column} {reason}, {text!r}", column=column, reason=reason, text=text[:40]), AS_TEXT
                )


def _misread(text: str) -> bool:
    """Whether this is UTF-8 that was taken for Windows-1251 or Windows-1252: four letters and more, for two may be a name."""
    if text.isascii() or len(text) < 4:
        return False
    for encoding in ("cp1251", "cp1252"):
        try:
            text.encode(encoding).decode()
        except UnicodeError:
            continue
        return True
    return False
