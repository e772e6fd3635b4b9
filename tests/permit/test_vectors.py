"""The permit vectors: they are what the script makes, and the program says of each what it says of itself."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from veche_kernel import base_mul

from veche.errors import DoesNotHold, UserError
from veche.permit import blind_rsa, derive
from veche.permit.derive import registrar_order
from veche.permit.mail import AnswerFile, RequestFile
from veche.permit.request import PermitRequest
from veche.permit.row_proof import RowProof
from veche.permit.seed import Seed
from veche.words import in_words

FOLDER = Path(__file__).parents[2] / "vectors"
PERMITS = json.loads((FOLDER / "permit.json").read_text(encoding="utf-8"))
ROLL = json.loads((FOLDER / "permit_roll.json").read_text(encoding="utf-8"))


def test_the_script_makes_these_files() -> None:
    specification = importlib.util.spec_from_file_location("make_permit", FOLDER / "make_permit.py")
    assert specification is not None and specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    for name, text in script.files().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text


def test_there_are_some() -> None:
    assert len(PERMITS["permits"]) == 8
    assert len(PERMITS["forgeries"]) == 14
    assert len(PERMITS["orders"]) == 6
    assert len(PERMITS["mail"]["unreadable"]) == 10
    assert len(ROLL["proofs"]) == 5
    assert len(ROLL["forgeries"]) == 18


@pytest.mark.parametrize("case", PERMITS["permits"], ids=lambda case: f"{case['seed'][:4]}-{case['registrar']}")
def test_permits(case: dict[str, Any]) -> None:
    seed, poll, modulus = Seed.from_hex(case["seed"]), bytes.fromhex(case["poll"]), bytes.fromhex(case["modulus"])
    secret = derive.credential_secret(seed, poll)
    assert secret.hex() == case["credential_secret"]
    assert base_mul(secret).hex() == case["credential"]
    assert derive.permit_salt(seed, poll, modulus).hex() == case["salt"]
    assert derive.permit_blind(seed, poll, modulus) == int(case["blind_factor"], 16)
    request = PermitRequest(seed, poll, case["group"], base_mul(secret), modulus)
    assert request.blinded.hex() == case["blinded"]
    key = blind_rsa.IssuerKey(int(case["p"], 16), int(case["q"], 16))
    assert key.modulus == modulus
    assert blind_rsa.blind_sign(key, request.blinded).hex() == case["blind_signature"]
    permit = request.finish(case["registrar"], bytes.fromhex(case["blind_signature"]))
    assert (permit.prefix.hex(), permit.signature.hex()) == (case["prefix"], case["signature"])
    blind_rsa.verify(modulus, bytes.fromhex(case["prefix"] + case["message"]), bytes.fromhex(case["signature"]))


def test_requests_and_answers_by_file() -> None:
    case = PERMITS["mail"]
    request = RequestFile.from_json(case["request"].encode())
    assert request.code.hex() == case["code"] and request.to_json() == case["request"].encode() + b"\n"
    assert {language: in_words(request.code, language) for language in ("en", "ru")} == case["words"]
    assert RequestFile.from_json(case["laid_out_anew"].encode()) == request
    answer, refusal = (AnswerFile.from_json(case[name].encode()) for name in ("answer", "refusal"))
    assert answer.blinded == request.blinded[1] == refusal.blinded and answer.signature is not None
    assert (refusal.signature, refusal.group, refusal.rule) == (None, None, "roll")


@pytest.mark.parametrize("case", PERMITS["mail"]["unreadable"], ids=lambda case: case["wrong"])
def test_texts_that_are_no_request(case: dict[str, str]) -> None:
    with pytest.raises(UserError, match="not a request for permits"):
        RequestFile.from_json(case["request"].encode())


@pytest.mark.parametrize("case", PERMITS["orders"], ids=lambda case: f"{case['seed'][:4]}-{case['counter']}")
def test_orders(case: dict[str, Any]) -> None:
    seed, poll = Seed.from_hex(case["seed"]), bytes.fromhex(case["poll"])
    assert registrar_order(seed, poll, case["registrars"], case["counter"]) == case["order"]


@pytest.mark.parametrize("case", PERMITS["forgeries"], ids=lambda case: case["wrong"])
def test_forged_permits(case: dict[str, Any]) -> None:
    with pytest.raises(DoesNotHold):
        blind_rsa.verify(
            bytes.fromhex(case["modulus"]),
            bytes.fromhex(case["prefix"] + case["message"]),
            bytes.fromhex(case["signature"]),
        )


def _verify(proof: RowProof) -> None:
    proof.verify_on_roll(
        bytes.fromhex(ROLL["poll"]),
        ROLL["group"],
        bytes.fromhex(ROLL["modulus"]),
        ROLL["people"],
        bytes.fromhex(ROLL["root"]),
    )


@pytest.mark.parametrize("case", ROLL["proofs"], ids=lambda case: case["person"])
def test_proofs_of_rows(case: dict[str, Any]) -> None:
    before, after = (RowProof.from_json(case[name].encode()) for name in ("before", "after"))
    for proof in (before, after):
        _verify(proof)
        assert proof.person == case["person"]
    after.verify_issuance(bytes.fromhex(ROLL["issuance_root"]))
    (row,) = (row for row in ROLL["rows"] if row["person"] == case["person"])
    assert after.issuance is not None
    assert after.issuance.served == row["served"]
    assert (after.roll.salt.hex(), after.issuance.salt.hex()) == (row["roll_salt"], row["issuance_salt"])


@pytest.mark.parametrize("case", ROLL["forgeries"], ids=lambda case: case["wrong"])
def test_forged_rows(case: dict[str, Any]) -> None:
    file = case["file"].encode()
    if case["unreadable"]:
        with pytest.raises(UserError):
            RowProof.from_json(file)
    else:
        proof = RowProof.from_json(file)
        with pytest.raises(DoesNotHold):  # one of the two must say so
            _verify(proof)
            proof.verify_issuance(bytes.fromhex(ROLL["issuance_root"]))
