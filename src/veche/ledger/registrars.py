"""Which registrars count in a poll: docs/protocol.md, section 2.5. Registrars go by their index in the poll's class."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from veche.ledger.entries.charter import PollClass


class SeenRegistrars(NamedTuple):
    """What a ledger shows of the registrars in a group: whose permits a first ballot can carry now (``available``), how many first
    ballots there are, and how many of them show each registrar's permit."""

    available: Collection[int]
    ballots: int
    admitted: Mapping[int, int]


def enough_published(poll_class: PollClass, published: Collection[int]) -> bool:
    """Whether a poll opens with the permit keys of these registrars; else it is void.

    Those that are there have identity sources enough: a class is refused in which any n - f have not.
    """
    return len(published) >= len(poll_class.registrars) - poll_class.f


def can_admit(poll_class: PollClass, registrars: Collection[int]) -> bool:
    """Whether a first ballot can carry permits of these registrars alone: k of them, from enough identity sources."""
    return len(registrars) >= poll_class.k and len(_sources(poll_class, registrars)) >= poll_class.sources


def registrars_that_count(poll_class: PollClass, people: Mapping[int, int]) -> frozenset[int]:
    """The registrars whose permits are taken in a group. ``people``: how many are there on the roll of each that published keys.

    A roll with less than half the people of the middle one counts as used up: it would serve a few and refuse all others. Of an even
    number of rolls the lower of the two in the middle is meant. The smallest is left out first, and none without whom
    the rest could admit nobody.
    """
    counting = set(people)
    sizes = sorted(people.values())
    middle = sizes[(len(sizes) - 1) // 2] if sizes else 0
    for registrar in sorted(people, key=lambda registrar: (people[registrar], registrar)):
        if 2 * people[registrar] < middle and can_admit(poll_class, counting - {registrar}):
            counting.remove(registrar)
    return frozenset(counting)


def _sources(poll_class: PollClass, registrars: Collection[int]) -> set[str]:
    return {poll_class.registrars[registrar].source for registrar in registrars}
