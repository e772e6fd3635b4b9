"""Our committees and decryption shares under the eyes of belenios-tool, and its committees under ours."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import veche_kernel as kernel
from belenios import SHARED, belenios_tool

from veche.audit.archive import verify_archive
from veche.ballot.archive.parts import Ciphertext, ResultDocument
from veche.ballot.archive.writer import ArchiveWriter
from veche.ballot.canonical import encode, point_bytes, point_text
from veche.ballot.committee import (
    Certificate,
    Committee,
    Key,
    Shares,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    make_certificate,
    make_key,
    make_shares,
    make_single_key,
    open_share,
    public_key,
    trustees_json,
)
from veche.ballot.decryption import (
    belenios_prefix,
    make_share,
    open_tally,
    partial_decryption_json,
)
from veche.ballot.election import Election, Question
from veche.errors import Refused

QUESTIONS = [
    Question(answers=["yes", "no"], min=1, max=1, question="One?"),
    Question(answers=["a", "b", "c"], blank=True, min=1, max=2, question="Two?"),
]
VOTES = [[[1, 0], [0, 1, 1, 0]], [[0, 1], [1, 0, 0, 0]], [[1, 0], [0, 1, 0, 0]]]
RESULT = [[2, 1], [1, 2, 1, 0]]


@pytest.fixture(scope="session")
def tool() -> Path:
    return belenios_tool()


@dataclass
class Finished:
    """A ceremony of ours, all of it; the secrets are x_1 … x_n."""

    committee: Committee
    keys: list[Key]
    certificates: list[Certificate]
    shares: list[Shares]
    secrets: list[bytes]

    @property
    def public_key(self) -> bytes:
        return public_key(self.committee, self.keys, self.shares)

    @property
    def trustees_json(self) -> bytes:
        return trustees_json(self.committee, self.keys, self.certificates, self.shares)


def pedersen(t: int, n: int) -> Finished:
    committee = Committee(bytes(32), "pedersen", n, t)
    drawn = [make_certificate(committee, i) for i in range(1, n + 1)]
    certificates = [certificate for certificate, _ in drawn]
    shares = [make_shares(committee, i, secrets, certificates) for i, (_, secrets) in enumerate(drawn, 1)]
    made = [
        make_key(committee, i, own, [open_share(committee, i, own, d, dealt) for d, dealt in enumerate(shares, 1)])
        for i, (_, own) in enumerate(drawn, 1)
    ]
    return Finished(committee, [key for key, _ in made], certificates, shares, [secret for _, secret in made])


def single(n: int) -> Finished:
    made = [make_single_key() for _ in range(n)]
    committee = Committee(bytes(32), "single", n, n)
    return Finished(committee, [key for key, _ in made], [], [], [secret for _, secret in made])


def write_archive(path: Path, made: Finished, owners: list[int]) -> None:
    """A whole poll: ballots by the kernel, everything of the trustees by our code."""
    election = Election(
        description="About it",
        name="A poll",
        public_key=point_text(made.public_key),
        questions=QUESTIONS,
        uuid="vechevechevech",
    )
    questions = [(len(q.answers), q.min, q.max, bool(q.blank)) for q in QUESTIONS]
    box = kernel.Election(made.public_key, election.fingerprint, election.uuid, questions)
    credentials = [kernel.scalar_random() for _ in VOTES]
    ballots = [box.prove(secret, choices, box.randomness()) for secret, choices in zip(credentials, VOTES, strict=True)]
    sums = kernel.Sums(box.ciphertext_count)
    sums.add([box.verify(ballot) for ballot in ballots])
    alphas, betas = zip(*sums.pairs(), strict=True)
    shares = {i: make_share(made.secrets[i - 1], alphas, election.fingerprint, bytes(32), 0) for i in owners}
    numbers = open_tally(betas, {i: share.points() for i, share in shares.items()}, made.committee.mode, 3)
    assert [numbers[:2], numbers[2:]] == RESULT
    pairs = [Ciphertext(alpha=point_text(a), beta=point_text(b)) for a, b in sums.pairs()]
    with path.open("wb") as file:
        archive = ArchiveWriter(file, 1_800_000_000)
        keys = encode([point_text(kernel.base_mul(secret)) for secret in credentials])
        archive.setup(election.to_json(), made.trustees_json, keys)
        for ballot in ballots:
            archive.ballot(box.to_json(ballot))
        archive.end_ballots()
        archive.encrypted_tally(encode([pairs[:2], pairs[2:]]), len(VOTES), len(VOTES))
        for i in owners:
            archive.partial_decryption(i, partial_decryption_json(shares[i], [2, 4]))
        archive.result(encode(ResultDocument(result=[[*numbers] for numbers in RESULT])))


CASES = [("single", 1, 1), ("single", 3, 3), ("pedersen", 1, 1), ("pedersen", 2, 3), ("pedersen", 3, 5)]


@pytest.mark.parametrize(("mode", "t", "n"), CASES)
def test_belenios_accepts_our_trustees(tool: Path, tmp_path: Path, mode: str, t: int, n: int) -> None:
    made = single(n) if mode == "single" else pedersen(t, n)
    for number, owners in enumerate(list(combinations(range(1, n + 1), t))[-3:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_archive(folder / "poll.bel", made, list(owners))
        assert json.loads(verify_archive(folder / "poll.bel").result) == {"result": RESULT}
        done = subprocess.run(
            [str(tool), "election", "verify", "--dir", str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_belenios_refuses_a_share_of_another_trustee(tool: Path, tmp_path: Path) -> None:
    """The test above can fail: with the secrets exchanged it does, in both verifiers."""
    made = pedersen(2, 2)
    made.secrets.reverse()
    with pytest.raises(Exception, match="does not decrypt"):
        write_archive(tmp_path / "poll.bel", made, [1, 2])
    made.secrets.reverse()
    made.keys.reverse()
    write_archive(tmp_path / "poll.bel", made, [1, 2])
    done = subprocess.run([str(tool), "election", "verify", "--dir", str(tmp_path)], capture_output=True, check=False)
    assert done.returncode != 0


# Belenios's trustees under our checks


def documents(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        size = int(data[at + 124 : at + 135], 8)
        yield data[at + 512 : at + 512 + size]
        at += 512 + size + -size % 512


def proof(value: dict[str, str]) -> bytes:
    return b"".join(int(value[name]).to_bytes(32, "little") for name in ("challenge", "response"))


def read_committee(value: dict[str, list[dict[str, Any]]]) -> Finished:
    """A Pedersen committee of an archive in our terms. Its shares were secret, and the commitments are ours."""

    def message(item: dict[str, Any]) -> dict[str, str]:
        return dict(json.loads(str(item["message"])))

    exponents = [b"".join(map(point_bytes, message(item)["coefexps"])) for item in value["coefexps"]]
    certificates = [
        Certificate(
            point_bytes(message(item)["verification"]),
            point_bytes(message(item)["encryption"]),
            proof(item["signature"]),
            hashlib.sha256(own).digest(),
        )
        for item, own in zip(value["certs"], exponents, strict=True)
    ]
    n = len(certificates)
    shares = [
        Shares(own, proof(item["signature"]), proof(seen), (bytes(80),) * n)
        for own, item, seen in zip(exponents, value["coefexps"], value["signatures"], strict=True)
    ]
    keys = [
        Key(point_bytes(str(item["public_key"])), proof(item["pok"]), proof(item["signature"]))
        for item in value["verification_keys"]
    ]
    return Finished(Committee(bytes(32), "pedersen", n, int(str(value["threshold"]))), keys, certificates, shares, [])


@pytest.fixture(params=["tool30-threshold-2of3", "py-threshold-2of4-and-single-weights"])
def archive(request: pytest.FixtureRequest) -> list[bytes]:
    return list(documents(SHARED / "belenios" / "good" / f"{request.param}.bel"))


def test_every_signature_of_a_belenios_committee_holds(archive: list[bytes]) -> None:
    text = next(document for document in archive if document.startswith(b'[["'))
    singles = 0
    for kind, value in json.loads(text):
        if kind == "Single":
            key = Key(point_bytes(value["public_key"]), proof(value["pok"]), b"")
            committee = Committee(bytes(32), "single", 1, 1)
            check_single_key(committee, 1, key, [])
            assert trustees_json(committee, [key], [], [])[1:-1] in text
            singles += 1
            continue
        made = read_committee(value)
        for i in range(1, made.committee.size + 1):
            check_certificate(made.committee, i, made.certificates[i - 1], made.certificates[: i - 1])
            check_shares(made.committee, i, made.shares[i - 1], made.certificates)
            check_key(made.committee, i, made.keys[i - 1], made.certificates, made.shares)
            with pytest.raises(Refused):
                check_key(made.committee, i % made.committee.size + 1, made.keys[i - 1], made.certificates, made.shares)
        assert made.trustees_json[1:-1] in text
    assert singles == 1


def test_belenios_shares_hold_under_the_belenios_proof_only(archive: list[bytes]) -> None:
    """Its proofs are those that we call Belenios proofs; it has no binding proofs, so it is no share of ours."""
    election = Election.from_json(archive[1])
    tally = json.loads(archive[[b'"encrypted_tally"' in d for d in archive].index(True) - 1])
    alphas = [point_bytes(pair["alpha"]) for question in tally for pair in question]
    keys = [
        key
        for kind, value in json.loads(next(d for d in archive if d.startswith(b'[["')))
        for key in (
            [value["public_key"]] if kind == "Single" else [k["public_key"] for k in value["verification_keys"]]
        )
    ]
    shares = [(json.loads(a), json.loads(b)) for a, b in pairwise(archive) if b'"owner"' in b]
    assert len(shares) >= 3
    for share, owned in shares:
        public = point_bytes(keys[owned["owner"] - 1])
        factors = [point_bytes(text) for question in share["decryption_factors"] for text in question]
        proofs = [proof(value) for question in share["decryption_proofs"] for value in question]
        for alpha, factor, made in zip(alphas, factors, proofs, strict=True):
            kernel.dleq_verify(
                public, alpha, factor, belenios_prefix(election.fingerprint, public), made[:32], made[32:]
            )
