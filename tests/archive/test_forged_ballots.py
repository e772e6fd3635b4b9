"""Step A7: archives whose form is perfect, and whose ballots lie, made by somebody who knew every secret."""

import copy
import json
from typing import Any

import pytest

from .assemble import Parts, compact
from .check import refused
from .conftest import BLANK, JOIN
from .forge import Town
from .reference import b64, check_disjunction
from .slow_group import NEUTRAL, Q, add, decode_any, encode, small_order

# A7: the ballots


def one_ballot(town: Town, ballot: bytes, result: list[list[int | str]] | None = None) -> Parts:
    """An archive that counts only this ballot, tallied and decrypted honestly."""
    return town.archive([ballot], [(ballot, 1)], result or [[1, 0]])


@pytest.mark.parametrize(
    ("questions", "choices", "words"),
    [
        ([JOIN], [[2, 0]], "proof"),
        ([JOIN], [[1, 1]], "overall proof"),
        ([JOIN], [[0, 0]], "overall proof"),
        ([JOIN], [[2, -1]], "individual proof"),
        ([JOIN], [[1000, -999]], "individual proof"),
        ([JOIN], [[Q - 1, 2]], "individual proof"),
        ([BLANK], [[1, 1, 0, 0]], "proof"),
        ([BLANK], [[0, 0, 0, 0]], "overall proof"),
        ([BLANK], [[0, 1, 1, 1]], "overall proof"),
        ([BLANK], [[2, 0, 0, 0]], "individual proof"),
        ([BLANK], [[-1, 1, 1, 0]], "individual proof"),
    ],
)
def test_choices_that_the_election_forbids(questions: list[Any], choices: list[list[int]], words: str) -> None:
    town = Town(questions=questions)
    result: list[list[int | str]] = [[c % Q if c % Q < 2**30 else str(c % Q) for c in choices[0]]]
    refused(one_ballot(town, town.vote(0, choices), result), "A7", words)


def test_a_ballot_by_a_credential_that_is_not_listed(town: Town, votes: list[bytes], good: Parts) -> None:
    other = copy.copy(town)
    other.voters = [987654321]
    stranger = other.vote(0, [[1, 0], [1, 0, 0, 0]])
    refused(good.with_data("Ballot", 1, 0, stranger), "A7", "not in the list")
    listed = json.loads(good.data("Setup", 0, 2))
    refused(
        good.with_data("Setup", 0, 2, compact(listed[1:])), "A7", "Ballot 1 is by a credential that is not in the list"
    )


def edited(town: Town, votes: list[bytes], number: int, voter: int, change: Any) -> bytes:
    ballot = json.loads(votes[number])
    change(ballot)
    return town.sign(voter, ballot)


BALLOTS: list[tuple[Any, str]] = [
    (lambda b: b.update(election_uuid="VillageVillage"), ""),
    (lambda b: b.update(election_hash=b64("another election")), ""),
    (lambda b: b["answers"].pop(), ""),
    (lambda b: b["answers"].append(b["answers"][0]), ""),
    (lambda b: b["answers"].reverse(), ""),
    (lambda b: b["answers"][0]["choices"].pop(), ""),
    (lambda b: b["answers"][0]["choices"].append(b["answers"][0]["choices"][0]), ""),
    (lambda b: b["answers"][0]["choices"].reverse(), "individual proof"),
    (lambda b: b["answers"][0]["individual_proofs"].pop(), ""),
    (lambda b: b["answers"][0]["individual_proofs"].clear(), ""),
    (lambda b: b["answers"][0]["individual_proofs"].append(b["answers"][0]["individual_proofs"][0]), ""),
    (lambda b: b["answers"][0]["individual_proofs"][0].pop(), ""),
    (lambda b: b["answers"][0]["individual_proofs"][0].append({"challenge": "0", "response": "0"}), ""),
    (lambda b: b["answers"][0]["overall_proof"].append({"challenge": "0", "response": "0"}), ""),
    (lambda b: b["answers"][0]["overall_proof"].clear(), ""),
    (lambda b: b["answers"][0].pop("overall_proof"), ""),
    (lambda b: b["answers"][1].pop("blank_proof"), ""),
    (lambda b: b["answers"][1]["blank_proof"].pop(), ""),
    (lambda b: b["answers"][1]["blank_proof"].reverse(), "blank proof"),
    (lambda b: b["answers"][1]["overall_proof"].reverse(), "overall proof"),
    (lambda b: b["answers"][0]["choices"][0].update(alpha=encode(NEUTRAL)), "individual proof"),
    (lambda b: b["answers"][0]["choices"][0].update(b["answers"][0]["choices"][1]), "individual proof"),
]


