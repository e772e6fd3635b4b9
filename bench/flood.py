"""What junk costs an engine: ``python -m bench.flood KIND``, in a process of its own. Prints JSON.

``cost``: seconds of processor time a MB of junk, the client's included. ``delay``: seconds until an honest ballot has its answer that is
handed in while 16 MB of that junk are on their way.
"""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, cycle
from pathlib import Path
from time import perf_counter, process_time

import cbor2
import veche_kernel as kernel

from bench.workload import GENESIS, OPEN, Workload, make_ballots
from veche.collector import relax
from veche.engine.embedded import EmbeddedEngine, create_ledger
from veche.engine.engine import Answer
from veche.errors import Refused
from veche.ledger.codec import encode
from veche.ledger.entries.ballot import cast_ballot, unsigned_ballot
from veche.permit.permit import Permit

MB = 1_000_000
FLOOD = 16 * MB
HONEST = 300
"""Ballots of which the secrets are known, in the ledger before the flood."""


class Junk:
    """Pieces of each kind, without end. ``known``: ballots that are in the ledger already, among them ``honest`` by these ``secrets``."""

    def __init__(self, workload: Workload, secrets: list[bytes], honest: list[bytes], known: list[bytes]) -> None:
        self._workload = workload
        self.poll, self.secrets, self.honest, self.known = workload.poll.id, secrets, honest, known

    def empty_arrays(self) -> Iterator[bytes]:
        return cycle([b"\x99\xfd\xe8\x66notice" + 64_999 * b"\x80"])

    def deep_arrays(self) -> Iterator[bytes]:
        return cycle([b"\x83\x66notice" + 60_000 * b"\x81" + b"\x00\x80"])

    def most_items(self) -> Iterator[bytes]:
        """As many items as an entry may have, and an office's signature that does not hold."""
        return self._signed(list(range(24)) * 170)

    def offices(self) -> Iterator[bytes]:
        """Short entries with an office's signature that does not hold."""
        return self._signed([])

    def _signed(self, body: list[int]) -> Iterator[bytes]:
        key = self._workload.key("organiser-0").public
        while True:
            yield cbor2.dumps(["notice", [os.urandom(8), body], [[key, os.urandom(64)]]])

    def closed(self) -> Iterator[bytes]:
        """Ballots of a poll that is over."""
        return cycle(self.known)

    def replayed(self) -> Iterator[bytes]:
        """Ballots that are in the ledger."""
        return cycle(self.known)

    def false_permits(self) -> Iterator[bytes]:
        """Fresh credentials, cast signatures that hold, permits that nobody signed."""
        for number in count():
            secret = kernel.scalar_random()
            packed = _eighth(secret) + _packed(self.honest[number % HONEST])[32:]
            permits = [Permit(i, os.urandom(32), os.urandom(256)) for i in range(2)]
            yield cast_ballot(secret, unsigned_ballot(self.poll, 0, packed, permits, 1))

    def false_casts(self) -> Iterator[bytes]:
        """Later ballots of those who voted, by somebody else."""
        for number in count():
            unsigned = unsigned_ballot(self.poll, 0, _packed(self.known[number % len(self.known)]), [], 2)
            yield encode([*unsigned, _eighth(kernel.scalar_random()) + bytes(32)])

    def false_proofs(self) -> Iterator[bytes]:
        """Later ballots by somebody who voted: cast signatures that hold, and only the last proof is false."""
        return self._false_proofs(1)

    def false_proofs_of_many(self) -> Iterator[bytes]:
        """The same by a hundred who voted."""
        return self._false_proofs(100)

    def _false_proofs(self, voters: int) -> Iterator[bytes]:
        for number in count():
            packed = _packed(self.honest[number % voters])[:-32] + kernel.scalar_random()
            yield cast_ballot(self.secrets[number % voters], unsigned_ballot(self.poll, 0, packed, [], 2))

    def results(self) -> Iterator[bytes]:
        """Results of polls that nobody knows, with as many numbers as fit."""
        while True:
            yield cbor2.dumps(["result", [os.urandom(32), [1, 2], [[1] * 3900], []]])

    def oversize(self) -> Iterator[bytes]:
        return cycle([b"\x83\x66notice" + os.urandom(70_000)])

    def random(self) -> Iterator[bytes]:
        while True:
            yield os.urandom(1_000)


KINDS = [name for name in vars(Junk) if not name.startswith("_")]


def _packed(entry: bytes) -> bytes:
    (read,) = kernel.read_ballots([entry])
    assert isinstance(read, kernel.BallotEntry)
    return read.ballot


def _eighth(secret: bytes) -> bytes:
    """The point g^secret, divided by eight."""
    eighth = int.from_bytes(secret, "little") * pow(8, -1, kernel.ORDER) % kernel.ORDER
    return kernel.base_mul(eighth.to_bytes(32, "little"))


def measure(workload: Workload, folder: Path, kind: str) -> dict[str, float]:
    """One flood, of a kind of junk or of ``honest`` ballots."""
    shutil.rmtree(folder, ignore_errors=True)
    ledger = create_ledger(folder, workload.charter, workload.log_key)
    ledger.execute(1, GENESIS + 10, workload.setup)
    ledger.commit()
    secrets = [kernel.scalar_random() for _ in range(HONEST)]
    honest = make_ballots(workload, secrets)
    (late,) = make_ballots(workload, [kernel.scalar_random()])
    others = workload.ballots(FLOOD // 2_000)
    known = honest if kind == "honest" else [*honest, *others]
    pieces: Iterator[bytes] = iter(others)
    if kind != "honest":
        pieces = getattr(Junk(workload, secrets, honest, known), kind)()
    flood, size = [], 0
    while size < FLOOD:
        flood.append(next(pieces))
        size += len(flood[-1])
    now = OPEN + 10
    with EmbeddedEngine(ledger, workload.log_key, lambda: now) as engine:
        for answer in [engine.submit(entry) for entry in known]:
            answer.result()
        if kind == "closed":
            now = OPEN + 10**6
            engine.tick()
        start, used = perf_counter(), process_time()
        answers: list[Answer] = []
        feeder = threading.Thread(target=lambda: answers.extend(map(engine.submit, flood)))
        feeder.start()
        feeder.join(0.2)
        handed_in = perf_counter()
        with suppress(Refused):  # its poll may be over
            engine.submit(late).result()
        delay = perf_counter() - handed_in
        feeder.join()
        refused = sum(answer.exception() is not None for answer in answers)
        wall, cpu = perf_counter() - start, process_time() - used
    ledger.close()
    assert refused == (0 if kind == "honest" else len(flood))
    return {"wall": wall, "cost": cpu / (size / MB), "delay": delay}


if __name__ == "__main__":
    relax()  # as the commands do
    print(json.dumps(measure(Workload(Path("build/bench"), FLOOD // 2_000), Path("build/bench/flood"), sys.argv[1])))
