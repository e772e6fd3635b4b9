"""Group arithmetic and proofs of the Veche kernel.

Conventions, for all that follows:

- A *point* is 32 bytes as in RFC 8032, section 5.1.2, in the one canonical form (y below p, no sign bit on x = 0), of the
  prime-order subgroup of Ed25519. Every decoder demands both.
- A *scalar* is 32 bytes little-endian, below ``ORDER``.
- ``str(point)`` is Belenios's text of a point: the lowercase hexadecimal digits of the reversed bytes.
- ``H(text)`` is SHA-256 read as a big-endian integer, modulo ``ORDER``. Responses are ``w - secret * challenge``.
- Whatever is malformed raises ``ValueError``; a proof that does not hold raises ``ProofError``. Both say what in one plain
  sentence. Nothing here returns a verdict that can be ignored.
- Functions are constant-time in their scalars unless their name says ``vartime`` or they verify something public.
- The interpreter's lock is released while computing; functions on lists use all cores.
"""

from collections.abc import Sequence
from typing import Final, Literal, final

__all__ = [
    "BASE",
    "IDENTITY",
    "ORDER",
    "ArchiveBallot",
    "ArchiveSums",
    "BallotChecker",
    "BallotEntry",
    "CheckedBallot",
    "Ciphertexts",
    "Election",
    "Failure",
    "IdentifiedBallot",
    "ProofError",
    "Recount",
    "Sums",
    "base_mul",
    "cast_sign",
    "decrypt_factor",
    "discrete_logs",
    "dleq_prove",
    "dleq_verify",
    "msm_vartime",
    "outline",
    "point_add",
    "point_check",
    "point_mul",
    "point_sub",
    "point_sum",
    "points_check",
    "read_ballots",
    "rsa_pss_verify_many",
    "scalar_add",
    "scalar_from_wide",
    "scalar_mul_add",
    "scalar_random",
    "schnorr_prove",
    "schnorr_verify",
    "sum_of_hashes",
]

ORDER: Final[int]
"""q = 2^252 + 27742317777372353535851937790883648493, the order of the group."""
BASE: Final[bytes]
"""g, the base point of RFC 8032."""
IDENTITY: Final[bytes]
"""The neutral element."""

class ProofError(ValueError):
    """A proof that does not hold: the input is well formed, but what it claims is not so."""

# Points

def point_check(point: bytes) -> None:
    """Raise ``ValueError`` unless this is the canonical encoding of a point of the prime-order subgroup."""

def points_check(points: Sequence[bytes]) -> None:
    """As ``point_check`` for each, on all cores; the error names the first index at fault. About 35 µs a point and core."""

def point_add(a: bytes, b: bytes) -> bytes:
    """a + b, the group written additively."""

def point_sub(a: bytes, b: bytes) -> bytes:
    """a - b."""

def point_sum(points: Sequence[bytes]) -> bytes:
    """The sum of all; the identity if there are none."""

def point_mul(scalar: bytes, point: bytes) -> bytes:
    """scalar · point, constant-time."""

def base_mul(scalar: bytes) -> bytes:
    """scalar · g, constant-time, from a table."""

def msm_vartime(scalars: Sequence[bytes], points: Sequence[bytes]) -> bytes:
    """The sum of scalars[i] · points[i], for public scalars only."""

# Hashes

def sum_of_hashes(records: bytes, width: int) -> bytes:
    """The sum modulo 2^256 of SHA-256 of each record of ``width`` bytes, big-endian: one number for a set of records, in any order."""

# Scalars

def scalar_random() -> bytes:
    """A uniform scalar from the operating system's generator."""

def scalar_from_wide(wide: bytes) -> bytes:
    """64 bytes, little-endian, modulo ``ORDER``: how to make a uniform scalar from a hash or a key derivation."""

def scalar_add(a: bytes, b: bytes) -> bytes:
    """a + b modulo q."""

def scalar_mul_add(a: bytes, b: bytes, c: bytes) -> bytes:
    """a · b + c modulo q."""

# Proofs

def schnorr_prove(secret: bytes, prefix: bytes) -> tuple[bytes, bytes]:
    """Knowledge of ``secret``: (challenge, response) with challenge = H(prefix + str(g^w)).

    The prefix must hold the public key, else the proof binds nothing.
    """

def schnorr_verify(public: bytes, prefix: bytes, challenge: bytes, response: bytes) -> None:
    """Check a proof of ``schnorr_prove``. The identity as public key is a ``ValueError``; a wrong proof a ``ProofError``."""

def decrypt_factor(secret: bytes, alpha: bytes) -> bytes:
    """alpha^secret, constant-time: a trustee's share of a decryption."""

