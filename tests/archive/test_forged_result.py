"""Steps A8 to A10: archives whose form is perfect, and whose tallies, shares or results lie."""

import json
from typing import Any

import pytest

from .assemble import Parts, Step, compact, sha
from .check import refused, unsupported, verdict
from .forge import Town
from .slow_group import BASE, Q, add, decode_any, encode, small_order

# A8: the tally


def tallied(town: Town, votes: list[bytes], counted: list[tuple[int, int]], **sized: Any) -> Parts:
    result: list[list[int | str]] = [[0, 0], [0, 0, 0, 0]]
    return town.archive(votes, [(votes[i], weight) for i, weight in counted], result, sized=sized)


@pytest.mark.parametrize(
    "counted",
    [
        [(0, 1), (2, 5), (1, 1)],  # the superseded ballot instead of the last,
        [(0, 1), (2, 5), (1, 1), (3, 1)],  # both,
        [(0, 1), (2, 5)],  # one left out,
        [(0, 1), (2, 1), (3, 1)],  # without weights,
        [(0, 1), (2, 5), (3, 5)],  # with a wrong weight,
        [(0, 1), (2, 5), (2, 1)],  # one twice instead of another,
        [],
    ],
)
def test_tallies_that_are_refused(town: Town, votes: list[bytes], counted: list[tuple[int, int]]) -> None:
    honest = {"num_tallied": 3, "total_weight": 7}
    refused(tallied(town, votes, counted, **honest), "A8", "not the sum")


@pytest.mark.parametrize(
    ("sized", "step", "words"),
    [
        ({"num_tallied": 4}, "A8", "4 ballots count, but 3 do"),
        ({"num_tallied": 2}, "A8", "2 ballots count"),
        ({"num_tallied": "3"}, "A3", "num_tallied"),
        ({"total_weight": 3}, "A8", "weighs"),
        ({"total_weight": 8}, "A8", "weighs"),
        ({"total_weight": "7"}, "A3", ""),
        ({"total_weight": 7.0}, "A3", ""),
        ({"total_weight": -7}, "A3", ""),
        ({"total_weight": None}, "A3", ""),
    ],
)
def test_sizes_of_the_tally_that_are_refused(
    town: Town, votes: list[bytes], sized: dict[str, Any], step: str, words: str
) -> None:
    refused(tallied(town, votes, [(0, 1), (2, 5), (3, 1)], **sized), step, words)


@pytest.mark.parametrize(
    "change", [lambda t: t.pop(), lambda t: t[0].pop(), lambda t: t.append([]), lambda t: t[1].reverse()]
)
def test_tallies_of_another_shape(good: Parts, change: Any) -> None:
    tally = json.loads(good.data("EncryptedTally", 0, 0))
    change(tally)
    refused(good.with_data("EncryptedTally", 0, 0, compact(tally)), "A8", "not the sum")


# A9: the shares


def with_share(good: Parts, number: int, share: bytes, owner: object) -> Parts:
    index = good.find("PartialDecryption")[number]
    owned = compact({"owner": owner, "payload": sha(share)})
    return good.with_step(index, Step("PartialDecryption", [share, owned]))


@pytest.mark.parametrize(
    ("owner", "step", "words"),
    [
        (0, "A9", "no such trustee"),
        (5, "A9", "no such trustee"),
        (-1, "A3", "owner"),
        ("1", "A3", "owner"),
        (2, "A9", "does not hold"),
        (3, "A9", "does not hold"),
    ],
)
def test_a_share_of_somebody_else(good: Parts, owner: object, step: str, words: str) -> None:
    refused(with_share(good, 0, good.data("PartialDecryption", 0, 0), owner), step, words)


def test_two_shares_of_one_trustee_even_if_both_hold(town: Town, good: Parts) -> None:
    pairs = [
        [(decode_any(c["alpha"]), decode_any(c["beta"])) for c in q]
        for q in json.loads(good.data("EncryptedTally", 0, 0))
    ]
    refused(with_share(good, 3, town.share(2, pairs), 2), "A9", "two shares of trustee 2")


def test_too_few_shares(good: Parts) -> None:
    shares = good.find("PartialDecryption")
    enough = good.with_step(shares[3])
    assert verdict(enough).shares == 3
    too_few = enough.with_step(shares[2])
    refused(too_few, "A9", "only 1 decrypted, and 2 must")
    refused(good.with_step(shares[0]), "A9", "trustee 1 is missing")


