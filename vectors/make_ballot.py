"""Makes ballot.json: ballots as the ledger carries them, and what each becomes when one thing in it is wrong.

Proving draws randomness, so a new run gives other bytes with the same verdicts. tests/kernel/test_ballot_vectors.py checks the
file with the kernel, tests/stranger/test_ballot_vectors.py with libsodium and plain Python.

    python vectors/make_ballot.py
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import veche_kernel as kernel
from nacl import bindings

UUID = "1" * 44
PHI = "q" * 43
POLL = bytes(32)
CASES = {
    "choose one of five": ([(5, 1, 1, False)], [[0, 0, 1, 0, 0]]),
    "up to two of three, or blank: chosen": ([(3, 0, 2, True)], [[0, 1, 0, 1]]),
    "up to two of three, or blank: blank": ([(3, 0, 2, True)], [[1, 0, 0, 0]]),
    "two questions": ([(2, 1, 1, False), (2, 0, 2, False)], [[1, 0], [1, 1]]),
}
ORDER_2 = (2**255 - 20).to_bytes(32, "little")


def swap(data: bytes, a: int, b: int) -> bytes:
    """Exchange two words of 32 bytes."""
    words = [data[i : i + 32] for i in range(0, len(data), 32)]
    words[a], words[b] = words[b], words[a]
    return b"".join(words)


def cast_prefix(unsigned: list[Any]) -> bytes:
    """What the cast signature signs."""
    return b"veche-cast-v1|" + hashlib.sha256(cbor2.dumps(unsigned)).hexdigest().encode() + b"|"


def wrong_entry(secret: bytes, unsigned: list[Any], bad: bytes, signature: bytes, good: bytes) -> bytes:
    """The entry of a wrong ballot; unless it is the cast signature that is wrong, the voter signs it."""
    item = [*unsigned[:3], bad, *unsigned[4:]]
    return cbor2.dumps([*item, kernel.cast_sign(secret, cast_prefix(item)) if signature == good else signature])


def wrong(ballot: bytes, cast: bytes) -> dict[str, tuple[bytes, bytes, str]]:
    """What is wrong, the ballot and cast signature in which it is, and the rule of docs/protocol.md (3.2) that refuses it."""
    unreduced = (int.from_bytes(ballot[-32:], "little") + kernel.ORDER).to_bytes(32, "little")
    return {
        "alpha and beta of the first answer exchanged": (swap(ballot, 1, 2), cast, "proofs"),
        "the first two answers exchanged, proofs as they were": (swap(swap(ballot, 1, 3), 2, 4), cast, "proofs"),
        "a response that is not reduced": (ballot[:-32] + unreduced, cast, "proofs"),
        "the credential is the identity": (kernel.IDENTITY + ballot[32:], cast, "proofs"),
        "a point that is not canonical": (ballot[:32] + b"\xff" * 32 + ballot[64:], cast, "proofs"),
        "a byte is missing": (ballot[:-1], cast, "shape"),
        "the cast signature's commitment has torsion added": (
            ballot,
            bindings.crypto_core_ed25519_add(cast[:32], ORDER_2) + cast[32:],
            "cast",
        ),
        "the cast signature is of another entry": (ballot, cast[:32] + kernel.scalar_random(), "cast"),
    }


def main() -> None:
    key = kernel.base_mul(kernel.scalar_random())
    rows = []
    for name, (questions, choices) in CASES.items():
        election = kernel.Election(key, PHI, UUID, questions)
        secret = kernel.scalar_random()
        randomness = election.randomness()
        ballot = election.prove(secret, choices, randomness)
        unsigned = ["ballot", POLL, 0, ballot, [], 1]
        prefix = cast_prefix(unsigned)
        cast = kernel.cast_sign(secret, prefix)
        rows.append(
            {
                "name": name,
                "questions": [[n, low, high, int(blank)] for n, low, high, blank in questions],
                "choices": choices,
                "secret": secret.hex(),
                "credential": kernel.base_mul(secret).hex(),
                "ballot": ballot.hex(),
                "randomness": randomness.hex(),
                "code": election.code(choices, randomness).hex(),
                "json": election.to_json(ballot).decode(),
                "tracker": election.load(ballot).tracker.hex(),
                "cast_prefix": prefix.decode(),
                "cast": cast.hex(),
                "entry": cbor2.dumps([*unsigned, cast]).hex(),
                "wrong": [
                    {"name": what, "ballot": bad.hex(), "cast": signature.hex(), "entry": entry.hex(), "rule": rule}
                    for what, (bad, signature, rule) in wrong(ballot, cast).items()
                    for entry in [wrong_entry(secret, unsigned, bad, signature, cast)]
                ],
            }
        )
    vectors = {"public_key": key.hex(), "fingerprint": PHI, "uuid": UUID, "ballots": rows}
    Path(__file__).with_name("ballot.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
