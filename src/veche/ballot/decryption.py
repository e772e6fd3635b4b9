"""Decryption shares: a trustee's factors for the sums of a poll, their proofs, and the result. docs/protocol.md, 2.6.

A share holds for each ciphertext (alpha, beta) the factor F = alpha^x and proofs of log_g X = log_alpha F (Chaum and
Pedersen, CRYPTO '92). The Belenios proof hashes neither alpha nor F. A trustee who fixes the commitments first and
colludes with the last voter could therefore pass a false factor (Bernhard, Pereira, Warinschi, ASIACRYPT 2012; acted
out in scenarios/colluding_trustee.py). So each factor carries a second proof, the *binding proof*, which hashes the
statement and the tally. Both must hold. The Belenios proofs are for the poll's total alone (part 0): what an archive
holds.

Points are 32 bytes (RFC 8032), proofs 64 bytes (challenge, response), all concatenated in the order of the ciphertexts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import veche_kernel as kernel

from veche.ballot.canonical import encode, point_text
from veche.ballot.committee import PEDERSEN, SINGLE
from veche.ballot.documents import PartialDecryption, Proof
from veche.errors import DoesNotHold, Refused
from veche.kernel_words import of_kernel
from veche.texts import Capital, Message

TOTAL = 0
"""The part that is the sum over all groups; part p = 1, 2, … is the p-th cell of the tally."""


@dataclass(frozen=True)
class Share:
    """One trustee's decryption of one part: C factors, C Belenios proofs (part 0; else none), C binding proofs."""

    factors: bytes
    proofs: bytes
    binding: bytes

    def fields(self) -> list[Any]:
        """What follows the part in the body of a ``decryption`` entry."""
        return [self.factors, self.proofs, self.binding]

    @classmethod
    def from_fields(cls, fields: Sequence[Any]) -> "Share":
        """The inverse of ``fields``; raises Refused("shape"). Lengths are checked by ``check_share``."""
        match list(fields):
            case [bytes(factors), bytes(proofs), bytes(binding)]:
                return cls(factors, proofs, binding)
        raise Refused(
            "shape", Message("A decryption share is factors, proofs and binding proofs, each a string of bytes.")
        )

    def points(self) -> list[bytes]:
        """The factors one by one."""
        return _points(self.factors)


# The parts of a tally


def parts(cells: Sequence[bytes]) -> list[bytes]:
    """What trustees decrypt, from the sums of the tally's cells (each C pairs alpha ‖ beta, 64 C bytes).

    Part 0 is the total, the product of the cells; the cells themselves follow if there is more than one.
    Raises ValueError if there is none, or if their lengths differ.
    """
    if not cells or any(len(cell) != len(cells[0]) or len(cell) % 64 for cell in cells):
        raise ValueError("a tally has one cell or more, with the same number of ciphertexts each")
    if len(cells) == 1:
        return list(cells)
    columns = zip(*(_points(cell) for cell in cells), strict=True)
    return [b"".join(kernel.point_sum(column) for column in columns), *cells]


def alphas_of(sums: bytes) -> list[bytes]:
    """The first halves of the ciphertexts of one part."""
    return _points(sums)[::2]


def betas_of(sums: bytes) -> list[bytes]:
    """The second halves of the ciphertexts of one part."""
    return _points(sums)[1::2]


