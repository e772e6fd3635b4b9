"""The hash, Schnorr proofs, proofs of equal logarithms and small logarithms, recomputed with libsodium and hashlib."""

import hashlib

import pytest
import veche_kernel as kernel
from nacl import bindings as sodium

from kernel.edwards import Q


def text(point: bytes) -> bytes:
    return point[::-1].hex().encode()


def number(value: int) -> bytes:
    return value.to_bytes(32, "little")


def belenios_hash(data: bytes) -> bytes:
    return number(int.from_bytes(hashlib.sha256(data).digest(), "big") % Q)


def changed(scalar: bytes) -> bytes:
    return kernel.scalar_add(scalar, number(1))


def commitment(base: bytes, response: bytes, public: bytes, challenge: bytes) -> bytes:
    """base^response · public^challenge with libsodium."""
    return sodium.crypto_core_ed25519_add(
        sodium.crypto_scalarmult_ed25519_noclamp(response, base),
        sodium.crypto_scalarmult_ed25519_noclamp(challenge, public),
    )


def test_hash() -> None:
    """On both sides of every end of a block of SHA-256."""
    secret = kernel.scalar_random()
    public = kernel.base_mul(secret)
    for length in (*range(130), 1000):
        data = (bytes(range(256)) * 4)[:length]
        challenge, response = kernel.schnorr_prove(secret, data)
        assert belenios_hash(data + text(commitment(kernel.BASE, response, public, challenge))) == challenge


def test_schnorr() -> None:
    for i in range(200):
        secret, prefix = kernel.scalar_random(), b"pok|Ed25519|%d|" % i
        public = kernel.base_mul(secret)
        challenge, response = kernel.schnorr_prove(secret, prefix)
        kernel.schnorr_verify(public, prefix, challenge, response)
        assert belenios_hash(prefix + text(commitment(kernel.BASE, response, public, challenge))) == challenge
        for wrong in (
            (kernel.base_mul(changed(secret)), prefix, challenge, response),
            (public, prefix + b"x", challenge, response),
            (public, prefix, changed(challenge), response),
            (public, prefix, challenge, changed(response)),
            (public, prefix, response, challenge),
        ):
            with pytest.raises(kernel.ProofError, match="Schnorr"):
                kernel.schnorr_verify(*wrong)


def test_schnorr_refuses_the_identity() -> None:
    """For the identity, anyone can make (H(g^z), z)."""
    response = kernel.scalar_random()
    challenge = belenios_hash(b"x" + text(kernel.base_mul(response)))
    with pytest.raises(ValueError, match="the public key is the identity"):
        kernel.schnorr_verify(kernel.IDENTITY, b"x", challenge, response)
    with pytest.raises(ValueError, match="the public key is the identity"):
        kernel.dleq_verify(kernel.IDENTITY, kernel.BASE, kernel.IDENTITY, b"x", challenge, response)


def test_proofs_are_fresh() -> None:
    secret = kernel.scalar_random()
    assert len({kernel.schnorr_prove(secret, b"x") for _ in range(100)}) == 100
    assert len({kernel.dleq_prove(secret, kernel.BASE, b"x") for _ in range(100)}) == 100
    assert len({kernel.cast_sign(secret, b"x") for _ in range(100)}) == 100


def test_equal_logarithms() -> None:
    for i in range(200):
        secret, alpha, prefix = kernel.scalar_random(), kernel.base_mul(kernel.scalar_random()), b"decrypt|%d|" % i
        public = kernel.base_mul(secret)
        factor, challenge, response = kernel.dleq_prove(secret, alpha, prefix)
        assert factor == kernel.decrypt_factor(secret, alpha) == sodium.crypto_scalarmult_ed25519_noclamp(secret, alpha)
        kernel.dleq_verify(public, alpha, factor, prefix, challenge, response)
        commitments = (
            commitment(kernel.BASE, response, public, challenge),
            commitment(alpha, response, factor, challenge),
        )
        assert belenios_hash(prefix + b",".join(map(text, commitments))) == challenge
        other = kernel.base_mul(kernel.scalar_random())
        for wrong in (
            (other, alpha, factor, prefix, challenge, response),
            (public, other, factor, prefix, challenge, response),
            (public, alpha, other, prefix, challenge, response),
            (public, alpha, kernel.IDENTITY, prefix, challenge, response),
            (public, alpha, factor, b"", challenge, response),
            (public, alpha, factor, prefix, changed(challenge), response),
            (public, alpha, factor, prefix, challenge, changed(response)),
        ):
            with pytest.raises(kernel.ProofError, match="equal logarithms"):
                kernel.dleq_verify(*wrong)


def test_equal_logarithms_of_the_identity() -> None:
    """A tally in which nobody's randomness is left has the identity as alpha: the share is the identity, and is proven."""
    secret = kernel.scalar_random()
    factor, challenge, response = kernel.dleq_prove(secret, kernel.IDENTITY, b"x")
    assert factor == kernel.IDENTITY
    kernel.dleq_verify(kernel.base_mul(secret), kernel.IDENTITY, factor, b"x", challenge, response)


def test_cast_signature() -> None:
    """64 bytes: a commitment divided by eight, then a response."""
    secret, prefix = kernel.scalar_random(), b"veche-cast-v1|00|"
    stored, response = (signature := kernel.cast_sign(secret, prefix))[:32], signature[32:]
    assert len(signature) == 64
    point = sodium.crypto_scalarmult_ed25519_noclamp(number(8), stored)
    challenge = belenios_hash(prefix + text(stored))
    assert commitment(kernel.BASE, response, kernel.base_mul(secret), challenge) == point


@pytest.mark.parametrize("bound", [0, 1, 2, 3, 255, 256, 257, 1000, 65_537])
def test_discrete_logs_at_the_edges_of_the_bound(bound: int) -> None:
    numbers = sorted({0, 1, bound // 2, max(bound - 1, 0), bound} - {n for n in (1,) if n > bound})
    points = [kernel.base_mul(number(n)) for n in numbers]
    assert kernel.discrete_logs(points, bound) == numbers
    beyond = kernel.base_mul(number(bound + 1))
    with pytest.raises(ValueError, match=f"^point {len(points)} is not a power of the base from 0 to {bound}$"):
        kernel.discrete_logs([*points, beyond], bound)


def test_discrete_logs_all_small() -> None:
    points = [kernel.base_mul(number(n)) for n in range(2000)]
    assert kernel.discrete_logs(points, 1999) == list(range(2000))
    assert kernel.discrete_logs([], 1999) == []


def test_discrete_logs_of_a_large_city() -> None:
    numbers = [2**40, 1_099_511_000_000, 2**33 + 1, 7]
    assert kernel.discrete_logs([kernel.base_mul(number(n)) for n in numbers], 2**40) == numbers
    with pytest.raises(ValueError, match="above 2\\^40"):
        kernel.discrete_logs([kernel.BASE], 2**40 + 1)
    with pytest.raises(ValueError, match="point 0"):
        kernel.discrete_logs([kernel.base_mul(number(Q - 1))], 2**20)
