"""Ballots for the tests of the kernel: an election, its layout word by word, signatures made anew."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import cbor2
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


def value(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little")


def belenios_hash(text: bytes) -> int:
    """H of docs/protocol.md, section 1."""
    return int.from_bytes(hashlib.sha256(text).digest(), "big") % Q


def sign(election: kernel.Election, secret: bytes, ballot: bytes) -> bytes:
    """The ballot signed anew by its credential, whatever else it says."""
    w = kernel.scalar_random()
    stored = kernel.base_mul(number(value(w) * pow(8, -1, Q)))
    unsigned = ballot[:-64] + stored + bytes(32)
    fields = json.loads(election.to_json(unsigned))
    digest = fields["signature"]["hash"]
    challenge = belenios_hash(b"sig|%s|%s" % (digest.encode(), kernel.base_mul(w)[::-1].hex().encode()))
    assert challenge == int(fields["signature"]["proof"]["challenge"])
    return ballot[:-64] + stored + number(value(w) - value(secret) * challenge)


POLL = bytes(range(32))


def cast_prefix(item: list[Any]) -> bytes:
    """What the cast signature of an entry signs (docs/protocol.md, section 3.1)."""
    return b"veche-cast-v1|" + hashlib.sha256(cbor2.dumps(item[:6])).hexdigest().encode() + b"|"


def entry(ballot: bytes, secret: bytes, signature: bytes | None = None, turn: int = 1) -> bytes:
    """A ballot's entry without permits, with this cast signature or with one by the secret."""
    item = ["ballot", POLL, 0, ballot, [], turn]
    return cbor2.dumps([*item, kernel.cast_sign(secret, cast_prefix(item)) if signature is None else signature])


def read(data: bytes) -> kernel.BallotEntry:
    found = kernel.read_ballots([data])[0]
    assert isinstance(found, kernel.BallotEntry), found
    return found


def checker(election: kernel.Election) -> kernel.BallotChecker:
    """For ballots without permits."""
    return kernel.BallotChecker(election, POLL, [[bytes(256)]], 1, [0], 1)


def together(
    checks: kernel.BallotChecker, entries: Sequence[kernel.BallotEntry]
) -> list[kernel.CheckedBallot | kernel.Failure]:
    """The verdicts on all of these at once: those that are identified are checked."""
    identified = checks.identify(entries)
    left = iter(checks.check([ballot for ballot in identified if isinstance(ballot, kernel.IdentifiedBallot)]))
    return [ballot if isinstance(ballot, kernel.Failure) else next(left) for ballot in identified]


def judge(election: kernel.Election, data: bytes) -> kernel.CheckedBallot | kernel.Failure:
    """The verdict on an entry, alone and in a batch."""
    checks, found = checker(election), read(data)
    alone, (both,) = checks.check_one(found), together(checks, [found])
    if isinstance(alone, kernel.CheckedBallot):
        assert isinstance(both, kernel.CheckedBallot)
        assert (both.credential, both.tracker) == (alone.credential, alone.tracker)
    else:
        assert both == alone
    return alone


def why_not(election: kernel.Election, data: bytes) -> tuple[str, str]:
    """The rule by which an entry's ballot is refused, and what is said of the ballot."""
    verdict = judge(election, data)
    assert isinstance(verdict, kernel.Failure)
    return verdict.rule, verdict.reason.removeprefix("The ballot does not hold: ")


def layout(*questions: tuple[int, int, int, bool]) -> str:
    """What each 32-byte word of a packed ballot is (docs/protocol.md, section 3.1): ``p`` a point, ``s`` a scalar."""

    def proof(branches: int) -> str:
        return "pp" * branches + "s" * (branches - 1) + "s" * branches

    words = "p"
    for answers, least, most, blank in questions:
        choices = answers + blank
        words += "pp" * choices + proof(2) * choices + proof(2) * blank + proof(most - least + 1 + blank)
    return words + "ps"
