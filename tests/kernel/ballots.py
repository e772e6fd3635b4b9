"""Ballots for the tests of the kernel: an election, its layout word by word, signatures made anew."""

import base64
import hashlib
import json

import veche_kernel as kernel

from kernel.edwards import Q

KEY_SECRET = kernel.scalar_random()
KEY = kernel.base_mul(KEY_SECRET)
FINGERPRINT = base64.b64encode(hashlib.sha256(b"an election").digest()).decode().rstrip("=")
UUID = "VecheTestUuid1"


def make(*questions: tuple[int, int, int, bool]) -> kernel.Election:
    return kernel.Election(KEY, FINGERPRINT, UUID, list(questions))


def number(value: int) -> bytes:
    return (value % Q).to_bytes(32, "little")


def sign(election: kernel.Election, secret: bytes, ballot: bytes) -> bytes:
    """The ballot signed anew by its credential, whatever else it says."""
    w = kernel.scalar_random()
    stored = kernel.base_mul(kernel.scalar_mul(w, kernel.scalar_invert(number(8))))
    unsigned = ballot[:-64] + stored + bytes(32)
    fields = json.loads(election.to_json(unsigned))
    digest = fields["signature"]["hash"]
    challenge = kernel.hash_to_scalar(b"sig|%s|%s" % (digest.encode(), kernel.base_mul(w)[::-1].hex().encode()))
    assert int.from_bytes(challenge, "little") == int(fields["signature"]["proof"]["challenge"])
    return ballot[:-64] + stored + kernel.scalar_sub(w, kernel.scalar_mul(secret, challenge))


def cast(secret: bytes, prefix: bytes = b"veche-cast-v1|") -> tuple[bytes, bytes]:
    return prefix, kernel.cast_sign(secret, prefix)


def layout(*questions: tuple[int, int, int, bool]) -> str:
    """What each 32-byte word of a packed ballot is (docs/protocol.md, section 3.1): ``p`` a point, ``s`` a scalar."""

    def proof(branches: int) -> str:
        return "pp" * branches + "s" * (branches - 1) + "s" * branches

    words = "p"
    for answers, least, most, blank in questions:
        choices = answers + blank
        words += "pp" * choices + proof(2) * choices + proof(2) * blank + proof(most - least + 1 + blank)
    return words + "ps"
