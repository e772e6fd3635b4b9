"""The stranger's verifier: a folder in, the results of all polls out (section 6). Nothing here knows the project's code."""

import sys
from pathlib import Path
from typing import Any

from . import tiles
from .cbor import Refused, need
from .rules import Replay


def verify(folder: Path, ledger: str = "") -> dict[str, tuple[str, list[Any]]]:
    """Check a whole ledger; give the state of each poll, and for a result its total and its cells.

    ledger is the identity that the reader expects, the SHA-256 of the charter; without it any consistent ledger passes.
    """
    origin, body, signatures, entries = tiles.read(folder)
    need(entries, "the log is empty")
    replay = Replay(entries[0])
    need(not ledger or replay.offices.ledger == ledger, "this is another ledger")
    need(replay.offices.origin == origin, "the checkpoint is of another log")
    for index, entry in enumerate(entries[1:], 1):
        try:
            replay.entry(entry)
        except Refused as error:
            raise Refused(f"entry {index}: {error}") from None
    replay.end()
    for size, root in replay.roots:
        own = tiles.root([tiles.leaf(entry) for entry in entries[:size]])
        need(own == root, f"entry {size + 1}: a restart goes on from another log")
    tiles.check_final(origin, replay.offices.log_key, replay.offices.ledger_keys(len(entries)), body, signatures)
    tiles.kept(folder, replay.offices, entries)
    tiles.attachments(folder)
    tiles.cosigned(folder, replay.offices, entries)
    return {name.hex(): (poll.state, poll.totals) for name, poll in replay.polls.items()}


if __name__ == "__main__":
    for poll, (state, totals) in verify(Path(sys.argv[1]), *sys.argv[2:3]).items():
        print(poll, state, *totals)
