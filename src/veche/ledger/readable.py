"""What people can read, and can tell apart. docs/protocol.md, section 2, "Texts and words".

All of it is settled by fixed lists and by the tables of Unicode 3.2, those of RFC 3454, which no new version of Unicode changes: what
one program admits, every other admits in twenty years.
"""

import re
from collections.abc import Iterable
from itertools import groupby
from stringprep import map_table_b2
from unicodedata import name
from unicodedata import ucd_3_2_0 as unicode_3_2

from veche.errors import Refused
from veche.texts import Localizable, Message, Verbatim

SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What counts as space, newlines apart."""

_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U00013430-\U0001343f\U00016fe4\U0001bc9d\U0001bc9e\U0001bca0-\U0001bca3"
    r"\U0001d159\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe-\U0010ffff]"
)
"""Characters that nobody sees, that reorder what is seen, or that look as each font likes."""
_MARKS = re.compile(r"[\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Marks that are newer than Unicode 3.2, by their blocks."""


def unseen(said: str) -> Localizable | None:
    """The first character that nobody sees, such as ``U+00AD, SOFT HYPHEN``; None if there is none."""
    found = _UNSEEN.search(said)
    return name_of(found[0]) if found else None


def name_of(character: str) -> Localizable:
    """What Unicode calls a character, such as ``U+00AD, SOFT HYPHEN``."""
    number = f"U+{ord(character):04X}"
    if called := name(character, ""):
        return Verbatim(f"{number}, {called}")
    if character < "\xa0":
        return Message("{number}, a control character", number=number)
    return Message("{number}, a character without a name", number=number)


def is_mark(character: str) -> bool:
    """Whether it is seen only together with the character before it."""
    return unicode_3_2.category(character)[0] == "M" or bool(_MARKS.match(character))


def is_blank(said: str) -> bool:
    """Whether there is nothing but spaces, newlines and marks."""
    return all(character in SPACES or character == "\n" or is_mark(character) for character in said)


def fold(said: str) -> str:
    """Equal for texts that differ in nothing but case, spaces, or in how their letters are composed; never shown.

    A character that is newer than Unicode 3.2 stands for itself.
    """
    runs = [(newer, "".join(run)) for newer, run in groupby(said, _is_newer)]
    folded = "".join(run if newer else unicode_3_2.normalize("NFKD", "".join(map(_small, run))) for newer, run in runs)
    return re.sub(f"[{SPACES}]+", " ", folded).strip(" ")


def two_spellings(names: Iterable[str]) -> tuple[str, str] | None:
    """Two of these names that differ and have the same :func:`fold`; None if there are none. A name may be there twice."""
    known: dict[str, str] = {}
    for said in names:
        first = known.setdefault(fold(said), said)
        if first != said:
            return first, said
    return None


def must_be_one_spelling(names: Iterable[str], rule: str) -> None:
    """Raises Refused with this rule if two of the names differ in nothing but their spelling (:func:`two_spellings`)."""
    if found := two_spellings(sorted(names)):
        raise Refused(
            rule,
            Message(
                "{found!r} and {found2!r} are the same name in two spellings, and would count as two.",
                found=found[0],
                found2=found[1],
            ),
            Message("Write it in one way."),
        )


def _is_newer(character: str) -> bool:
    return unicode_3_2.category(character) == "Cn"


def _small(character: str) -> str:
    """Table B.2. The standard library makes it with the case of today's Unicode, so that newer letters may come out."""
    small = map_table_b2(character)
    return character if any(map(_is_newer, small)) else small
