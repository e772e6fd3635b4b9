"""How many registrars must sign, so that no person gets two credentials and a few of them can refuse."""

from veche.errors import Refused


def check_registrars(n: int, k: int, f: int) -> None:
    """Check a class of poll in which a ballot needs permits of ``k`` of ``n`` registrars and ``f`` of them may cheat.

    Two credentials of one person need 2k permits, honest registrars give one each and cheats as many as are wanted:
    (n - f) + 2f = n + f. So at most one credential means 2k > n + f; and that f who refuse stop nobody, n - f >= k.
    For example (2, 2, 0) and (4, 3, 1). Raises Refused with the rule ``class`` (docs/protocol.md, section 2.1).
    """
    if not 1 <= k <= n:
        raise Refused("class", f"A ballot cannot need permits of {k} of {n} registrars.", "Choose 1 <= k <= n.")
    if f < 0:
        raise Refused("class", f"The number of cheating registrars cannot be {f}.", "Choose f >= 0.")
    if not 2 * k > n + f:
        raise Refused(
            "class",
            f"With permits of {k} of {n} registrars, {f} of them cheating, one person could get two credentials.",
            "Choose k so that 2k > n + f.",
        )
    if not n - f >= k:
        raise Refused(
            "class",
            f"With permits of {k} of {n} registrars, {f} of them could keep a citizen from voting.",
            "Choose k so that n - f >= k.",
        )
