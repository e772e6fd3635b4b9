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
from typing import Final, final

__all__ = [
    "BASE",
    "IDENTITY",
    "ORDER",
    "CheckedBallot",
    "Election",
    "ProofError",
    "Sums",
    "base_mul",
    "cast_sign",
    "decrypt_factor",
    "discrete_logs",
    "dleq_prove",
    "dleq_verify",
    "double_mul_vartime",
    "hash_to_scalar",
    "msm_vartime",
    "point_add",
    "point_check",
    "point_mul",
    "point_neg",
    "point_sub",
    "point_sum",
    "points_check",
    "rsa_pss_verify_many",
    "scalar_add",
    "scalar_from_wide",
    "scalar_invert",
    "scalar_mul",
    "scalar_mul_add",
    "scalar_neg",
    "scalar_random",
    "scalar_sub",
    "schnorr_prove",
    "schnorr_verify",
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

def point_neg(a: bytes) -> bytes:
    """-a."""

def point_sum(points: Sequence[bytes]) -> bytes:
    """The sum of all; the identity if there are none."""

def point_mul(scalar: bytes, point: bytes) -> bytes:
    """scalar · point, constant-time."""

def base_mul(scalar: bytes) -> bytes:
    """scalar · g, constant-time, from a table."""

def double_mul_vartime(a: bytes, point: bytes, b: bytes) -> bytes:
    """a · point + b · g, for public scalars only."""

def msm_vartime(scalars: Sequence[bytes], points: Sequence[bytes]) -> bytes:
    """The sum of scalars[i] · points[i], for public scalars only."""

# Scalars

def scalar_random() -> bytes:
    """A uniform scalar from the operating system's generator."""

def scalar_from_wide(wide: bytes) -> bytes:
    """64 bytes, little-endian, modulo ``ORDER``: how to make a uniform scalar from a hash or a key derivation."""

def scalar_add(a: bytes, b: bytes) -> bytes:
    """a + b modulo q."""

def scalar_sub(a: bytes, b: bytes) -> bytes:
    """a - b modulo q."""

def scalar_mul(a: bytes, b: bytes) -> bytes:
    """a · b modulo q."""

def scalar_mul_add(a: bytes, b: bytes, c: bytes) -> bytes:
    """a · b + c modulo q."""

def scalar_neg(a: bytes) -> bytes:
    """-a modulo q."""

def scalar_invert(a: bytes) -> bytes:
    """1/a modulo q; ``ValueError`` for zero."""

# Proofs

def hash_to_scalar(data: bytes) -> bytes:
    """H of a text whose parts are already joined as the protocol says."""

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
class CheckedBallot:
    """A ballot that was checked (or, from ``Election.load``, only read), with its ciphertexts at hand for ``Sums``."""

    @property
    def credential(self) -> bytes:
        """The voter's credential, 32 bytes, a point as everywhere (not divided by eight)."""

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

    def prove(self, credential_secret: bytes, choices: Sequence[Sequence[int]]) -> tuple[bytes, bytes]:
        """Encrypt and prove: (packed ballot, opening).

        ``choices``: for each question a 0 or 1 for each answer, preceded by the blank flag where a blank vote is allowed.
        What the question does not allow is a ``ValueError``. The opening is the randomness, 32 bytes for each ciphertext:
        secret, unless the ballot is audited and thrown away. Constant-time in choices, secret and randomness.
        """

    def open(self, ballot: bytes, opening: bytes) -> list[list[int]]:
        """The choices in an audited ballot; ``ProofError`` if the opening does not fit. Does not check the proofs."""

    def load(self, ballot: bytes) -> CheckedBallot:
        """Read a ballot that was admitted before, without checking its proofs again."""

    def verify(self, ballot: bytes) -> CheckedBallot:
        """Check a packed ballot: canonical, credential not the identity, every proof and the signature, each on its own."""

    def verify_with_cast(self, ballot: bytes, cast_prefix: bytes, cast_signature: bytes) -> CheckedBallot:
        """Check the cast signature, then the ballot: the verdict of ``verify_batch``, reached exactly."""

    def verify_batch(self, items: Sequence[tuple[bytes, bytes, bytes]]) -> list[CheckedBallot | str]:
        """A verdict for each (ballot, cast prefix, cast signature): the ballot, or in words why it is refused.

        The cast signature: R' (32 bytes) and z (32 bytes), 8 R' = g^z credential^c, c = H(cast prefix + str(R')).
        All equations are checked in one random combination with 128-bit coefficients from the operating system (Bellare,
        Garay, Rabin 1998), on all cores; what fails is divided down to single ballots, which are checked exactly.
        """

    def to_json(self, ballot: bytes) -> bytes:
        """Belenios's JSON of a packed ballot, byte for byte. Does not check the proofs."""

    def from_json(self, json: bytes) -> bytes:
        """The packed ballot of a JSON text, which is checked as by ``verify_json``."""

    def verify_json(self, json: bytes) -> CheckedBallot:
        """Check a ballot in Belenios's form. Any byte that is not canonical is a ``ValueError``."""

    def verify_json_many(self, ballots: Sequence[bytes]) -> list[CheckedBallot | str]:
        """``verify_json`` for each, on all cores: the ballot, or in words why it is refused."""

@final
class Sums:
    """Running sums of ciphertexts, pair by pair."""

    def __new__(cls, count: int) -> Sums:
        """``count`` pairs (alpha, beta), all the identity."""

    @staticmethod
    def from_bytes(data: bytes) -> Sums:
        """From ``to_bytes``; every point is checked."""

    def add(self, ballots: Sequence[CheckedBallot]) -> None:
        """Add the ciphertexts of these ballots; ``ValueError`` and no change if one has another number of them."""

    def subtract(self, ballots: Sequence[CheckedBallot]) -> None:
        """Take them away again: ballots that a later one replaces."""

    def add_scaled(self, other: Sums, weight: int) -> None:
        """Add ``weight`` times the other sums (0 <= weight < 2^64)."""

    def to_bytes(self) -> bytes:
        """64 bytes a pair: alpha, beta, as plain points (not divided by eight)."""

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The pairs (alpha, beta)."""

    def __len__(self) -> int:
        """The number of pairs."""

# Permits

def rsa_pss_verify_many(items: Sequence[tuple[bytes, bytes, bytes]]) -> list[bool]:
    """For each (modulus, message, signature): is it an RSASSA-PSS signature with SHA-384, salt 48, e = 65537 (RFC 8017)?

    The modulus is big-endian without leading zeros, odd, of 2048 to 8192 bits; any other makes the verdict false. The message
    is what was signed, not hashed: for a permit, prefix and message (RFC 9474). On all cores.
    """
