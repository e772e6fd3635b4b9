"""Permits' signatures, against pyca/cryptography."""

import secrets

import veche_kernel as kernel
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEYS = [rsa.generate_private_key(65537, bits) for bits in (2048, 3072)]


def sign(
    key: rsa.RSAPrivateKey, message: bytes, salt: int = 48, algorithm: hashes.HashAlgorithm | None = None
) -> bytes:
    algorithm = algorithm or hashes.SHA384()
    return key.sign(message, padding.PSS(padding.MGF1(algorithm), salt), algorithm)


def modulus(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_numbers().n.to_bytes(key.key_size // 8, "big")


def test_good_and_bad_signatures_side_by_side() -> None:
    items: list[tuple[bytes, bytes, bytes]] = []
    expected: list[bool] = []
    for key in KEYS:
        n = modulus(key)
        for _ in range(20):
            message = secrets.token_bytes(secrets.randbelow(200))
            good = sign(key, message)
            flipped = bytearray(good)
            flipped[secrets.randbelow(len(good))] ^= 1 << secrets.randbelow(8)
            beyond = (int.from_bytes(good, "big") + int.from_bytes(n, "big")).to_bytes(len(good) + 1, "big")
            other = KEYS[0] if key is KEYS[1] else KEYS[1]
            items += [
                (n, message, good),
                (n, message + b"x", good),
                (n, message, bytes(flipped)),
                (n, message, good[:-1]),
                (n, message, b"\0" + good),
                (n, message, beyond),
                (modulus(other), message, good),
                (b"\0" + n, message, good),
                (n, message, sign(key, message, salt=32)),
                (n, message, sign(key, message, algorithm=hashes.SHA256())),
                (n, message, b""),
                (b"", message, good),
            ]
            expected += [True] + [False] * 11
    assert kernel.rsa_pss_verify_many(items) == expected
    assert kernel.rsa_pss_verify_many([]) == []


def test_moduli_that_are_no_keys() -> None:
    key = rsa.generate_private_key(65537, 1024)
    small = (modulus(key), b"m", sign(key, b"m"))
    even = (bytes([*modulus(KEYS[0])[:-1], 0]), b"m", sign(KEYS[0], b"m"))
    assert kernel.rsa_pss_verify_many([small, even]) == [False, False]
