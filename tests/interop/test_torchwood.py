"""Our tiles, checkpoints, receipts and proofs, read with filippo.io/torchwood, a transparency-log client in Go.

And the other way round: what it refuses of our vectors, we refuse; what we refuse beyond that is marked ``strict``.
"""

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from veche.keys import SigningKey
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign, sign
from veche.log.log import Log
from veche.log.note import COSIGNATURE, Verifier
from veche.log.publish import Publisher
from veche.log.source import Folder

VECTORS = Path(__file__).parents[2] / "vectors"
ORIGIN = "city.example/ledger"
KEY = SigningKey(hashlib.sha256(b"interop log").digest())
WITNESSES = {f"witness{i}.example": SigningKey(hashlib.sha256(b"interop %d" % i).digest()) for i in range(3)}
POWER = {Verifier(name, COSIGNATURE, key.public): 1 for name, key in WITNESSES.items()}
POLICIES = [Policy.log(ORIGIN, KEY.public), Policy(ORIGIN, POWER, 2)]
SIZES = [1, 255, 256, 257, 1000, 70_000]

Ask = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """The Go program: requests in, answers out. Go comes with the development dependencies."""
    beside_python = shutil.which("go", path=str(Path(sys.executable).parent))
    go = beside_python or shutil.which("go")
    assert go, "Go is needed to compare with other software: it comes with `make setup`"
    program = tmp_path_factory.mktemp("go") / "torchwood"
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=Path(__file__).parent / "torchwood",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr

    def ask(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([program], input=lines, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(requests)
        return answers

    return ask


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def policy_text(policies: Sequence[Policy]) -> str:
    """Our policies in the format of c2sp.org/tlog-policy: the log's key, and one group of witnesses at most."""
    lines, quorum = [], "none"
    for policy in policies:
        if any(v.kind == COSIGNATURE for v in policy.power):
            names = [v.name for v in policy.power]
            lines += [f"witness {v.name} {v}" for v in policy.power]
            lines.append(f"group witnesses {policy.quorum} {' '.join(names)}")
            quorum = "witnesses"
        else:
            lines += [f"log {v}" for v in policy.power]
    return "\n".join([*lines, f"quorum {quorum}"]) + "\n"


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d " % i * (i % 7) for i in range(size)]


def head_of(entries: Sequence[bytes]) -> SignedCheckpoint:
    head = Checkpoint(ORIGIN, len(entries), merkle.root([merkle.leaf_hash(e) for e in entries]))
    lines = [cosign(head, name, key, 1_700_000_000 + i) for i, (name, key) in enumerate(WITNESSES.items())]
    return SignedCheckpoint(head, (sign(head, KEY), *lines))


@pytest.fixture(scope="module", params=SIZES)
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """A folder of tiles, published in three steps, and its entries."""
    entries = entries_of(request.param)
    folder = tmp_path_factory.mktemp("ledger")
    publisher, start = Publisher(folder), 0
    for size in (len(entries) // 3, len(entries) // 2, len(entries)):
        start = publisher.publish(start, entries[start:size], head_of(entries[:size]))
    return folder, entries


def test_it_reads_every_entry(ask: Ask, ledger: tuple[Path, list[bytes]]) -> None:
    folder, entries = ledger
    digest = hashlib.sha256(b"".join(len(e).to_bytes(4, "big") + e for e in entries)).hexdigest()
    (answer,) = ask([{"do": "ledger", "folder": str(folder), "policy": policy_text(POLICIES)}])
    head = Folder(folder).checkpoint().checkpoint
    assert answer == {
        "origin": ORIGIN,
        "size": len(entries),
        "root": b64(head.root),
        "entries": len(entries),
        "digest": digest,
        "times": {name: 1_700_000_000 + i for i, name in enumerate(WITNESSES)},
    }


def test_its_proofs_are_ours(ask: Ask, ledger: tuple[Path, list[bytes]]) -> None:
    """Proofs that both make from the same tiles are the same, and each side accepts those of the other."""
    folder, entries = ledger
    size = len(entries)
    head = Folder(folder).checkpoint()
    log = Log(Folder(folder), head.checkpoint)
    chance = random.Random(size)
    indices = {0, size - 1, *(chance.randrange(size) for _ in range(20))}
    requests, ours, checks = [], [], []
    for index in sorted(indices):
        old, new = sorted((chance.randint(1, size), chance.randint(1, size)))
        proof = log.consistency_proof(old, new)
        ours.append((log.inclusion_proof(index), proof))
        place = {"folder": str(folder), "policy": policy_text(POLICIES)}
        requests.append({**place, "do": "prove", "index": index, "entry": b64(entries[index]), "old": old, "new": new})
        roots = {"old_root": b64(log.root(old)), "new_root": b64(log.root(new))}
        checks.append({**roots, "do": "consistency", "old": old, "new": new, "proof": [b64(h) for h in proof]})
    for answer, (inclusion, consistency) in zip(ask(requests), ours, strict=True):
        assert "error" not in answer
        assert answer.get("inclusion", []) == [b64(h) for h in inclusion]
        assert answer.get("consistency", []) == [b64(h) for h in consistency]
    assert not any("error" in answer for answer in ask(checks))


def test_it_accepts_our_receipts(ask: Ask, ledger: tuple[Path, list[bytes]]) -> None:
    folder, entries = ledger
    head = Folder(folder).checkpoint()
    log = Log(Folder(folder), head.checkpoint)
    chance = random.Random(len(entries))
    good, bad = [], []
    for index in sorted({0, len(entries) - 1, *(chance.randrange(len(entries)) for _ in range(20))}):
        receipt = b64(log.receipt(index, head).to_bytes())
        request = {"do": "receipt", "policy": policy_text(POLICIES), "receipt": receipt}
        good.append({**request, "entry": b64(entries[index])})
        bad.append({**request, "entry": b64(entries[index] + b"x")})
    assert not any("error" in answer for answer in ask(good))
    assert all("proof verification failed" in answer["error"] for answer in ask(bad))


def test_it_refuses_what_we_refuse_of_a_folder(ask: Ask, tmp_path: Path) -> None:
    """One changed byte in each file: the client reads through all of them."""
    folder = tmp_path / "ledger"
    entries = entries_of(300)
    Publisher(folder).publish(0, entries, head_of(entries))
    request = {"do": "ledger", "folder": str(folder), "policy": policy_text(POLICIES)}
    names = [p for p in folder.rglob("*") if p.is_file()]
    assert len(names) == 6
    for path in names:
        good = path.read_bytes()
        path.write_bytes(bytes([good[0] ^ 1]) + good[1:])
        assert "error" in ask([request])[0]
        path.write_bytes(good)
    assert "error" not in ask([request])[0]


def policies_of(case: dict[str, Any]) -> list[Policy]:
    read = [(p["origin"], {Verifier.parse(v): n for v, n in p["keys"].items()}, p["quorum"]) for p in case["policies"]]
    return [Policy(*fields) for fields in read]


def cases_of(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return cases


def same_verdicts(cases: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
    for case, answer in zip(cases, answers, strict=True):
        assert ("error" in answer) == (case["fault"] is not None and not case["strict"]), (case["fault"], answer)


def test_checkpoint_vectors(ask: Ask) -> None:
    cases = cases_of("log_checkpoint.json")
    requests = [
        {"do": "checkpoint", "policy": policy_text(policies_of(case)), "checkpoint": b64(case["note"].encode())}
        for case in cases
    ]
    answers = ask(requests)
    same_verdicts(cases, answers)
    for case, answer in zip(cases, answers, strict=True):
        if case["fault"] is None:
            assert (answer["size"], answer.get("times", {})) == (case["size"], case["times"])


def test_receipt_vectors(ask: Ask) -> None:
    cases = cases_of("log_receipt.json")
    requests = [
        {
            "do": "receipt",
            "policy": policy_text(policies_of(case)),
            "receipt": b64(case["receipt"].encode()),
            "entry": b64(bytes.fromhex(case["entry"])),
        }
        for case in cases
    ]
    same_verdicts(cases, ask(requests))


def test_merkle_vectors(ask: Ask) -> None:
    """Consistency proofs; inclusion proofs are in the receipts."""
    cases = json.loads((VECTORS / "log_merkle.json").read_text(encoding="utf-8"))["consistency"]
    requests = [
        {
            "do": "consistency",
            "old": case["old"],
            "new": case["new"],
            "old_root": b64(bytes.fromhex(case["old_root"])),
            "new_root": b64(bytes.fromhex(case["new_root"])),
            "proof": [b64(bytes.fromhex(h)) for h in case["proof"]],
        }
        for case in cases
    ]
    for case, answer in zip(cases, ask(requests), strict=True):
        assert ("error" in answer) == (case["fault"] is not None), (case["fault"], answer)
