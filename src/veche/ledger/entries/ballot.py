"""``ballot``: how a voter's device makes one. The kernel reads them. docs/protocol.md, section 3.1."""

from typing import Any

import veche_kernel

from veche.errors import Refused
from veche.kernel_words import of_kernel
from veche.ledger.codec import digest, encode
from veche.permit.permit import Permit
from veche.texts import Message, Sentence

BALLOT = "ballot"
MAX_TURN = 32
"""The last re-vote: nobody fills the ledger."""
POLL_ID = slice(10, 42)
"""Where an entry names its poll: behind the head of the array, the kind, and the head of 32 bytes."""


def is_ballot(data: bytes) -> bool:
    """Whether an entry claims to be a ballot: an array of seven that begins with that word."""
    return data.startswith(b"\x87\x66ballot")


def read_ballot(data: bytes) -> veche_kernel.BallotEntry:
    """A ballot's entry. Raises Refused("codec" or "shape", ...) if it is none."""
    (read,) = veche_kernel.read_ballots([data])
    if read is None:
        raise Refused("shape", Message("This entry is no ballot."))
    if isinstance(read, veche_kernel.Failure):
        raise refused(read)
    return read


def refused(failure: veche_kernel.Failure) -> Refused:
    """What the kernel found, as the rules say it."""
    return Refused(failure.rule, Sentence(of_kernel(failure.reason)))


def unsigned_ballot(poll: bytes, group: int, ballot: bytes, permits: list[Permit], turn: int) -> list[Any]:
    """All of the entry but the cast signature."""
    rows = [[permit.registrar, permit.prefix, permit.signature] for permit in permits]
    return [BALLOT, poll, group, ballot, rows, turn]


def cast_prefix(unsigned: list[Any]) -> bytes:
    """What the cast signature signs: everything of the entry but the signature itself."""
    return b"veche-cast-v1|" + digest(encode(unsigned[:6])).hex().encode() + b"|"


def cast_ballot(secret: bytes, unsigned: list[Any]) -> bytes:
    """The bytes of the entry, signed with the credential's secret scalar (32 bytes). Raises Refused if it is too long."""
    return encode([*unsigned, veche_kernel.cast_sign(secret, cast_prefix(unsigned))])
