"""Runs ``veche`` with the words after CLOCK, under a clock that the test moves: ``join.py CLOCK node join ...``. A citizen's node asks others
ten times as often here, so that tests do not wait for it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import veche.clock
from network.clocks import read_clock

OFTEN = 0.5
"""Seconds between two times that other nodes are asked."""

if __name__ == "__main__":
    veche.clock.system = read_clock(Path(sys.argv[1]))  # before anybody else has taken it
    from veche.node import neighbours

    neighbours.EVERY = OFTEN
    from veche.cli.group import main

    main(sys.argv[2:], prog_name="veche")
