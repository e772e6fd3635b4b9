"""Steps A4 to A6: archives whose form is perfect, and whose elections, trustees or credentials are not."""

import copy
import json
from typing import Any

import pytest

from .assemble import Parts, compact
from .check import refused, unsupported, verdict
from .conftest import JOIN
from .forge import Town
from .reference import b64
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
