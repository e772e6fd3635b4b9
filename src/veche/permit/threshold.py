"""How many of n must act, so that any two quorums share an honest one and a few who are absent stop nobody. docs/protocol.md, section 2.1.

One function for all who share a duty: registrars who sign permits, trustees who decrypt, witnesses who cosign heads.
"""

from dataclasses import dataclass

from veche.errors import Refused
from veche.texts import N_, Message


@dataclass(frozen=True)
class Duty:
    """Words for a duty that n share: who they are, and what is possible if a threshold is too low, or too high. Each is a message."""

    who: str
    too_low: str
    too_high: str


REGISTRARS = Duty(
    N_("registrars"),
    N_("one person could get two credentials"),
    N_("{f} of them could keep a citizen from voting"),
)
TRUSTEES = Duty(
    N_("trustees"),
    N_(
        "two quorums could share only corrupt ones, who decrypt in a copy of the ledger what the others do in the true one"
    ),
    N_("{f} of them could keep a poll from its result"),
)
WITNESSES = Duty(
    N_("witnesses"),
    N_("two ledgers could both be witnessed"),
    N_("{f} of them could keep every head from being witnessed"),
)


def check_threshold(n: int, k: int, f: int, duty: Duty) -> None:
    """Check that k of n may act together where f of them may be corrupt or absent: **2k > n + f** and **n - f >= k**.

    Two quorums of k share at least 2k - n members, one of them honest if that is more than f. So registrars, of whom the
    honest sign once a person, give nobody two credentials; honest trustees, who decrypt one tally a poll, open no second; honest
    witnesses, who cosign one root a size, cosign no fork. And f who are absent leave k. For example (2, 2, 0) and (4, 3, 1).
    Raises Refused with the rule ``class``.
    """
    who = Message(duty.who)
    if not 1 <= k <= n:
        raise Refused(
            "class",
            Message("There is no {k} of {n} {who}.", k=k, n=n, who=who),
            Message("Choose a number from 1 to {n}.", n=n),
        )
    if f < 0:
        raise Refused("class", Message("{f} corrupt {who} cannot be.", f=f, who=who), Message("Choose 0 or more."))
    if not 2 * k > n + f:
        raise Refused(
            "class",
            Message(
                "With {k} of {n} {who}, {f} of them corrupt, {too_low}.",
                k=k,
                n=n,
                who=who,
                f=f,
                too_low=Message(duty.too_low),
            ),
            Message("It takes more than half of {n} + {f}; with one corrupt, 3 of 4 is the smallest choice.", n=n, f=f),
        )
    if not n - f >= k:
        raise Refused(
            "class",
            Message("With {k} of {n} {who}, {too_high}.", k=k, n=n, who=who, too_high=Message(duty.too_high, f=f)),
            Message("Choose {n} of {n2} at most, or more {who}.", n=n - f, n2=n, who=who),
        )


def quorum(n: int, f: int) -> int:
    """The smallest k of n any two of which share an honest one where f may be corrupt."""
    return (n + f) // 2 + 1


def fewest_sources(sources: list[str], f: int) -> int:
    """How many different identity sources are surely left when f of the registrars, one source each, are absent."""
    left = f
    for gone, size in enumerate(sorted(sources.count(source) for source in set(sources))):
        if size > left:
            return len(set(sources)) - gone
        left -= size
    return 0
