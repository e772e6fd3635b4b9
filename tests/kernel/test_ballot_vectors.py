"""vectors/ballot.json: every good ballot holds, as packed and as JSON; every wrong one is refused, alone and in a batch."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import veche_kernel as kernel

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/ballot.json").read_text())


@pytest.mark.parametrize("row", VECTORS["ballots"], ids=lambda row: row["name"])
def test_ballots(row: dict[str, Any]) -> None:
    questions = [(n, low, high, bool(blank)) for n, low, high, blank in row["questions"]]
    key = bytes.fromhex(VECTORS["public_key"])
    election = kernel.Election(key, VECTORS["fingerprint"], VECTORS["uuid"], questions)
    ballot, cast, prefix = bytes.fromhex(row["ballot"]), bytes.fromhex(row["cast"]), row["cast_prefix"].encode()
    checked = election.verify_with_cast(ballot, prefix, cast)
    assert checked.tracker.hex() == row["tracker"] == hashlib.sha256(row["json"].encode()).hexdigest()
    assert checked.credential.hex() == row["credential"]
    assert election.to_json(ballot) == row["json"].encode()
    assert election.verify_json(row["json"].encode()).tracker == checked.tracker
    assert election.open(ballot, bytes.fromhex(row["opening"])) == row["choices"]
    bad = [(bytes.fromhex(case["ballot"]), prefix, bytes.fromhex(case["cast"])) for case in row["wrong"]]
    assert len(bad) == 8
    verdicts = election.verify_batch([(ballot, prefix, cast), *bad])
    assert isinstance(verdicts[0], kernel.CheckedBallot)
    for item, verdict in zip(bad, verdicts[1:], strict=True):
        with pytest.raises(ValueError) as error:
            election.verify_with_cast(*item)
        assert str(error.value) == verdict
