"""The small JSON documents of a Belenios archive, other than election, credentials and ballots, and those
of the trustees (veche.ballot.documents).

Each is a ``Record``: ``encode`` writes it as Belenios does, ``decode`` reads it strictly (veche.ballot.canonical).
"""

from typing import Annotated, Literal

from msgspec import Meta

from veche.ballot.canonical import Hex, Record, Small, Weight

EventType = Literal[
    "Setup", "Ballot", "EndBallots", "EncryptedTally", "Shuffle", "EndShuffles", "PartialDecryption", "Result"
]


class Header(Record, frozen=True, kw_only=True):
    """The first record of an archive. ``timestamp``: seconds since 1970 in decimal, and the mtime of every record."""

    version: int
    timestamp: Annotated[str, Meta(pattern=r"\A(0|[1-9][0-9]{0,9})\Z")]


class SetupData(Record, frozen=True, kw_only=True):
    """The payload of Setup: the hashes of the three documents that fix the election."""

    election: Hex
    trustees: Hex
    credentials: Hex


class Event(Record, frozen=True, kw_only=True):
    """A link of the chain. ``parent`` is the hash of the previous event's text, absent at height 0."""

    parent: Hex | None = None
    height: Small
    type: EventType
    payload: Hex | None = None


class Ciphertext(Record, frozen=True, kw_only=True):
    """An ElGamal ciphertext: the texts of two points."""

    alpha: Hex
    beta: Hex


TallyDocument = list[list[Ciphertext]]
"""The encrypted tally: for each question its ciphertexts, the blank flag first."""


class SizedTally(Record, frozen=True, kw_only=True):
    """How much is in the encrypted tally: voters counted, the sum of their weights, the hash of the tally."""

    num_tallied: Small
    total_weight: Weight
    encrypted_tally: Hex


class Owned(Record, frozen=True, kw_only=True):
    """Whose share it is: ``owner`` counts all trustees from 1, ``payload`` is the hash of the share."""

    owner: Small
    payload: Hex


class ResultDocument(Record, frozen=True, kw_only=True):
    """The result: for each question a number for each of its ciphertexts."""

    result: list[list[Weight]]
