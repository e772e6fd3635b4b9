"""The stranger's CBOR: the small deterministic part of RFC 8949 that entries are written in (protocol, section 2)."""

import stringprep
from collections.abc import Iterable
from typing import Any
from unicodedata import ucd_3_2_0 as old

Value = int | bytes | str | list[Any]
DEEP, ITEMS, LONGEST = 8, 4096, 65535


class Refused(ValueError):
    """What does not hold, in one sentence."""


def need(condition: object, sentence: str) -> None:
    """Go on only if the condition holds."""
    if not condition:
        raise Refused(sentence)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise Refused("a number of an entry is 2^64 or more")


def encode(value: Value) -> bytes:
    """The one encoding of a value."""
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _head(3, len(data)) + data
    return _head(4, len(value)) + b"".join(map(encode, value))


class _Reader:
    """Reads one value; counts items and depth, an array being an item and a level of its own."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.items = data, 0, 0

    def take(self, size: int) -> bytes:
        need(self.at + size <= len(self.data), "an entry ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, level: int) -> Value:
        self.items += 1
        need(self.items <= ITEMS, "an entry has too many items")
        first = self.take(1)[0]
        major, number = first >> 5, first & 31
        need(major in (0, 2, 3, 4) and number < 28, "an entry holds a CBOR type that has no place in it")
        if number >= 24:
            number = int.from_bytes(self.take(1 << number - 24), "big")
        if major == 0:
            return number
        if major == 2:
            return self.take(number)
        if major == 3:
            try:
                return self.take(number).decode()
            except UnicodeDecodeError:
                raise Refused("a text of an entry is not UTF-8") from None
        need(level < DEEP, "an entry is nested too deep")
        return [self.value(level + 1) for _ in range(number)]


def decode(data: bytes) -> list[Any]:
    """An entry's array; its bytes must be the only ones that say it."""
    need(len(data) <= LONGEST, "an entry is too long")
    value = _Reader(data).value(0)
    if not isinstance(value, list):
        raise Refused("an entry is not an array")
    need(encode(value) == data, "an entry is not in the deterministic encoding")
    return value


# The shapes that rules ask for. Each returns what it was given.


def number(value: object, low: int = 0, high: int = 2**53 - 1) -> int:
    """A number between two bounds; every number that a rule reads is below 2^53."""
    if not isinstance(value, int) or not low <= value <= high:
        raise Refused(f"{value!r} is not a number between {low} and {high}")
    return value


def octets(value: object, size: int) -> bytes:
    """A byte string of one length."""
    if not isinstance(value, bytes) or len(value) != size:
        raise Refused(f"a byte string does not have {size} bytes")
    return value


def row(value: object, size: int) -> list[Any]:
    """An array of one length."""
    if not isinstance(value, list) or len(value) != size:
        raise Refused(f"an array does not have {size} items")
    return value


def rows(value: object, low: int = 0, high: int = ITEMS) -> list[Any]:
    """An array of any length between two bounds."""
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise Refused(f"an array does not have {low} to {high} items")
    return value


HIDDEN = [
    (0, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFF),
    (0x13430, 0x1343F),
    (0x16FE4, 0x16FE4),
    (0x1BC9D, 0x1BC9E),
    (0x1BCA0, 0x1BCA3),
    (0x1D159, 0x1D159),
    (0x1D173, 0x1D17A),
    (0x1FFFE, 0x1FFFF),
    (0x2FFFE, 0x2FFFF),
    (0x3FFFE, 0x10FFFF),
]
NEW_MARKS = (range(0x1AB0, 0x1B00), range(0x1DC0, 0x1E00), range(0x20D0, 0x2100), range(0xFE20, 0xFE30))
SPACE = {0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000}


def visible(value: object, high: int, more: str = "") -> str:
    """Up to so many characters, none of them in the list of section 2."""
    if not isinstance(value, str) or len(value) > high:
        raise Refused("a text string is missing or too long")
    hidden = any(low <= ord(c) <= top for c in value if c not in more for low, top in HIDDEN)
    need(not hidden, "a text string has a character that is not seen")
    return value


def word(value: object, high: int = 80) -> str:
    """A word (section 2): visible, not empty, no space at either end."""
    said = visible(value, high)
    need(said and not SPACE & {ord(said[0]), ord(said[-1])}, "a word is empty or has a space at an end")
    need(not mark(said[0]), "a word begins with a mark")
    return said


def text(value: object, high: int = 10_000, empty: bool = False) -> list[str]:
    """A text in English and in Russian (section 2)."""
    english, russian = said = [visible(part, high, "\n") for part in row(value, 2)]
    need((english and russian) or (empty and not english and not russian), "a language of a text is missing")
    for part in said:
        need(
            not part or any(not mark(c) for c in part if ord(c) not in SPACE | {10}),
            "a text is of spaces and marks only",
        )
    return said


def mark(character: str) -> bool:
    """Does it belong to the character before it?"""
    return old.category(character).startswith("M") or any(ord(character) in block for block in NEW_MARKS)


def line(value: object, high: int) -> list[str]:
    """A text of one line in either language."""
    return [word(part, high) for part in row(value, 2)]


def different(texts: list[list[str]]) -> None:
    """No two of these texts are alike in a language (section 2)."""
    for said in zip(*texts, strict=True):
        need(len(set(map(folded, said))) == len(said), "two answers or two groups are alike")


def spelt_once(names: Iterable[str]) -> None:
    """Of these names, whatever two are alike are equal (section 2.1)."""
    each = set(names)
    need(len(set(map(folded, each))) == len(each), "a name is spelt in two ways")


def folded(said: str) -> str:
    """What is the same in texts that are alike: stringprep's tables, character by character, in runs of Unicode 3.2."""
    done, run = "", ""
    for character in said:
        if old.category(character) == "Cn":
            done, run = done + old.normalize("NFKD", run) + character, ""
        else:
            small = stringprep.map_table_b2(character)
            run += character if "Cn" in map(old.category, small) else small
    done += old.normalize("NFKD", run)
    return " ".join(part for part in "".join(" " if ord(c) in SPACE else c for c in done).split(" ") if part)