def dleq_prove(secret: bytes, alpha: bytes, prefix: bytes) -> tuple[bytes, bytes, bytes]:
    """factor = alpha^secret and the proof (Chaum and Pedersen): (factor, challenge, response).

    challenge = H(prefix + str(g^w) + "," + str(alpha^w)).
    """

def dleq_verify(public: bytes, alpha: bytes, factor: bytes, prefix: bytes, challenge: bytes, response: bytes) -> None:
    """Check that log_g(public) = log_alpha(factor). Errors as for ``schnorr_verify``."""

def discrete_logs(points: Sequence[bytes], bound: int) -> list[int]:
    """For each point g^m the m with 0 <= m <= bound <= 2^40 (baby-step giant-step, Shanks 1971).

    ``ValueError`` names the first index that has none. Time grows with the square root of the bound.
    """

# Ballots

def cast_sign(secret: bytes, prefix: bytes) -> bytes:
    """The cast signature of 64 bytes: R' = g^(w/8), then z = w - secret · H(prefix + str(R'))."""

@final
class Failure:
    """Why a ballot is refused. Two are equal if they say the same; made by this module only."""

    @property
    def rule(self) -> Literal["codec", "shape", "group", "turn", "permits", "cast", "proofs"]:
        """The rule that the ballot breaks, as sections 2 and 3.2 of docs/protocol.md name it."""

    @property
    def reason(self) -> str:
        """What is wrong, for people: one plain sentence without a full stop."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class BallotEntry:
    """A ballot's entry, ``["ballot", poll, group, ballot, permits, turn, cast]``, whose form is right; from ``read_ballots``.

    Nothing of it is proven, and nothing is compared with a poll yet: that is what ``BallotChecker`` does.
    """

    @property
    def data(self) -> bytes:
        """The entry's bytes: the object that was read, not a copy."""

    @property
    def poll(self) -> bytes:
        """The poll's id, 32 bytes."""

    @property
    def group(self) -> int:
        """Index of the voter's group in the poll, below 2^64: the poll may have no such group."""

    @property
    def ballot(self) -> bytes:
        """The packed ballot, of any length."""

    @property
    def permits(self) -> list[tuple[int, bytes, bytes]]:
        """(registrar, prefix, signature) each, as the entry has them: any number, in any order, of any length."""

    @property
    def registrars(self) -> list[int]:
        """The registrars of ``permits`` alone."""

    @property
    def turn(self) -> int:
        """The number that says which of a voter's ballots is the later one, below 2^64."""

    @property
    def cast(self) -> bytes:
        """The cast signature, 64 bytes."""

def read_ballots(entries: Sequence[bytes]) -> list[BallotEntry | Failure | None]:
    """Read the ballots among some entries: one pass over the bytes of each, which copies nothing.

    None for an entry that does not begin as a ballot does (0x87, 0x66, ``ballot``). A ``Failure`` names ``codec`` for what is
    no entry at all (docs/protocol.md, section 2: CBOR in the one deterministic encoding, at most 65,535 bytes and 4,096
    items), ``shape`` for an entry that is not of a ballot's form (section 3.1): a poll of 32 bytes, a cast signature of 64,
    permits ``[[registrar, prefix, signature], ...]``. The time is bounded by the bytes that are right before the first that
    are not.
    """

def outline(entry: bytes) -> list[int] | Failure:
    """Look an entry through before anything is made of it, a ballot or not: where the items of its outermost array begin, and
    at last where it ends.

    A ``Failure`` (``codec``) if it is not the one deterministic encoding of an array that begins with a text string, or exceeds
    the limits of section 2 of docs/protocol.md: 65,535 bytes, 4,096 items, 8 arrays in one another.
    """

@final
class IdentifiedBallot:
    """A ballot that has the form of its poll's ballots, and whose it is; from ``BallotChecker.identify``. Nothing of it is proven."""

    @property
    def entry(self) -> BallotEntry:
        """The ballot as it was read."""

    @property
    def credential(self) -> bytes:
        """The credential, a point that is not the identity: the same for each of the eight ways in which a ballot can store it."""

