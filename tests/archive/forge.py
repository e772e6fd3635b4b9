"""Makes polls whose every secret is known, in plain Python, so that a bad archive can be signed and proven in all that is not bad.

The only prover of the tests; what it makes is checked by belenios-tool and by the verifier.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from .assemble import Parts, Step, compact, sha
from .reference import b64, h
from .slow_group import BASE, NEUTRAL, Point, Q, add, decode_any, encode, mul, negate

Pair = tuple[Point, Point]


def proof(challenge: int, response: int) -> dict[str, str]:
    return {"challenge": str(challenge), "response": str(response)}


@dataclass
class Town:
    """A poll with known secrets. ``trustees``: for each part its secret, or (threshold, size) of a committee."""

    questions: list[dict[str, Any]] = field(
        default_factory=lambda: [{"answers": ["for", "against"], "min": 1, "max": 1, "question": "Join?"}]
    )
    weights: list[int | None] = field(default_factory=lambda: [None] * 3)
    trustees: list[int | tuple[int, int]] = field(default_factory=lambda: [11, 12])
    seed: int = 1
    uuid: str = "TownTownTownTown"

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.voters = [self.scalar() for _ in self.weights]
        self.secrets: list[int] = []  # of the trustees, in order
        self.entries: list[Any] = []
        key = NEUTRAL
        for part in self.trustees:
            key = add(key, self.single(part) if isinstance(part, int) else self.committee(*part))
        self.key = key
        self.election = compact(
            {
                "version": 1,
                "description": "",
                "name": "A town asks",
                "group": "Ed25519",
                "public_key": encode(key),
                "questions": self.questions,
                "uuid": self.uuid,
            }
        )
        self.phi = b64(self.election.decode())

    def scalar(self) -> int:
        return self.random.randrange(1, Q)

    # Proofs

    def schnorr(self, secret: int, prefix: str) -> dict[str, str]:
        w = self.scalar()
        challenge = h(prefix, [mul(w, BASE)])
        return proof(challenge, (w - secret * challenge) % Q)

    def signed(self, secret: int, message: str) -> dict[str, Any]:
        return {"message": message, "signature": self.schnorr(secret, f"sigmsg|{message}|")}

    def knowledge(self, secret: int) -> dict[str, Any]:
        text = encode(mul(secret, BASE))
        return {"pok": self.schnorr(secret, f"pok|Ed25519|{text}|"), "public_key": text}

    def disjunction(self, prefix: str, branches: list[tuple[Pair, int]], true: int, r: int) -> list[dict[str, str]]:
        """Proves that the ciphertext of branch ``true`` (randomness ``r``) encrypts its value, without saying which."""
        parts: list[tuple[int, int]] = []
        commitments: list[Point] = []
        w = self.scalar()
        for i, ((alpha, beta), value) in enumerate(branches):
            if i == true:
                parts.append((0, 0))
                commitments += [mul(w, BASE), mul(w, self.key)]
            else:
                c, z = self.scalar(), self.scalar()
                parts.append((c, z))
                shifted = add(beta, negate(mul(value, BASE)))
                commitments += [add(mul(z, BASE), mul(c, alpha)), add(mul(z, self.key), mul(c, shifted))]
        challenge = (h(prefix, commitments) - sum(c for c, _ in parts)) % Q
        parts[true] = challenge, (w - r * challenge) % Q
        return [proof(c, z) for c, z in parts]

    # The setup

    def single(self, secret: int) -> Point:
        self.secrets.append(secret)
        self.entries.append(["Single", self.knowledge(secret)])
        return mul(secret, BASE)

    def committee(self, threshold: int, size: int) -> Point:
        signing = [self.scalar() for _ in range(size)]
        polynomials = [[self.scalar() for _ in range(threshold)] for _ in range(size)]
        certs = []
        for j, secret in enumerate(signing, 1):
            context = {"group": "Ed25519", "size": size, "threshold": threshold, "index": j}
            keys = {"verification": encode(mul(secret, BASE)), "encryption": encode(mul(self.scalar(), BASE))}
            certs.append(self.signed(secret, compact({"context": context} | keys).decode()))
        exponents = [[encode(mul(a, BASE)) for a in polynomial] for polynomial in polynomials]
        coefexps = [
            self.signed(secret, compact({"coefexps": own}).decode())
            for secret, own in zip(signing, exponents, strict=True)
        ]
        signatures = []
        for secret, own in zip(signing, exponents, strict=True):
            message = "certs_sig|" + compact({"certs": certs, "coefexps": own}).decode()
            signatures.append(self.schnorr(secret, f"sigmsg|{message}|"))
        owned: list[dict[str, Any]] = []
        for j, secret in enumerate(signing, 1):
            share = sum(a * j**k for polynomial in polynomials for k, a in enumerate(polynomial)) % Q
            self.secrets.append(share)
            known = self.knowledge(share)
            signature = self.schnorr(secret, f"sigmsg|{known['public_key']}|")
            owned.append(known | {"signature": signature})
        self.entries.append(
            [
                "Pedersen",
                {
                    "threshold": threshold,
                    "certs": certs,
                    "coefexps": coefexps,
                    "signatures": signatures,
                    "verification_keys": owned,
                },
            ]
        )
        return mul(sum(polynomial[0] for polynomial in polynomials), BASE)

    def credentials(self) -> list[str]:
        texts = [encode(mul(secret, BASE)) for secret in self.voters]
        return [t if w is None else f"{t},{w}" for t, w in zip(texts, self.weights, strict=True)]

    # A ballot

    def encrypt(self, value: int) -> tuple[Pair, int]:
        r = self.scalar()
        return (mul(r, BASE), add(mul(r, self.key), mul(value % Q, BASE))), r

    def ballot(self, voter: int, choices: list[list[int]]) -> dict[str, Any]:
        """A ballot without its signature. ``choices``: a number for each ciphertext, the blank flag first.

        Numbers that the election forbids get proofs that do not hold, made like the others.
        """
        credential = encode(mul(self.voters[voter], BASE))
        context = f"{self.phi}|{credential}"
        answers = [self.answer(q, c, context) for q, c in zip(self.questions, choices, strict=True)]
        return {
            "election_uuid": self.uuid,
            "election_hash": self.phi,
            "credential": credential,
            "answers": answers,
        }

    def answer(self, question: dict[str, Any], values: list[int], context: str) -> dict[str, Any]:
        encrypted = [self.encrypt(value) for value in values]
        pairs = [pair for pair, _ in encrypted]
        texts = [f"{encode(a)},{encode(b)}" for a, b in pairs]
        individual = [
            self.disjunction(f"prove|{context}|{text}|", [(pair, 0), (pair, 1)], min(max(value, 0), 1), r)
            for (pair, r), value, text in zip(encrypted, values, texts, strict=True)
        ]
        blank = bool(question.get("blank"))
        total, r = (NEUTRAL, NEUTRAL), 0
        for pair, randomness in encrypted[blank:]:
            total, r = (add(total[0], pair[0]), add(total[1], pair[1])), r + randomness
        low, high = question["min"], question["max"]
        branches = [(total, m) for m in range(low, high + 1)]
        true = min(max(sum(values[blank:]), low), high) - low
        joined = ",".join(texts)
        answer: dict[str, Any] = {
            "choices": [{"alpha": encode(a), "beta": encode(b)} for a, b in pairs],
            "individual_proofs": individual,
        }
        if not blank:
            prefix = f"prove|{context}|{joined}|{encode(total[0])},{encode(total[1])}|"
            answer["overall_proof"] = self.disjunction(prefix, branches, true, r)
            return answer
        flag, flag_r = encrypted[0]
        overall = (0, flag_r) if values[0] else (1 + true, r)
        prefix = f"bproof1|{context}|{joined}|"
        answer["overall_proof"] = self.disjunction(prefix, [(flag, 1), *branches], *overall)
        prefix = f"bproof0|{context}|{joined}|"
        zero = (1, r) if values[0] else (0, flag_r)
        answer["blank_proof"] = self.disjunction(prefix, [(flag, 0), (total, 0)], *zero)
        return answer

    def sign(self, voter: int, ballot: dict[str, Any]) -> bytes:
        """The ballot's text with a signature that fits whatever the ballot says."""
        unsigned = {name: value for name, value in ballot.items() if name != "signature"}
        digest = b64(compact(unsigned).decode())
        signature = {"hash": digest, "proof": self.schnorr(self.voters[voter], f"sig|{digest}|")}
        return compact(unsigned | {"signature": signature})

    def vote(self, voter: int, choices: list[list[int]]) -> bytes:
        return self.sign(voter, self.ballot(voter, choices))

    # Tally and decryption

    def tally(self, ballots: list[bytes], weights: list[int]) -> list[list[Pair]]:
        """The sum of ballots' ciphertexts, each times its weight; of none at all, neutral elements."""
        shape = [len(q["answers"]) + bool(q.get("blank")) for q in self.questions]
        sums = [[(NEUTRAL, NEUTRAL)] * n for n in shape]
        for text, weight in zip(ballots, weights, strict=True):
            for q, answer in enumerate(json.loads(text)["answers"]):
                for i, choice in enumerate(answer["choices"]):
                    a, b = (mul(weight, decode_any(choice[name].lower())) for name in ("alpha", "beta"))
                    sums[q][i] = add(sums[q][i][0], a), add(sums[q][i][1], b)
        return sums

    def share(self, owner: int, tally: list[list[Pair]]) -> bytes:
        """The share of trustee ``owner``, counted from 1."""
        secret = self.secrets[owner - 1]
        prefix = f"decrypt|{self.phi}|{encode(mul(secret, BASE))}|"
        factors, proofs = [], []
        for question in tally:
            factors.append([encode(mul(secret, alpha)) for alpha, _ in question])
            row = []
            for alpha, _ in question:
                w = self.scalar()
                challenge = h(prefix, [mul(w, BASE), mul(w, alpha)])
                row.append(proof(challenge, (w - secret * challenge) % Q))
            proofs.append(row)
        return compact({"decryption_factors": factors, "decryption_proofs": proofs})

    # The archive

    def archive(
        self,
        ballots: list[bytes],
        counted: list[tuple[bytes, int]],
        result: list[list[int | str]],
        owners: list[int] | None = None,
        sized: dict[str, Any] | None = None,
    ) -> Parts:
        """The whole archive. ``counted``: the ballots that the tally sums, with their weights."""
        trustees, credentials = compact(self.entries), compact(self.credentials())
        documents = {"election": self.election, "trustees": trustees, "credentials": credentials}
        setup = compact({name: sha(text) for name, text in documents.items()})
        steps = [Step("Setup", [*documents.values(), setup])]
        steps += [Step("Ballot", [ballot]) for ballot in ballots]
        steps.append(Step("EndBallots"))
        sums = self.tally([ballot for ballot, _ in counted], [weight for _, weight in counted])
        tally = compact([[{"alpha": encode(a), "beta": encode(b)} for a, b in question] for question in sums])
        total = sum(weight for _, weight in counted)
        size: dict[str, Any] = {
            "num_tallied": len(counted),
            "total_weight": total if total < 2**30 else str(total),
            "encrypted_tally": sha(tally),
        }
        steps.append(Step("EncryptedTally", [tally, compact(size | (sized or {}))]))
        for owner in owners or range(1, len(self.secrets) + 1):
            share = self.share(owner, sums)
            steps.append(Step("PartialDecryption", [share, compact({"owner": owner, "payload": sha(share)})]))
        steps.append(Step("Result", [compact({"result": result})]))
        return Parts(steps)