def _points(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


# Shares


def make_share(secret: bytes, alphas: Sequence[bytes], phi: str, tally: bytes, part: int) -> Share:
    """The share of the trustee with this secret scalar for the ciphertexts with these alphas (C points).

    ``phi`` is the election's fingerprint, ``tally`` the SHA-256 of the tally entry (32 bytes), ``part`` 0 for the
    total and p for the p-th cell. The proofs are fresh in each call. Raises ValueError if an alpha is no point.

    Whoever calls this has checked that this tally may be decrypted: that is the whole of a trustee's duty.
    """
    public = kernel.base_mul(secret)
    factors: list[bytes] = []
    proofs: list[bytes] = []
    binding: list[bytes] = []
    for j, alpha in enumerate(alphas):
        factor = kernel.decrypt_factor(secret, alpha)
        factors.append(factor)
        if part == TOTAL:
            proofs += kernel.dleq_prove(secret, alpha, belenios_prefix(phi, public))[1:]
        prefix = binding_prefix(phi, tally, public, part * len(alphas) + j, alpha, factor)
        binding += kernel.dleq_prove(secret, alpha, prefix)[1:]
    return Share(b"".join(factors), b"".join(proofs), b"".join(binding))


def check_share(public: bytes, alphas: Sequence[bytes], phi: str, tally: bytes, part: int, share: Share) -> None:
    """Check the share of the trustee with key ``public``; the rest as for ``make_share``. Raises Refused.

    Both proofs of each factor are checked, and every point is checked to be in the prime-order subgroup.
    """
    count = len(alphas)
    if len(share.factors) != 32 * count:
        raise Refused("shape", Message("There should be {count} factors of 32 bytes.", count=count))
    if len(share.proofs) != (64 * count if part == TOTAL else 0):
        raise Refused(
            "shape",
            Message(
                "There should be {count} Belenios proofs of 64 bytes for the total, and none for a cell.", count=count
            ),
        )
    if len(share.binding) != 64 * count:
        raise Refused("shape", Message("There should be {count} binding proofs of 64 bytes.", count=count))
    for j, (alpha, factor) in enumerate(zip(alphas, share.points(), strict=True)):
        at = slice(64 * j, 64 * j + 64)
        if part == TOTAL:
            _check(
                public,
                alpha,
                factor,
                belenios_prefix(phi, public),
                share.proofs[at],
                Message("Belenios proof {number}", number=j + 1),
            )
        prefix = binding_prefix(phi, tally, public, part * count + j, alpha, factor)
        _check(public, alpha, factor, prefix, share.binding[at], Message("binding proof {number}", number=j + 1))


def belenios_prefix(phi: str, public: bytes) -> bytes:
    """What Belenios hashes before the commitments: neither alpha nor the factor."""
    return f"decrypt|{phi}|{point_text(public)}|".encode()


def binding_prefix(phi: str, tally: bytes, public: bytes, i: int, alpha: bytes, factor: bytes) -> bytes:
    """What the second proof hashes before the commitments: the whole statement, and where it stands."""
    statement = f"{point_text(alpha)},{point_text(factor)}"
    return f"veche-decrypt-v1|{phi}|{tally.hex()}|{point_text(public)}|{i}|{statement}|".encode()


def _check(public: bytes, alpha: bytes, factor: bytes, prefix: bytes, proof: bytes, what: Message) -> None:
    try:
        kernel.dleq_verify(public, alpha, factor, prefix, proof[:32], proof[32:])
    except kernel.ProofError:
        raise Refused("proof", Message("{what} of the decryption share does not hold.", what=Capital(what))) from None
    except ValueError as error:
        raise Refused(
            "shape",
            Message(
                "{what} of the decryption share is malformed: {error}.", what=Capital(what), error=of_kernel(str(error))
            ),
        ) from None


# Combining shares


def lagrange(indices: Sequence[int]) -> dict[int, int]:
    """The Lagrange coefficients at 0 for these trustees: λ_j = Π_{k ≠ j} k / (k - j) modulo the group's order.

    Raises ValueError unless the indices are different and from 1 on.
    """
    if len(set(indices)) != len(indices) or any(not 1 <= j < kernel.ORDER for j in indices):
        raise ValueError("the trustees' indices must be different and count from 1")
    coefficients = {}
    for j in indices:
        numerator = denominator = 1
        for k in indices:
            if k != j:
                numerator = numerator * k % kernel.ORDER
                denominator = denominator * (k - j) % kernel.ORDER
        coefficients[j] = numerator * pow(denominator, -1, kernel.ORDER) % kernel.ORDER
    return coefficients


def combine(shares: Mapping[int, Sequence[bytes]], mode: str) -> list[bytes]:
    """For each ciphertext alpha^x, x the committee's secret, from the factors of these trustees (index -> C points).

    Mode pedersen: of t trustees, weighted by Lagrange; mode single: of all n. The caller has checked the shares and
    their number. Raises ValueError if they are of different lengths.
    """
    if mode not in (SINGLE, PEDERSEN):
        raise ValueError(f"the mode of a committee is {SINGLE} or {PEDERSEN}")
    columns = list(zip(*shares.values(), strict=True))
    if mode == SINGLE:
        return [kernel.point_sum(column) for column in columns]
    coefficients = lagrange(list(shares))
    scalars = [coefficients[j].to_bytes(32, "little") for j in shares]
    return [kernel.msm_vartime(scalars, column) for column in columns]


def open_points(betas: Sequence[bytes], shares: Mapping[int, Sequence[bytes]], mode: str) -> list[bytes]:
    """What these shares leave of the ciphertexts with these betas: beta / alpha^x, which is g to the number in it."""
    return [kernel.point_sub(beta, factor) for beta, factor in zip(betas, combine(shares, mode), strict=True)]


def open_tally(betas: Sequence[bytes], shares: Mapping[int, Sequence[bytes]], mode: str, most: int) -> list[int]:
    """The numbers in the ciphertexts with these betas: the logarithms of beta / alpha^x, each at most ``most``.

    Raises DoesNotHold if one has none. With checked ballots and checked shares that cannot happen, unless ``most`` is
    too small or shares are missing.
    """
    return find_numbers(open_points(betas, shares, mode), most)


def find_numbers(points: Sequence[bytes], most: int) -> list[int]:
    """The logarithms of these points, each at most ``most``. Raises DoesNotHold if one has none.

    It takes seconds where numbers and points are many, on all cores; to check numbers takes no time: :func:`are_numbers`.
    """
    try:
        return kernel.discrete_logs(points, most)
    except ValueError as error:
        raise DoesNotHold(
            "decryption",
            Message("the result"),
            Message(
                "A sum does not decrypt to a number up to {most}: {error}.", most=most, error=of_kernel(str(error))
            ),
        ) from None


def are_numbers(points: Sequence[bytes], numbers: Sequence[int]) -> bool:
    """Whether each point is g to its number (below 2^64)."""
    return len(points) == len(numbers) and all(
        kernel.base_mul(number.to_bytes(32, "little")) == point for point, number in zip(points, numbers, strict=True)
    )


# The archive


def partial_decryption_json(share: Share, shape: Sequence[int]) -> bytes:
    """A share of the total as a Belenios partial decryption, byte for byte.

    ``shape``: how many ciphertexts each question has, a blank flag included. Raises ValueError if it does not fit.
    """
    factors = [point_text(point) for point in share.points()]
    if sum(shape) != len(factors) or len(share.proofs) != 64 * len(factors):
        raise ValueError("the shape does not fit the share of the total")
    proofs = [Proof.of(share.proofs[i : i + 64]) for i in range(0, len(share.proofs), 64)]
    ends = list(accumulate(shape, initial=0))
    return encode(
        PartialDecryption(
            decryption_factors=[factors[a:b] for a, b in pairwise(ends)],
            decryption_proofs=[proofs[a:b] for a, b in pairwise(ends)],
        )
    )
