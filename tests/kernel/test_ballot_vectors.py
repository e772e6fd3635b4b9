"""vectors/ballot.json: every good ballot holds, as packed and as JSON; every wrong one is refused, alone and in a batch."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
import veche_kernel as kernel

from kernel.ballots import cast_prefix, read, together

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ballot.json").read_text())


@pytest.mark.parametrize("row", VECTORS["ballots"], ids=lambda row: row["name"])
def test_ballots(row: dict[str, Any]) -> None:
    questions = [(n, low, high, bool(blank)) for n, low, high, blank in row["questions"]]
    key = bytes.fromhex(VECTORS["public_key"])
    election = kernel.Election(key, VECTORS["fingerprint"], VECTORS["uuid"], questions)
    ballot, good = bytes.fromhex(row["ballot"]), read(bytes.fromhex(row["entry"]))
    assert (good.ballot, good.cast.hex()) == (ballot, row["cast"])
    assert cast_prefix(cbor2.loads(good.data)).decode() == row["cast_prefix"]
    checks = kernel.BallotChecker(election, good.poll, [[bytes(256)]], 1, [0], 1)
    checked = checks.check_one(good)
    assert isinstance(checked, kernel.CheckedBallot)
    assert checked.tracker.hex() == row["tracker"] == hashlib.sha256(row["json"].encode()).hexdigest()
    assert checked.credential.hex() == row["credential"]
    assert election.to_json(ballot) == row["json"].encode()
    assert election.verify_json(row["json"].encode()).tracker == checked.tracker
    assert (
        election.code(row["choices"], bytes.fromhex(row["randomness"])).hex()
        == row["code"]
        == election.codes([ballot])[0].hex()
    )
    bad = [read(bytes.fromhex(case["entry"])) for case in row["wrong"]]
    assert [entry.ballot.hex() for entry in bad] == [case["ballot"] for case in row["wrong"]]
    assert len(bad) == 8
    verdicts = together(checks, [good, *bad])
    assert isinstance(verdicts[0], kernel.CheckedBallot)
    for case, entry, verdict in zip(row["wrong"], bad, verdicts[1:], strict=True):
        assert isinstance(verdict, kernel.Failure)
        assert verdict.rule == case["rule"]
        assert checks.check_one(entry) == verdict
