"""Shares of a whole, rounded so that people can add them up."""

from collections.abc import Sequence


def percents(votes: Sequence[int], whole: int) -> list[int]:
    """Shares of the whole in tenths of a percent. Where they make up the whole, they add to 100 (largest remainder)."""
    if not whole:
        return [0] * len(votes)
    shares = [divmod(1000 * vote, whole) for vote in votes]
    if sum(votes) != whole:
        return [share + (2 * rest >= whole) for share, rest in shares]
    missing = 1000 - sum(share for share, _ in shares)
    first = sorted(range(len(votes)), key=lambda i: -shares[i][1])[:missing]
    return [share + (i in first) for i, (share, _) in enumerate(shares)]
