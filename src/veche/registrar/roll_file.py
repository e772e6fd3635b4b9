"""The roll as a city hands it over: a CSV file.

UTF-8, a header line, one person a line; separated by commas, semicolons or tabs, whichever the header has. Columns, in
any order: ``person``, the name under which identity services know them (the subject of OpenID Connect, a resident's
number); ``group`` or ``district``, where they vote; and, if wanted, ``name``, for the staff at the desk. A registrar
keeps no more than it needs, so any other column is refused.
"""

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from veche.errors import UserError

MAX_LENGTH = 200
_MAX_LINE = 10_000  # bytes
_SEPARATORS = ",;\t"
_COLUMNS = {"person", "name", "district", "group"}


@dataclass(frozen=True, slots=True)
class Resident:
    """A person on the roll. ``name`` may be empty."""

    person: str
    name: str
    district: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used: its number, counted from 1, and why, as a plain phrase."""

    line: int
    reason: str


def clean(text: str) -> str:
    """The form in which persons and districts are kept and compared: NFC, without spaces around.

    Raises ValueError, with the reason, if the text is empty, longer than 200 characters or has control characters.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if not text.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text
    ):
        raise ValueError("has control characters")
    return text


def read_roll(path: Path) -> Iterator[Resident | BadLine]:
    """Read a roll line by line, so that one bad line does not hide the next; a person's second line is a bad one.

    Raises UserError if the file cannot be opened or if its header is not that of a roll.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"The roll {path} cannot be read: {error.strerror}.", "Check the path.") from None
    with file:
        separator, columns = _read_header(file.readline())
        seen: dict[str, int] = {}
        for line, raw in enumerate(file, start=2):
            if not raw.strip():
                continue
            try:
                resident = _read_line(raw, separator, columns)
            except ValueError as error:
                yield BadLine(line, str(error))
                continue
            if resident.person in seen:
                yield BadLine(line, f"the same person stands in line {seen[resident.person]}")
                continue
            seen[resident.person] = line
            yield resident


def _read_header(raw: bytes) -> tuple[str, list[str]]:
    try:
        header = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("The roll is not in UTF-8.", "Save it as CSV in UTF-8.") from None
    separator = max(_SEPARATORS, key=header.count)
    columns = [column.strip().strip('"').lower() for column in header.strip().split(separator)]
    columns = ["district" if column == "group" else column for column in columns]
    if unknown := [column for column in columns if column not in _COLUMNS]:
        raise UserError(
            f"The roll has a column that is not known: {unknown[0][:MAX_LENGTH]!r}.",
            "The first line names the columns: person, name (optional), district. Remove all others.",
        )
    if len(set(columns)) != len(columns) or not {"person", "district"} <= set(columns):
        raise UserError(
            "The roll needs one column 'person' and one column 'district' (or 'group').",
            "The first line of the file names the columns.",
        )
    return separator, columns


def _read_line(raw: bytes, separator: str, columns: list[str]) -> Resident:
    if len(raw) > _MAX_LINE:
        raise ValueError("it is far too long")
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    try:
        (fields,) = csv.reader([text], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        raise ValueError("it is not well-formed CSV") from None
    if len(fields) != len(columns):
        raise ValueError(f"it has {len(fields)} columns, the header has {len(columns)}")
    values = {"name": ""}
    for column, field in zip(columns, fields, strict=True):
        if column == "name" and not field.strip():
            continue
        try:
            values[column] = clean(field)
        except ValueError as error:
            raise ValueError(f"the {column} {error}") from None
    return Resident(values["person"], values["name"], values["district"])
