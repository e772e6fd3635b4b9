"""Makes ballot.json: ballots as the ledger carries them, and what each becomes when one thing in it is wrong.

Proving draws randomness, so a new run gives other bytes with the same verdicts. tests/kernel/test_ballot_vectors.py checks the
file with the kernel, tests/stranger/test_ballot_vectors.py with libsodium and plain Python.

    python vectors/make_ballot.py
"""

import json
from pathlib import Path

import veche_kernel as kernel
from nacl import bindings

UUID = "1" * 44
PHI = "q" * 43
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


def wrong(ballot: bytes, cast: bytes) -> dict[str, tuple[bytes, bytes]]:
    """What is wrong, and the ballot and cast signature in which it is."""
    unreduced = (int.from_bytes(ballot[-32:], "little") + kernel.ORDER).to_bytes(32, "little")
    return {
        "alpha and beta of the first answer exchanged": (swap(ballot, 1, 2), cast),
        "the first two answers exchanged, proofs as they were": (swap(swap(ballot, 1, 3), 2, 4), cast),
        "a response that is not reduced": (ballot[:-32] + unreduced, cast),
        "the credential is the identity": (kernel.IDENTITY + ballot[32:], cast),
        "a point that is not canonical": (ballot[:32] + b"\xff" * 32 + ballot[64:], cast),
        "a byte is missing": (ballot[:-1], cast),
        "the cast signature's commitment has torsion added": (
            ballot,
            bindings.crypto_core_ed25519_add(cast[:32], ORDER_2) + cast[32:],
        ),
        "the cast signature is of another entry": (ballot, cast[:32] + kernel.scalar_random()),
    }


def main() -> None:
    key = kernel.base_mul(kernel.scalar_random())
    rows = []
    for name, (questions, choices) in CASES.items():
        election = kernel.Election(key, PHI, UUID, questions)
        secret = kernel.scalar_random()
        ballot, opening = election.prove(secret, choices)
        prefix = b"veche-cast-v1|" + b"00" * 32 + b"|"
        cast = kernel.cast_sign(secret, prefix)
        rows.append(
            {
                "name": name,
                "questions": [[n, low, high, int(blank)] for n, low, high, blank in questions],
                "choices": choices,
                "secret": secret.hex(),
                "credential": kernel.base_mul(secret).hex(),
                "ballot": ballot.hex(),
                "opening": opening.hex(),
                "json": election.to_json(ballot).decode(),
                "tracker": election.load(ballot).tracker.hex(),
                "cast_prefix": prefix.decode(),
                "cast": cast.hex(),
                "wrong": [
                    {"name": what, "ballot": bad.hex(), "cast": signature.hex()}
                    for what, (bad, signature) in wrong(ballot, cast).items()
                ],
            }
        )
    vectors = {"public_key": key.hex(), "fingerprint": PHI, "uuid": UUID, "ballots": rows}
    Path(__file__).with_name("ballot.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