def test_a_share_that_a_trustee_made_up(town: Town, good: Parts) -> None:
    """Of a trustee who moves a vote, and proves it as well as can be."""
    text = json.loads(good.data("PartialDecryption", 0, 0))
    factors = text["decryption_factors"]
    factors[0][0] = encode(add(decode_any(factors[0][0]), BASE))
    refused(with_share(good, 0, compact(text), 1), "A9", "question 1, ciphertext 1 does not hold")
    text["decryption_factors"][0][0] = encode(add(decode_any(factors[0][0]), small_order()[2]))
    refused(with_share(good, 0, compact(text), 1), "A9", "not an element of the group")
    assert town.secrets[0] == 11


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["decryption_factors"].pop(),
        lambda s: s["decryption_proofs"].pop(),
        lambda s: s["decryption_factors"][0].pop(),
        lambda s: s["decryption_proofs"][1].pop(),
        lambda s: [s[k].append([]) for k in s],
        lambda s: s["decryption_proofs"][0].append(s["decryption_proofs"][0][0]),
        lambda s: [s[k].clear() for k in s],
    ],
)
def test_shares_of_another_shape(good: Parts, change: Any) -> None:
    share = json.loads(good.data("PartialDecryption", 0, 0))
    change(share)
    refused(with_share(good, 0, compact(share), 1), "A9", "shape")


def test_a_share_for_another_tally(town: Town, votes: list[bytes], good: Parts) -> None:
    share = town.share(1, town.tally([votes[1]], [1]))
    refused(with_share(good, 0, share, 1), "A9", "does not hold")


# A10: the result


@pytest.mark.parametrize(
    ("result", "step", "words"),
    [
        ([[3, 4], [5, 1, 1, 1]], "A10", "number 3 in the result, question 1, number 1"),
        ([[2, 5], [5, 1, 1, 2]], "A10", "question 2, number 4"),
        ([[5, 2], [5, 1, 1, 1]], "A10", "question 1"),
        ([[0, 0], [0, 0, 0, 0]], "A10", "question 1"),
        ([[str(Q + 2), 5], [5, 1, 1, 1]], "A10", "number 1"),
        ([["2", 5], [5, 1, 1, 1]], "A3", ""),
        ([["2000000000", 5], [5, 1, 1, 1]], "A10", "2000000000"),
        ([[2.0, 5], [5, 1, 1, 1]], "A3", ""),
        ([[-2, 5], [5, 1, 1, 1]], "A3", ""),
        ([[2, 5]], "A10", "shape"),
        ([[2, 5], [1, 1, 1]], "A10", "shape"),
        ([[2, 5], [5, 1, 1, 1], []], "A10", "shape"),
        ([[2, 5, 0], [5, 1, 1, 1]], "A10", "shape"),
        ([], "A10", "shape"),
        ([2, 5, 5, 1, 1, 1], "A3", ""),
        ([[[2], 5], [5, 1, 1, 1]], "A3", ""),
    ],
)
def test_results_that_are_refused(good: Parts, result: object, step: str, words: str) -> None:
    refused(good.with_data("Result", 0, 0, compact({"result": result})), step, words)


@pytest.mark.parametrize(
    ("weights", "result"),
    [
        ([1073741823, 0], [1073741823, 0]),
        ([1073741823, 1], [1073741823, 1]),
        ([1073741824, 5], ["1073741824", 5]),
        ([2**40, 2**63], [str(2**40), str(2**63)]),
        ([2**64 - 1, 2**64 - 1], [str(2**64 - 1), str(2**64 - 1)]),
    ],
)
def test_large_weights(weights: list[int | None], result: list[int | str]) -> None:
    town = Town(weights=weights, trustees=[5])
    votes = [town.vote(0, [[1, 0]]), town.vote(1, [[0, 1]])]
    counted = [(vote, weight or 0) for vote, weight in zip(votes, weights, strict=True)]
    archive = town.archive(votes, counted, [result])
    assert verdict(archive).result == compact({"result": [result]})


def test_a_weight_that_this_program_cannot_multiply_by() -> None:
    town = Town(weights=[2**64], trustees=[5])
    vote = town.vote(0, [[1, 0]])
    unsupported(town.archive([vote], [(vote, 2**64)], [[str(2**64), 0]]), "weight 18,446,744,073,709,551,616")


def test_a_number_of_votes_larger_than_there_are_is_refused_though_it_decrypts() -> None:
    """Were it not for the proofs, a ballot could hold any number; the total weight bounds what a result can be."""
    town = Town(weights=[0, 0], trustees=[5])
    vote = town.vote(0, [[1, 0]])
    assert verdict(town.archive([vote], [(vote, 0)], [[0, 0]])).total_weight == 0
    refused(town.archive([vote], [(vote, 0)], [[1, 0]]), "A10", "number 1")
