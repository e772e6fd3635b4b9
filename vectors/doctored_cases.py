"""One more entry at some moment of the honest log, and the rule that must refuse it."""

from dataclasses import dataclass

from doctor import block_of
from doctored_city import City

from veche.ledger.codec import decode, encode

ORDER_2 = (2**255 - 20).to_bytes(32, "little")
"""The point of order two: eight times it is the identity."""


@dataclass(frozen=True)
class Moment:
    """Where an entry is handed in: behind the first ``size`` entries of the honest log, and then these."""

    size: int
    then: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Case:
    """An entry that is handed in at a moment, and the rule that must refuse it; none: it must be admitted."""

    rule: str | None
    name: str
    moment: Moment
    entry: bytes


def before(city: City, place: int, time: int | None = None) -> Moment:
    """In the block of the entry at this place, before all others in it; with a time, in another block instead of that one."""
    at = block_of(city.entries, place)
    if time is None:
        return Moment(at + 1)
    height, last, *_ = decode(city.entries[block_of(city.entries, at - 1)])[1]
    return Moment(at, (encode(["block", [height + 1, time, max(time - 1, last)]]),))


def exchanged(data: bytes, a: int, b: int) -> bytes:
    """Two words, each in the other's place."""
    words = [data[at : at + 32] for at in range(0, len(data), 32)]
    words[a], words[b] = words[b], words[a]
    return b"".join(words)
