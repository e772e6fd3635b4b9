"""The group and its scalars against libsodium, on random inputs and on every edge of the curve."""

import random
from collections.abc import Callable

import pytest
import veche_kernel as kernel
from nacl import bindings as sodium

from kernel.edwards import NON_CANONICAL, TORSION, P, Q, decode, encode

ROUNDS = 10_000


@pytest.fixture
def rng() -> random.Random:
    return random.Random(25519)


def scalar(rng: random.Random) -> bytes:
    """Mostly uniform, sometimes an edge."""
    if rng.random() < 0.05:
        return rng.choice([1, 2, 8, Q - 1, Q - 2, (Q + 1) // 2, 2**252, 2**128, 2**252 - 1]).to_bytes(32, "little")
    return rng.randrange(1, Q).to_bytes(32, "little")


def point(rng: random.Random) -> bytes:
    return sodium.crypto_scalarmult_ed25519_base_noclamp(scalar(rng))


def test_constants() -> None:
    assert kernel.ORDER == Q
    assert sodium.crypto_scalarmult_ed25519_base_noclamp((1).to_bytes(32, "little")) == kernel.BASE
    assert sodium.crypto_core_ed25519_sub(kernel.BASE, kernel.BASE) == kernel.IDENTITY == TORSION[0]


def test_scalars(rng: random.Random) -> None:
    for _ in range(ROUNDS):
        a, b, c = scalar(rng), scalar(rng), scalar(rng)
        product = sodium.crypto_core_ed25519_scalar_mul(a, b)
        assert kernel.scalar_add(a, b) == sodium.crypto_core_ed25519_scalar_add(a, b)
        assert kernel.scalar_mul_add(a, b, c) == sodium.crypto_core_ed25519_scalar_add(product, c)
        wide = rng.randbytes(64)
        assert kernel.scalar_from_wide(wide) == sodium.crypto_core_ed25519_scalar_reduce(wide)


def test_scalar_edges() -> None:
    zero = bytes(32)
    assert kernel.scalar_add(zero, zero) == kernel.scalar_mul_add(zero, zero, zero) == zero
    for bad in (Q, Q + 1, 2 * Q, 2**253, 2**255, 2**256 - 1):
        unreduced = bad.to_bytes(32, "little")
        for call in _scalar_calls(unreduced):
            with pytest.raises(ValueError, match="not reduced"):
                call()
    for bad_length in (b"", bytes(31), bytes(33)):
        for call in _scalar_calls(bad_length):
            with pytest.raises(ValueError, match="32 bytes"):
                call()
    with pytest.raises(ValueError, match="64 bytes"):
        kernel.scalar_from_wide(bytes(63))


def _scalar_calls(bad: bytes) -> list[Callable[[], object]]:
    one = (1).to_bytes(32, "little")
    base = kernel.BASE
    return [
        lambda: kernel.scalar_add(bad, one),
        lambda: kernel.scalar_add(one, bad),
        lambda: kernel.scalar_mul_add(bad, one, one),
        lambda: kernel.scalar_mul_add(one, bad, one),
        lambda: kernel.scalar_mul_add(one, one, bad),
        lambda: kernel.base_mul(bad),
        lambda: kernel.point_mul(bad, base),
        lambda: kernel.msm_vartime([one, bad], [base, base]),
        lambda: kernel.schnorr_prove(bad, b"x"),
        lambda: kernel.dleq_prove(bad, base, b"x"),
        lambda: kernel.decrypt_factor(bad, base),
        lambda: kernel.cast_sign(bad, b"x"),
    ]


def test_random_scalars_are_random_and_reduced() -> None:
    drawn = {kernel.scalar_random() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(int.from_bytes(s, "little") < Q for s in drawn)
    # The mean of the highest bit below q: 500 expected, 16 the standard deviation.
    assert 400 < sum(int.from_bytes(s, "little") > Q // 2 for s in drawn) < 600


def test_multiplication(rng: random.Random) -> None:
    for _ in range(ROUNDS):
        a, p = scalar(rng), point(rng)
        assert kernel.base_mul(a) == sodium.crypto_scalarmult_ed25519_base_noclamp(a)
        product = sodium.crypto_scalarmult_ed25519_noclamp(a, p)
        assert kernel.point_mul(a, p) == product
        assert kernel.decrypt_factor(a, p) == product


def test_addition(rng: random.Random) -> None:
    a = point(rng)
    for _ in range(ROUNDS):
        b = point(rng)
        total = sodium.crypto_core_ed25519_add(a, b)
        assert kernel.point_add(a, b) == total
        assert kernel.point_sub(a, b) == sodium.crypto_core_ed25519_sub(a, b)
        assert kernel.point_sub(kernel.IDENTITY, b) == sodium.crypto_core_ed25519_sub(kernel.IDENTITY, b)
        a = total


def test_sums_of_products(rng: random.Random) -> None:
    """The variable-time routines, at sizes on both sides of every change of method (Straus, Pippenger's windows)."""
    done = 0
    for size in [1, 2, 3, 8, 64, 189, 190, 191, 499, 500, 799, 800, 1500, 5000]:
        scalars, points = [scalar(rng) for _ in range(size)], [point(rng) for _ in range(size)]
        total = expected = kernel.IDENTITY
        for s, p in zip(scalars, points, strict=True):
            expected = sodium.crypto_core_ed25519_add(expected, sodium.crypto_scalarmult_ed25519_noclamp(s, p))
            total = sodium.crypto_core_ed25519_add(total, p)
        assert kernel.msm_vartime(scalars, points) == expected
        assert kernel.point_sum(points) == total
        done += size
    assert done >= 9_000
    assert kernel.msm_vartime([], []) == kernel.point_sum([]) == kernel.IDENTITY
    with pytest.raises(ValueError, match="1 scalars for 2 points"):
        kernel.msm_vartime([scalar(rng)], [kernel.BASE, kernel.BASE])


def test_double_multiplication(rng: random.Random) -> None:
    for _ in range(ROUNDS):
        a, p, b = scalar(rng), point(rng), scalar(rng)
        products = sodium.crypto_scalarmult_ed25519_noclamp(a, p), sodium.crypto_scalarmult_ed25519_base_noclamp(b)
        assert kernel.msm_vartime([a, b], [p, kernel.BASE]) == sodium.crypto_core_ed25519_add(*products)


def test_identity_and_zero(rng: random.Random) -> None:
    """libsodium refuses these, so they are checked against what they must be."""
    p, zero, identity = point(rng), bytes(32), kernel.IDENTITY
    assert kernel.point_mul(zero, p) == kernel.base_mul(zero) == kernel.point_mul(scalar(rng), identity) == identity
    assert kernel.msm_vartime([zero, zero], [p, kernel.BASE]) == kernel.msm_vartime([zero], [p]) == identity
    assert kernel.point_add(p, identity) == kernel.point_sub(p, identity) == kernel.point_sum([p, identity]) == p
    assert kernel.point_sub(p, p) == kernel.point_sub(identity, identity) == identity
    assert kernel.point_add(p, kernel.point_sub(identity, p)) == identity


def test_decoding_random_bytes(rng: random.Random) -> None:
    """On random strings (half on the curve, an eighth of those in the subgroup) the verdict is libsodium's."""
    accepted = 0
    for _ in range(ROUNDS):
        data = rng.randbytes(32)
        expected = sodium.crypto_core_ed25519_is_valid_point(data)
        accepted += expected
        assert _accepts(data) == expected
    assert 400 < accepted < 900


def _accepts(data: bytes) -> bool:
    try:
        kernel.point_check(data)
    except ValueError:
        return False
    return True


def test_small_and_mixed_order(rng: random.Random) -> None:
    """Every point of small order but the identity is refused, alone and on top of a good point, in any argument."""
    kernel.point_check(kernel.IDENTITY)
    assert len(set(TORSION)) == 8
    for torsion in TORSION[1:]:
        for bad in [torsion] + [sodium.crypto_core_ed25519_add(point(rng), torsion) for _ in range(20)]:
            assert decode(bad) is not None, "it is on the curve and canonical"
            for call in _point_calls(bad):
                with pytest.raises(ValueError, match="not in the prime-order subgroup"):
                    call()


def test_non_canonical() -> None:
    assert len(NON_CANONICAL) > 10
    for bad in NON_CANONICAL:
        for call in _point_calls(bad):
            with pytest.raises(ValueError, match="not in canonical form"):
                call()
        assert not sodium.crypto_core_ed25519_is_valid_point(bad)


def test_off_the_curve_and_lengths() -> None:
    off = [y.to_bytes(32, "little") for y in range(2, 40) if decode(y.to_bytes(32, "little")) is None]
    assert len(off) > 10
    for bad in off:
        for call in _point_calls(bad):
            with pytest.raises(ValueError, match="not on the curve"):
                call()
    for bad in (b"", bytes(31), kernel.BASE + b"\0"):
        for call in _point_calls(bad)[:-1]:
            with pytest.raises(ValueError, match="32 bytes"):
                call()
    assert encode((0, P - 1)) == TORSION[4], "the point of order two, whose x is zero as well"


def _point_calls(bad: bytes) -> list[Callable[[], object]]:
    one, base = (1).to_bytes(32, "little"), kernel.BASE
    return [
        lambda: kernel.point_check(bad),
        lambda: kernel.points_check([base, bad]),
        lambda: kernel.point_add(bad, base),
        lambda: kernel.point_add(base, bad),
        lambda: kernel.point_sub(base, bad),
        lambda: kernel.point_sub(bad, base),
        lambda: kernel.point_sum([base, bad]),
        lambda: kernel.point_mul(one, bad),
        lambda: kernel.msm_vartime([one, one], [bad, base]),
        lambda: kernel.schnorr_verify(bad, b"x", one, one),
        lambda: kernel.dleq_prove(one, bad, b"x"),
        lambda: kernel.dleq_verify(bad, base, base, b"x", one, one),
        lambda: kernel.dleq_verify(base, bad, base, b"x", one, one),
        lambda: kernel.dleq_verify(base, base, bad, b"x", one, one),
        lambda: kernel.decrypt_factor(one, bad),
        lambda: kernel.discrete_logs([base, bad], 10),
        lambda: kernel.Election(bad, "a" * 43, "a" * 14, [(2, 1, 1, False)]),
        lambda: kernel.Sums.from_bytes(base + bad),
    ]


def test_points_check_names_the_first_at_fault(rng: random.Random) -> None:
    points = [point(rng) for _ in range(300)]
    kernel.points_check(points)
    kernel.points_check([])
    points[250] = points[123] = TORSION[3]
    with pytest.raises(ValueError, match=r"^point 123: a point is not in the prime-order subgroup$"):
        kernel.points_check(points)
