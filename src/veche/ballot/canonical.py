"""The one spelling of every Belenios text: strict JSON, points, scalars, weights and fingerprints.

Belenios hashes texts, so a value that can be spelled in two ways is two values. Everything in an archive is therefore
read into a typed ``Record``, written again, and compared byte for byte: whatever differs is refused (spaces, another
order of fields, needless escapes, leading zeros, duplicate keys, a byte-order mark, and all that nobody thought of).

How Belenios writes JSON (found by experiment with belenios-tool 3.0): no spaces; fields in the declared order, absent
ones left out; strings in raw UTF-8 with only ``"``, ``\\``, control characters and DEL escaped.

Source: docs/protocol.md, section 1; Belenios specification 2.0.
"""

import base64
import hashlib
from typing import Annotated, Any, TypeVar

import msgspec
import veche_kernel
from msgspec import Meta

from veche.errors import DoesNotHold
from veche.texts import Capital, Localizable, Message, Said

STEP = "A3"
"""The step of an archive's verification that the errors of this file name."""

Hex = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A SHA-256 hash, or the text of a point: 64 lowercase hexadecimal digits."""

Decimal = Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,75})\Z")]
"""The text of a scalar (at most 76 digits); ``scalar`` checks that it is below q."""

SMALL = 2**30 - 1
"""The largest weight that Belenios writes as a JSON number; larger ones are strings."""

Small = Annotated[int, Meta(ge=0, le=SMALL)]
Weight = Annotated[int, Meta(ge=0, le=SMALL)] | Annotated[str, Meta(pattern=r"\A[1-9][0-9]{9,75}\Z")]
"""A weight or a count of votes as JSON; ``weight_value`` checks that a string holds a number above ``SMALL``."""

_ESCAPES = {code: f"\\u{code:04x}" for code in [*range(0x20), 0x7F]}
_ESCAPES |= {ord(c): f"\\{e}" for c, e in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)}

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object whose fields stand in the order of their declaration; a field that is ``None`` is left out."""


def encode(value: Any) -> bytes:
    """The JSON of records, lists, tuples, strings, integers, booleans and raw JSON, as Belenios writes it (UTF-8)."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode()


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(f'"{value.translate(_ESCAPES)}"')
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        parts.append(str(value))
    elif isinstance(value, msgspec.Struct):
        fields = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        present = [(name, v) for name, field in fields if (v := getattr(value, field)) is not None]
        for i, (name, v) in enumerate(present):
            parts.append(f'{"," if i else "{"}"{name}":')
            _write(v, parts)
        parts.append("}" if present else "{}")
    elif isinstance(value, (list, tuple)):
        parts.append("[")
        for i, v in enumerate(value):
            if i:
                parts.append(",")
            _write(v, parts)
        parts.append("]")
    elif isinstance(value, msgspec.Raw):
        parts.append(bytes(value).decode())
    else:
        raise TypeError(f"{type(value).__name__} has no place in Belenios's JSON")


def decode(raw: bytes, kind: type[T], where: Said) -> T:
    """The value of type ``kind`` that ``raw`` spells. Raises DoesNotHold (A3) unless it is the one spelling of it."""
    try:
        value = msgspec.json.decode(raw, type=kind)
        canonical = encode(value)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError) as error:
        raise DoesNotHold(
            STEP,
            where,
            Message("The JSON of {where} is not what it must be: {error}.", where=where, error=_plain(error)),
        ) from None
    if canonical != raw:
        at = next((i for i, (a, b) in enumerate(zip(canonical, raw, strict=False)) if a != b), len(canonical))
        raise DoesNotHold(
            STEP,
            where,
            Message(
                "The JSON of {where} is not written in the one canonical way: it differs at byte {at}.",
                where=where,
                at=str(min(at, len(raw))),
            ),
            Message("Fields in order, no spaces, no needless escapes, no leading zeros, nothing twice."),
        )
    return value


def _plain(error: Exception) -> Said:
    """What a JSON reader objects to, short enough to print whatever the file holds."""
    if isinstance(error, RecursionError):
        return Message("nested too deep")
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text[:200].replace("`", "")


def sha256(data: bytes) -> str:
    """SHA-256 as 64 lowercase hexadecimal digits: the name of a record in an archive."""
    return hashlib.sha256(data).hexdigest()


def b64(data: bytes) -> str:
    """SHA-256 in standard base64 without padding, 43 characters: fingerprints of elections, trackers of ballots."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def point_text(point: bytes) -> str:
    """Belenios's text of a point of 32 bytes (RFC 8032): the hexadecimal digits of the reversed bytes."""
    return point[::-1].hex()


def point_bytes(text: str) -> bytes:
    """The 32 bytes (RFC 8032) of a point's text, of the form ``Hex``. Whether it is a point is not looked at."""
    return bytes.fromhex(text)[::-1]


def point(text: str, step: str, where: Localizable) -> bytes:
    """The point that ``text`` spells, canonical and in the prime-order subgroup, else DoesNotHold of ``step``."""
    encoded = point_bytes(text)
    try:
        veche_kernel.point_check(encoded)
    except ValueError as error:
        raise DoesNotHold(
            step,
            where,
            Message("{where} is not an element of the group: {error}", where=Capital(where), error=_sentence(error)),
        ) from None
    return encoded


def scalar_text(scalar: bytes) -> str:
    """The decimal text of a scalar of 32 bytes, little-endian."""
    return str(int.from_bytes(scalar, "little"))


def scalar(text: str, where: Said) -> bytes:
    """The 32 bytes, little-endian, of a scalar's text of the form ``Decimal``. Raises DoesNotHold (A3) from q on."""
    value = int(text)
    if value >= veche_kernel.ORDER:
        raise DoesNotHold(STEP, where, Message("A number of {where} is not below the order of the group.", where=where))
    return value.to_bytes(32, "little")


def weight_json(value: int) -> int | str:
    """A weight or count as Belenios writes it: a number up to 2^30 - 1, a string above. ``value`` is not negative."""
    return value if value <= SMALL else str(value)


def weight_value(json: int | str, where: Said) -> int:
    """The number that a ``Weight`` stands for. Raises DoesNotHold (A3) for a string that should be a number."""
    value = int(json)
    if weight_json(value) != json:
        raise DoesNotHold(
            STEP,
            where,
            Message("A number of {where} is written as a string, but is small enough for a number.", where=where),
        )
    return value


def _sentence(error: Exception) -> str:
    return str(error).rstrip(".") + "."
