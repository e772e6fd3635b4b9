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
from typing import Final

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

def point_add(a: bytes, b: bytes, /) -> bytes:
    """a + b, the group written additively."""

def point_sub(a: bytes, b: bytes, /) -> bytes:
    """a - b."""

def point_neg(a: bytes, /) -> bytes:
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

def scalar_add(a: bytes, b: bytes, /) -> bytes:
    """a + b modulo q."""

def scalar_sub(a: bytes, b: bytes, /) -> bytes:
    """a - b modulo q."""

def scalar_mul(a: bytes, b: bytes, /) -> bytes:
    """a · b modulo q."""

def scalar_mul_add(a: bytes, b: bytes, c: bytes, /) -> bytes:
    """a · b + c modulo q."""

def scalar_neg(a: bytes, /) -> bytes:
    """-a modulo q."""

def scalar_invert(a: bytes, /) -> bytes:
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

def dleq_verify(
    public: bytes, alpha: bytes, factor: bytes, prefix: bytes, challenge: bytes, response: bytes
) -> None:
    """Check that log_g(public) = log_alpha(factor). Errors as for ``schnorr_verify``."""

def discrete_logs(points: Sequence[bytes], bound: int) -> list[int]:
    """For each point g^m the m with 0 <= m <= bound <= 2^40 (baby-step giant-step, Shanks 1971).

    ``ValueError`` names the first index that has none. Time grows with the square root of the bound.
    """
