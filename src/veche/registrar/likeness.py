"""Names that people take for one another: what an import asks about.

A likeness is made for comparing and is never shown. Two names with one likeness may be one name in two spellings; whether they
are is for people to say. Not here: what cannot be told apart at all, which :func:`veche.registrar.roll_file.clean` makes one.
"""

import re

from veche.likeness import letters

_NOT_LETTERS = re.compile(r"[\W_]+")
_BETWEEN_WORDS = re.compile(r"(?<!\d) | (?!\d)")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


def person_likeness(person: str) -> str:
    """Equal for persons who differ in case, accents, leading zeros of numbers, or letters of another alphabet that look the same."""
    return _ZEROS.sub("", person if person.isdecimal() and person.isascii() else letters(person))


def district_likeness(district: str) -> str:
    """Equal for districts that differ besides in punctuation and spaces, but not between numbers: 1-12 is not 11-2."""
    return _BETWEEN_WORDS.sub("", _NOT_LETTERS.sub(" ", person_likeness(district)).strip())
