"""Runs one institution's node in a process of its own, under a clock that the test moves: ``host.py FOLDER CLOCK LISTEN PEER_LISTEN``,
and before these what a node that joins needs, and how many blocks CometBFT keeps. CLOCK: see clocks.py.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import comet

from network.clocks import read_clock
from veche.engine.cometbft.launch import KEPT_BLOCKS, Launch
from veche.errors import VecheError
from veche.node.node import Node

PAUSE = 0.2
"""Seconds between two blocks in which nothing happens: tests do not wait for the ledger's own."""


def main() -> None:
    folder, file, listen, peer_listen = Path(sys.argv[-4]), Path(sys.argv[-3]), *sys.argv[-2:]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    words = argparse.ArgumentParser()
    words.add_argument("--kept", type=int, default=KEPT_BLOCKS)
    words.add_argument("--charter", type=Path)
    words.add_argument("--from", dest="nodes", action="append", default=[])
    said, _ = words.parse_known_args(sys.argv[1:-4])
    launch = Launch([comet.program()], {comet.CLOCK: str(file)}, peer_listen, kept=said.kept)
    charter = said.charter and said.charter.read_bytes()
    try:
        with Node(
            folder, listen, launch=launch, charter=charter, nodes=said.nodes, clock=read_clock(file), pause=PAUSE
        ) as node:
            while not stop.wait(0.1):
                node.check()
    except VecheError as error:  # as the command says it
        print(error.said, error.advice or "", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
