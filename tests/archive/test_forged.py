"""Steps A4 to A10: archives whose form is perfect, and whose makers knew every secret, but which lie."""

import copy
import json
from typing import Any

import pytest

from .assemble import Parts, Step, compact, sha
from .check import refused, unsupported, verdict
from .conftest import BLANK, JOIN
from .forge import Town
from .reference import b64, check_disjunction
from .slow_group import BASE, NEUTRAL, Q, add, decode_any, encode, mul, small_order

# A4: the election


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "version 2"),
        ({"version": 0}, "version 0"),
        ({"group": "BELENIOS-2048"}, "BELENIOS-2048"),
        ({"group": "RFC-3526-2048", "public_key": "123456789"}, "RFC-3526-2048"),
        ({"questions": [{"type": "NonHomomorphic", "value": {"answers": ["a"], "question": ""}}]}, "NonHomomorphic"),
        ({"questions": [JOIN, {"type": "Lists", "value": {"answers": [["a"]], "question": ""}}]}, "Lists"),
        ({"questions": []}, "asks nothing"),
        ({"questions": [{"answers": [], "min": 0, "max": 0, "question": ""}]}, "0 of 0 answers"),
        ({"questions": [{"answers": ["a"], "min": 0, "max": 2, "question": ""}]}, "2 of 1 answers"),
        ({"questions": [{"answers": ["a"] * 20_000, "min": 0, "max": 1, "question": ""}]}, "too many"),
        ({"language": ["fr", "ltr"]}, "language"),
    ],
)
def test_kinds_of_elections_that_get_no_verdict(good: Parts, changes: dict[str, Any], words: str) -> None:
    election = compact(json.loads(good.data("Setup", 0, 0)) | changes)
    unsupported(good.with_data("Setup", 0, 0, election), words)


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        ({"questions": [{"answers": ["a", "b"], "min": 2, "max": 1, "question": ""}]}, "A4", "Nobody can answer"),
        ({"questions": [{"answers": ["a", "b"], "min": -1, "max": 1, "question": ""}]}, "A3", "min"),
        ({"questions": [{"answers": ["a", "b"], "max": 1, "question": ""}]}, "A3", "min"),
        (
            {"questions": [{"answers": ["a", "b"], "min": 0, "max": 1, "question": "", "blank": True}]},
            "A3",
            "canonical",
        ),
        ({"questions": [{"answers": ["a", "b"], "blank": 1, "min": 0, "max": 1, "question": ""}]}, "A3", "blank"),
        ({"questions": {"0": JOIN}}, "A3", "questions"),
        ({"uuid": "short"}, "A3", "uuid"),
        ({"uuid": "TownTownTownTownO"}, "A3", "uuid"),
        ({"uuid": "TownTownTownTown\n"}, "A3", "uuid"),
        ({"name": None}, "A3", "name"),
        ({"group": 5}, "A3", "group"),
        ({"public_key": encode(mul(77, BASE))}, "A5", "product"),
        ({"public_key": "0" * 64}, "A5", "product"),
    ],
)
def test_elections_that_are_refused(good: Parts, changes: dict[str, Any], step: str, words: str) -> None:
    election = compact(json.loads(good.data("Setup", 0, 0)) | changes)
    refused(good.with_data("Setup", 0, 0, election), step, words)


def test_an_election_with_everything_that_is_allowed() -> None:
    town = Town(questions=[JOIN | {"question": 'Où ?\n"\x7f\\'}], uuid="1" * 44)
    election = json.loads(town.election) | {"administrator": "Аня", "credential_authority": "CA"}
    election["questions"][0] = {"answers": ["for", "against"], "blank": False, "min": 0, "max": 2, "question": "Où ?"}
    town.election = compact(election)
    town.phi = b64(town.election.decode())
    town.questions = election["questions"]
    votes = [town.vote(0, [[1, 1]]), town.vote(1, [[0, 0]])]
    report = verdict(town.archive(votes, [(vote, 1) for vote in votes], [[1, 1]]))
    assert report.election.administrator == "Аня"
    assert report.uuid == "1" * 44


