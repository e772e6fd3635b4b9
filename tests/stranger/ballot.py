"""The stranger's ballots: the layout, the proofs, Belenios's JSON, the cast signature, permits (sections 3 and 4.1)."""

import json
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

from .cbor import encode, need, octets
from .group import (
    IDENTITY,
    H,
    Q,
    add,
    b64,
    g,
    power,
    product,
    scalar,
    sha,
    spell,
    subtract,
    times_eight,
)

Pair = tuple[bytes, bytes]


class Question(NamedTuple):
    """The numbers of a question."""

    answers: int
    low: int
    high: int
    blank: bool

    @property
    def ciphertexts(self) -> int:
        return self.answers + self.blank

    def sizes(self) -> list[int]:
        """How many branches each proof has: one for each ciphertext, the blank one, the overall one."""
        overall = self.high - self.low + 1
        return [2] * self.ciphertexts + ([2, overall + 1] if self.blank else [overall])


class Disjunction(NamedTuple):
    """One proof as it is stored: commitments, all challenges but the last, responses."""

    commitments: list[Pair]
    challenges: list[int]
    responses: list[int]


class Ballot(NamedTuple):
    """What a ballot turned out to be."""

    credential: bytes
    ciphertexts: list[Pair]
    tracker: bytes


def length(questions: list[Question]) -> int:
    """The bytes of a ballot (3.1)."""
    size = 32 + 64
    for q in questions:
        size += 64 * q.ciphertexts + sum(64 * d + 32 * (d - 1) + 32 * d for d in q.sizes())
    return size


class _Layout:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def raw(self) -> bytes:
        self.at += 32
        return self.data[self.at - 32 : self.at]

    def pairs(self, count: int) -> list[Pair]:
        return [(times_eight(self.raw()), times_eight(self.raw())) for _ in range(count)]

    def scalars(self, count: int) -> list[int]:
        return [scalar(self.raw()) for _ in range(count)]

    def disjunction(self, d: int) -> Disjunction:
        return Disjunction(self.pairs(d), self.scalars(d - 1), self.scalars(d))


def _commas(pairs: list[Pair]) -> str:
    return ",".join(spell(p) for pair in pairs for p in pair)


def _prove(prefix: str, y: bytes, branches: list[tuple[Pair, int]], said: Disjunction) -> list[dict[str, str]]:
    """Check a proof by disjunction; return it as Belenios writes it."""
    whole = H(f"{prefix}|{_commas(said.commitments)}")
    challenges = [*said.challenges, (whole - sum(said.challenges)) % Q]
    for ((alpha, beta), m), pair, c, z in zip(branches, said.commitments, challenges, said.responses, strict=True):
        a = add(g(z), power(alpha, c))
        b = add(power(y, z), power(subtract(beta, g(m)), c))
        need((a, b) == pair, "a proof of a ballot does not hold")
    return [{"challenge": str(c), "response": str(z)} for c, z in zip(challenges, said.responses, strict=True)]


def _answer(q: Question, layout: _Layout, y: bytes, phi: str, cred: str) -> tuple[dict[str, Any], list[Pair]]:
    """Read and check the answer to one question."""
    choices = layout.pairs(q.ciphertexts)
    proofs = [layout.disjunction(d) for d in q.sizes()]
    start = f"|{phi}|{cred}|"
    individual = [
        _prove(f"prove{start}{_commas([pair])}", y, [(pair, 0), (pair, 1)], said)
        for pair, said in zip(choices, proofs, strict=False)
    ]
    voted = choices[1:] if q.blank else choices
    total = product(a for a, _ in voted), product(b for _, b in voted)
    values = [(total, m) for m in range(q.low, q.high + 1)]
    answer: dict[str, Any] = {
        "choices": [{"alpha": spell(a), "beta": spell(b)} for a, b in choices],
        "individual_proofs": individual,
    }
    if q.blank:
        blank = _prove(f"bproof0{start}{_commas(choices)}", y, [(choices[0], 0), (total, 0)], proofs[-2])
        values = [(choices[0], 1), *values]
        answer["overall_proof"] = _prove(f"bproof1{start}{_commas(choices)}", y, values, proofs[-1])
        answer["blank_proof"] = blank
    else:
        answer["overall_proof"] = _prove(f"prove{start}{_commas(choices)}|{_commas([total])}", y, values, proofs[-1])
    return answer, choices


def compact(value: object) -> str:
    """JSON as Belenios writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check(data: bytes, questions: list[Question], y: bytes, uuid: str, phi: str) -> Ballot:
    """Everything that a ballot says about itself."""
    octets(data, length(questions))
    layout = _Layout(data)
    credential = times_eight(layout.raw())
    need(credential != IDENTITY, "a ballot's credential is the identity")
    cred = spell(credential)
    answers, ciphertexts = [], []
    for q in questions:
        answer, choices = _answer(q, layout, y, phi, cred)
        answers.append(answer)
        ciphertexts += choices
    commitment, response = times_eight(layout.raw()), scalar(layout.raw())
    ballot: dict[str, Any] = {"election_uuid": uuid, "election_hash": phi, "credential": cred, "answers": answers}
    said = b64(compact(ballot).encode())
    c = H(f"sig|{said}|{spell(commitment)}")
    need(add(g(response), power(credential, c)) == commitment, "a ballot's signature does not hold")
    ballot["signature"] = {"hash": said, "proof": {"challenge": str(c), "response": str(response)}}
    return Ballot(credential, ciphertexts, sha(compact(ballot).encode()))


def code(ciphertexts: list[Pair], phi: str) -> bytes:
    """What a device shows of the ciphertexts before it knows whether they are cast (3.3)."""
    return sha(f"veche-check-v1|{phi}|{_commas(ciphertexts)}".encode())


def check_cast(entry: list[Any], credential: bytes) -> None:
    """The cast signature over all the rest of the entry (3.1)."""
    cast = octets(entry[6], 64)
    c = H(f"veche-cast-v1|{sha(encode(entry[:6])).hex()}|{spell(cast[:32])}")
    whole = add(g(scalar(cast[32:])), power(credential, c))
    need(times_eight(cast[:32]) == whole, "a ballot's cast signature does not hold")


def permit(modulus: bytes, poll: bytes, group: int, credential: bytes, prefix: bytes, signature: bytes) -> bool:
    """Does a permit hold (4.1, RFC 9474)?"""
    message = prefix + f"veche-permit-v1|{poll.hex()}|{group}|{credential.hex()}".encode()
    key = rsa.RSAPublicNumbers(65537, int.from_bytes(modulus, "big")).public_key()
    try:
        key.verify(signature, message, padding.PSS(padding.MGF1(SHA384()), 48), SHA384())
    except InvalidSignature:
        return False
    return True
