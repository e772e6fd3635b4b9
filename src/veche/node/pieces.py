"""Which piece of a log is asked of whom next, while a copy is made. It does no input or output and reads no clock.

A *piece* is a full bundle of entries with the tile of its hashes: which of them comes first does not matter, for each is checked by itself
against the tile above. So whoever has some can give them on, and what all joiners cost institutions does not grow with their number:

- whoever has a piece is asked for it; institutions (and nodes that a person typed) are *spared*: where a few others are known, they are
  asked for one piece at a time, which none of the others has, and only when these have given nothing new for a while;
- where some have a part only, many are copying at once: then pieces are taken at random, so that each soon has what others lack (as
  BitTorrent's peers do: Cohen, 2003). Else they are taken in their order, in which they are executed;
- a piece that somebody has owed for long is asked of another, too, and whoever owes it does not count until it has come.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

ENOUGH = 3
"""Others that must be known for institutions to be spared."""
PATIENCE = 1.0
"""Seconds for which the others have given nothing new before an institution is asked, where it is spared."""
LATE = 10.0
"""Seconds after which a piece is asked of another, too: some 500 kbit/s."""
OWED = 2
"""Nodes that one piece is asked of at a time."""
EMPTY = 3
"""Pieces that somebody says they have and has not, before nothing of what they say is believed."""


@dataclass
class _Door:
    spared: bool
    has: int  # pieces, as the bits of a number
    partial: bool = False
    asked: dict[int, float] = field(default_factory=dict)  # since when they owe which piece
    empty: int = 0

    def late(self, now: float) -> bool:
        return any(now - since > LATE for since in self.asked.values())


class Pieces:
    """Those that are missing, and who has which. Times are seconds of a steady clock."""

    def __init__(self, wanted: Iterable[int], dice: Random, now: float) -> None:
        """``wanted``: the numbers of the pieces."""
        self.missing = as_bits(wanted)
        self._all, self._dice, self._fed = self.missing, dice, now
        self._doors: dict[str, _Door] = {}

    def meet(self, name: str, spared: bool, has: int | None = None) -> None:
        """Somebody has this ledger. ``has``: which pieces; None: all."""
        self._doors[name] = _Door(spared, self._all if has is None else has & self._all, has is not None)

    def tell(self, name: str, has: int | None) -> None:
        """Which pieces they have by now."""
        if name in self._doors:
            door = self._doors[name]
            door.has, door.partial = (self._all, False) if has is None else (has & self._all, True)

    def leave(self, name: str) -> None:
        """Nobody is there, or a liar."""
        self._doors.pop(name, None)

    def next(self, name: str, now: float) -> int | None:
        """What to ask of them now, if anything; they owe it from then on."""
        door = self._doors.get(name)
        if door is None:
            return None
        others = [one for one in self._doors.values() if not one.spared and not one.late(now)]
        open_, owed = self.missing & door.has, self._owed(now)
        if door.spared and len(others) >= ENOUGH:
            if door.asked or now - self._fed < PATIENCE:
                return None
            for one in others:
                open_ &= ~one.has
        found = self._pick(open_ & ~owed) if open_ & ~owed else self._overdue(door, now)
        if found is not None:
            door.asked[found] = now
        return found

    def _owed(self, now: float) -> int:
        return as_bits(piece for door in self._doors.values() for piece in door.asked)

    def _pick(self, pieces: int) -> int:
        """One of these: any, if some have a part only; else the first."""
        if self.growing:
            start = self._dice.randrange(pieces.bit_length())
            pieces = pieces >> start << start
        return (pieces & -pieces).bit_length() - 1

    def _overdue(self, door: _Door, now: float) -> int | None:
        """The first piece that others have owed for long, if they have it."""
        since: dict[int, list[float]] = {}
        for one in self._doors.values():
            for piece, when in one.asked.items():
                since.setdefault(piece, []).append(when)
        late = (
            piece
            for piece, times in since.items()
            if now - max(times) > LATE and len(times) < OWED and piece not in door.asked
            and (self.missing & door.has) >> piece & 1
        )  # fmt: skip
        return min(late, default=None)

    def got(self, name: str, piece: int, now: float) -> bool:
        """They gave it, and it holds; whether it was missing still."""
        door = self._doors.get(name)
        if door is not None:
            door.asked.pop(piece, None)
            if not door.spared:
                self._fed = now
        missing = bool(self.missing >> piece & 1)
        self.missing &= ~(1 << piece)
        return missing

    def lacks(self, name: str, piece: int) -> bool:
        """They have it not; whether they have said so too often of pieces that they were to have."""
        door = self._doors.get(name)
        if door is None:
            return False
        door.asked.pop(piece, None)
        door.has &= ~(1 << piece)
        door.empty += door.partial
        return door.empty >= EMPTY

    def knows(self, name: str) -> bool:
        return name in self._doors

    def is_partial(self, name: str) -> bool:
        """Whether they have a part only, by what they said last."""
        return name in self._doors and self._doors[name].partial

    @property
    def growing(self) -> bool:
        """Whether somebody may have more in a while."""
        return any(door.partial for door in self._doors.values())

    @property
    def nowhere(self) -> int | None:
        """The first piece that nobody has of those that are known, if there is one."""
        found = self.missing
        for door in self._doors.values():
            found &= ~door.has
        return (found & -found).bit_length() - 1 if found else None


def as_bits(numbers: Iterable[int]) -> int:
    """A set of numbers as the bits of one."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def to_bytes(bits: int, count: int) -> bytes:
    """The first ``count`` bits: eight a byte, the lowest first."""
    return bits.to_bytes(-(-max(count, bits.bit_length()) // 8), "little")


def from_bytes(data: bytes) -> int:
    """The inverse of :func:`to_bytes`."""
    return int.from_bytes(data, "little")
