"""Runs engines that are to be killed, for test_crash.py: whichever the ledger names. A process of its own: it has everything imported, and forks.

Standard input, a line for each engine: ``<ledger folder> <file of entries> <first> <time> <burst>``. The engine hands in the
entries of the file from number ``first`` on, ``burst`` at a time, and says on standard output, as soon as it knows:

    child PID             the engine's process, which may be killed at any moment from now on
    open SIZE             the ledger is open, with so many entries
    ack I NUMBER          entry I of the file is in the ledger
    refused I RULE        entry I was refused
    done                  nothing is left to do; it ends by itself
    ended                 the process has ended; its number is not given to another before an empty line comes
    STATUS                how it ended

It must not touch the kernel before it forks: its threads would be missing in the child.
"""

import os
import sys
from pathlib import Path

from engine.conftest import run as engine_of
from veche.engine.embedded import LOG_KEY
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def read_entries(path: Path) -> list[bytes]:
    """Entries as :func:`write_entries` writes them: each after its length in four bytes."""
    data, entries, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        entries.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return entries


def write_entries(path: Path, entries: list[bytes]) -> None:
    path.write_bytes(b"".join(len(entry).to_bytes(4, "big") + entry for entry in entries))


def run(folder: Path, path: Path, first: int, time: int, burst: int) -> None:
    entries = read_entries(path)
    ledger = Ledger(folder)
    engine = engine_of(ledger, SigningKey.load(folder / LOG_KEY), lambda: time)
    say("open", ledger.size)
    with engine:
        engine.tick()
        while first < len(entries):
            futures = [engine.submit(entry) for entry in entries[first : first + burst]]
            for future in futures:
                try:
                    say("ack", first, future.result())
                except Refused as refused:
                    say("refused", first, refused.rule)
                first += 1
    ledger.close()
    say("done")


def main() -> None:
    for line in sys.stdin:
        folder, path, *numbers = line.split()
        pid = os.fork()
        if pid == 0:
            run(Path(folder), Path(path), *map(int, numbers))
            os._exit(0)
        say("child", pid)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        say("ended")
        sys.stdin.readline()
        say(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
