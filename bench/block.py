"""What a full block of ballots that nobody here has seen costs whoever is to vote on it: ``python -m bench.block``. Prints JSON.

``good``: seconds in which a proposal of 4 MB of ballots is accepted; ``false``: until it is rejected if each is by its own voter with the last
proof false, as a validator can make who has the secrets of as many voters; ``last``: the same if only the last ballot is one of those;
``junk``: 4 MB of entries of no bytes.
"""

import json
import shutil
from pathlib import Path
from time import perf_counter

import veche_kernel as kernel

from bench.workload import GENESIS, OPEN, Workload, make_ballots
from veche.collector import relax
from veche.engine.cometbft.home import MOST_BYTES
from veche.engine.embedded import create_ledger
from veche.errors import Refused
from veche.ledger.entries.ballot import cast_ballot, unsigned_ballot
from veche.ledger.ledger import Ledger
from veche.permit.permit import Permit

FRAME = 4
"""Bytes of a transaction in a block beside its own."""


def measure(workload: Workload, folder: Path) -> dict[str, float]:
    shutil.rmtree(folder, ignore_errors=True)
    ledger = create_ledger(folder, workload.charter, workload.log_key)
    ledger.execute(1, GENESIS + 10, workload.setup)
    ledger.commit()
    secrets = [kernel.scalar_random()]
    count = MOST_BYTES // (len(make_ballots(workload, secrets)[0]) + FRAME)
    secrets = [kernel.scalar_random() for _ in range(count)]
    good = make_ballots(workload, secrets)
    false = [_with_a_false_proof(workload, *one) for one in zip(secrets, good, strict=True)]
    ledger.close()
    return {
        "entries": float(count),
        "good": proposed(folder, good, True),
        "false": proposed(folder, false, False),
        "last": proposed(folder, [*good[:-1], false[-1]], False),
        "junk": proposed(folder, [b""] * (MOST_BYTES // 2), False),
    }


def proposed(folder: Path, entries: list[bytes], accepted: bool) -> float:
    """Seconds until it is known whether all of them are admitted, by a node that remembers none of them; and that must be so or not."""
    with Ledger(folder) as ledger:
        start = perf_counter()
        try:
            answers = ledger.execute(2, OPEN + 10, entries, whole=True).answers
        except Refused:
            assert not accepted
        else:
            assert accepted and len(answers) == len(entries)
        return perf_counter() - start


def _with_a_false_proof(workload: Workload, secret: bytes, entry: bytes) -> bytes:
    (read,) = kernel.read_ballots([entry])
    assert isinstance(read, kernel.BallotEntry)
    permits = [Permit(*permit) for permit in read.permits]
    packed = read.ballot[:-32] + kernel.scalar_random()
    return cast_ballot(secret, unsigned_ballot(workload.poll.id, 0, packed, permits, 1))


if __name__ == "__main__":
    relax()  # as the commands do
    print(json.dumps(measure(Workload(Path("build/bench"), 0), Path("build/bench/block"))))
