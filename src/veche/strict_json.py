"""JSON as this project reads it, where it is not compared with its one spelling (as :mod:`veche.ballot.canonical` does)."""

import json
from codecs import BOM_UTF8
from typing import Any

from veche.texts import Message


class NotStrict(ValueError):
    """What this project does not read. ``reason``: a phrase that says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def read_json(raw: bytes) -> Any:
    """What a JSON text in UTF-8 spells. A byte-order mark before it, which some editors put there, is passed over.

    Raises ValueError, with a phrase that says why, for anything else; so for a key that stands twice in an object, of which one
    reader would take the first value and another the last, for numbers that there are not, and for what is nested too deep.
    """
    text = raw.removeprefix(BOM_UTF8).decode()
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise NotStrict(Message("it is nested too deep")) from None
    except UnicodeEncodeError:
        raise NotStrict(Message("it holds a half of a character")) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotStrict(Message("the key {name!r} is there twice", name=name[:80]))
        found[name] = value
    return found


def _no_number(said: str) -> Any:
    raise NotStrict(Message("{said} is no number", said=said))
