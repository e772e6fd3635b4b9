"""What the parts of an entry may look like. Everything here raises Refused("shape", ...); docs/protocol.md, section 2.

``what`` names the part for people: a literal, which tests/catalogues.py finds here and which is looked up only when something is
refused, or a Localizable.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import veche_kernel

from veche.errors import Refused
from veche.kernel_words import of_kernel
from veche.ledger.readable import SPACES, fold, is_blank, is_mark, name_of, unseen
from veche.texts import N_, Listed, Localizable, Message, Number, Said


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


def refuse(what: Said, hint: Said = "") -> Refused:
    return Refused("shape", what, hint)


def _named(what: Said) -> Localizable:
    return Message(what) if isinstance(what, str) else what


def between(least: int, most: int) -> Localizable:
    """How many there may be, as part of a sentence."""
    return Number(least) if least == most else Message("{least} to {most}", least=least, most=most)


def array(item: Any, what: Said, least: int = 0, most: int = 65_535) -> list[Any]:
    if type(item) is not list or not least <= len(item) <= most:
        raise refuse(Message("{what} must be an array of {size} items.", what=_named(what), size=between(least, most)))
    return item


def uint(item: Any, what: Said, least: int = 0, most: int = MAX_NUMBER) -> int:
    if type(item) is not int or not least <= item <= most:
        raise refuse(
            Message("{what} must be a number from {least} to {most}.", what=_named(what), least=least, most=most)
        )
    return item


def data(item: Any, what: Said, least: int, most: int | None = None) -> bytes:
    if type(item) is not bytes or not least <= len(item) <= (least if most is None else most):
        raise refuse(
            Message(
                "{what} must be {value} bytes.",
                what=_named(what),
                value=between(least, least if most is None else most),
            )
        )
    return item


def word(item: Any, what: Said, most: int = 80) -> str:
    """A short label: 1..most characters of one line that everybody sees; no space at either end."""
    if type(item) is not str or not 1 <= len(item) <= most:
        raise refuse(Message("{what} must be a text of 1 to {most} characters.", what=_named(what), most=most))
    _must_be_seen(item, what)
    _must_be_one_line(item, what)
    return item


def office_key(item: Any, what: Said) -> bytes:
    """An Ed25519 public key of which somebody can know the secret.

    A point of small order, the identity first of all, has signatures for every message; so the key must be of the prime-order subgroup.
    """
    key = data(item, what, 32)
    try:
        veche_kernel.point_check(key)
    except ValueError:
        raise refuse(Message("{what} is not an Ed25519 key.", what=_named(what))) from None
    if key == veche_kernel.IDENTITY:
        raise refuse(Message("{what} is the identity, for which anybody can sign.", what=_named(what)))
    return key


def text(item: Any, what: Said, most: int = 10_000, empty: bool = False) -> Text:
    """A text in English and Russian, newlines allowed. ``empty``: both may be empty."""
    said = _both(item, what, most, empty)
    for part in said:
        _must_be_seen(part, what, newlines=True)
    return said


def line(item: Any, what: Said, most: int) -> Text:
    """A text of one line in either language, with no space at its ends: nobody forges with it a line of what a program says."""
    said = _both(item, what, most)
    for part in said:
        if "\n" in part:
            raise refuse(
                Message("{what} is longer than one line.", what=_named(what)),
                Message("Write it in one line; the background may have several."),
            )
        _must_be_seen(part, what)
        _must_be_one_line(part, what)
    return said


def lines(items: Sequence[Any], what: Callable[[int], Said], most: int) -> tuple[Text, ...]:
    """A :func:`line` for each item. All that are wrong are said at once, by their numbers, from 1: ``what`` is "Answer {place}"."""
    made, wrong = [], []
    for place, item in enumerate(items, 1):
        try:
            made.append(line(item, what(place), most))
        except Refused as error:
            wrong.append(error)
    if wrong:
        raise refuse(Listed(tuple(error.said for error in wrong), " "), wrong[0].advice)
    return tuple(made)


def differ(texts: Sequence[Text], what: Said) -> None:
    """Raises Refused if two of the texts are alike in a language (:func:`veche.ledger.readable.fold`): nobody could tell them apart.

    ``what``: of which the numbers, from 1, are said, such as "Answers".
    """
    for language, name in enumerate((N_("English"), N_("Russian"))):
        places: dict[str, int] = {}
        for place, said in enumerate(texts, 1):
            first = places.setdefault(fold(said[language]), place)
            if first != place:
                raise refuse(
                    Message(
                        "{what} {first} and {place} are the same in {name}: {said!r}.",
                        what=_named(what),
                        first=first,
                        place=place,
                        name=Message(name),
                        said=said[language],
                    ),
                    Message("Say in both languages how they differ."),
                )


def _both(item: Any, what: Said, most: int, empty: bool = False) -> Text:
    if type(item) is not list or len(item) != 2 or not all(type(part) is str for part in item):
        raise refuse(Message("{what} must be an array of two texts, English and Russian.", what=_named(what)))
    for part in item:
        if not (part or empty) or len(part) > most:
            raise refuse(
                Message("{what} must be 1 to {most} characters in both languages.", what=_named(what), most=most)
            )
    if bool(item[0]) != bool(item[1]):
        raise refuse(Message("{what} is missing in one language.", what=_named(what)))
    return Text(item[0], item[1])


def _must_be_seen(said: str, what: Said, newlines: bool = False) -> None:
    if found := unseen(said.replace("\n", "") if newlines else said):
        raise refuse(
            Message("{what} holds a character that nobody sees: {found}.", what=_named(what), found=found),
            Message("Type it anew, without that character."),
        )
    if said and is_blank(said):
        raise refuse(
            Message("{what} has nothing in it but spaces or marks: {said}.", what=_named(what), said=name_of(said[0])),
            Message("Write it in words."),
        )


def _must_be_one_line(said: str, what: Said) -> None:
    if said[0] in SPACES or said[-1] in SPACES:
        raise refuse(Message("{what} begins or ends with a space.", what=_named(what)), Message("Take the space away."))
    if is_mark(said[0]):
        raise refuse(
            Message("{what} begins with a mark that belongs to a letter before it.", what=_named(what)),
            Message("Type it anew."),
        )


def attachments(item: Any) -> tuple[Attachment, ...]:
    rows = [array(row, "An attachment", 2, 2) for row in array(item, "The attachments", 0, 100)]
    return tuple(
        Attachment(word(row[0], "An attachment's name", 200), data(row[1], "An attachment's hash", 32)) for row in rows
    )


def points(item: Any, what: Said, count: int) -> list[bytes]:
    """``count`` points of the prime-order subgroup, one after another."""
    blob = data(item, what, 32 * count)
    parts = [blob[i : i + 32] for i in range(0, len(blob), 32)]
    try:
        veche_kernel.points_check(parts)
    except ValueError as error:
        raise refuse(Message("{what}: {error}.", what=_named(what), error=of_kernel(str(error)))) from None
    return parts


def chunks(blob: bytes, size: int) -> list[bytes]:
    return [blob[i : i + size] for i in range(0, len(blob), size)]
