"""Make committee.json: python vectors/make_committee.py

By the second implementation, committee_reference.py, which shares nothing with the program.

``pedersen``: a ceremony of 2 of 3, every value on the way: per trustee the secrets (scalars: signing, decryption,
coefficients, and in the end the secret of their key) and the fields of their three entries, then the public key and the
text for the archive. ``single``: the keys of 2 of 2. ``failures``: in place of what trustee ``index`` handed in at
``step``, these fields must be refused, by the rule that is named; all else is as above. ``share`` fails for its
recipient alone, who opens it with their secrets. Bytes are hexadecimal.
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

from committee_reference import Ceremony, Q, base, hexed, mul, scalar, seal, signed, single, single_json, text, total

IDENTITY = (1).to_bytes(32, "little")
ORDER_4 = bytes(32)
"""The point with y = 0, which has order 4."""
NOT_CANONICAL = (2**255 - 18).to_bytes(32, "little")
"""p + 1, another writing of y = 1."""


def flip(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def failures(c: Ceremony, keys: list[list[bytes]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def fail(step: str, index: int, name: str, rule: str, fields: list[Any]) -> None:
        rows.append({"step": step, "index": index, "name": name, "rule": rule, "fields": fields})

    def changed(fields: list[Any], at: int, value: Any) -> list[Any]:
        return [*fields[:at], value, *fields[at + 1 :]]

    one, two = c.certificates[0], c.certificates[1]
    unreduced = one[2][:32] + b"\xff" * 32
    for name, rule, fields in (
        ("the verification key of another trustee", "proof", changed(one, 0, two[0])),
        ("the encryption key of another trustee", "proof", changed(one, 1, two[1])),
        ("a verification key of order 4", "shape", changed(one, 0, ORDER_4)),
        ("the identity as verification key", "shape", changed(one, 0, IDENTITY)),
        ("the identity as encryption key", "shape", changed(one, 1, IDENTITY)),
        ("an encryption key of mixed order", "shape", changed(one, 1, total([one[1], ORDER_4]))),
        ("an encryption key that is not canonical", "shape", changed(one, 1, NOT_CANONICAL)),
        ("a changed challenge", "proof", changed(one, 2, flip(one[2]))),
        ("a changed response", "proof", changed(one, 2, flip(one[2], 32))),
        ("a response that is not reduced", "shape", changed(one, 2, unreduced)),
        ("the certificate of another trustee", "proof", changed(two, 3, one[3])),
        ("a commitment of 31 bytes", "shape", changed(one, 3, one[3][:31])),
    ):
        fail("certificate", 1, name, rule, fields)
    fail("certificate", 2, "the commitment of another trustee", "commitment", changed(two, 3, one[3]))

    dealt: list[Any] = c.shares[0]
    exponents = dealt[0]
    for name, rule, fields in (
        ("other exponents than committed to", "commitment", changed(dealt, 0, exponents[:32] + base(1))),
        ("exponents in another order", "commitment", changed(dealt, 0, exponents[32:] + exponents[:32])),
        ("an exponent too few", "shape", changed(dealt, 0, exponents[:32])),
        ("an exponent too many", "shape", changed(dealt, 0, exponents + base(1))),
        ("a changed signature of the exponents", "proof", changed(dealt, 1, flip(dealt[1], 5))),
        ("a changed signature of the certificates", "proof", changed(dealt, 2, flip(dealt[2], 5))),
        ("a share too few", "shape", changed(dealt, 3, dealt[3][:2])),
        ("a share too many", "shape", changed(dealt, 3, [*dealt[3], dealt[3][0]])),
        ("a share of 81 bytes", "shape", changed(dealt, 3, [*dealt[3][:2], dealt[3][2] + b"\0"])),
        ("the shares of another trustee", "commitment", c.shares[1]),
    ):
        fail("shares", 1, name, rule, fields)
    other = copy.copy(c)
    other.certificates = [
        c.certificates[0],
        [two[0], two[1], signed(c.signing[1], c.certificate_message(2), "again"), two[3]],
    ]
    other.certificates.append(c.certificates[2])
    fail("shares", 1, "certificates that others did not see", "proof", other.deal(1))

    key = c.keys[0]
    x = (c.secrets[0] + 1) % Q
    chosen = copy.copy(c)
    chosen.secrets = [x, *c.secrets[1:]]
    for name, rule, fields in (
        ("a key of the trustee's choice, proved and signed", "key", chosen.key(1)),
        ("the key of another trustee", "key", c.keys[1]),
        ("a changed proof", "proof", changed(key, 1, flip(key[1]))),
        ("a changed signature", "proof", changed(key, 2, flip(key[2], 40))),
        ("no signature", "shape", changed(key, 2, b"")),
        ("a signature by another trustee", "proof", changed(key, 2, signed(c.signing[1], text(key[0]), "other"))),
    ):
        fail("key", 1, name, rule, fields)

    sent = dealt[3]
    value, encryption = c.f(1, 2), c.encryption[1]
    for name, share in (
        ("a share that is off by one", seal(c.id, 1, 2, encryption, value + 1, "off by one")),
        ("the share of another trustee", seal(c.id, 1, 2, encryption, c.f(1, 3), "other share")),
        ("encrypted to another trustee", sent[2]),
        ("encrypted in the name of another dealer", seal(c.id, 3, 2, encryption, value, "other dealer")),
        (
            "encrypted for another committee",
            seal(hashlib.sha256(b"x").digest(), 1, 2, encryption, value, "other committee"),
        ),
        ("with a changed point", mul(2, sent[1][:32]) + sent[1][32:]),
        ("with a changed ciphertext", flip(sent[1], 32)),
        ("with a changed authenticator", flip(sent[1], 79)),
        ("a point of order 4", ORDER_4 + sent[1][32:]),
    ):
        fail("share", 1, name, "share", changed(dealt, 3, [sent[0], share, sent[2]]))

    first, second = keys
    for name, rule, fields in (
        ("a changed proof", "proof", changed(second, 1, flip(second[1]))),
        ("the proof of another trustee", "proof", changed(second, 1, first[1])),
        ("the key of another trustee, with its proof", "key", first),
        ("the identity", "shape", changed(second, 0, IDENTITY)),
        ("a key of order 4", "shape", changed(second, 0, ORDER_4)),
        ("a signature", "shape", changed(second, 2, bytes(64))),
    ):
        fail("single", 2, name, rule, fields)
    return rows


def make() -> str:
    c = Ceremony("committee vectors", 3, 2)
    keys = single("single vectors", 2)
    trustees = [
        {
            "signing": scalar(c.signing[j]),
            "decryption": scalar(c.decryption[j]),
            "coefficients": [scalar(a) for a in c.coefficients[j]],
            "secret": scalar(c.secrets[j]),
            "certificate": c.certificates[j],
            "shares": c.shares[j],
            "key": c.keys[j],
        }
        for j in range(c.size)
    ]
    value = {
        "pedersen": {
            "committee": c.id,
            "size": c.size,
            "threshold": c.threshold,
            "trustees": trustees,
            "public_key": c.public_key,
            "trustees_json": c.trustees_json(),
        },
        "single": {
            "committee": hashlib.sha256(b"single vectors").digest(),
            "keys": keys,
            "public_key": total([key for key, _, _ in keys]),
            "trustees_json": single_json(keys),
        },
        "failures": failures(c, keys),
    }
    return json.dumps(hexed(value), indent=1) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("committee.json").write_text(make())
