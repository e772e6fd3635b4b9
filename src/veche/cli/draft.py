"""Drafts: TOML (or JSON) files that people edit, and that become entries when they are signed.

A draft is read strictly, into typed tables: what it does not know it names, instead of passing over it, for what is signed is
final. This file has what all drafts are made of, and turns what msgspec says of one into sentences.
"""

import difflib
import re
from codecs import BOM_UTF8
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from veche.cli.options import parse_hex, read_file
from veche.errors import UserError, because
from veche.ledger.shape import Text
from veche.strict_json import read_json
from veche.texts import N_, Listed, Localizable, Message, Said, Verbatim, one_line

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

Count = Annotated[int, Meta(ge=0)]

_A_TIME = N_("must be a time with its zone, such as 2026-12-01T09:00:00+03:00")
_TOO_EARLY = N_("is before 1970")
_A_DURATION = N_('must be a duration: seconds, or a text such as "14 days" or "2 hours"')
_NO_KEY = N_("is not a public key: that is 64 hexadecimal digits in quotes")
_NO_HASH = N_("is not the hash of an attachment: that is 64 hexadecimal digits in quotes")
_OWN = (_A_TIME, _TOO_EARLY, _A_DURATION, _NO_KEY, _NO_HASH)
"""What the types of this file say of a value, by way of msgspec, which takes nothing but a string."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a draft: names and values."""


class BothTexts(Table, frozen=True, kw_only=True):
    """A text in both languages of the city: ``{ en = "...", ru = "..." }``."""

    en: str
    ru: str

    @property
    def text(self) -> Text:
        return Text(self.en, self.ru)


class Instant(int):
    """A time with its zone, in seconds since 1970."""

    @classmethod
    def read(cls, value: Any) -> "Instant":
        try:
            time = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            time = None
        if not isinstance(time, datetime) or time.tzinfo is None:
            raise ValueError(_A_TIME)
        if time.timestamp() < 0:
            raise ValueError(_TOO_EARLY)
        return cls(time.timestamp())


