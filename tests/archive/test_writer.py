"""What the writer writes: byte for byte what was read, and what belenios-tool and the verifier take."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from belenios import SHARED, belenios_tool

from veche.ballot.archive.writer import ArchiveWriter

from .assemble import Parts, take_apart
from .belenios_tool import Poll
from .check import verdict
from .forge import Town


def rewritten(parts: Parts) -> bytes:
    """The archive as the writer writes it from its documents."""
    import json

    out = io.BytesIO()
    writer = ArchiveWriter(out, parts.time)
    for step in parts.steps:
        match step.kind:
            case "Setup":
                writer.setup(*step.data[:3])
            case "Ballot":
                writer.ballot(*step.data)
            case "EndBallots":
                writer.end_ballots()
            case "EncryptedTally":
                sized = json.loads(step.data[1])
                writer.encrypted_tally(step.data[0], sized["num_tallied"], int(sized["total_weight"]))
            case "PartialDecryption":
                writer.partial_decryption(json.loads(step.data[1])["owner"], step.data[0])
            case "Result":
                writer.result(*step.data)
    return out.getvalue()


@pytest.mark.parametrize("path", sorted((SHARED / "belenios" / "good").glob("*.bel")), ids=lambda path: path.stem)
def test_the_writer_writes_good_archives_byte_for_byte(path: Path) -> None:
    assert rewritten(take_apart(path.read_bytes())) == path.read_bytes()


def test_belenios_tool_takes_what_was_written(tmp_path: Path, town: Town, good: Parts) -> None:
    content = rewritten(good)
    assert content == good.to_bytes()
    poll = Poll(tmp_path, uuid=town.uuid)
    poll.tool = belenios_tool()
    poll.archive.write_bytes(content)
    poll.verify()
    assert verdict(content).uuid == town.uuid


def test_the_writer_keeps_the_order_of_events() -> None:
    writer = ArchiveWriter(io.BytesIO(), 0)
    calls: list[Callable[[], object]] = [
        lambda: writer.ballot(b"{}"),
        writer.end_ballots,
        lambda: writer.encrypted_tally(b"[]", 0, 0),
        lambda: writer.result(b"{}"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="only Setup"):
            call()
    writer.setup(b"1", b"2", b"3")
    with pytest.raises(ValueError, match="only Ballot or EndBallots"):
        writer.setup(b"1", b"2", b"3")
    writer.end_ballots()
    with pytest.raises(ValueError, match="only EncryptedTally"):
        writer.ballot(b"{}")
    writer.encrypted_tally(b"[]", 0, 0)
    with pytest.raises(ValueError, match="only PartialDecryption"):
        writer.result(b"{}")
    writer.partial_decryption(1, b"{}")
    writer.result(b"{}")
    with pytest.raises(ValueError, match="only nothing"):
        writer.partial_decryption(2, b"{}")
