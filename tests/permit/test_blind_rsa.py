"""RFC 9474: its own vectors, a second implementation of RSA and PSS, and signers and voters who cheat."""

import json
import secrets
from pathlib import Path
from typing import Any

import gmpy2
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold, Refused, UserError
from veche.permit import blind_rsa
from veche.permit.blind_rsa import IssuerKey, blind, blind_sign, finalize, prepare, verify

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "permit_rfc9474.json").read_text())
PREFIX, SALT, FACTOR = b"p" * 32, b"s" * 48, 3**400


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["variant"])
def test_the_vectors_of_rfc_9474(case: dict[str, Any]) -> None:
    key = IssuerKey(int(VECTORS["key"]["p"], 16), int(VECTORS["key"]["q"], 16))
    assert key.modulus.hex() == VECTORS["key"]["n"]
    value = {name: bytes.fromhex(text) for name, text in case.items() if name != "variant"}
    prepared = value["message"]
    if case["variant"].endswith("-Randomized"):
        prepared = prepare(prepared, value["prefix"])
    assert prepared == value["prepared"]
    n = int.from_bytes(key.modulus, "big")
    factor = pow(int(case["blind_inverse"], 16), -1, n)
    assert blind(key.modulus, prepared, value["salt"], factor) == value["blinded"]
    assert blind_sign(key, value["blinded"]) == value["blind_signature"]
    size = len(value["salt"])
    assert finalize(key.modulus, prepared, value["blind_signature"], factor, size) == value["signature"]
    verify(key.modulus, prepared, value["signature"], size)
    with pytest.raises(DoesNotHold):  # the salt's length is part of the variant
        verify(key.modulus, prepared, value["signature"], 48 - size)


def test_all_four_variants_are_there() -> None:
    assert len(VECTORS["cases"]) == 4


