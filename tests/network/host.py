"""Runs one institution's node in a process of its own, under a clock that the test moves: ``host.py FOLDER CLOCK LISTEN PEER_LISTEN``."""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import comet

from veche.clock import Reading, by_hand
from veche.node.node import Node

PAUSE = 0.2
"""Seconds between two blocks in which nothing happens: tests do not wait for the ledger's own."""


def main() -> None:
    folder, file, listen, peer_listen = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]

    def clock() -> Reading:
        return by_hand(int(file.read_text()))

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    environment = {comet.CLOCK: str(file)}
    ways: dict[str, Any] = {"clock": clock, "pause": PAUSE, "command": [comet.program()], "environment": environment}
    with Node(folder, listen, peer_listen=peer_listen, **ways) as node:
        while not stop.wait(0.1):
            node.check()


if __name__ == "__main__":
    main()