@final
class BallotChecker:
    """What makes a poll's ballot good and needs no state (docs/protocol.md, section 3.2). Can be shared between threads.

    To be made when a poll's permit keys are there. That a ballot holds depends on nothing that can change; that it does not may change
    as long as a registrar can still publish. What needs the state is not asked here: whether the poll is open, whether the
    credential needs permits or may not have any, whether the turn is later than the last and the tracker new.
    """

    def __new__(
        cls,
        election: Election,
        poll: bytes,
        moduli: Sequence[Sequence[bytes]],
        k: int,
        sources: Sequence[int],
        wanted_sources: int,
    ) -> BallotChecker:
        """``poll``: the id, 32 bytes. ``moduli[registrar][group]``: RSA moduli, big-endian; a registrar that published none has an
        empty list, all others one of as many as there are groups.

        ``k``: how many permits a ballot has, if it has any. ``sources[registrar]``: a number below 2^64 for the identity
        source of each registrar; the permits of a ballot must come from ``wanted_sources`` different ones. ``ValueError``
        where the lists do not fit each other.
        """

    def identify(self, entries: Sequence[BallotEntry]) -> list[IdentifiedBallot | Failure]:
        """For each what can be seen for next to nothing, about 2 µs each, on the caller's core alone.

        In this order: the ballot is of this poll and as long as its questions want (``shape``), its group exists (``group``),
        its turn is 1 to 32 (``turn``); the permits, if there are any, are of k different registrars in ascending order and of
        enough sources (``permits``); the credential can be read and is not the identity (``proofs``).
        """

    def check(self, ballots: Sequence[IdentifiedBallot]) -> list[CheckedBallot | Failure]:
        """A verdict for each, on all cores.

        In this order: the permits hold (``permits``), the cast signature holds (``cast``), and so do every proof and the ballot's
        signature (``proofs``). Anybody can make a cast signature for a credential of their own, so permits come first.

        Equations are checked in random combinations with 128-bit coefficients from the operating system (Bellare, Garay,
        Rabin 1998). Whatever does not pass there is judged by ``check_one``: no verdict depends on a ballot's neighbours.
        """

    def check_one(self, entry: BallotEntry) -> CheckedBallot | Failure:
        """The verdict of ``identify``, then of ``check``, each equation on its own and with curve25519-dalek alone."""

class Ciphertexts:
    """The ciphertexts of a ballot, ready for ``Sums`` and ``Recount``."""

    def __len__(self) -> int:
        """How many there are."""

@final
class CheckedBallot(Ciphertexts):
    """A ballot that was checked, or, from ``Election.load``, only read."""

    @property
    def credential(self) -> bytes:
        """The voter's credential, 32 bytes, a point as everywhere (not divided by eight)."""

    @property
    def tracker(self) -> bytes:
        """SHA-256 of the ballot's JSON, 32 bytes. Belenios writes it as unpadded base64."""

@final
class ArchiveBallot:
    """A ballot of an archive, checked in Belenios's form with curve25519-dalek alone, ready for ``ArchiveSums``."""

    @property
    def credential(self) -> bytes:
        """The voter's credential, 32 bytes."""

    @property
    def tracker(self) -> bytes:
        """SHA-256 of the ballot's JSON, 32 bytes. Belenios writes it as unpadded base64."""

@final
class Election:
    """All that the proofs of an election's ballots depend on.

    A *packed ballot* has ``ballot_size`` bytes, laid out as in section 3.1 of docs/protocol.md, with every point divided by
    eight. Where a ballot is malformed, methods raise ``ValueError``; where a proof or signature does not hold,
    ``ProofError`` names which. An election can be shared between threads.
    """

    def __new__(
        cls, public_key: bytes, fingerprint: str, uuid: str, questions: Sequence[tuple[int, int, int, bool]]
    ) -> Election:
        """``public_key``: a point, not the identity. ``fingerprint``: phi, 43 characters. ``uuid``: Base58, 14 or more.

        ``questions``: (number of answers, min, max, whether a blank vote is allowed) each.
        """

    @property
    def ballot_size(self) -> int:
        """Bytes of a packed ballot."""

    @property
    def ciphertext_count(self) -> int:
        """Ciphertexts of a ballot: the answers of all questions, and one for each blank flag."""

    def randomness(self) -> bytes:
        """Fresh randomness for one ballot, 32 bytes for each ciphertext. Whoever has it can open the ballot: it is secret."""

    def code(self, choices: Sequence[Sequence[int]], randomness: bytes) -> bytes:
        """The code of the ciphertexts that these give, 32 bytes (section 3.3 of docs/protocol.md).

        ``choices``: for each question a 0 or 1 for each answer, preceded by the blank flag where a blank vote is allowed.
        What the question does not allow is a ``ValueError``. Constant-time in choices and randomness.
        """

    def prove(self, credential_secret: bytes, choices: Sequence[Sequence[int]], randomness: bytes) -> bytes:
        """A packed ballot over the very ciphertexts that ``code`` hashes. Constant-time in choices, secret and randomness."""

    def codes(self, ballots: Sequence[bytes]) -> list[bytes]:
        """The code of each packed ballot, on all cores. Does not check the proofs."""

    def load(self, ballot: bytes) -> CheckedBallot:
        """Read a ballot that was admitted before, without checking its proofs again: for its credential and tracker."""

    def ciphertexts(self, ballot: bytes) -> tuple[bytes, Ciphertexts]:
        """The credential and the ciphertexts of a ballot that was admitted before, and nothing else of it: for what counts the
        ballot, or takes it out of the sums again."""

    def verify(self, ballot: bytes) -> CheckedBallot:
        """Check a packed ballot: canonical, credential not the identity, every proof and the signature, each on its own."""

    def to_json(self, ballot: bytes) -> bytes:
        """Belenios's JSON of a packed ballot, byte for byte. Does not check the proofs."""

    def from_json(self, json: bytes) -> bytes:
        """The packed ballot of a JSON text, which is checked as by ``verify_json``."""

    def verify_json(self, json: bytes) -> ArchiveBallot:
        """Check a ballot in Belenios's form. Any byte that is not canonical is a ``ValueError``."""

    def verify_json_many(self, ballots: Sequence[bytes]) -> list[ArchiveBallot | Failure]:
        """``verify_json`` for each, on all cores; ``shape`` stands for its ``ValueError``, ``proofs`` for its ``ProofError``."""

