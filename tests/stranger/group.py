"""The stranger's group: Ed25519's prime-order subgroup through libsodium, its texts, hashes and proofs (section 1)."""

import base64
import hashlib
from collections.abc import Iterable

import nacl.bindings as sodium
from nacl.exceptions import BadSignatureError

from .cbor import Refused, need, octets

Q = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
IDENTITY = bytes([1]) + bytes(31)
Proof = tuple[int, int]


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    """Belenios's short hash: base64 of SHA-256 without padding."""
    return base64.b64encode(sha(data)).decode().rstrip("=")


def H(said: str | bytes) -> int:
    """The hash of a text as a number modulo q."""
    return int.from_bytes(sha(said if isinstance(said, bytes) else said.encode()), "big") % Q


def scalar(data: bytes) -> int:
    """A scalar: 32 bytes, little-endian, reduced."""
    value = int.from_bytes(octets(data, 32), "little")
    need(value < Q, "a scalar is not reduced")
    return value


def _canonical(data: bytes) -> bytes:
    """A canonical encoding of something on the curve, in any subgroup."""
    y = int.from_bytes(octets(data, 32), "little") & (1 << 255) - 1
    need(y < P, "a point is not canonical")
    need(not (y in (1, P - 1) and data[31] >> 7), "a point with x = 0 has a sign")
    try:
        sodium.crypto_core_ed25519_add(data, IDENTITY)
    except RuntimeError:
        raise Refused("a point is not on the curve") from None
    return data


def point(data: bytes) -> bytes:
    """A point of the prime-order subgroup, the identity included."""
    if _canonical(data) != IDENTITY:
        need(sodium.crypto_core_ed25519_is_valid_point(data), "a point is not in the prime-order subgroup")
    return data


def times_eight(data: bytes) -> bytes:
    """The point that a ballot stores divided by eight."""
    result = _canonical(data)
    for _ in range(3):
        result = add(result, result)
    return result


def add(a: bytes, b: bytes) -> bytes:
    return sodium.crypto_core_ed25519_add(a, b)


def subtract(a: bytes, b: bytes) -> bytes:
    return sodium.crypto_core_ed25519_sub(a, b)


def power(base: bytes, exponent: int) -> bytes:
    """base^exponent; libsodium refuses the two cases whose result is the identity."""
    exponent %= Q
    if exponent == 0 or base == IDENTITY:
        return IDENTITY
    return sodium.crypto_scalarmult_ed25519_noclamp(exponent.to_bytes(32, "little"), base)


def g(exponent: int) -> bytes:
    """g^exponent."""
    exponent %= Q
    return sodium.crypto_scalarmult_ed25519_base_noclamp(exponent.to_bytes(32, "little")) if exponent else IDENTITY


def product(points: Iterable[bytes]) -> bytes:
    """The product of any number of points."""
    result = IDENTITY
    for p in points:
        result = add(result, p)
    return result


def spell(p: bytes) -> str:
    """The text of a point."""
    return p[::-1].hex()


def proof(data: bytes) -> Proof:
    """A proof of 64 bytes: challenge and response."""
    octets(data, 64)
    return scalar(data[:32]), scalar(data[32:])


def schnorr(prefix: str, key: bytes, said: Proof) -> bool:
    """Does a Schnorr proof hold?"""
    c, z = said
    return c == H(prefix + spell(add(g(z), power(key, c))))


def equality(prefix: str, key: bytes, base: bytes, image: bytes, said: Proof) -> bool:
    """Does a proof hold that image is to base what key is to g?"""
    c, z = said
    first, second = add(g(z), power(key, c)), add(power(base, z), power(image, c))
    return c == H(f"{prefix}{spell(first)},{spell(second)}")


def lagrange(j: int, among: list[int]) -> int:
    """The coefficient of trustee j."""
    result = 1
    for k in among:
        if k != j:
            result = result * k * pow(k - j, -1, Q) % Q
    return result


def _multiple(p: bytes, n: int) -> bytes:
    """p^n for any point of the curve; libsodium's own is for the prime-order subgroup only."""
    result = IDENTITY
    for bit in f"{n:b}":
        result = add(result, result)
        if bit == "1":
            result = add(result, p)
    return result


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519 by the equation that section 2 names, bytes compared: libsodium's answer if it is yes, which implies it."""
    try:
        sodium.crypto_sign_open(signature + message, key)
        return True
    except BadSignatureError:
        pass  # libsodium also refuses keys and commitments of small order, of which the equation says nothing
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % Q
    try:
        return s < Q and subtract(g(s), _multiple(key, k)) == r
    except RuntimeError:  # the key is not on the curve
        return False
