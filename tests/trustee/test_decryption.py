"""Decryption shares: what is refused, and how shares combine."""

import dataclasses
import hashlib
from itertools import permutations
from random import Random

import pytest
import veche_kernel as kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.ballot.decryption import (
    Share,
    alphas_of,
    belenios_prefix,
    betas_of,
    binding_prefix,
    check_share,
    combine,
    lagrange,
    make_share,
    open_tally,
    partial_decryption_json,
    parts,
)
from veche.errors import DoesNotHold, Refused

PHI = "A" * 43
SECRET = (12345).to_bytes(32, "little")
PUBLIC = kernel.base_mul(SECRET)
TALLY = hashlib.sha256(b"tally").digest()


def encrypt(key: bytes, number: int) -> bytes:
    """An ElGamal ciphertext of g^number, alpha and beta: 64 bytes."""
    r = kernel.scalar_random()
    m = number.to_bytes(32, "little")
    return kernel.base_mul(r) + kernel.point_add(kernel.point_mul(r, key), kernel.base_mul(m))


SUMS = b"".join(encrypt(PUBLIC, number) for number in (0, 7, 3))
ALPHAS = alphas_of(SUMS)
ONE = (1).to_bytes(32, "little")


@pytest.mark.parametrize("part", [0, 1, 7])
def test_a_share_holds_where_it_belongs_only(part: int) -> None:
    share = make_share(SECRET, ALPHAS, PHI, TALLY, part)
    check_share(PUBLIC, ALPHAS, PHI, TALLY, part, share)
    assert (len(share.factors), len(share.proofs), len(share.binding)) == (96, 192 if part == 0 else 0, 192)
    assert Share.from_fields(share.fields()) == share
    assert open_tally(betas_of(SUMS), {1: share.points()}, "single", 10) == [0, 7, 3]
    elsewhere: list[tuple[bytes, list[bytes], str, bytes, int]] = [
        (kernel.base_mul(ONE), ALPHAS, PHI, TALLY, part),
        (PUBLIC, [ALPHAS[1], ALPHAS[0], ALPHAS[2]], PHI, TALLY, part),
        (PUBLIC, ALPHAS, "B" * 43, TALLY, part),
        (PUBLIC, ALPHAS, PHI, hashlib.sha256(b"another tally").digest(), part),
        (PUBLIC, ALPHAS, PHI, TALLY, part + 1),
        (PUBLIC, ALPHAS[:2], PHI, TALLY, part),
    ]
    for public, alphas, phi, tally, other in elsewhere:
        with pytest.raises(Refused):
            check_share(public, alphas, phi, tally, other, share)


def test_only_the_binding_proof_knows_the_tally() -> None:
    """What the Belenios proofs leave open, said by which check fails."""
    share = make_share(SECRET, ALPHAS, PHI, TALLY, 0)
    with pytest.raises(Refused, match="Binding proof 1"):
        check_share(PUBLIC, ALPHAS, PHI, hashlib.sha256(b"another tally").digest(), 0, share)


def test_the_same_share_is_proved_afresh() -> None:
    first, second = (make_share(SECRET, ALPHAS, PHI, TALLY, 0) for _ in range(2))
    assert first.factors == second.factors
    assert first.proofs != second.proofs and first.binding != second.binding


SHARE = make_share(SECRET, ALPHAS, PHI, TALLY, 0)
BAD: dict[str, tuple[str, Share]] = {
    "another factor": ("proof", dataclasses.replace(SHARE, factors=kernel.BASE + SHARE.factors[32:])),
    "factors exchanged": (
        "proof",
        dataclasses.replace(SHARE, factors=SHARE.factors[32:64] + SHARE.factors[:32] + SHARE.factors[64:]),
    ),
    "a factor of small order": ("shape", dataclasses.replace(SHARE, factors=bytes(32) + SHARE.factors[32:])),
    "no point": ("shape", dataclasses.replace(SHARE, factors=b"\xff" * 32 + SHARE.factors[32:])),
    "a factor too few": ("shape", dataclasses.replace(SHARE, factors=SHARE.factors[:64])),
    "proofs of a cell": ("shape", dataclasses.replace(SHARE, proofs=b"")),
    "a proof too few": ("shape", dataclasses.replace(SHARE, proofs=SHARE.proofs[:128])),
    "a binding proof too few": ("shape", dataclasses.replace(SHARE, binding=SHARE.binding[:128])),
    "a factor too many": ("shape", dataclasses.replace(SHARE, factors=SHARE.factors + kernel.BASE)),
    "a proof too many": ("shape", dataclasses.replace(SHARE, proofs=SHARE.proofs + SHARE.proofs[:64])),
    "a binding proof too many": ("shape", dataclasses.replace(SHARE, binding=SHARE.binding + SHARE.binding[:64])),
    "the Belenios proofs twice": ("proof", dataclasses.replace(SHARE, binding=SHARE.proofs)),
    "the binding proofs twice": ("proof", dataclasses.replace(SHARE, proofs=SHARE.binding)),
    "binding proofs exchanged": (
        "proof",
        dataclasses.replace(SHARE, binding=SHARE.binding[64:128] + SHARE.binding[:64] + SHARE.binding[128:]),
    ),
    "an unreduced scalar": ("shape", dataclasses.replace(SHARE, proofs=b"\xff" * 64 + SHARE.proofs[64:])),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shares_are_refused(name: str) -> None:
    rule, share = BAD[name]
    with pytest.raises(Refused) as refused:
        check_share(PUBLIC, ALPHAS, PHI, TALLY, 0, share)
    assert refused.value.rule == rule


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["factors", "proofs", "binding"]), st.integers(0, 8 * 192 - 1))
def test_no_bit_can_be_changed(field: str, bit: int) -> None:
    data = bytearray(getattr(SHARE, field))
    bit %= 8 * len(data)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused):
        check_share(PUBLIC, ALPHAS, PHI, TALLY, 0, dataclasses.replace(SHARE, **{field: bytes(data)}))


