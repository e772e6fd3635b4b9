"""Blind RSA signatures, RFC 9474: RSABSSA-SHA384-PSS-Randomized.

The voter *prepares* a message (a secret 32-byte prefix before it), *blinds* it and sends the result to the signer, who
answers with a *blind signature* and has learnt nothing; the voter *finalises* that into an ordinary RSASSA-PSS signature
(RFC 8017) over the prepared message, which anyone verifies. The random prefix keeps voters unlinkable even for a signer
who made a bad key on purpose (RFC 9474, section 7).

The public key is its modulus: big-endian bytes without leading zeros, 2048 to 4096 bits, odd; e = 65537. Nothing here
is drawn at random but keys and the signer's own base blinding: prefix, salt and blinding factor are given by the
caller, who derives them (:mod:`veche.permit.derive`). The salt is 48 bytes; the other variants of RFC 9474 exist for
its test vectors only: an empty salt (PSSZERO), a message that was not prepared (Deterministic).
"""

import hashlib
import math
import secrets
from functools import cache, lru_cache

import gmpy2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from veche.errors import DoesNotHold, Refused, UserError
from veche.texts import Message

PUBLIC_EXPONENT = 65537
PREFIX_SIZE = 32
SALT_SIZE = 48
SMALL_PRIMES = 1 << 16
"""No prime below this divides the modulus of a permit key."""
_HASH_SIZE = 48  # SHA-384


class IssuerKey:
    """A registrar's RSA key for one group of one poll (RFC 9578 calls whoever holds such a key the issuer).

    ``modulus``: its public half, by which the ledger knows it. The repr shows nothing secret.
    """

    __slots__ = ("_d_p", "_d_q", "_p", "_q", "_q_inverse", "modulus")

    def __init__(self, p: int, q: int) -> None:
        """Build the key from its two primes. Raises UserError if they make no admissible key."""
        n, order = p * q, (p - 1) * (q - 1)
        if p == q or math.gcd(PUBLIC_EXPONENT, order) != 1:
            raise UserError(
                Message("These two primes make no RSA key with e = 65537."), Message("Generate another key.")
            )
        self.modulus = n.to_bytes((n.bit_length() + 7) // 8, "big")
        try:
            check_modulus(self.modulus)
        except Refused as refused:
            raise UserError(refused.said, Message("Generate another key.")) from None
        d = pow(PUBLIC_EXPONENT, -1, order)
        self._p, self._q = gmpy2.mpz(p), gmpy2.mpz(q)
        self._d_p, self._d_q = gmpy2.mpz(d % (p - 1)), gmpy2.mpz(d % (q - 1))
        self._q_inverse = gmpy2.mpz(pow(q, -1, p))

    @classmethod
    def generate(cls, bits: int = 2048) -> "IssuerKey":
        """A new key from the operating system's generator. 2048..4096 bits, a multiple of 8 (else ValueError)."""
        if not 2048 <= bits <= 4096 or bits % 8:
            raise ValueError("an RSA key for permits has 2048 to 4096 bits, a multiple of 8")
        numbers = rsa.generate_private_key(PUBLIC_EXPONENT, bits).private_numbers()
        return cls(numbers.p, numbers.q)

    @classmethod
    def from_pem(cls, pem: bytes) -> "IssuerKey":
        """Read a PKCS #8 PEM file without password. Raises UserError if it holds no admissible key.

        The library's slow check of the numbers is left out: :func:`blind_sign` checks every signature that it makes.
        """
        try:
            key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError):
            raise UserError(
                Message("This is not an RSA key in PEM (PKCS #8) without password."), Message("Restore the file.")
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey) or key.private_numbers().public_numbers.e != PUBLIC_EXPONENT:
            raise UserError(Message("This is not an RSA key with e = 65537."), Message("Restore the file."))
        numbers = key.private_numbers()
        return cls(numbers.p, numbers.q)

    def to_pem(self) -> bytes:
        """The secret key as PKCS #8 PEM, without password: for a file with mode 0600."""
        p, q, e = int(self._p), int(self._q), PUBLIC_EXPONENT
        private = rsa.RSAPrivateNumbers(
            p,
            q,
            d=pow(e, -1, (p - 1) * (q - 1)),
            dmp1=int(self._d_p),
            dmq1=int(self._d_q),
            iqmp=int(self._q_inverse),
            public_numbers=rsa.RSAPublicNumbers(e, p * q),
        ).private_key(unsafe_skip_rsa_key_validation=True)
        return private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def _power(self, base: int) -> int:
        """base^d mod n by the Chinese remainder theorem, in constant time as far as gmpy2 gives it."""
        s_p = gmpy2.powmod_sec(base, self._d_p, self._p)
        s_q = gmpy2.powmod_sec(base, self._d_q, self._q)
        return int(s_q + self._q * ((s_p - s_q) * self._q_inverse % self._p))

    def __repr__(self) -> str:
        return f"IssuerKey({len(self.modulus) * 8} bits, {hashlib.sha256(self.modulus).hexdigest()[:8]}…)"