# A5: the trustees


def with_trustees(good: Parts, town: Town, change: Any) -> Parts:
    entries = copy.deepcopy(town.entries)
    changed = change(entries)
    return good.with_data("Setup", 0, 1, compact(entries if changed is None else changed))


def again(town: Town, entries: Any, index: int, **changes: Any) -> None:
    """Signs the certificate ``index`` of the committee again, after a change of its context."""
    cert = entries[1][1]["certs"][index]
    message = json.loads(cert["message"])
    message["context"] |= changes
    cert["message"] = compact(message).decode()


TRUSTEES: list[tuple[Any, str]] = [
    (lambda e: [], "no trustees"),
    (lambda e: e[0][1]["pok"].update(e[1][1]["verification_keys"][0]["pok"]), "proof of trustee 1"),
    (lambda e: e[1][1]["verification_keys"][1]["pok"].update(e[0][1]["pok"]), "proof of trustee 3"),
    (lambda e: e[:1], "product"),
    (lambda e: e[1:], "product"),
    (lambda e: [e[0], e[0], e[1]], "same key"),
    (lambda e: [*e, e[1]], "same key"),
    (lambda e: e[0][1].update(public_key=encode(NEUTRAL)), "neutral element"),
    (lambda e: e[0][1].update(public_key="f" * 64), "not an element"),
    (lambda e: e[0][1].update(signature=e[0][1]["pok"]), "single trustee's key is not"),
    (lambda e: e[1][1].update(threshold=1), "another committee"),
    (lambda e: e[1][1].update(threshold=3), "another committee"),
    (lambda e: e[1][1].update(threshold=4), "do not fit together"),
    (lambda e: e[1][1].update(threshold=1, certs=[], coefexps=[], signatures=[], verification_keys=[]), "nobody in it"),
    (lambda e: e[1][1]["certs"].pop(), "do not fit together"),
    (lambda e: e[1][1]["coefexps"].pop(), "do not fit together"),
    (lambda e: e[1][1]["signatures"].pop(), "do not fit together"),
    (lambda e: e[1][1]["verification_keys"].pop(), "do not fit together"),
    (lambda e: e[1][1]["certs"].reverse(), "another seat"),
    (lambda e: e[1][1]["certs"][0].update(signature=e[1][1]["certs"][1]["signature"]), "certificate of trustee 2"),
    (lambda e: e[1][1]["coefexps"].reverse(), "under the exponents"),
    (lambda e: e[1][1]["signatures"].reverse(), "under the certificates of all"),
    (lambda e: e[1][1]["verification_keys"].reverse(), "under the verification key"),
    (lambda e: e[1][1]["verification_keys"][1].pop("signature"), "not signed"),
]


@pytest.mark.parametrize(("change", "words"), TRUSTEES)
def test_trustees_that_are_refused(good: Parts, town: Town, change: Any, words: str) -> None:
    def apply(entries: Any) -> Any:
        result = change(entries)
        return result if isinstance(result, list) else None

    refused(with_trustees(good, town, apply), "A5", words)


def test_keys_that_cancel_each_other() -> None:
    """Each proves to know their secret, and the election encrypts nothing."""
    refused(Town(trustees=[11, Q - 11]).archive([], [], [[0, 0]]), "A5", "neutral element")


@pytest.mark.parametrize("weights", [[Q], [Q - 1, 1], [2**64, Q - 2**64]])
def test_weights_that_add_up_to_the_order(weights: list[int | None]) -> None:
    """Whoever votes or not: weights are numbers modulo q in the tally."""
    refused(Town(weights=weights, trustees=[5]).archive([], [], [[0, 0]]), "A6", "add up")


def test_a_weight_that_nobody_uses_gets_no_verdict_either() -> None:
    town = Town(weights=[1, 2**64], trustees=[5])
    vote = town.vote(0, [[1, 0]])
    unsupported(town.archive([vote], [(vote, 1)], [[1, 0]]), f"weight {2**64:,}")


