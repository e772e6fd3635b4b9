"""Ballots of Belenios are read, and Belenios reads ours."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import veche_kernel as kernel
from belenios import SHARED

from kernel.archives import Tool, open_archive

GOOD = sorted((SHARED / "belenios" / "good").glob("*.bel"))
BAD = sorted((SHARED / "belenios" / "bad").glob("*.bel"))

# What is wrong with a ballot, and so for the kernel to find. The other bad archives are wrong elsewhere.
BAD_BALLOTS = {
    "individual-minus1": "the individual proof of choice 1 in question 1 does not hold",
    "overall-of-another-ballot": "the overall proof of question 1 does not hold",
    "signature-challenge-changed": "the signature of the ballot does not hold",
    "beta-order-4": "a point is not in the prime-order subgroup",
    "beta-uppercase": "a point is not in lowercase hexadecimal",
    "ciphertext-fields-reordered": 'should begin {"alpha":"',
}


@pytest.mark.parametrize("archive", GOOD, ids=lambda p: p.stem)
def test_good_archives(archive: Path) -> None:
    election, ballots = open_archive(archive)
    checked = election.verify_json_many(ballots)
    for json_text, verdict in zip(ballots, checked, strict=True):
        assert isinstance(verdict, kernel.ArchiveBallot), verdict
        assert verdict.tracker == hashlib.sha256(json_text).digest()
        assert verdict.credential[::-1].hex() == json.loads(json_text)["credential"]
        packed = election.from_json(json_text)
        assert len(packed) == election.ballot_size
        assert election.to_json(packed) == json_text
        assert election.verify(packed).tracker == verdict.tracker


def test_the_good_archives_hold_ballots() -> None:
    counts = {archive.stem: len(open_archive(archive)[1]) for archive in GOOD}
    assert len(counts) == 6
    assert sum(counts.values()) > 15
    assert counts["tool30-no-ballots"] == 0


@pytest.mark.parametrize("archive", [a for a in BAD if a.stem != "file-cut"], ids=lambda p: p.stem)
def test_bad_archives(archive: Path) -> None:
    election, ballots = open_archive(archive)
    refused = [verdict.reason for verdict in election.verify_json_many(ballots) if isinstance(verdict, kernel.Failure)]
    expected = BAD_BALLOTS.get(archive.stem)
    if expected is None:
        assert ballots
        assert not refused
    else:
        assert refused
        assert all(expected in reason for reason in refused), refused
    for ballot, verdict in zip(ballots, election.verify_json_many(ballots), strict=True):
        if isinstance(verdict, kernel.Failure):
            with pytest.raises(ValueError) as caught:
                election.verify_json(ballot)
            assert verdict.reason == f"The ballot does not hold: {caught.value}"
            assert verdict.rule == ("proofs" if isinstance(caught.value, kernel.ProofError) else "shape")


def test_all_bad_ballots_were_met() -> None:
    assert set(BAD_BALLOTS) <= {archive.stem for archive in BAD}


def question(answers: int, least: int, most: int, blank: bool) -> dict[str, Any]:
    extra = {"blank": True} if blank else {}
    return {"answers": [f"a{i}" for i in range(answers)], **extra, "min": least, "max": most, "question": "?"}


POLLS = {
    "one of five": ([(5, 1, 1, False)], [[[0, 0, 1, 0, 0]], [[0, 0, 0, 0, 1]]]),
    "up to two or blank": ([(3, 0, 2, True)], [[[1, 0, 0, 0]], [[0, 0, 0, 0]], [[0, 1, 0, 1]]]),
    "one or blank": ([(2, 1, 1, True)], [[[1, 0, 0]], [[0, 0, 1]]]),
    "many questions": (
        [(2, 1, 1, False), (4, 2, 3, False), (1, 0, 1, False), (3, 1, 3, True)],
        [[[1, 0], [1, 1, 0, 1], [0], [0, 1, 1, 1]], [[0, 1], [0, 1, 0, 1], [1], [1, 0, 0, 0]]],
    ),
}


@pytest.mark.parametrize("name", POLLS)
def test_belenios_tool(tmp_path: Path, name: str) -> None:
    """The tool's ballots hold for us byte for byte; ours hold for the tool; it refuses what we refuse."""
    questions, votes = POLLS[name]
    secrets = [kernel.scalar_random() for _ in votes]
    tool = Tool(tmp_path, [question(*q) for q in questions], secrets)
    for choices, secret in zip(votes, secrets, strict=True):
        theirs = tool.ballot(choices)
        assert tool.election.to_json(tool.election.from_json(theirs)) == theirs
        packed = tool.election.prove(secret, choices, tool.election.randomness())
        ours = tool.election.to_json(packed)
        assert tool.accepts(ours)
        assert tool.election.verify_json(ours).tracker == hashlib.sha256(ours).digest()
        # Another response in the first proof: refused by both.
        fields = json.loads(ours)
        proof = fields["answers"][0]["individual_proofs"][0][0]
        proof["response"] = str((int(proof["response"]) + 1) % kernel.ORDER)
        broken = json.dumps(fields, separators=(",", ":")).encode()
        assert not tool.accepts(broken)
        with pytest.raises(kernel.ProofError, match="individual proof"):
            tool.election.verify_json(broken)
