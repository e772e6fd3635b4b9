"""Drafts: TOML (or JSON) files that people edit, and that become entries when they are signed.

A draft is read strictly: what it does not know it names, instead of passing over it, for what is signed is final.
"""

import json
import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from veche.cli.options import read_file
from veche.errors import UserError
from veche.ledger.shape import Text

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Draft:
    """A table of a draft. ``where`` says which, for messages. Every method raises UserError."""

    def __init__(self, table: dict[str, Any], where: str, known: Iterable[str]) -> None:
        self._table = table
        self._where = where
        for name in table:
            if name not in known:
                raise self.wrong(f"{name!r} is not known there", f"Known are: {', '.join(known)}.")

    def wrong(self, message: str, hint: str = "") -> UserError:
        return UserError(f"In {self._where}: {message}.", hint)

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def _get(self, name: str, kind: type, what: str) -> Any:
        if name not in self._table:
            raise self.wrong(f"{name!r} is missing", f"It is {what}.")
        value = self._table[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(f"{name!r} must be {what}")
        return value

    def string(self, name: str) -> str:
        return str(self._get(name, str, "a text in quotes"))

    def number(self, name: str) -> int:
        value = int(self._get(name, int, "a whole number"))
        if value < 0:
            raise self.wrong(f"{name!r} must not be negative")
        return value

    def truth(self, name: str, default: bool) -> bool:
        return bool(self._get(name, bool, "true or false")) if name in self._table else default

    def strings(self, name: str) -> list[str]:
        values = self._get(name, list, "a list of texts")
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(f"{name!r} must be a list of texts")
        return list(values)

    def tables(self, name: str, known: Iterable[str]) -> list["Draft"]:
        """A list of tables, ``[[name]]`` in TOML; empty if there are none."""
        if name not in self._table:
            return []
        values = self._get(name, list, f"a list of tables: [[{name}]]")
        if not all(isinstance(value, dict) for value in values):
            raise self.wrong(f"{name!r} must be a list of tables: [[{name}]]")
        return [Draft(value, f"{self._where}, {name} {i}", known) for i, value in enumerate(values, 1)]

    def text(self, name: str, default: Text | None = None) -> Text:
        """A text in both languages: ``{ en = "...", ru = "..." }``."""
        if name not in self._table and default is not None:
            return default
        table = self._get(name, dict, 'a text in both languages: { en = "...", ru = "..." }')
        both = Draft(table, f"{self._where}, {name}", ("en", "ru"))
        return Text(both.string("en"), both.string("ru"))

    def texts(self, name: str) -> list[Text]:
        values = self._get(name, list, 'a list of texts: { en = "...", ru = "..." }')
        found = []
        for i, value in enumerate(values, 1):
            if not isinstance(value, dict):
                raise self.wrong(
                    f'{name!r}, number {i}, must be a text in both languages: {{ en = "...", ru = "..." }}'
                )
            both = Draft(value, f"{self._where}, {name}, number {i}", ("en", "ru"))
            found.append(Text(both.string("en"), both.string("ru")))
        return found

    def moment(self, name: str) -> int:
        """A time with its zone, in seconds since 1970: 2026-12-01T09:00:00+03:00."""
        hint = "Write it with its zone, such as 2026-12-01T09:00:00+03:00."
        value = self._table.get(name)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                raise self.wrong(f"{name!r} is not a time", hint) from None
        if value is None:
            raise self.wrong(f"{name!r} is missing", hint)
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.wrong(f"{name!r} must be a time with its zone", hint)
        seconds = int(value.timestamp())
        if seconds < 0:
            raise self.wrong(f"{name!r} is before 1970")
        return seconds

    def duration(self, name: str) -> int:
        """A number of seconds, or a text such as "14 days"."""
        value = self._table.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        match = re.fullmatch(r"(\d{1,9}) (second|minute|hour|day)s?", value) if isinstance(value, str) else None
        if match is None:
            raise self.wrong(f"{name!r} must be a duration", 'Write seconds, or a text such as "14 days" or "2 hours".')
        return int(match[1]) * UNITS[match[2]]


def read_draft(path: Path, known: Iterable[str]) -> Draft:
    """Read a draft whose outermost names are ``known``. Raises UserError, with the line, if it is not TOML (or JSON)."""
    data = read_file(path)
    try:
        text = data.decode("utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a text in UTF-8.", "Give the draft.") from None
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise UserError(f"{path} is not well-formed {kind}: {error}.", "Correct it in an editor.") from None
    if not isinstance(table, dict):
        raise UserError(f"{path} is not a draft.", "It should be a table of names and values.")
    return Draft(table, str(path), known)
