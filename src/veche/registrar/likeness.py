"""Names that people take for one another: what an import asks about.

A likeness is made for comparing and is never shown. Two names with one likeness may be one name in two spellings; whether they
are is for people to say. Not here: what cannot be told apart at all, which :func:`veche.registrar.roll_file.clean` makes one.
"""

import re

from veche.likeness import CYRILLIC, LATIN, letters

_NOT_LETTERS = re.compile(r"[\W_]+")
_BETWEEN_WORDS = re.compile(r"(?<!\d) | (?!\d)")
_NUMBERS = re.compile(r"[0-9-]+")
_ONE_NUMBER = 9
"""Digits from which on numbers in parts are one number, whatever separates them: an insurance number, a telephone's."""
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_IN_A_WORD = re.compile(r"(?<=[^\W\d_])[0136]|[0136](?=[^\W\d_])")
_LIKE = {"0": "О", "1": "l", "3": "З", "6": "б"}
"""Letters for which digits stand beside others, because they look the same."""


def person_likeness(person: str) -> str:
    """Equal for persons who differ in case, accents, leading zeros of numbers, what separates the parts of an id, or letters and digits
    of another alphabet that look the same."""
    if person.isdecimal() and person.isascii():
        return _ZEROS.sub("", person)
    parts = _NOT_LETTERS.sub("-", letters(person)).strip("-")
    # A short number in parts may be another in other parts: house 1, flat 12; house 11, flat 2.
    return _ZEROS.sub("", parts.replace("-", "") if len(parts) >= _ONE_NUMBER and _NUMBERS.fullmatch(parts) else parts)


def district_likeness(district: str) -> str:
    """Equal for districts that differ besides in punctuation and spaces, but not between numbers (1-12 is not 11-2), or in a digit for a
    letter of one shape: 3аречный, Заречный."""
    district = _IN_A_WORD.sub(lambda digit: _LIKE[digit[0]], district)
    return _BETWEEN_WORDS.sub("", _NOT_LETTERS.sub(" ", person_likeness(district)).strip())


def alphabet(person: str) -> str | None:
    """``latin`` or ``cyrillic`` if all letters of an id with digits are such, and look like letters of the other; None for any other."""
    used = {each for each in person.casefold() if each.isalpha()}
    if not used or not any(map(str.isdecimal, person)):
        return None
    if used <= set(LATIN):
        return "latin"
    return "cyrillic" if used <= set(CYRILLIC) else None
