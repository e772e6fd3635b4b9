"""Make decryption.json: python vectors/make_decryption.py

By the second implementation, committee_reference.py, which shares nothing with the program.

A tally of two cells with two ciphertexts each under the committee of committee.json. ``sums``: part 0 (the total), then
the cells, alpha ‖ beta for each ciphertext. ``shares``: for each trustee and part the fields of the entry after
``part``. ``results``: what the shares of these trustees open in each part. ``partial_decryption``: the archive's text of
trustee 1's share of the total, as of two questions. ``failures``: in place of ``fields`` of trustee ``index`` for ``part``
these must be refused, by the rule that is named. ``lagrange``: coefficients, decimal. Bytes are hexadecimal.
"""

import base64
import hashlib
import json
from itertools import combinations
from pathlib import Path
from typing import Any

from committee_reference import (
    Ceremony,
    Q,
    base,
    binding_prefix,
    compact,
    draw,
    h,
    hexed,
    mul,
    proof_json,
    scalar,
    share,
    text,
    total,
)

CELLS = [[5, 2], [0, 9]]
TALLY = hashlib.sha256(b"the tally of the decryption vectors").digest()
PHI = base64.b64encode(hashlib.sha256(b"the election of the decryption vectors").digest()).decode().rstrip("=")


def encrypt(key: bytes, number: int, label: str) -> list[bytes]:
    r = draw(label)
    masked = mul(r, key)
    return [base(r), total([masked, base(number)]) if number else masked]


def lagrange(indices: tuple[int, ...]) -> list[int]:
    row = []
    for j in indices:
        value = 1
        for k in indices:
            if k != j:
                value = value * k * pow(k - j, -1, Q) % Q
        row.append(value)
    return row


def weak_forgery(c: Ceremony, alpha: bytes, label: str) -> tuple[bytes, bytes]:
    """A false factor whose Belenios proof holds, for an alpha whose logarithm is known: scenarios/colluding_trustee.py
    backwards. The commitments come first, then the factor that fits: F = (A / alpha^z)^(1/c)."""
    x = c.secrets[0]
    w, other = draw(f"{label} w"), base(draw(f"{label} A"))
    challenge = h(f"decrypt|{PHI}|{text(base(x))}|{text(base(w))},{text(other)}")
    z = (w - x * challenge) % Q
    factor = mul(pow(challenge, -1, Q), total([other, mul(-z % Q, alpha)]))
    return factor, scalar(challenge) + scalar(z)


def make() -> str:
    c = Ceremony("committee vectors", 3, 2)
    cells = [
        [encrypt(c.public_key, number, f"cell {i} {j}") for j, number in enumerate(row)] for i, row in enumerate(CELLS)
    ]
    sums = [[[total([a, b]) for a, b in zip(*pair, strict=True)] for pair in zip(*cells, strict=True)], *cells]
    alphas = [[pair[0] for pair in part] for part in sums]
    shares = [
        [share(c.secrets[j], alphas[part], PHI, TALLY, part, f"share {j + 1}") for part in range(len(sums))]
        for j in range(c.size)
    ]
    numbers = [[sum(column) for column in zip(*CELLS, strict=True)], *CELLS]
    rows: list[dict[str, Any]] = []

    def fail(name: str, rule: str, part: int, **changes: bytes) -> None:
        fields = dict(zip(("factors", "proofs", "bound"), shares[0][part], strict=True)) | changes
        rows.append({"name": name, "rule": rule, "index": 1, "part": part, "fields": list(fields.values())})

    factors, proofs, bound = shares[0][0]
    key, public = c.secrets[0], base(c.secrets[0])
    false, made = weak_forgery(c, alphas[0][0], "forgery")
    fail(
        "a false factor whose Belenios proof holds", "proof", 0, factors=false + factors[32:], proofs=made + proofs[64:]
    )
    fail(
        "the share of another trustee",
        "proof",
        0,
        **dict(zip(("factors", "proofs", "bound"), shares[1][0], strict=True)),
    )
    fail("factors exchanged", "proof", 0, factors=factors[32:] + factors[:32])
    fail("a factor of order 4", "shape", 0, factors=bytes(32) + factors[32:])
    fail("a factor of mixed order", "shape", 0, factors=total([factors[:32], bytes(32)]) + factors[32:])
    fail("a factor too few", "shape", 0, factors=factors[:32])
    fail("a changed Belenios proof", "proof", 0, proofs=bytes([proofs[0] ^ 1]) + proofs[1:])
    fail("Belenios proofs exchanged", "proof", 0, proofs=proofs[64:] + proofs[:64])
    fail("no Belenios proofs for the total", "shape", 0, proofs=b"")
    fail("Belenios proofs for a cell", "shape", 1, proofs=proofs)
    fail("no binding proofs", "shape", 0, bound=b"")
    fail("a changed binding proof", "proof", 0, bound=bound[:-1] + bytes([bound[-1] ^ 1]))
    fail("the Belenios proofs as binding proofs", "proof", 0, bound=proofs)
    fail("binding proofs of another tally", "proof", 0, bound=share(key, alphas[0], PHI, bytes(32), 0, "x")[2])
    fail("binding proofs of another election", "proof", 0, bound=share(key, alphas[0], "A" * 43, TALLY, 0, "x")[2])
    fail("binding proofs of another part", "proof", 2, bound=share(key, alphas[2], PHI, TALLY, 1, "x")[2])
    fail("binding proofs exchanged", "proof", 0, bound=bound[64:] + bound[:64])
    fail("a response that is not reduced", "shape", 0, bound=bound[:32] + b"\xff" * 32 + bound[64:])
    value = {
        "phi": PHI,
        "tally": TALLY,
        "keys": [base(secret) for secret in c.secrets],
        "sums": [[b"".join(pair) for pair in part] for part in sums],
        "bound_prefix": binding_prefix(PHI, TALLY, public, 0, alphas[0][0], factors[:32]),
        "shares": shares,
        "results": [
            {"trustees": list(some), "lagrange": [str(v) for v in lagrange(some)], "numbers": numbers}
            for size in (2, 3)
            for some in combinations((1, 2, 3), size)
        ],
        "partial_decryption": compact(
            {
                "decryption_factors": [[text(factors[:32])], [text(factors[32:])]],
                "decryption_proofs": [[proof_json(proofs[:64])], [proof_json(proofs[64:])]],
            }
        ),
        "failures": rows,
    }
    return json.dumps(hexed(value), indent=1) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("decryption.json").write_text(make())