def test_a_committee_as_before_belenios_3_gets_no_verdict(good: Parts, town: Town) -> None:
    def unsigned(entries: Any) -> None:
        for key in entries[1][1]["verification_keys"]:
            del key["signature"]

    unsupported(with_trustees(good, town, unsigned), "before Belenios 3.0")
    unsupported(with_trustees(good, town, lambda e: e[1][1].pop("signatures") and None), "before Belenios 3.0")


def test_names_of_trustees_are_allowed(good: Parts, town: Town) -> None:
    def named(entries: Any) -> None:
        entries[0][1]["name"] = 'Аня "A"'
        entries[1][1]["verification_keys"][2]["name"] = "Bo"

    assert verdict(with_trustees(good, town, named)).result == verdict(good).result


@pytest.mark.parametrize(
    "changes", [{"group": "BELENIOS-2048"}, {"size": 4}, {"threshold": 1}, {"index": 2}, {"index": 1}, {"size": 2}]
)
def test_a_certificate_for_something_else_although_signed(good: Parts, town: Town, changes: dict[str, Any]) -> None:
    """A whole committee is made whose third certificate says something else, and everything is signed over that."""
    other = ChangedCertificate(**changes)
    refused(other.archive([], [], [[0, 0]]), "A5", "trustee 4")
    assert good.to_bytes()


class ChangedCertificate(Town):
    """A town whose committee's last member signed a certificate with another context."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        super().__init__(trustees=[11, (2, 3)])

    def signed(self, secret: int, message: str) -> dict[str, Any]:
        content = json.loads(message)
        if content.get("context", {}).get("index") == 3:
            content["context"] |= self.changes
            message = compact(content).decode()
        return super().signed(secret, message)


class ChangedExponents(Town):
    """A town in which a dealer publishes, and signs, other exponents than those that shares were made from."""

    def __init__(self, change: Any) -> None:
        self.change = change
        super().__init__(trustees=[(2, 3)])

    def signed(self, secret: int, message: str) -> dict[str, Any]:
        content = json.loads(message)
        if "coefexps" in content:
            self.change(content["coefexps"])
            message = compact(content).decode()
        return super().signed(secret, message)


def test_exponents_that_do_not_fit_the_threshold() -> None:
    refused(ChangedExponents(lambda e: e.append(e[0])).archive([], [], [[0, 0]]), "A5", "exponents of trustee 1")
    refused(ChangedExponents(lambda e: e.pop()).archive([], [], [[0, 0]]), "A5", "exponents of trustee 1")


def test_exponents_of_a_small_order() -> None:
    for point in small_order().values():
        changed = ChangedExponents(lambda e, p=point: e.__setitem__(1, encode(add(decode_any(e[1]), p))))
        refused(changed.archive([], [], [[0, 0]]), "A5", "not an element of the group")


def test_a_verification_key_that_the_exponents_do_not_define() -> None:
    town = Town(trustees=[(2, 3)])
    message = town.entries[0][1]["coefexps"][0]["message"]
    other = Town(trustees=[(2, 3)], seed=2)
    keys = town.entries[0][1]["verification_keys"]
    keys[1] = other.entries[0][1]["verification_keys"][1]
    refused(town.archive([], [], [[0, 0]]), "A5", "under the verification key")  # signed by another;
    town = SelfMade()
    assert town.entries[0][1]["coefexps"][0]["message"] != message
    refused(town.archive([], [], [[0, 0]]), "A5", "not the one that the exponents")  # signed by nobody else.


class SelfMade(Town):
    """A town whose second trustee brings a verification key of their own: proven and signed, but not the committee's."""

    def __init__(self) -> None:
        self.count = 0
        super().__init__(trustees=[(2, 3)], seed=3)

    def knowledge(self, secret: int) -> dict[str, Any]:
        self.count += 1
        return super().knowledge(4711 if self.count == 2 else secret)


