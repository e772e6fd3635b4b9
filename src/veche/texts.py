"""What a report says to people: texts in English and in Russian, and times."""

from dataclasses import dataclass
from datetime import UTC, datetime

LAST = 253_402_300_799
"""The last second of the year 9999, the last that Python can write down."""


@dataclass(frozen=True)
class Words:
    """What is said in both languages of the city."""

    en: str
    ru: str


def utc(time: int) -> datetime:
    """A time of the ledger, in seconds since 1970. Whoever made the ledger chose it, so anything after ``LAST`` is shown as that."""
    return datetime.fromtimestamp(min(time, LAST), UTC)


def moment(seconds: int) -> str:
    """A time as people read it, in UTC: 2026-11-20 18:00:00 UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


def duration(seconds: int) -> str:
    """A number of seconds in the largest unit that divides it: 14 days, 90 minutes."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds != size else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"
