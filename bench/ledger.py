"""A ledger of so many ballots, in a process of its own so that its memory can be told: ``python -m bench.ledger N``. Prints JSON."""

import json
import resource
import shutil
import sys
from collections import deque
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import veche_kernel

from bench.workload import GENESIS, OPEN, Workload, identified
from veche.audit.ledger import verify_ledger
from veche.clock import by_hand
from veche.collector import relax
from veche.engine.embedded import EmbeddedEngine, create_ledger
from veche.engine.engine import Answer
from veche.log.source import Folder
from veche.permit.message import permit_message

PART = 2048

WINDOW = 4 * PART
"""Ballots that a client hands in before it wants the answer to the first of them."""


def engine(workload: Workload, folder: Path, count: int) -> dict[str, float]:
    """Every ballot acknowledged when durable."""
    shutil.rmtree(folder, ignore_errors=True)
    ledger = create_ledger(folder, workload.charter, workload.log_key, lambda: by_hand(GENESIS))
    ledger.execute(1, GENESIS + 10, workload.setup)
    ledger.commit()
    ballots = workload.ballots(count)
    start, used = perf_counter(), process_time()
    with EmbeddedEngine(ledger, workload.log_key, lambda: OPEN + 10) as running:
        waiting: deque[Answer] = deque()
        for entry in ballots:
            waiting.append(running.submit(entry))
            if len(waiting) > WINDOW:
                waiting.popleft().result()
        for answer in waiting:
            answer.result()
        wall, cpu = perf_counter() - start, process_time() - used
    ledger.close()
    return {"wall": wall, "cpu": cpu}


def kernel(workload: Workload, count: int) -> dict[str, float]:
    """The baseline: the kernel's batch verification of the same ballots (cast signatures, permits, proofs), and nothing else.

    ``permits``: the seconds among ``wall`` that the permits took.
    """
    wall = cpu = permits = 0.0
    moduli = [[row.modulus for row in keys.groups] for _, keys in sorted(workload.permit_keys.items())]
    checker = veche_kernel.BallotChecker(workload.poll.kernel, workload.poll.id, moduli, 2, [0, 1], 2)
    ballots = iter(workload.ballots(count))
    while part := list(islice(ballots, PART)):
        start, used = perf_counter(), process_time()
        entries = [entry for entry in veche_kernel.read_ballots(part) if isinstance(entry, veche_kernel.BallotEntry)]
        checked = [
            held for held in checker.check(identified(checker, entries)) if isinstance(held, veche_kernel.CheckedBallot)
        ]
        assert len(checked) == len(part)
        wall += perf_counter() - start
        cpu += process_time() - used
        signatures = [
            (moduli[registrar][0], prefix + permit_message(entry.poll, entry.group, ballot.credential), signature)
            for entry, ballot in zip(entries, checked, strict=True)
            for registrar, prefix, signature in entry.permits
        ]
        start = perf_counter()
        assert all(veche_kernel.rsa_pss_verify_many(signatures))
        permits += perf_counter() - start
    return {"wall": wall, "cpu": cpu, "permits": permits}


def verify(folder: Path) -> dict[str, float]:
    start, used = perf_counter(), process_time()
    verify_ledger(Folder(folder))
    return {"wall": perf_counter() - start, "cpu": process_time() - used}


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    relax()  # as the commands do
    made = Workload(Path("build/bench"), 0)
    place = Path("build/bench/ledger")
    found = {
        "engine": lambda: engine(made, place, number),
        "kernel": lambda: kernel(made, number),
        "verify": lambda: verify(place),
    }[what]()
    found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))
