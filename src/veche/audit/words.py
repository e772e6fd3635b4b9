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
