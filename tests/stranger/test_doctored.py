"""vectors/doctored once more, by the stranger: the same ledgers and entries are refused, for reasons of its own."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from doctored import ENTRIES, FOLDERS, INDEX, LEDGERS, OneMore, entries_of, odd, unpack

from .cbor import Refused
from .verify import verify

FORM = r"items|is not a number between|does not have \d+ bytes|missing|not seen|alike|space at an end|of spaces and|begins with a mark|nothing to choose"
REASONS = {
    "authority": "too few|more than one signature|holds no office|may not sign|suspended|one of the poll's registrars",
    "cancel": "is over",
    "cast": "cast signature|not reduced",
    "class": "unknown class",
    "codec": "encoding|no place in it|ends too early|not UTF-8|too deep|too many items",
    "commitment": "commitment",
    "committee": "before all|is over",
    "contest": "has no tally",
    "decryption": "another tally|nothing to decrypt",
    "group": "in another group|number between 0 and 1",
    "issuance": r"before its time|number between \d and \d",
    "key": "another's key",
    "kind": "is unknown",
    "mode": "unknown mode",
    "not-open": "not open",
    "office": "is not there|spelt in two ways|unknown action|does not wait|used before|second change|never the seat's|too few witnesses",
    "outcome": "before its time|unknown status",
    "permit-key": "too late|used before|small prime",
    "permits": "permit|roll|number between 0 and 5|32 bytes|256 bytes",
    "poll-committee": "committee is not finished",
    "poll-dates": "too soon|too early",
    "poll-size": "too many sums|is too long|too great",
    "proof": "proof|proved|signature does not hold",
    "proofs": "proof of a ballot|signature does not hold|not reduced|not canonical|identity",
    "repeated": "played again",
    "result": "none to come|other trustees|not what was decrypted",
    "rules": "too soon|not new",
    "shape": FORM,
    "signature": "signature|1 to 4096 items",
    "tracker": "there twice",
    "turn": "later turn|between 1 and 32",
    "unknown-poll": "unknown",
}
"""How the stranger says which rule an entry breaks."""
STEPS = {
    "L1": "checkpoint|log is empty|did not sign the charter|signature of .* does not hold|trustees of class .* add up|too few identity"
    "|too few witnesses|nobody is to witness|between 0 and 3600|between 0 and 7862400|spelt in two ways"
    "|engine is unknown|key has another use|anybody could sign|2 to 4 items|1 to 64 items|validators are not|validators' offices"
    "|two validators|is odd|no such port",
    "L2": "not signed by the log's key|of another log|too few validators|cosignature|kept head is missing",
    "L3": "root|tile",
    "L4": "block",
    "L7": "tally|result|void|due|take effect|validators",
    "L8": "attachment",
    "L9": "witness|cosign|signed note|not signed by the log's key",
    "L10": "kept head|too few validators|signed note|restart goes on|validators are others|restart is of another|before a restart|holds no office",
}
"""And what of a ledger does not hold, in the steps that are not about one entry."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return entries_of(unpack("honest.tar", tmp_path_factory.mktemp("honest")))


@pytest.mark.parametrize("row", LEDGERS, ids=lambda row: row["file"])
def test_ledgers(row: dict[str, Any], tmp_path: Path) -> None:
    folder = unpack(row["file"], tmp_path)
    if row["exit"] == 0:
        another = row["file"].startswith(
            ("charter-", "ballot-fits", "validators-")
        )  # those that hold and begin with a charter of their own
        verify(folder, "" if another else INDEX["ledger"])
        return
    with pytest.raises(Refused) as caught:
        verify(folder)
    said = str(caught.value)
    if row["exit"] == 3:
        assert "which this verifier does not know" in said
        return
    assert row["rule"] or re.search(STEPS[row["step"]], said), said
    if row["entry"]:
        assert said.startswith((f"entry {row['entry']}: ", "the log ends"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and links here")
@pytest.mark.parametrize("row", FOLDERS, ids=lambda row: row["name"])
def test_odd_folders(row: dict[str, Any], tmp_path: Path) -> None:
    folder = odd(row["do"], tmp_path)
    if row["exit"] == 0:
        verify(folder, INDEX["ledger"])
        return
    with pytest.raises(Refused, match=STEPS[row["step"]] if row["step"] else "there is no checkpoint"):
        verify(folder)


def test_how_the_polls_end(tmp_path: Path) -> None:
    found = verify(unpack("honest.tar", tmp_path))
    assert {poll: (end, said[:1]) for poll, (end, said) in found.items()} == {
        row["id"]: (row["end"], [row["total"]] if row["total"] else []) for row in INDEX["polls"]
    }


@pytest.mark.parametrize("case", ENTRIES, ids=lambda case: f"{case.rule}: {case.name}")
def test_one_more_entry(case: OneMore, honest: list[bytes], tmp_path: Path) -> None:
    folder = case.publish(honest, tmp_path / "ledger")
    if case.rule is None:
        verify(folder)
        return
    with pytest.raises(Refused, match=f"^entry {case.place}: .*({REASONS[case.rule]})"):
        verify(folder)
