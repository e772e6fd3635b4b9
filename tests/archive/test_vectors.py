"""The vectors of archives, which vectors/make_archive.py makes with the second implementation of this folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from belenios import REPOSITORY, belenios_tool

from veche.ballot.archive.records import record_bytes
from veche.ballot.archive.shares import check_share
from veche.ballot.archive.trustees import Trustees
from veche.ballot.canonical import b64, decode, encode, point_bytes, point_text, weight_json
from veche.errors import DoesNotHold

from .assemble import Parts, Step
from .belenios_tool import Poll
from .check import refused, unsupported, verdict

VECTORS = REPOSITORY / "vectors"
ARCHIVE: dict[str, Any] = json.loads((VECTORS / "archive.json").read_text(encoding="utf-8"))
TEXT: dict[str, Any] = json.loads((VECTORS / "archive_text.json").read_text(encoding="utf-8"))


def archive() -> Parts:
    steps = [Step(row["type"], [text.encode() for text in row["data"]]) for row in ARCHIVE["steps"]]
    return Parts(steps, ARCHIVE["time"])


def test_the_archive_is_good_and_belenios_tool_agrees(tmp_path: Path) -> None:
    content = archive().to_bytes()
    assert hashlib.sha256(content).hexdigest() == ARCHIVE["sha256"]
    report = verdict(content)
    assert report.result.decode() == ARCHIVE["result"]
    poll = Poll(tmp_path, uuid=report.uuid)
    poll.tool = belenios_tool()
    poll.archive.write_bytes(content)
    poll.verify()


@pytest.mark.parametrize("failure", ARCHIVE["failures"], ids=lambda failure: failure["name"])
def test_each_failure_is_refused_at_its_step(failure: dict[str, Any]) -> None:
    good = archive()
    kind = good.steps[failure["event"]].kind
    changed = good.with_data(kind, good.find(kind).index(failure["event"]), failure["data"], failure["text"].encode())
    assert changed.to_bytes() != good.to_bytes()
    if failure["step"] == "unsupported":
        unsupported(changed, "")
    else:
        refused(changed, failure["step"], "")


def test_spellings() -> None:
    for text, spelled in TEXT["strings"]:
        assert encode(text).decode() == spelled
        assert decode(spelled.encode(), str, "it") == text
    for spelled in TEXT["not_strings"]:
        with pytest.raises(DoesNotHold):
            decode(spelled.encode(), str, "it")
    for number, spelled in TEXT["counts"]:
        assert encode(weight_json(int(number))).decode() == spelled
    for raw, text in TEXT["points"]:
        assert point_text(bytes.fromhex(raw)) == text
        assert point_bytes(text).hex() == raw
    for text, digest in TEXT["b64"]:
        assert b64(text.encode()) == digest
    for name, content, time, digest in TEXT["records"]:
        assert hashlib.sha256(record_bytes(name.encode(), content.encode(), time)).hexdigest() == digest


def test_the_committees_of_the_ledger_are_trustees_of_an_archive() -> None:
    """The texts that other vectors say a ledger's committee has in an archive."""
    committee: dict[str, Any] = json.loads((VECTORS / "committee.json").read_text(encoding="utf-8"))
    for mode, thresholds in (("pedersen", [2]), ("single", [None, None])):
        trustees = Trustees.from_json(committee[mode]["trustees_json"].encode())
        assert trustees.key.hex() == committee[mode]["public_key"]
        assert [part.threshold for part in trustees.parts] == thresholds


def test_the_shares_of_the_ledger_are_shares_of_an_archive() -> None:
    decryption: dict[str, Any] = json.loads((VECTORS / "decryption.json").read_text(encoding="utf-8"))
    raw, key = decryption["partial_decryption"].encode(), bytes.fromhex(decryption["keys"][0])
    points = [bytes.fromhex(total) for total in decryption["sums"][0]]
    pairs = [[(point[:32], point[32:])] for point in points]
    factors = check_share(raw, 1, key, decryption["phi"], pairs)
    assert len(factors) == 2
    with pytest.raises(DoesNotHold):
        check_share(raw, 1, key, decryption["phi"], pairs[::-1])
