"""What the parts of an entry may look like. Everything here raises Refused("shape", ...); docs/protocol.md, section 2."""

import re
from typing import Any, NamedTuple

import veche_kernel

from veche.errors import Refused


class Text(NamedTuple):
    """A text in both languages of the city."""

    en: str
    ru: str

    def both(self) -> str:
        """English and Russian in one string, as the Belenios election wants it."""
        return f"{self.en} / {self.ru}" if self.en or self.ru else ""


class Attachment(NamedTuple):
    """A file that belongs to an entry: its name for people, and SHA-256 of its salt (32 bytes) and content."""

    name: str
    hash: bytes


MAX_NUMBER = (1 << 53) - 1
"""The greatest number in an entry: every language that will ever read one holds it exactly."""


_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]")
"""Characters that are not seen or that reorder what is. A fixed list: what Unicode says of a character changes with its version."""


def refuse(what: str, hint: str = "") -> Refused:
    return Refused("shape", what, hint)


def array(item: Any, what: str, least: int = 0, most: int = 65_535) -> list[Any]:
    if type(item) is not list or not least <= len(item) <= most:
        size = f"{least}" if least == most else f"{least} to {most}"
        raise refuse(f"{what} must be an array of {size} items.")
    return item


def uint(item: Any, what: str, least: int = 0, most: int = MAX_NUMBER) -> int:
    if type(item) is not int or not least <= item <= most:
        raise refuse(f"{what} must be a number from {least} to {most}.")
    return item


def data(item: Any, what: str, least: int, most: int | None = None) -> bytes:
    if type(item) is not bytes or not least <= len(item) <= (least if most is None else most):
        raise refuse(f"{what} must be {least if most is None else f'{least} to {most}'} bytes.")
    return item


def word(item: Any, what: str, most: int = 80) -> str:
    """A short label: 1..most visible characters, no space at either end."""
    if type(item) is not str or not 1 <= len(item) <= most or _INVISIBLE.search(item) or item != item.strip(" \u00a0"):
        raise refuse(f"{what} must be 1 to {most} visible characters, with no space at either end.")
    return item


def office_key(item: Any, what: str) -> bytes:
    """An Ed25519 public key of which somebody can know the secret.

    A point of small order, the identity first of all, has signatures for every message; so the key must be of the prime-order subgroup.
    """
    key = data(item, what, 32)
    try:
        veche_kernel.point_check(key)
    except ValueError:
        raise refuse(f"{what} is not an Ed25519 key.") from None
    if key == veche_kernel.IDENTITY:
        raise refuse(f"{what} is the identity, for which anybody can sign.")
    return key


def text(item: Any, what: str, most: int = 10_000, empty: bool = False) -> Text:
    """A text in English and Russian, newlines allowed. ``empty``: both may be empty."""
    if type(item) is not list or len(item) != 2 or not all(type(part) is str for part in item):
        raise refuse(f"{what} must be an array of two texts, English and Russian.")
    for part in item:
        if not (part or empty) or len(part) > most:
            raise refuse(f"{what} must be 1 to {most} characters in both languages.")
        if _INVISIBLE.search(part.replace("\n", "")):
            raise refuse(f"{what} holds invisible characters.", "Type it anew, without control characters.")
    if bool(item[0]) != bool(item[1]):
        raise refuse(f"{what} is missing in one language.")
    return Text(item[0], item[1])


def attachments(item: Any) -> tuple[Attachment, ...]:
    rows = [array(row, "An attachment", 2, 2) for row in array(item, "The attachments", 0, 100)]
    return tuple(
        Attachment(word(row[0], "An attachment's name", 200), data(row[1], "An attachment's hash", 32)) for row in rows
    )


def points(item: Any, what: str, count: int) -> list[bytes]:
    """``count`` points of the prime-order subgroup, one after another."""
    blob = data(item, what, 32 * count)
    parts = [blob[i : i + 32] for i in range(0, len(blob), 32)]
    try:
        veche_kernel.points_check(parts)
    except ValueError as error:
        raise refuse(f"{what}: {error}.") from None
    return parts


def chunks(blob: bytes, size: int) -> list[bytes]:
    return [blob[i : i + size] for i in range(0, len(blob), size)]
