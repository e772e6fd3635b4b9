"""How many cases are tried: a few in every run of the tests; with VECHE_FUZZ=SECONDS as many as each test has time for.

Every case has a number from which all of it follows. A test that fails says it: VECHE_CASE=NUMBER tries that one alone.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = float(os.environ.get("VECHE_FUZZ", "0"))


def rounds(few: int, share: float = 1.0, of: Callable[[], int] | None = None) -> Iterator[int]:
    """The numbers of the cases. ``share``: of the time of a test, if it is one of several; ``of``: how many cases it were, if a round is
    of several."""
    if only := os.environ.get("VECHE_CASE"):
        yield int(only)
        return
    first, count, start = random.randrange(2**48), 0, time.monotonic()
    while count < few or time.monotonic() < start + share * SECONDS:
        yield first + count
        count += 1
    if SECONDS:
        cases = count if of is None else of()
        print(f"{cases} cases in {time.monotonic() - start:.0f} s", file=sys.__stderr__)


@contextmanager
def case(number: int) -> Iterator[random.Random]:
    """The dice of a case; whatever fails with them is said."""
    try:
        yield random.Random(number)
    except BaseException:
        print(f"VECHE_CASE={number}")
        raise
