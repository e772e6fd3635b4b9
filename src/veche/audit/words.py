"""A text in English and in Russian: everything that a report says to people."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What is said in both languages of the city."""

    en: str
    ru: str
