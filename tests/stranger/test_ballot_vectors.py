"""vectors/ballot.json once more, by the stranger: libsodium and plain Python, nothing of the kernel."""

import json
from pathlib import Path
from typing import Any

import pytest

from . import ballot as stranger
from .cbor import Refused

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ballot.json").read_text())
CAST_ONLY = "the cast signature"  # what is wrong is not in the ballot itself


def check(row: dict[str, Any], packed: str) -> stranger.Ballot:
    questions = [stranger.Question(n, low, high, bool(blank)) for n, low, high, blank in row["questions"]]
    key = bytes.fromhex(VECTORS["public_key"])
    return stranger.check(bytes.fromhex(packed), questions, key, VECTORS["uuid"], VECTORS["fingerprint"])


@pytest.mark.parametrize("row", VECTORS["ballots"], ids=lambda row: row["name"])
def test_the_stranger_agrees(row: dict[str, Any]) -> None:
    found = check(row, row["ballot"])
    assert found.credential.hex() == row["credential"]
    assert found.tracker.hex() == row["tracker"]
    assert stranger.code(found.ciphertexts, VECTORS["fingerprint"]).hex() == row["code"]
    for case in row["wrong"]:
        if not case["name"].startswith(CAST_ONLY):
            with pytest.raises(Refused):
                check(row, case["ballot"])
