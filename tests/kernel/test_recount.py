"""The second sum comes out as the first does, and as libsodium's; it believes no hint, and torsion changes nothing."""

import random
from collections.abc import Sequence

import pytest
import veche_kernel as kernel
from nacl import bindings as sodium

from kernel.ballots import checker, entry, make, read, together
from kernel.edwards import TORSION

FIVE = make((5, 1, 1, False))
POINTS = 10


def ballots(count: int, seed: int) -> list[tuple[bytes, bytes]]:
    """(secret, packed ballot) each."""
    rng, found = random.Random(seed), []
    for _ in range(count):
        secret, choice = kernel.scalar_random(), rng.randrange(5)
        found.append((secret, FIVE.prove(secret, [[int(i == choice) for i in range(5)]], FIVE.randomness())))
    return found


def checked(cast: Sequence[tuple[bytes, bytes]]) -> list[kernel.CheckedBallot]:
    verdicts = together(checker(FIVE), [read(entry(packed, secret)) for secret, packed in cast])
    assert all(isinstance(verdict, kernel.CheckedBallot) for verdict in verdicts)
    return [verdict for verdict in verdicts if isinstance(verdict, kernel.CheckedBallot)]


def by_libsodium(cast: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Sums of the stored points, times eight."""
    eight = (8).to_bytes(32, "little")
    sums = [kernel.IDENTITY] * POINTS
    for _, packed in cast:
        stored = [packed[32 * i : 32 * i + 32] for i in range(1, 1 + POINTS)]
        # Only points of the prime-order subgroup may go into libsodium's multiplication.
        times = [sodium.crypto_scalarmult_ed25519_noclamp(eight, point) for point in stored]
        sums = [sodium.crypto_core_ed25519_add(a, b) for a, b in zip(sums, times, strict=True)]
    return b"".join(sums)


def test_as_the_first_sum_and_libsodium() -> None:
    cast = ballots(300, 1)
    first, second = kernel.Sums(5), kernel.Recount(5)
    assert second.to_bytes() == first.to_bytes() == kernel.IDENTITY * POINTS
    found = checked(cast)
    first.add(found)
    second.add(found[:7])
    second.add([])
    second.add(found[7:])
    assert len(second) == 5
    assert second.to_bytes() == first.to_bytes() == by_libsodium(cast)
    replaced = [FIVE.ciphertexts(packed)[1] for _, packed in cast[:40]]
    first.subtract(replaced)
    second.subtract(replaced)
    assert second.to_bytes() == first.to_bytes() == by_libsodium(cast[40:])
    # However a ballot was read: with hints, without, or only its ciphertexts.
    for again in ([FIVE.verify(p) for _, p in cast[40:]], [FIVE.load(p) for _, p in cast[40:]], found[40:]):
        second.subtract(again)
        assert second.to_bytes() == kernel.IDENTITY * POINTS
        second.add(again)
        assert second.to_bytes() == first.to_bytes()


def test_torsion_in_stored_points() -> None:
    rng = random.Random(2)
    cast = ballots(64, 2)
    twisted = []
    for secret, packed in cast:
        words = [packed[i : i + 32] for i in range(0, len(packed), 32)]
        for place in range(1, 1 + POINTS):
            words[place] = sodium.crypto_core_ed25519_add(words[place], rng.choice(TORSION))
        twisted.append((secret, b"".join(words)))
    plain, other = checked(cast), checked(twisted)
    assert [a.tracker for a in plain] == [b.tracker for b in other]
    second = kernel.Recount(5)
    second.add(other)
    assert second.to_bytes() == by_libsodium(cast)
    second.subtract([FIVE.ciphertexts(packed)[1] for _, packed in twisted])
    assert second.to_bytes() == kernel.IDENTITY * POINTS


def test_weights_and_bytes() -> None:
    cast = ballots(20, 3)
    first, second = kernel.Sums(5), kernel.Recount(5)
    first.add(checked(cast))
    second.add(checked(cast))
    for weight in (0, 1, 2, 7, 1 << 40, (1 << 64) - 1):
        one, two = kernel.Sums.from_bytes(first.to_bytes()), kernel.Recount.from_bytes(first.to_bytes())
        assert two.to_bytes() == first.to_bytes()
        one.add_scaled(first, weight)
        two.add_scaled(second, weight)
        assert one.to_bytes() == two.to_bytes()


def test_sums_that_do_not_fit() -> None:
    second = kernel.Recount(5)
    five = checked(ballots(1, 4))[0]
    two = make((2, 1, 1, False))
    _, other = two.ciphertexts(two.prove(kernel.scalar_random(), [[1, 0]], two.randomness()))
    for call in (
        lambda: second.add([five, other]),
        lambda: second.subtract([other]),
        lambda: second.add_scaled(kernel.Recount(4), 1),
        lambda: kernel.Recount.from_bytes(bytes(63)),
        lambda: kernel.Recount.from_bytes(TORSION[1] * 2),
        lambda: kernel.Recount(1 << 21),
    ):
        with pytest.raises(ValueError):
            call()
    assert second.to_bytes() == kernel.IDENTITY * POINTS


def test_a_ballot_whose_ciphertexts_cannot_be_read() -> None:
    packed = ballots(1, 5)[0][1]
    off_curve = (2).to_bytes(32, "little")
    swapped = [packed[:at] + wrong + packed[at + 32 :] for at in (0, 32) for wrong in (off_curve, b"\xff" * 32)]
    for bad in (packed[:-1], *swapped):
        with pytest.raises(ValueError):
            FIVE.ciphertexts(bad)
    credential, ciphertexts = FIVE.ciphertexts(packed)
    assert len(ciphertexts) == 5 and credential == FIVE.load(packed).credential