@pytest.mark.parametrize(
    ("trustees", "owners"),
    [
        ([(3, 3)], [3, 1, 2]),
        ([(1, 3)], [2]),
        ([(1, 1)], [1]),
        ([(2, 2), 5], [1, 2, 3]),
        ([3, (2, 3), (1, 2)], [1, 3, 4, 6]),
    ],
)
def test_trustees_in_other_numbers(trustees: list[Any], owners: list[int]) -> None:
    town = Town(trustees=trustees)
    vote = town.vote(0, [[1, 0]])
    archive = town.archive([vote], [(vote, 1)], [[1, 0]], owners=owners)
    assert verdict(archive).shares == len(owners)
    for i in range(len(owners)):
        refused(archive.with_step(archive.find("PartialDecryption")[i]), *missing(len(owners)))


def missing(shares: int) -> tuple[str, str]:
    return ("A2", "cannot come here") if shares == 0 else ("A9", "")


# A6: the credentials


@pytest.mark.parametrize(
    ("entry", "step", "words"),
    [
        (encode(NEUTRAL), "A6", "neutral element"),
        (encode(NEUTRAL) + ",3", "A6", "neutral element"),
        *((encode(point), "A6", "prime-order subgroup") for point in small_order().values()),
        *((encode(add(BASE, point)), "A6", "prime-order subgroup") for point in small_order().values()),
        ("f" * 64, "A6", "not an element"),
        (f"{2**255 - 19 + 1:064x}", "A6", "not an element"),
        (f"{2**255 + 1:064x}", "A6", "not an element"),
        ("", "A3", "not written as a credential"),
        (encode(mul(7, BASE)).upper(), "A3", "not written as a credential"),
        (encode(BASE) + ",", "A3", "not written as a credential"),
        (encode(BASE) + ",01", "A3", "not written as a credential"),
        (encode(BASE) + ",-1", "A3", "not written as a credential"),
        (encode(BASE) + ",+1", "A3", "not written as a credential"),
        (encode(BASE) + ",1.5", "A3", "not written as a credential"),
        (encode(BASE) + ", 1", "A3", "not written as a credential"),
        (encode(BASE) + ",1,voter", "A3", "not written as a credential"),
        (encode(BASE) + "\n", "A3", "not written as a credential"),
        (encode(BASE) + ",1\n", "A3", "not written as a credential"),
        (encode(BASE) + ",\u0661", "A3", "not written as a credential"),
        (encode(BASE) + "," + "9" * 5000, "A3", "not written as a credential"),
    ],
)
def test_credentials_that_are_refused(good: Parts, town: Town, entry: str, step: str, words: str) -> None:
    for credentials in ([*town.credentials(), entry], [entry, *town.credentials()]):
        refused(good.with_data("Setup", 0, 2, compact(credentials)), step, words)


def test_a_credential_listed_twice(good: Parts, town: Town) -> None:
    listed = town.credentials()
    for twice in (listed[3], f"{listed[3].split(',')[0]},7", listed[0], f"{listed[0]},1"):
        refused(good.with_data("Setup", 0, 2, compact([*listed, twice])), "A6", "twice")


def test_credentials_in_any_order_more_than_ballots_and_with_weight_zero(good: Parts, town: Town) -> None:
    listed = [*reversed(town.credentials()), f"{encode(mul(7, BASE))},0", f"{encode(mul(8, BASE))},{2**64 - 1}"]
    report = verdict(good.with_data("Setup", 0, 2, compact(listed)))
    assert (report.result, report.credentials) == (verdict(good).result, 6)


def test_the_neutral_element_votes() -> None:
    """Anyone can sign for it: the secret is zero."""
    town = Town()
    town.voters[0] = 0
    vote = town.vote(0, [[1, 0]])
    refused(town.archive([vote], [(vote, 1)], [[1, 0]]), "A6", "neutral element")
    archive = town.archive([vote], [(vote, 1)], [[1, 0]])
    refused(archive.with_data("Setup", 0, 2, compact(town.credentials()[1:])), "A7", "Ballot 1")


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
