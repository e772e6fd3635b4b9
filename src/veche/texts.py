"""The one door to the words that people read, in every language.

English stands where it is said, and is also the name of the message. Every other language is a catalogue (GNU gettext),
``locale/LANGUAGE/LC_MESSAGES/veche.po``, which is read when somebody first wants that language: there is nothing to compile,
and a further language is one more file. Numbers, shares and times are written as Babel (Unicode CLDR) knows them.

    >>> Plural("{count} ballot", "{count} ballots", 21).text("ru")
    '21\N{NO-BREAK SPACE}бюллетень'

What is not said at once is a :class:`Localizable` that is handed on, and becomes a text where the language is known. ``str``
of it is English. Babel's extractor finds the messages by the names ``Message``, ``Plural`` and ``N_``, ``N2_`` (and, in templates,
``_`` and ``ngettext``); tests/test_texts.py holds each catalogue against them. CONTRIBUTING.md says how to change them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path, PurePath
from unicodedata import category

ENGLISH = "en"
LOCALE = Path(__file__).parent / "locale"
LAST = 253_402_300_799
"""The last second of the year 9999, the last that Python can write down."""


def languages() -> tuple[str, ...]:
    """The languages that there are, English first."""
    return ENGLISH, *sorted(path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/veche.po"))


@cache
def catalogue(language: str) -> NullTranslations:
    """The messages of a language. Raises ValueError for one that has no catalogue."""
    if language == ENGLISH:
        return NullTranslations()
    path = LOCALE / language / "LC_MESSAGES" / "veche.po"
    if language not in languages():
        raise ValueError(f"there is no catalogue of the language {language!r}")
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def N_(message: str) -> str:  # the name is gettext's
    """Marks a message for the catalogues that is looked up later, with ``Message``."""
    return message


def N2_(one: str, many: str) -> tuple[str, str]:
    """The same of a message whose words depend on a number."""
    return one, many


class Localizable(ABC):
    """Something that people read, in whatever language they read it."""

    @abstractmethod
    def text(self, language: str) -> str:
        """What it says in this language, one of ``languages()``."""

    def __str__(self) -> str:
        return self.text(ENGLISH)


class Term(StrEnum):
    """A word of the format that people read as well: a role, the phase of a poll. In a message it is in their language.

    Its members are marked with ``N_``, and say in English what they are in the format.
    """


Value = Localizable | str | PurePath | int | float
"""What may be filled into a message. Strings and paths stay as they are, but in one line (:func:`one_line`), which is right for
names and ids; numbers are written as the language writes them, and a float has one digit after the point."""


Said = Localizable | str
"""What somebody is told: a string is the same in every language."""


@dataclass(frozen=True)
class Verbatim(Localizable):
    """What is the same in every language, and whole: a command, a file, lines that are ready."""

    words: str

    def text(self, language: str) -> str:
        return self.words


@dataclass(frozen=True)
class Capital(Localizable):
    """Words at the beginning of a sentence: with a capital letter."""

    said: Localizable

    def text(self, language: str) -> str:
        words = self.said.text(language)
        return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Clause(Localizable):
    """A sentence as part of another: without its full stop."""

    said: Localizable

    def text(self, language: str) -> str:
        return self.said.text(language).rstrip(".")


@dataclass(frozen=True)
class Sentence(Localizable):
    """Words without a full stop, with one."""

    said: Localizable

    def text(self, language: str) -> str:
        return f"{self.said.text(language)}."


def one_line(text: str) -> str:
    """A text of others in one line, without what could steer a terminal or turn its direction: whatever cannot be printed is �, and
    a line's end ⏎. So it never speaks for the program."""
    if text.isprintable():
        return text
    whole = text.replace("\r\n", "\n").replace("\n", "⏎")
    return "".join(
        char if char.isprintable() else " " if char == "\t" or category(char) == "Zs" else "\N{REPLACEMENT CHARACTER}"
        for char in whole
    )


class Message(Localizable):
    """A sentence or a few words. ``message`` is its English; the values of ``{names}`` in it are filled in."""

    def __init__(self, message: str, /, **values: Value) -> None:
        self.message = message
        self.values = values

    def text(self, language: str) -> str:
        return self._translated(language).format(
            **{name: _text(value, language) for name, value in self.values.items()}
        )

    def _translated(self, language: str) -> str:
        return catalogue(language).gettext(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text(ENGLISH)!r})"