def check_modulus(modulus: bytes) -> int:
    """The modulus as a number. Raises Refused (``shape``) unless it is odd, 2048..4096 bits, without leading zeros."""
    n = int.from_bytes(modulus, "big")
    if not 2048 <= n.bit_length() <= 4096:
        raise Refused(
            "shape", Message("A permit key has 2048 to 4096 bits, not {bit_length}.", bit_length=n.bit_length())
        )
    if modulus[0] == 0:
        raise Refused("shape", Message("The modulus of a permit key begins with a zero byte."))
    if n % 2 == 0:
        raise Refused("shape", Message("The modulus of a permit key is even."))
    return n


def has_small_factor(modulus: bytes) -> bool:
    """Whether a prime below ``SMALL_PRIMES`` divides the modulus.

    A message that has a factor in common with the modulus cannot be blinded: of a modulus of small primes many people would get
    no permit, by chance and for good. With the others it is fewer than one in two hundred, and nobody can choose whom.
    """
    return bool(gmpy2.gcd(int.from_bytes(modulus, "big"), _product_of_small_primes()) != 1)


@cache
def _product_of_small_primes() -> "gmpy2.mpz":
    return gmpy2.primorial(SMALL_PRIMES)


def prepare(message: bytes, prefix: bytes) -> bytes:
    """Put the random prefix before the message (RFC 9474, section 4.1). ValueError unless it is 32 bytes."""
    if len(prefix) != PREFIX_SIZE:
        raise ValueError(f"the prefix of a prepared message is {PREFIX_SIZE} bytes")
    return prefix + message


def blind(modulus: bytes, prepared: bytes, salt: bytes, factor: int) -> bytes:
    """The blinded message, as long as the modulus (RFC 9474, section 4.2).

    ``factor``: uniform in 1..n-1, secret and never used for another message. Raises Refused if the modulus is not
    admissible, and ValueError if the factor is out of range or has a factor in common with n.
    """
    n = check_modulus(modulus)
    _check_factor(factor, n)
    encoded = int.from_bytes(_encode_pss(prepared, salt, n.bit_length() - 1), "big")
    if gmpy2.gcd(encoded, n) != 1:
        raise ValueError("the encoded message has a factor in common with the modulus")
    blinded = encoded * gmpy2.powmod_sec(factor, PUBLIC_EXPONENT, n) % n
    return int(blinded).to_bytes(len(modulus), "big")


def check_blinded(modulus: bytes, blinded: bytes) -> int:
    """A blinded message as a number. Raises Refused (``shape``) unless it is as long as n and 0 < it < n."""
    value = int.from_bytes(blinded, "big")
    if len(blinded) != len(modulus) or not 0 < value < int.from_bytes(modulus, "big"):
        raise Refused(
            "shape", Message("This is not a blinded message for this key."), Message("Ask for the poll's keys again.")
        )
    return value


