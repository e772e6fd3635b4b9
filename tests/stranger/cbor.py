"""The stranger's CBOR: the small deterministic part of RFC 8949 that entries are written in (protocol, section 2)."""

from typing import Any

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
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFF),
]


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
    need(
        said and said[0] not in " \u00a0" and said[-1] not in " \u00a0",
        "a word is empty or has a space at an end",
    )
    return said


def text(value: object, high: int = 10_000, empty: bool = False) -> list[str]:
    """A text in English and in Russian (section 2)."""
    english, russian = said = [visible(part, high, "\n") for part in row(value, 2)]
    need((english and russian) or (empty and not english and not russian), "a language of a text is missing")
    return said
