"""A ledger of so many ballots, in a process of its own so that its memory can be told: ``python -m bench.ledger N``. Prints JSON."""

import json
import resource
import shutil
import sys
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import veche_kernel

from bench.workload import GENESIS, OPEN, Workload
from veche.audit.ledger import verify_ledger
from veche.engine.embedded import EmbeddedEngine
from veche.ledger.ledger import Ledger
from veche.ledger.rules.ballot import fields
from veche.log.source import Folder
from veche.permit.blind_rsa import prepare
from veche.permit.message import permit_message

PART = 2048


def engine(workload: Workload, folder: Path, count: int) -> dict[str, float]:
    """Every ballot acknowledged when durable; ``preloaded`` entries are in the ledger already."""
    shutil.rmtree(folder, ignore_errors=True)
    ledger = Ledger.create(folder, workload.charter, workload.log_key)
    ledger.block(GENESIS + 10, workload.setup)
    start, used = perf_counter(), process_time()
    with EmbeddedEngine(ledger, lambda: OPEN + 10) as running:
        waiting = [running.submit(entry) for entry in workload.ballots(count)]
        for answer in waiting:
            answer.result()
        wall = perf_counter() - start
    ledger.close()
    return {"wall": wall, "cpu": process_time() - used}


def kernel(workload: Workload, count: int) -> dict[str, float]:
    """The baseline: the kernel's batch verification of the same ballots (cast signatures, proofs, permits), and nothing else.

    ``permits``: the seconds among ``wall`` that the permits took.
    """
    wall = cpu = permits = 0.0
    ballots = map(fields, workload.ballots(count))
    while part := list(islice(ballots, PART)):
        items = [(f.ballot, f.message, f.cast) for f in part]
        signatures = [
            (workload.moduli[p.registrar], prepare(permit_message(f.poll, f.group, credential), p.prefix), p.signature)
            for f, credential in zip(
                part, (workload.frozen.kernel.load(f.ballot).credential for f in part), strict=True
            )
            for p in f.permits
        ]
        start, used = perf_counter(), process_time()
        assert not any(isinstance(verdict, str) for verdict in workload.frozen.kernel.verify_batch(items))
        middle = perf_counter()
        assert all(veche_kernel.rsa_pss_verify_many(signatures))
        wall += perf_counter() - start
        permits += perf_counter() - middle
        cpu += process_time() - used
    return {"wall": wall, "cpu": cpu, "permits": permits}


def verify(folder: Path) -> dict[str, float]:
    start, used = perf_counter(), process_time()
    verify_ledger(Folder(folder))
    return {"wall": perf_counter() - start, "cpu": process_time() - used}


if __name__ == "__main__":
    what, number = sys.argv[1], int(sys.argv[2])
    made = Workload(Path("build/bench"), 0)
    place = Path("build/bench/ledger")
    found = {
        "engine": lambda: engine(made, place, number),
        "kernel": lambda: kernel(made, number),
        "verify": lambda: verify(place),
    }[what]()
    found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))