def blind_sign(key: IssuerKey, blinded: bytes) -> bytes:
    """Sign without seeing what (RFC 9474, section 4.3). The answer to one blinded message is always the same.

    The base is blinded by a fresh random number, so that an attacker who chooses ``blinded`` does not choose what is
    exponentiated. The signature is checked before it leaves: one wrong one, from a fault in memory, would give away
    the factors of n (Boneh, DeMillo, Lipton 1997). Raises Refused if the blinded message is out of range and
    DoesNotHold if the check fails: then nothing was signed, and the machine or the key file is damaged.
    """
    value = check_blinded(key.modulus, blinded)
    n = int.from_bytes(key.modulus, "big")
    mask = secrets.randbelow(n - 1) + 1
    masked = value * gmpy2.powmod_sec(mask, PUBLIC_EXPONENT, n) % n
    signature = int(key._power(int(masked)) * gmpy2.invert(mask, n) % n)
    if gmpy2.powmod(signature, PUBLIC_EXPONENT, n) != value:
        raise DoesNotHold("permit", Message("blind signature"), Message("the registrar's own signature does not hold"))
    return signature.to_bytes(len(key.modulus), "big")


def finalize(modulus: bytes, prepared: bytes, blind_signature: bytes, factor: int, salt_size: int = SALT_SIZE) -> bytes:
    """Take the blinding off, and verify (RFC 9474, section 4.4): the signature over ``prepared``, as long as n.

    Raises DoesNotHold (``permit``) if the signer did not sign what it was asked to.
    """
    n = check_modulus(modulus)
    _check_factor(factor, n)
    if len(blind_signature) != len(modulus):
        raise DoesNotHold("permit", Message("blind signature"), Message("the registrar's answer has the wrong length"))
    signature = int.from_bytes(blind_signature, "big") * gmpy2.invert(factor, n) % n
    finished = int(signature).to_bytes(len(modulus), "big")
    verify(modulus, prepared, finished, salt_size)
    return finished


def verify(modulus: bytes, prepared: bytes, signature: bytes, salt_size: int = SALT_SIZE) -> None:
    """Check an RSASSA-PSS signature with SHA-384 and MGF1-SHA-384 (RFC 8017, section 8.1.2).

    Raises DoesNotHold (``permit``) if it does not hold, Refused (``shape``) if the modulus is not admissible.
    """
    if len(signature) != len(modulus):
        raise DoesNotHold("permit", Message("the permit"), Message("the permit's signature has the wrong length"))
    try:
        _public_key(modulus).verify(
            signature, prepared, padding.PSS(padding.MGF1(hashes.SHA384()), salt_size), hashes.SHA384()
        )
    except InvalidSignature:
        raise DoesNotHold(
            "permit", Message("the permit"), Message("the permit was not signed by this registrar's key")
        ) from None


@lru_cache(maxsize=4096)
def _public_key(modulus: bytes) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(PUBLIC_EXPONENT, check_modulus(modulus)).public_key()


def _check_factor(factor: int, n: int) -> None:
    if not 0 < factor < n or gmpy2.gcd(factor, n) != 1:
        raise ValueError("a blinding factor is between 0 and n and coprime to it")


def _encode_pss(message: bytes, salt: bytes, bits: int) -> bytes:
    """EMSA-PSS-ENCODE with SHA-384 (RFC 8017, section 9.1.1): ceil(bits / 8) bytes, less than 2^bits as a number."""
    if len(salt) not in (0, SALT_SIZE):
        raise ValueError(f"the salt is {SALT_SIZE} bytes")
    size = (bits + 7) // 8
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(size - len(salt) - _HASH_SIZE - 2) + b"\x01" + salt
    mask = _mgf1(digest, len(block))
    masked = int.from_bytes(block, "big") ^ int.from_bytes(mask, "big")
    masked &= (1 << (bits - 8 * (size - len(block)))) - 1  # the leftmost 8 size - bits bits are zero
    return masked.to_bytes(len(block), "big") + digest + b"\xbc"


def _mgf1(seed: bytes, length: int) -> bytes:
    """MGF1 with SHA-384 (RFC 8017, appendix B.2.1)."""
    blocks = -(-length // _HASH_SIZE)
    return b"".join(hashlib.sha384(seed + i.to_bytes(4, "big")).digest() for i in range(blocks))[:length]