class Duration(int):
    """A number of seconds, or a text such as "14 days"."""

    @classmethod
    def read(cls, value: Any) -> "Duration":
        if type(value) is int and value >= 0:
            return cls(value)
        match = re.fullmatch(r"(\d{1,9}) (second|minute|hour|day)s?", value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(_A_DURATION)
        return cls(int(match[1]) * UNITS[match[2]])


class PublicKey(bytes):
    """An office's public key, or the log's: 64 hexadecimal digits."""

    @classmethod
    def read(cls, value: Any) -> "PublicKey":
        return cls(_hex(value, _NO_KEY))


class Digest(bytes):
    """The SHA-256 hash of an attachment: 64 hexadecimal digits."""

    @classmethod
    def read(cls, value: Any) -> "Digest":
        return cls(_hex(value, _NO_HASH))


_MEANINGS = {
    str: N_("a text in quotes"),
    int: N_("a whole number"),
    bool: N_("true or false"),
    Instant: N_("a time with its zone, such as 2026-12-01T09:00:00+03:00"),
    Duration: N_('a duration: seconds, or a text such as "14 days"'),
    PublicKey: N_("a public key"),
    Digest: N_("the hash of an attachment"),
    BothTexts: N_('a text in both languages: {{ en = "...", ru = "..." }}'),
}

T = TypeVar("T", bound=Table)


def read_draft(path: Path, kind: type[T]) -> T:
    """A draft of this kind. Raises UserError with the place, a sentence and what to write there."""
    data = read_file(path)
    try:
        if path.suffix == ".json":
            return msgspec.convert(read_json(data), type=kind, dec_hook=_read)
        return msgspec.toml.decode(data.removeprefix(BOM_UTF8), type=kind, dec_hook=_read)
    except UnicodeDecodeError:
        raise UserError(Message("{path} is not a text in UTF-8.", path=path), Message("Give the draft.")) from None
    except msgspec.ValidationError as error:
        raise _refused(path, kind, str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        language = "JSON" if path.suffix == ".json" else "TOML"
        raise UserError(
            Message(
                "{path} is not well-formed {language}: {error}.", path=path, language=language, error=_where(error)
            ),
            Message("Correct it in an editor."),
        ) from None


def _where(error: Exception) -> Localizable:
    """Where a draft is not well-formed, for what Python says of it is English."""
    if found := re.search(r"line (\d+),? column (\d+)", str(error)):
        return Message("line {line}, column {column}", line=found[1], column=found[2])
    return Message("it breaks off at its end") if "end of document" in str(error) else because(error)


def _read(kind: Any, value: Any) -> Any:
    """What msgspec calls for a type that it does not know, which are those of this file; ValueError says what is wrong."""
    return kind.read(value)


def _hex(value: Any, wrong: str) -> bytes:
    try:
        return parse_hex(value if isinstance(value, str) else "", 32, Message(wrong))
    except UserError:
        raise ValueError(wrong) from None


def _refused(path: Path, kind: type[Table], said: str) -> UserError:
    """What msgspec says of a draft, as a sentence."""
    message, steps, wanted = _place(said, kind)
    places = [str(path)]
    for name, number in steps:
        if name:
            places.append(name)
        else:
            places[-1] += f" {int(number) + 1}"
    if missing := re.fullmatch(r"Object missing required field `(.*)`", message):
        return _wrong(
            places,
            Message("{missing!r} is missing", missing=missing[1]),
            Message("It is {wanted}.", wanted=_meaning(_fields(wanted)[missing[1]])),
        )
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL):
        known = list(_fields(wanted))
        close = difflib.get_close_matches(unknown[1], known, 1)
        hint = Message("Known are: {names}.", names=", ".join(known))
        if close:
            hint = Message("Did you mean {name!r}? Known are: {names}.", name=close[0], names=", ".join(known))
        return _wrong(
            places,
            Message("{unknown!r} is not known there", unknown=unknown[1][:80]),
            hint,
        )
    if not steps:
        return UserError(
            Message("{path} is not a draft.", path=path), Message("It should be a table of names and values.")
        )
    if message.startswith("Expected `int` >= 0"):
        wrong: Localizable = Message("must not be negative")
    elif message.startswith("Expected"):
        wrong = Message("must be {meaning}", meaning=_meaning(wanted))
    else:
        wrong = Message(message) if message in _OWN else Verbatim(one_line(message))
    last = repr(places[-1]) if steps[-1][0] else places[-1]
    return _wrong(places[:-1], Listed((last, wrong), " "))


def _place(said: str, kind: Any) -> tuple[str, list[tuple[str, str]], Any]:
    """Splits msgspec's message from where it is: the steps (a field's name, or the index of a list's item) and the type there."""
    match = re.fullmatch(r"(.*) - at `\$((?:\.\w+|\[\d+\])+)`", said, re.DOTALL)
    if match is None:
        return said, [], kind
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", match[2])
    wanted = kind
    for name, _ in steps:
        wanted = _fields(wanted).get(name) if name else next(iter(get_args(wanted)), None)
        if wanted is None:  # no such place: it is part of a name that somebody has made up
            return said, [], kind
    return match[1], steps, wanted


def _fields(kind: Any) -> dict[str, Any]:
    """The types of a table's fields by name, without their bounds and without the None of a value that is not there."""
    if not (isinstance(kind, type) and issubclass(kind, Table)):
        return {}
    return {field.encode_name: _plain(field.type) for field in msgspec.structs.fields(kind)}


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated or type(None) in get_args(kind) else kind


def _meaning(kind: Any) -> Localizable:
    """What a value of this type is, for people."""
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        if item in _MEANINGS:
            return Message("a list, each item {meaning}", meaning=Message(_MEANINGS[item]))
        return Message("a list of tables: [[...]]")
    return Message(_MEANINGS[kind]) if kind in _MEANINGS else Message("a table: {{ ... }}")


def _wrong(places: list[str], message: Localizable, hint: Said = "") -> UserError:
    return UserError(Message("In {places}: {wrong}.", places=", ".join(places), wrong=message), hint)
