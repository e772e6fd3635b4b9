"""What a voter's device derives from the seed, with HKDF-SHA256 (RFC 5869, no salt). docs/protocol.md, section 4.2.

Everything that goes into a permit is derived, so that a second device asks every registrar for the *same* blinded
message and goes on where the first stopped. The randomness of a ballot is never derived. Info strings, with
``POLL`` = hex(poll) and ``KEY`` = hex(SHA-256(modulus)):

    veche-v1|credential|POLL                64 bytes, little-endian, modulo q: the secret x of the credential g^x
    veche-v1|permit-prefix|POLL|KEY         32 bytes: the message prefix of RFC 9474, section 4.1
    veche-v1|permit-salt|POLL|KEY           48 bytes: the salt of PSS
    veche-v1|permit-blind|POLL|KEY|COUNTER  len(modulus) + 16 bytes, big-endian: R; factor r = 1 + (R mod (n - 1))
    veche-v1|registrars|POLL|COUNTER        16 bytes for each registrar of the class: their order, ascending

COUNTER is decimal; that of a blinding factor is the first of 0, 1, 2, ... for which r is coprime to n. R is 128 bits longer than n, so r is uniform
in 1..n-1 up to 2^-128. The registrar's RSA modulus and not its office key stands in the info strings: a registrar that
shows two moduli to one voter sees unrelated factors, and a modulus is one registrar's, one poll's and one group's.
"""

import hashlib

import gmpy2
import veche_kernel
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veche.errors import DoesNotHold
from veche.permit.blind_rsa import PREFIX_SIZE, SALT_SIZE, check_modulus
from veche.permit.seed import Seed
from veche.texts import Message


def credential_secret(seed: Seed, poll: bytes) -> bytes:
    """The secret scalar of the voter's credential in a poll: 32 bytes little-endian, reduced, not zero.

    poll: 32 bytes. Raises DoesNotHold in the one case in 2^252 that the scalar is zero: such a seed cannot vote.
    """
    wide = _hkdf(seed, f"veche-v1|credential|{poll.hex()}", 64)
    scalar = veche_kernel.scalar_from_wide(wide)
    if not any(scalar):
        raise DoesNotHold("permit", Message("the credential"), Message("this seed gives no credential for this poll"))
    return scalar


def permit_prefix(seed: Seed, poll: bytes, modulus: bytes) -> bytes:
    """The 32 bytes that stand before the message of a permit, secret until the ballot is cast."""
    return _hkdf(seed, f"veche-v1|permit-prefix|{_scope(poll, modulus)}", PREFIX_SIZE)


def permit_salt(seed: Seed, poll: bytes, modulus: bytes) -> bytes:
    """The 48 bytes of PSS salt."""
    return _hkdf(seed, f"veche-v1|permit-salt|{_scope(poll, modulus)}", SALT_SIZE)


def permit_blind(seed: Seed, poll: bytes, modulus: bytes) -> int:
    """The blinding factor r, 1 <= r < n and coprime to n. Raises Refused if the modulus is not admissible."""
    n = check_modulus(modulus)
    scope = _scope(poll, modulus)
    counter = 0
    while True:  # a second round means that r and n share a factor: only a registrar that chose n badly sees one
        wide = _hkdf(seed, f"veche-v1|permit-blind|{scope}|{counter}", len(modulus) + 16)
        factor = 1 + int.from_bytes(wide, "big") % (n - 1)
        if gmpy2.gcd(factor, n) == 1:
            return factor
        counter += 1


def registrar_order(seed: Seed, poll: bytes, count: int, counter: int) -> list[int]:
    """An order of ``count`` registrars, each as likely as any other: by 16 bytes for each, then by their index."""
    wide = _hkdf(seed, f"veche-v1|registrars|{poll.hex()}|{counter}", 16 * count)
    return sorted(range(count), key=lambda registrar: (wide[16 * registrar : 16 * registrar + 16], registrar))


def _scope(poll: bytes, modulus: bytes) -> str:
    return f"{poll.hex()}|{hashlib.sha256(modulus).hexdigest()}"


def _hkdf(seed: Seed, info: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info.encode()).derive(seed.secret)