@final
class Sums:
    """Running sums of ciphertexts, pair by pair: quick, with the arithmetic that batches have. ``Recount`` checks them."""

    def __new__(cls, count: int) -> Sums:
        """``count`` pairs (alpha, beta), all the identity."""

    @staticmethod
    def from_bytes(data: bytes) -> Sums:
        """From ``to_bytes``; every point is checked."""

    def add(self, ballots: Sequence[Ciphertexts]) -> None:
        """Add these (of checked ballots, which are such); ``ValueError`` and no change if one has another number of them."""

    def subtract(self, ballots: Sequence[Ciphertexts]) -> None:
        """Take them away again: ballots that a later one replaces."""

    def add_scaled(self, other: Sums, weight: int) -> None:
        """Add ``weight`` times the other sums (0 <= weight < 2^64)."""

    def to_bytes(self) -> bytes:
        """64 bytes a pair: alpha, beta, as plain points (not divided by eight)."""

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The pairs (alpha, beta)."""

    def __len__(self) -> int:
        """The number of pairs."""

@final
class Recount:
    """The second sum of a tally: the same bytes as ``Sums.to_bytes()`` unless one of the two codes errs.

    It shares no arithmetic with ``Sums``. It adds up the points as the entry stores them, in a field whose code is generated
    with a proof (fiat-crypto), and multiplies by eight at the end. Square roots found elsewhere are only taken if they are
    roots, which costs a multiplication; otherwise they are computed again. About 2 µs for a ballot of five ciphertexts.
    """

    def __new__(cls, count: int) -> Recount:
        """``count`` pairs (alpha, beta), all the identity."""

    @staticmethod
    def from_bytes(data: bytes) -> Recount:
        """From ``to_bytes`` of either sum; every point is checked."""

    def add(self, ballots: Sequence[Ciphertexts]) -> None:
        """Add these, on all cores; ``ValueError`` and no change if one has another number of them."""

    def subtract(self, ballots: Sequence[Ciphertexts]) -> None:
        """Take them away again: ballots that a later one replaces."""

    def add_scaled(self, other: Recount, weight: int) -> None:
        """Add ``weight`` times the other sums (0 <= weight < 2^64)."""

    def to_bytes(self) -> bytes:
        """64 bytes a pair: alpha, beta, as plain points (not divided by eight)."""

    def __len__(self) -> int:
        """The number of pairs."""

@final
class ArchiveSums:
    """Weighted sums of an archive's ciphertexts, pair by pair, with curve25519-dalek alone: nobody checks them again."""

    def __new__(cls, count: int) -> ArchiveSums:
        """``count`` pairs (alpha, beta), all the identity."""

    def add(self, ballots: Sequence[ArchiveBallot], weight: int) -> None:
        """Add ``weight`` (0 <= weight < 2^64) times each; ``ValueError`` and no change if one does not fit."""

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The pairs (alpha, beta), as plain points."""

    def __len__(self) -> int:
        """The number of pairs."""

# Permits

def rsa_pss_verify_many(items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
    """For each (modulus, message, signature): is it an RSASSA-PSS signature with SHA-384, salt 48, e = 65537 (RFC 8017)?

    The modulus is big-endian without leading zeros, odd, of 2048 to 8192 bits; any other makes the verdict false. The message
    is what was signed, not hashed: for a permit, prefix and message (RFC 9474). On all cores.
    """