def test_binding_proofs_of_other_places_are_refused() -> None:
    """The i-th proof says i: the same ciphertext in another place needs another proof."""
    alphas = [ALPHAS[0], ALPHAS[0]]
    share = make_share(SECRET, alphas, PHI, TALLY, 0)
    check_share(PUBLIC, alphas, PHI, TALLY, 0, share)
    with pytest.raises(Refused, match="Binding proof 1"):
        check_share(
            PUBLIC, alphas, PHI, TALLY, 0, dataclasses.replace(share, binding=share.binding[64:] + share.binding[:64])
        )


def test_the_prefixes_are_those_of_the_protocol() -> None:
    x, a, f = (point[::-1].hex() for point in (PUBLIC, ALPHAS[0], SHARE.points()[0]))
    assert belenios_prefix(PHI, PUBLIC) == f"decrypt|{PHI}|{x}|".encode()
    prefix = binding_prefix(PHI, TALLY, PUBLIC, 5, ALPHAS[0], SHARE.points()[0])
    assert prefix == f"veche-decrypt-v1|{PHI}|{TALLY.hex()}|{x}|5|{a},{f}|".encode()


def test_the_hashes_are_those_of_the_protocol() -> None:
    """Both proofs recomputed from the page, without the functions that made them."""
    for j, (alpha, factor) in enumerate(zip(ALPHAS, SHARE.points(), strict=True)):
        statement = f"{alpha[::-1].hex()},{factor[::-1].hex()}"
        for proofs, prefix in (
            (SHARE.proofs, f"decrypt|{PHI}|{PUBLIC[::-1].hex()}|"),
            (SHARE.binding, f"veche-decrypt-v1|{PHI}|{TALLY.hex()}|{PUBLIC[::-1].hex()}|{j}|{statement}|"),
        ):
            c, z = proofs[64 * j : 64 * j + 32], proofs[64 * j + 32 : 64 * j + 64]
            left = kernel.msm_vartime([z, c], [kernel.BASE, PUBLIC])
            right = kernel.msm_vartime([z, c], [alpha, factor])
            text = f"{prefix}{left[::-1].hex()},{right[::-1].hex()}"
            number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % kernel.ORDER
            assert number == int.from_bytes(c, "little")


# Parts and combination


def test_parts() -> None:
    one, two = (b"".join(encrypt(PUBLIC, number) for number in numbers) for numbers in ((1, 2), (3, 4)))
    assert parts([one]) == [one]
    total, *cells = parts([one, two])
    assert cells == [one, two]
    share = make_share(SECRET, alphas_of(total), PHI, TALLY, 0)
    assert open_tally(betas_of(total), {1: share.points()}, "single", 10) == [4, 6]
    for bad in ([], [one, two[:64]], [one[:60]]):
        with pytest.raises(ValueError, match="one cell or more"):
            parts(bad)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, kernel.ORDER - 1), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_lagrange_finds_the_secret(coefficients: list[int], random: Random) -> None:
    def f(x: int) -> int:
        return sum(a * pow(x, k, kernel.ORDER) for k, a in enumerate(coefficients)) % kernel.ORDER

    indices = random.sample(range(1, 20), len(coefficients))
    assert sum(f(j) * weight for j, weight in lagrange(indices).items()) % kernel.ORDER == coefficients[0]


@pytest.mark.parametrize("indices", [[1, 1], [0, 1], [-1, 2]])
def test_lagrange_wants_different_indices(indices: list[int]) -> None:
    with pytest.raises(ValueError, match="different"):
        lagrange(indices)


def test_the_order_of_shares_does_not_matter() -> None:
    points = {j: [kernel.base_mul(j.to_bytes(32, "little"))] * 2 for j in (1, 3, 4)}
    for mode in ("single", "pedersen"):
        combined = [combine({j: points[j] for j in order}, mode) for order in permutations(points)]
        assert all(result == combined[0] for result in combined)


def test_bad_combinations() -> None:
    with pytest.raises(ValueError, match="mode"):
        combine({1: [kernel.BASE]}, "other")
    with pytest.raises(ValueError, match="zip"):
        combine({1: [kernel.BASE], 2: []}, "single")
    with pytest.raises(DoesNotHold, match="up to 5"):
        open_tally(betas_of(SUMS), {1: SHARE.points()}, "single", 5)


def test_a_partial_decryption_has_the_shape_of_the_questions() -> None:
    text = partial_decryption_json(SHARE, [2, 1])
    assert text.startswith(b'{"decryption_factors":[["') and b'"],["' in text and b"}],[{" in text
    for bad in ([2, 2], [3, 1], []):
        with pytest.raises(ValueError, match="shape"):
            partial_decryption_json(SHARE, bad)
    cell = make_share(SECRET, ALPHAS, PHI, TALLY, 1)
    with pytest.raises(ValueError, match="shape"):
        partial_decryption_json(cell, [2, 1])
