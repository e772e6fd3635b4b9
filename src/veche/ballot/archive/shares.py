"""The decryption of an archive's tally: the trustees' shares, and the result that they open.

A share is checked with Belenios's own proof, which hashes neither the ciphertext nor the factor (see Decryption in
docs/protocol.md): an archive has no other.
"""

import veche_kernel

from veche.ballot.archive.parts import ResultDocument
from veche.ballot.archive.trustees import Seats, Trustees
from veche.ballot.canonical import decode, point, point_text, scalar, weight_value
from veche.ballot.decryption import lagrange
from veche.ballot.documents import PartialDecryption
from veche.errors import DoesNotHold
from veche.texts import Message

SHARE_STEP = "A9"
RESULT_STEP = "A10"

Pairs = list[list[tuple[bytes, bytes]]]
"""Ciphertexts (alpha, beta) of each question."""


def check_share(raw: bytes, owner: int, key: bytes, fingerprint: str, tally: Pairs) -> list[bytes]:
    """The factors of a share, one for each ciphertext in order. Raises DoesNotHold (A3, A9)."""
    where = Message("the share of trustee {owner}", owner=owner)
    share = decode(raw, PartialDecryption, where)
    shape = [len(question) for question in tally]
    if [len(q) for q in share.decryption_factors] != shape or [len(q) for q in share.decryption_proofs] != shape:
        raise DoesNotHold(SHARE_STEP, where, Message("The shape of {where} is not that of the tally.", where=where))
    prefix = f"decrypt|{fingerprint}|{point_text(key)}|".encode()
    factors = []
    for q, question in enumerate(tally):
        for i, (alpha, _) in enumerate(question):
            place = Message(
                "{where}, question {question}, ciphertext {ciphertext}", where=where, question=q + 1, ciphertext=i + 1
            )
            factor = point(share.decryption_factors[q][i], SHARE_STEP, Message("the factor in {place}", place=place))
            proof = share.decryption_proofs[q][i]
            challenge, response = scalar(proof.challenge, place), scalar(proof.response, place)
            try:
                veche_kernel.dleq_verify(key, alpha, factor, prefix, challenge, response)
            except ValueError:
                raise DoesNotHold(
                    SHARE_STEP, place, Message("The proof in {place} does not hold.", place=place)
                ) from None
            factors.append(factor)
    return factors


def combine(trustees: Trustees, shares: dict[int, list[bytes]]) -> list[bytes]:
    """alpha^secret of each ciphertext, from the factors of the owners (counted from 1).

    Of a committee the first t shares count, with Lagrange's coefficients; any t would give the same. Raises DoesNotHold (A9)
    if there are too few.
    """
    terms: list[tuple[int, list[bytes]]] = []
    first = 1
    for part in trustees.parts:
        present = [j for j in range(1, len(part.keys) + 1) if first + j - 1 in shares]
        needed = 1 if part.threshold is None else part.threshold
        if len(present) < needed:
            raise DoesNotHold(SHARE_STEP, Message("trustee {first}", first=first), _too_few(part, first, len(present)))
        chosen = present[:needed]
        coefficients = lagrange(chosen) if part.threshold is not None else {1: 1}
        for j in chosen:
            terms.append((coefficients[j], shares[first + j - 1]))
        first += len(part.keys)
    scalars = [coefficient.to_bytes(32, "little") for coefficient, _ in terms]
    columns = zip(*(factors for _, factors in terms), strict=True)
    return [veche_kernel.msm_vartime(scalars, column) for column in columns]


def _too_few(part: Seats, first: int, present: int) -> Message:
    if part.threshold is None:
        return Message("The share of trustee {first} is missing, who must decrypt.", first=first)
    last = first + len(part.keys) - 1
    return Message(
        "Of trustees {first} to {last} only {present} decrypted, and {threshold} must.",
        first=first,
        last=last,
        present=present,
        threshold=part.threshold,
    )


def check_result(raw: bytes, tally: Pairs, opened: list[bytes], total_weight: int) -> None:
    """Checks the result's JSON against the tally and alpha^secret of each of its ciphertexts. Raises DoesNotHold (A3, A10).

    The number of votes v must satisfy g^v = beta / alpha^secret and 0 <= v <= total weight, which is below q: only one does.
    So nothing needs to be searched, however large the weights are.
    """
    result = decode(raw, ResultDocument, Message("the result")).result
    if [len(question) for question in result] != [len(question) for question in tally]:
        raise DoesNotHold(
            RESULT_STEP, Message("the result"), Message("The shape of the result is not that of the tally.")
        )
    secrets = iter(opened)
    for q, (numbers, question) in enumerate(zip(result, tally, strict=True), 1):
        for i, (number, (_, beta)) in enumerate(zip(numbers, question, strict=True), 1):
            where = Message("the result, question {question}, number {number}", question=q, number=i)
            value = weight_value(number, where)
            encoded = (value % veche_kernel.ORDER).to_bytes(32, "little")
            if value > total_weight or veche_kernel.base_mul(encoded) != veche_kernel.point_sub(beta, next(secrets)):
                raise DoesNotHold(
                    RESULT_STEP,
                    where,
                    Message(
                        "The number {number} in {where} is not what the trustees' shares decrypt.",
                        number=str(number),
                        where=where,
                    ),
                )