@pytest.mark.parametrize(("change", "words"), BALLOTS)
def test_ballots_that_are_refused_superseded_or_not(
    town: Town, votes: list[bytes], good: Parts, change: Any, words: str
) -> None:
    for number in (1, 3):
        ballot = edited(town, votes, number, 1, change)
        error = refused(good.with_data("Ballot", number, 0, ballot), "A7", words)
        assert error.where == f"ballot {number + 1}"


def test_points_of_small_order_anywhere_in_a_ballot(town: Town, votes: list[bytes], good: Parts) -> None:
    for order, point in small_order().items():
        for name in ("alpha", "beta"):

            def change(ballot: Any, name: str = name, point: Any = point) -> None:
                choice = ballot["answers"][0]["choices"][0]
                choice[name] = encode(add(decode_any(choice[name]), point))

            refused(good.with_data("Ballot", 3, 0, edited(town, votes, 3, 1, change)), "A7", "prime-order subgroup")
        assert order in (2, 4, 8)


class Grinding(Town):
    """A town of voters who add a point of order 2 to a beta, and make proofs until all equations hold all the same."""

    def encrypt(self, value: int) -> Any:
        (alpha, beta), r = super().encrypt(value)
        return (alpha, add(beta, small_order()[2]) if value else beta), r

    def disjunction(self, prefix: str, branches: Any, true: int, r: int) -> list[dict[str, str]]:
        while True:
            proof = super().disjunction(prefix, branches, true, r)
            try:
                check_disjunction(prefix, proof, branches, self.key)
            except ValueError:
                continue  # A challenge was odd.
            return proof


def test_betas_of_small_order_that_cancel_in_the_tally_and_all_equations_hold() -> None:
    town = Grinding()
    votes = [town.vote(voter, [[1, 0]]) for voter in (0, 1)]
    refused(town.archive(votes, [(v, 1) for v in votes], [[2, 0]]), "A7", "prime-order subgroup")


def test_a_ballot_signed_by_another_voter(town: Town, votes: list[bytes], good: Parts) -> None:
    ballot = json.loads(votes[0])
    refused(good.with_data("Ballot", 0, 0, town.sign(2, ballot)), "A7", "signature")
    ballot["credential"] = json.loads(votes[2])["credential"]  # Somebody takes another's choice for their own.
    refused(good.with_data("Ballot", 0, 0, town.sign(2, ballot)), "A7", "proof")


def test_a_signature_of_another_text(town: Town, votes: list[bytes], good: Parts) -> None:
    ballot = json.loads(votes[0])
    other = json.loads(votes[1])
    for part in ("hash", "proof"):
        changed = copy.deepcopy(ballot)
        changed["signature"][part] = other["signature"][part]
        refused(good.with_data("Ballot", 0, 0, compact(changed)), "A7", "Ballot 1")
    del ballot["signature"]
    refused(good.with_data("Ballot", 0, 0, compact(ballot)), "A7", "Ballot 1")


def test_the_first_bad_ballot_is_named(good: Parts) -> None:
    bad = good.with_data("Ballot", 3, 0, b"{}").with_data("Ballot", 1, 0, b"[]")
    assert refused(bad, "A7", "Ballot 2").where == "ballot 2"
