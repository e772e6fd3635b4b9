"""Texts that people take for one another. A likeness is made for comparing and is never shown.

Latin and Cyrillic letters are compared by a table: the ledger's texts are in English and Russian. Letters of further alphabets
need none, because what holds them is named for it (:func:`mixed_word`).
"""

import re
import unicodedata

CYRILLIC, LATIN = "авекмнорстухіѕјԁԛԝһӏ", "abekmhopctyxisjdqwhl"
_FOLDED = str.maketrans(CYRILLIC, LATIN)
"""Small Cyrillic letters that stand in for Latin ones, or whose capitals do."""
_SEEN = str.maketrans("АВЕЅІЈКМНОРСТУХЬаеорсухіѕјԁԛԝһӏ0136I|", "ABESlJKMHOPCTYXbaeopcyxisjdqwhlOlЗбll")
"""Characters of one shape in most typefaces, and what stands for both."""
_QUOTES = re.compile("[\"'`´«»“”„‟‘’‚‹›]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_GAPS = re.compile(r"\s+")
_WORDS = re.compile(r"[^\W\d_]+")


def letters(text: str) -> str:
    """Equal for texts that differ in case, accents, letters of another alphabet that look the same, or digits of another script."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    seen = (str(unicodedata.decimal(each, each)) for each in apart if not unicodedata.combining(each))
    return "".join(seen).translate(_FOLDED)


def alike(one: str, other: str) -> bool:
    """Whether people may take two texts for one: they are read the same (but for case, accents, spaces, quotes, the mark at the
    end), or look the same in most typefaces (O and 0, l and 1, rn and m)."""
    return _read(one) == _read(other) or _shape(one) == _shape(other)


def mixed_word(text: str) -> str | None:
    """The first word with letters of two alphabets, or of one that is neither Latin nor Cyrillic; None if there is none."""
    for word in _WORDS.findall(text):
        if len(found := alphabets(word)) > 1 or not found <= {"LATIN", "CYRILLIC"}:
            return str(word)
    return None


def alphabets(text: str) -> set[str]:
    """The alphabets of a text's letters, as Unicode names them: LATIN, CYRILLIC, GREEK."""
    return {unicodedata.name(each, "OTHER").split(" ", 1)[0] for each in text if each.isalpha() and each not in "ªº"}


def _read(text: str) -> str:
    return _bare(letters(text))


def _shape(text: str) -> str:
    return _bare(unicodedata.normalize("NFKC", text).translate(_SEEN)).replace("rn", "m").replace("vv", "w")


def _bare(text: str) -> str:
    return _GAPS.sub("", _DASHES.sub("-", _QUOTES.sub("", text))).rstrip(".,;:!?")
