"""A hash in nine words, to be read aloud and typed: English or Russian, the same code in either. docs/protocol.md, section 3.3.

The first 80 bits are eight words of a list of 1,024; the ninth checks them. So words are for finding and for reading to each
other; whoever must be sure compares the whole hash. The lists are ``en.txt`` and ``ru.txt``, frozen: vectors/make_words.py.
"""

import hashlib
from functools import cache
from pathlib import Path

from veche.errors import UserError
from veche.texts import Message

LISTS = Path(__file__).parent
LANGUAGES = ("en", "ru")
COUNT = 1024
"""Words in a list: ten bits each."""
WORDS = 9
PREFIX = 10
"""Bytes of a hash that words say."""
CHECK = b"veche-words-v1"


@cache
def word_list(language: str) -> tuple[str, ...]:
    """The words of a language, in the order of their numbers."""
    return tuple((LISTS / f"{language}.txt").read_text(encoding="utf-8").split())


def key_of(word: str) -> str:
    """What of a word counts: its first four letters, in lower case, е for ё."""
    return word.lower().replace("ё", "е")[:4]


def in_words(digest: bytes, language: str = "en") -> str:
    """Nine words that begin a hash (``digest``, 10 bytes or more)."""
    words = word_list(language)
    return " ".join(words[number] for number in numbers_of(digest[:PREFIX]))


def in_every_language(digest: bytes) -> dict[str, str]:
    """The same in each language, by its name."""
    return {language: in_words(digest, language) for language in LANGUAGES}


def from_words(text: str) -> bytes:
    """The first 10 bytes of the hash that nine words say, in any language. Raises UserError with the word that is wrong."""
    given = text.split()
    if len(given) != WORDS:
        raise UserError(
            Message("A code has {words} words, and {given} were given.", words=WORDS, given=len(given)),
            Message("Type all of them, in their order."),
        )
    numbers = []
    for place, word in enumerate(given, 1):
        number = _known().get(key_of(word))
        if number is None or len(word) < 4:
            raise UserError(Message("Word {place}, {word!r}, is none of those that codes are made of.", place=place, word=word[:40]),
                            Message("The first four letters of each will do: compare them."))  # fmt: skip
        numbers.append(number)
    packed = 0
    for number in numbers[:-1]:
        packed = packed << 10 | number
    prefix = packed.to_bytes(PREFIX, "big")
    if numbers_of(prefix)[-1] != numbers[-1]:
        raise UserError(
            Message("These nine words do not belong together: one of them is another."),
            Message("Compare each with the screen."),
        )
    return prefix


@cache
def _known() -> dict[str, int]:
    return {key_of(word): number for language in LANGUAGES for number, word in enumerate(word_list(language))}


def numbers_of(prefix: bytes) -> list[int]:
    """The numbers of the words that say these 10 bytes: eight of ten bits, and that of the check word."""
    packed = int.from_bytes(prefix, "big")
    check = int.from_bytes(hashlib.sha256(CHECK + prefix).digest()[:2], "big") >> 6
    return [packed >> 10 * i & 1023 for i in reversed(range(WORDS - 1))] + [check]
