"""The roll as a city hands it over: a CSV file.

UTF-8, a header line, one person a line; separated by commas, semicolons or tabs, whichever the header has, or what a line
``sep=;`` before it says. Columns, in any order: ``person``, the name under which identity services know them (the subject of
OpenID Connect, a resident's number); ``group`` or ``district``, where they vote; and, if wanted, ``name``, for the staff at the
desk. They may be named in Russian (``_COLUMNS``), but not by words that may mean the number of a row. A registrar keeps no more than it needs, so any other column is refused.

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
from veche.texts import N_, Message, Plural, Said

MAX_LENGTH = 200
_MAX_LINE = 10_000  # bytes
_SEPARATORS = ",;\t"
_COLUMNS = {
    "person": "person", "житель": "person", "номер жителя": "person",
    "name": "name", "имя": "name", "фио": "name",
    "district": "district", "group": "district", "район": "district", "округ": "district", "группа": "district",
}  # fmt: skip
"""What columns may be called, in any case, and what is in them."""

_SPACES = re.compile(f"[{SPACES}]+")

_NOT_READ = "\ufffd"
"""What programs write in the place of what they cannot read."""
_MONTHS = "янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_SPREADSHEET = (
    (re.compile(r"[+-]?\d+([.,]\d+)?e[+-]\d+", re.I), N_("the {column} is a number that a spreadsheet has shortened, {text!r}")),
    (re.compile(r"\d+[.,]0+"), N_("the {column} is a number that a program has given decimals, {text!r}")),
    (re.compile(r"['’‘`´].*"), N_("the {column} begins with the apostrophe by which spreadsheets mark text, {text!r}")),
    (re.compile(r"[\"“”„«»].*"), N_("the {column} begins with a quotation mark, {text!r}")),
    (re.compile(r"=.*|@\w+\(.*"), N_("the {column} is a formula, {text!r}")),
    (re.compile(r"#[^\W\d]+(/\w+)?[!?]|#N/A|#Н/Д|#+", re.I), N_("the {column} is an error of a spreadsheet, {text!r}")),
    (re.compile(rf"\d{{1,4}}[. /-]({_MONTHS})\w{{0,6}}([. /-]\d{{1,4}})?|({_MONTHS})\w{{0,6}}[. /-]\d{{1,4}}", re.I),
     N_("the {column} is a date that a spreadsheet has made, {text!r}")),
    (re.compile(r"(\d{1,2}([./-])\d{1,2}\2\d{4}|\d{4}-\d\d-\d\d)([ T]\d{1,2}:\d\d(:\d\d)?)?"), N_("the {column} is a date, {text!r}")),
    (re.compile(r"[\W_]+"), N_("the {column} has neither a letter nor a digit, {text!r}")),
)  # fmt: skip
_DOUBTFUL = (
    (re.compile(r"\d+([.,]\d+)?e\d+", re.I), N_("{person!r} may be a number that a spreadsheet has shortened")),
    (re.compile(r"\d{1,3}(?:([ .,'’])\d{3})(?:\1\d{3})*"), N_("{person!r} may be a number that a program has split into thousands")),
    (re.compile(r"null|nil|none|nan|n/a|н/д|undefined|true|false|истина|ложь|пусто|нет|-1", re.I),
     N_("{person!r} is what programs write where there is nobody")),
    (re.compile(r"(итог|всего|total|sum\b|сумма).*", re.I), N_("{person!r} may be a line of totals")),
)  # fmt: skip
_LATIN, _CYRILLIC = re.compile("[A-Za-z]"), re.compile("[\u0400-\u052f]")
_OF_LATIN1 = re.compile("[\u00c0-\u00ff]")
_BOXES = re.compile("[\u2500-\u259f]")
_OTHER_FILES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"<", b"{", b"[")
"""How workbooks, documents, pages and JSON begin."""

AS_TEXT = Message(
    "In the spreadsheet give the whole column the format Text, put the original values in, and save it as CSV again."
)
AS_UTF8 = Message(
    'Save it again as "CSV UTF-8" (in LibreOffice: Save As, Edit filter settings, Unicode (UTF-8)), or convert it: '
    "iconv -f CP1251 -t UTF-8 OLD.csv > NEW.csv"
)
_FROM_UTF16 = Message(
    'Save it again as "CSV UTF-8" (in LibreOffice: Save As, Edit filter settings, Unicode (UTF-8)), or convert it: '
    "iconv -f UTF-16 -t UTF-8 OLD.csv > NEW.csv"
)
_COLUMNS_WANTED = Message(
    "The first line names the columns: person, district, and name if you want; or in Russian: житель, район, имя. They are separated by "
    "commas, semicolons or tabs. Remove all others."
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


class Unusable(ValueError):
    """Why a text is no name of a person or district: ``reason``, a phrase that follows what it is about."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def clean(text: str) -> str:
    """The form in which persons and districts are kept and compared: NFC, without spaces around, single spaces within.

    Raises :class:`Unusable` if the text is empty, longer than 200 characters or has characters that nobody sees.
    """
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" \t\r\n")
    if not text:
        raise Unusable(Message("is empty"))
    if len(text) > MAX_LENGTH:
        raise Unusable(Message("is longer than {limit} characters", limit=MAX_LENGTH))
    if found := unseen(text):
        raise Unusable(Message("holds a character that nobody sees: {found}", found=found))
    if is_mark(text[0]):
        raise Unusable(
            Message("begins with a mark that belongs to a letter before it: {found}", found=name_of(text[0]))
        )
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
            elif doubtful := _doubtful(person):
                yield Doubt(line, doubtful)
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
    if line == 1 and raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_OTHER_FILES):
        raise UserError(
            Message("This is no CSV file."),
            Message('Open it in the spreadsheet program, and save the roll as "CSV UTF-8".'),
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or (line == 1 and b"\0" in raw):
        raise UserError(Message("The roll is in UTF-16, not in UTF-8."), _FROM_UTF16)
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
    header = _first(lines)
    said = re.fullmatch(f'"?sep=([{_SEPARATORS}])"?', header, re.I)
    if said:
        header = _first(lines)
    if "\r" in header:
        raise UserError(
            Message("The lines of the roll do not end as lines do."),
            Message("Save it as CSV with line ends of Windows or Unix."),
        )
    separator = said[1] if said else max(_SEPARATORS, key=header.count)
    fields = header.split(separator)
    while len(fields) > 1 and not fields[-1].strip('" '):
        fields.pop()
    columns = _column_names(fields)
    if unknown := [field for field, column in zip(fields, columns, strict=True) if column not in _COLUMNS.values()]:
        raise UserError(
            Message("The roll has a column that is not known: {unknown!r}.", unknown=unknown[0].strip('" ')[:40]),
            _COLUMNS_WANTED,
        )
    if len(set(columns)) != len(columns) or not {"person", "district"} <= set(columns):
        raise UserError(
            Message("The roll needs one column 'person' and one column 'district' (or 'group')."), _COLUMNS_WANTED
        )
    return separator, columns


def _first(lines: Iterator[tuple[int, bytes]]) -> str:
    """The first line in which something stands. Raises UserError if there is none."""
    for line, raw in lines:
        if text := _decode(line, raw).lstrip("\ufeff").strip(" \t\r\n"):
            return text
    raise UserError(Message("There is nobody on this roll."), Message("Nothing was imported."))


def _column_names(fields: list[str]) -> list[str]:
    columns = [field.strip("\ufeff \t\r\n").strip('"').strip().lower() for field in fields]
    return [_COLUMNS.get(column, column) for column in columns]


def _read_line(line: int, raw: bytes, separator: str, columns: list[str]) -> Resident | None:
    """Raises _Bad, and UserError if the file is not in UTF-8. None if nothing stands there."""
    if len(raw) > _MAX_LINE:
        raise _Bad(Message("it is far too long"))
    text = _decode(line, raw).rstrip("\r\n")
    if "\0" in text:
        raise _Bad(
            Message("it holds bytes that mean nothing (NUL)"), Message("The file was damaged on its way: get it anew.")
        )
    if "\r" in text:
        raise _Bad(
            Message("it has the end of a line in its middle"),
            Message("Save it as CSV with line ends of Windows or Unix."),
        )
    try:
        (fields,) = csv.reader([text], delimiter=separator, strict=True) if text else [[]]
    except (csv.Error, ValueError):
        if text.count('"') % 2:
            raise _Bad(
                Message("a quotation mark stays open in it"),
                Message("Take the line breaks out of the cells, and every quotation mark that is not in a pair."),
            ) from None
        raise _Bad(Message("it is not well-formed CSV")) from None
    if not any(field.strip() for field in fields):
        return None
    if set(_column_names(fields)) >= {"person", "district"}:
        raise _Bad(
            Message("it is a header"), Message("It seems that files were joined: take the headers in the middle out.")
        )
    while len(fields) > len(columns) and not fields[-1].strip():
        fields.pop()  # spreadsheets write empty cells beyond the last column
    if len(fields) != len(columns):
        raise _Bad(
            Plural(
                "it has {count} column, the header has {columns}",
                "it has {count} columns, the header has {columns}",
                len(fields),
                columns=len(columns),
            )
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
                raise _Bad(Message(reason, column=column, text=text[:40]), AS_TEXT)


def _doubtful(person: str) -> Message | None:
    """Why somebody must look at a person who can be used, and may be wrong; None if nothing is strange."""
    if len(person) > 15 and person.isdecimal() and not person[15:].strip("0"):
        return Message("the last digits of {person} may have been lost in a spreadsheet, which keeps 15", person=person)
    if person.isascii():
        return next(
            (Message(reason, person=person) for pattern, reason in _DOUBTFUL if pattern.fullmatch(person)), None
        )
    if any(each.isdigit() and not each.isascii() for each in person):
        return Message("{person!r} has digits that are not those of a keyboard", person=person)
    if _LATIN.search(person) and _CYRILLIC.search(person):
        return Message("{person!r} has letters of two alphabets", person=person)
    return next((Message(reason, person=person) for pattern, reason in _DOUBTFUL if pattern.fullmatch(person)), None)


def _misread(text: str) -> bool:
    """Whether this was taken for another encoding: UTF-8 for Windows-1251 or Windows-1252 (four letters and more, for two may be a
    name), Windows-1251 for Latin 1, or for that of DOS, which has frames of tables among its letters."""
    if text.isascii():
        return False
    if _BOXES.search(text):
        return True
    letters = [each for each in text if each.isalpha()] if _OF_LATIN1.search(text) else []
    if len(letters) > 2 and all(map(_OF_LATIN1.match, letters)):
        return True
    for encoding in ("cp1251", "cp1252") if len(text) > 3 else ():
        try:
            text.encode(encoding).decode()
        except UnicodeError:
            continue
        return True
    return False