class Plural(Message):
    """A message whose words depend on a number, ``{count}`` in it: ``one`` and ``many`` are its two forms in English."""

    def __init__(self, one: str, many: str, /, count: int, **values: Value) -> None:
        super().__init__(one, count=count, **values)
        self.many = many
        self.count = count

    def _translated(self, language: str) -> str:
        return catalogue(language).ngettext(self.message, self.many, self.count)


@dataclass(frozen=True)
class Listed(Localizable):
    """Several things one after another, with ``between`` them; empty ones are left out."""

    items: tuple[Said, ...]
    between: str = ", "

    def text(self, language: str) -> str:
        return self.between.join(filter(None, (_text(item, language) for item in self.items)))


@dataclass(frozen=True)
class Words(Localizable):
    """A text that comes in the city's two languages: from a ledger, or for the JSON of a report. In all others it is English."""

    en: str
    ru: str

    @classmethod
    def of(cls, said: Localizable) -> "Words":
        return cls(said.text("en"), said.text("ru"))

    def text(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


LONGEST = 10**20
"""From here on a number is written without separators: decimal, which Babel uses, has 28 digits."""


@dataclass(frozen=True)
class Number(Localizable):
    """305,212 in English and 305 212 (with a no-break space) in Russian."""

    value: int | float

    def text(self, language: str) -> str:
        if abs(self.value) >= LONGEST:
            return str(self.value)
        from babel.numbers import format_decimal

        pattern = "#,##0.0" if isinstance(self.value, float) else None
        return format_decimal(self.value, pattern, locale=language)


@dataclass(frozen=True)
class Percent(Localizable):
    """530 tenths of a percent are 53.0% in English and 53,0 % in Russian."""

    tenths: int

    def text(self, language: str) -> str:
        from babel import Locale
        from babel.numbers import format_percent

        pattern = Locale.parse(language).percent_formats[None].pattern.replace("0", "0.0")
        return format_percent(Decimal(self.tenths) / 1000, pattern, locale=language)


DATE_AND_TIME = N_("d MMMM y, HH:mm 'UTC'")
DATE = N_("d MMMM y")
DAY_OF_MONTH = N_("d MMM")
DAY_AND_TIME = N_("d MMM, HH:mm")
SECOND = N_("d MMMM y, HH:mm:ss 'UTC'")
EXACT = N_("EEEE, d MMMM y, HH:mm:ss 'UTC'")
"""How times are written: patterns of Unicode CLDR, which a catalogue translates like any other message."""


@dataclass(frozen=True)
class Moment(Localizable):
    """A time, in seconds since 1970, in UTC. Whoever made the ledger chose it, so anything after ``LAST`` is shown as that."""

    time: int
    pattern: str = DATE_AND_TIME

    def text(self, language: str) -> str:
        from babel.dates import format_datetime

        pattern = catalogue(language).gettext(self.pattern)
        return format_datetime(datetime.fromtimestamp(min(self.time, LAST), UTC), pattern, locale=language)


def duration(seconds: int) -> Localizable:
    """A number of seconds in the largest unit that divides it (14 days, 90 minutes), and if none does, and they are many, in several."""
    if seconds and seconds % 86_400 == 0:
        return Plural("{count} day", "{count} days", seconds // 86_400)
    if seconds and seconds % 3600 == 0:
        return Plural("{count} hour", "{count} hours", seconds // 3600)
    if seconds and seconds % 60 == 0:
        return Plural("{count} minute", "{count} minutes", seconds // 60)
    if seconds > 120:
        units = [size for size in (86_400, 3600, 60) if size < seconds]
        return Listed((duration(seconds - seconds % units[0]), duration(seconds % units[0])), " ")
    return Plural("{count} second", "{count} seconds", seconds)


def _text(value: Value, language: str) -> str:
    if isinstance(value, Words):
        return one_line(value.text(language))
    if isinstance(value, Localizable):
        return value.text(language)
    if isinstance(value, Term):
        return catalogue(language).gettext(value.value)
    if isinstance(value, int | float):
        return Number(value).text(language)
    return one_line(str(value))  # and whatever an entry that nobody has checked yet holds in place of a name
