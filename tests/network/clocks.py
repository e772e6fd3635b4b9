"""The clock of a host, which a test moves: a file that says a time that stands still, or with a sign by how many seconds the host's clock
is off; then time goes by itself."""

import time
from pathlib import Path

from veche.clock import Clock, Reading, by_hand, system


def read_clock(file: Path) -> Clock:
    """The clocks of this host. One that goes by itself is set for all of this process: what a door says of it, too."""
    if not file.read_text().startswith(("+", "-")):
        return lambda: by_hand(int(file.read_text()))
    real = time.time
    time.time = lambda: real() + int(file.read_text())

    def clock() -> Reading:
        now = system()
        return Reading(now.time, now.steady + int(file.read_text()), now.boot)

    return clock
