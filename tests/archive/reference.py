"""A second verifier of ballots, in plain Python, written from docs/protocol.md alone and slow: what the kernel is compared with."""

import base64
import hashlib
import json
from typing import Any

from . import slow_group as group
from .slow_group import BASE, NEUTRAL, Point, Q, add, decode, encode, mul, negate


def h(prefix: str, points: list[Point]) -> int:
    text = prefix + ",".join(encode(p) for p in points)
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % Q


def b64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def scalar(text: Any) -> int:
    if (
        not isinstance(text, str)
        or not text.isascii()
        or not text.isdigit()
        or str(int(text)) != text
        or int(text) >= Q
    ):
        raise ValueError("not a scalar")
    return int(text)


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def keys(value: Any, *names: str) -> list[Any]:
    if not isinstance(value, dict) or list(value) != list(names):
        raise ValueError(f"fields are not {names}")
    return [value[name] for name in names]


def check_ballot(election_text: str, text: str) -> str:
    """The credential of a valid ballot; ValueError for any other."""
    election, ballot = json.loads(election_text), json.loads(text)
    if compact(ballot) != text:
        raise ValueError("not canonical")
    uuid, phi, credential, answers, signature = keys(
        ballot, "election_uuid", "election_hash", "credential", "answers", "signature"
    )
    if uuid != election["uuid"] or phi != b64(election_text):
        raise ValueError("a ballot of another election")
    voter = decode(credential)
    if group.same(voter, NEUTRAL):
        raise ValueError("the neutral element as credential")
    digest, proof = keys(signature, "hash", "proof")
    unsigned = compact({k: v for k, v in ballot.items() if k != "signature"})
    if digest != b64(unsigned):
        raise ValueError("the hash in the signature")
    challenge, response = map(scalar, keys(proof, "challenge", "response"))
    if h(f"sig|{digest}|", [add(mul(response, BASE), mul(challenge, voter))]) != challenge:
        raise ValueError("the signature")
    if len(answers) != len(election["questions"]):
        raise ValueError("the number of answers")
    y = decode(election["public_key"])
    for question, answer in zip(election["questions"], answers, strict=True):
        check_answer(question, answer, y, f"{phi}|{credential}")
    return str(credential)


def check_answer(question: Any, answer: Any, y: Point, context: str) -> None:
    blank = bool(question.get("blank"))
    names = ["choices", "individual_proofs", "overall_proof"] + ["blank_proof"] * blank
    choices, individual, overall, *rest = keys(answer, *names)
    pairs = [tuple(map(decode, keys(choice, "alpha", "beta"))) for choice in choices]
    if len(pairs) != len(question["answers"]) + blank or len(individual) != len(pairs):
        raise ValueError("the number of choices")
    texts = [f"{encode(a)},{encode(b)}" for a, b in pairs]
    for pair, words, proof in zip(pairs, texts, individual, strict=True):
        check_disjunction(f"prove|{context}|{words}|", proof, [(pair, 0), (pair, 1)], y)
    total = (NEUTRAL, NEUTRAL)
    for a, b in pairs[blank:]:
        total = add(total[0], a), add(total[1], b)
    values = [(total, m) for m in range(question["min"], question["max"] + 1)]
    joined = ",".join(texts)
    if blank:
        check_disjunction(f"bproof0|{context}|{joined}|", rest[0], [(pairs[0], 0), (total, 0)], y)
        check_disjunction(f"bproof1|{context}|{joined}|", overall, [(pairs[0], 1), *values], y)
    else:
        words = f"{joined}|{encode(total[0])},{encode(total[1])}"
        check_disjunction(f"prove|{context}|{words}|", overall, values, y)


def check_disjunction(prefix: str, proof: Any, branches: list[Any], y: Point) -> None:
    if not isinstance(proof, list) or len(proof) != len(branches):
        raise ValueError("the number of branches")
    commitments: list[Point] = []
    total = 0
    for ((alpha, beta), value), branch in zip(branches, proof, strict=True):
        challenge, response = map(scalar, keys(branch, "challenge", "response"))
        shifted = add(beta, negate(mul(value, BASE)))
        commitments += [add(mul(response, BASE), mul(challenge, alpha)), add(mul(response, y), mul(challenge, shifted))]
        total += challenge
    if h(prefix, commitments) != total % Q:
        raise ValueError("a proof does not hold")