def _library_key(key: IssuerKey) -> rsa.RSAPrivateKey:
    """The key as the other implementation knows it."""
    private = serialization.load_pem_private_key(key.to_pem(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


def _signed(key: IssuerKey, prepared: bytes = b"a message", salt: bytes = SALT, factor: int = FACTOR) -> bytes:
    answer = blind_sign(key, blind(key.modulus, prepared, salt, factor))
    return finalize(key.modulus, prepared, answer, factor)


@settings(max_examples=15, deadline=None)
@given(message=st.binary(max_size=200), salt=st.binary(min_size=48, max_size=48), factor=st.integers(2, 2**2040))
def test_another_implementation_accepts_what_we_sign(key: IssuerKey, message: bytes, salt: bytes, factor: int) -> None:
    signature = _signed(key, message, salt, factor)
    _library_key(key).public_key().verify(
        signature, message, padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384()
    )


def _key_of(bits: int) -> IssuerKey:
    """A key of just so many bits: generators make odd lengths only roughly."""
    while True:
        p, q = (int(gmpy2.next_prime(secrets.randbits(size))) for size in (bits // 2, bits - bits // 2))
        if (p * q).bit_length() == bits:
            return IssuerKey(p, q)


@pytest.mark.parametrize("bits", [2049, 2055, 2056, 3072])
def test_any_length_of_modulus(bits: int) -> None:
    key = _key_of(bits)
    assert int.from_bytes(key.modulus, "big").bit_length() == bits
    signature = _signed(key)
    _library_key(key).public_key().verify(
        signature, b"a message", padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384()
    )


def test_we_accept_what_another_implementation_signs(key: IssuerKey) -> None:
    signature = _library_key(key).sign(b"m", padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384())
    verify(key.modulus, b"m", signature)


def test_signing_is_deterministic_although_its_base_is_blinded(key: IssuerKey) -> None:
    blinded = blind(key.modulus, b"m", SALT, FACTOR)
    assert blind_sign(key, blinded) == blind_sign(key, blinded)


def test_the_signature_does_not_depend_on_the_blinding_factor(key: IssuerKey) -> None:
    assert _signed(key, factor=2) == _signed(key, factor=FACTOR)
    assert blind(key.modulus, b"m", SALT, 2) != blind(key.modulus, b"m", SALT, FACTOR)


def test_a_signature_over_something_else_is_noticed(key: IssuerKey, other_key: IssuerKey) -> None:
    signature = _signed(key)
    for modulus, message, forged in [
        (key.modulus, b"another message", signature),
        (other_key.modulus, b"a message", signature),
        (key.modulus, b"a message", signature[:-1] + bytes([signature[-1] ^ 1])),
        (key.modulus, b"a message", signature[:-1]),
        (key.modulus, b"a message", b"\x00" + signature),
        (key.modulus, b"a message", bytes(len(key.modulus))),
        (key.modulus, b"a message", b"\xff" * len(key.modulus)),
    ]:
        with pytest.raises(DoesNotHold):
            verify(modulus, message, forged)


def test_a_signature_plus_the_modulus_is_not_a_second_signature() -> None:
    key = _key_of(2049)  # a whole byte for one bit: s + n would fit the length
    signature = int.from_bytes(_signed(key), "big") + int.from_bytes(key.modulus, "big")
    with pytest.raises(DoesNotHold):
        verify(key.modulus, b"a message", signature.to_bytes(len(key.modulus), "big"))


def test_a_registrar_that_signs_something_else_is_caught(key: IssuerKey, other_key: IssuerKey) -> None:
    blinded = blind(key.modulus, b"m", SALT, FACTOR)
    wrong = blind_sign(key, blind(key.modulus, b"other", SALT, FACTOR))
    for answer in [wrong, blinded, b"", wrong[:-1], blind_sign(other_key, b"\x00" + blinded[1:])]:
        with pytest.raises(DoesNotHold):
            finalize(key.modulus, b"m", answer, FACTOR)


def test_a_fault_while_signing_never_leaves_the_registrar(key: IssuerKey) -> None:
    damaged = IssuerKey.from_pem(key.to_pem())
    damaged._d_p = damaged._d_p ^ 2
    with pytest.raises(DoesNotHold):
        blind_sign(damaged, blind(key.modulus, b"m", SALT, FACTOR))
    assert gmpy2.gcd(int.from_bytes(key.modulus, "big"), damaged._p) == damaged._p


def test_blinded_messages_out_of_range_are_refused(key: IssuerKey) -> None:
    n, size = int.from_bytes(key.modulus, "big"), len(key.modulus)
    for blinded in [
        b"",
        bytes(size),
        n.to_bytes(size, "big"),
        (n + 1).to_bytes(size, "big"),
        b"\x00" + bytes([1] * size),
    ]:
        with pytest.raises(Refused):
            blind_sign(key, blinded)


def test_factors_out_of_range_are_refused(key: IssuerKey) -> None:
    n = int.from_bytes(key.modulus, "big")
    for factor in [0, -1, n, n + 1, int(key._p)]:
        with pytest.raises(ValueError, match="blinding factor"):
            blind(key.modulus, b"m", SALT, factor)


@pytest.mark.parametrize(
    "modulus",
    [b"", b"\x00", b"\x01" * 255, b"\x01" * 513, b"\x00" + b"\xff" * 256, b"\xff" * 255 + b"\xfe"],
    ids=["empty", "zero", "short", "long", "leading zero", "even"],
)
def test_inadmissible_moduli_are_refused(modulus: bytes) -> None:
    with pytest.raises(Refused):
        blind_rsa.check_modulus(modulus)
    with pytest.raises(Refused):
        verify(modulus, b"m", bytes(len(modulus)))


def test_key_files_that_are_none(key: IssuerKey) -> None:
    for pem in [b"", b"nonsense", key.to_pem()[:-40], key.to_pem().replace(b"PRIVATE", b"PUBLIC")]:
        with pytest.raises(UserError):
            IssuerKey.from_pem(pem)
    with pytest.raises(UserError):
        IssuerKey(3, 5)
    with pytest.raises(ValueError, match="2048"):
        IssuerKey.generate(1024)


def test_secrets_do_not_show(key: IssuerKey) -> None:
    assert str(int(key._p)) not in repr(key)
    assert "bits" in repr(key)
