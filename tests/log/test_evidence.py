"""Two histories under one log's name: what proves them, and what proves nothing."""

import json
from pathlib import Path

import pytest

from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.log import evidence, merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.evidence import FOLDER, FORK, TwoHistories, accused, read_fork

KEY = SigningKey.generate()
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(9)]
OTHER = [*LEAVES[:4], merkle.leaf_hash(b"?"), *LEAVES[5:]]


def head(leaves: list[bytes], size: int) -> SignedCheckpoint:
    over = Checkpoint("city.example", size, merkle.root(leaves[:size]))
    return SignedCheckpoint(over, (sign(over, KEY),))


def histories(one: list[bytes] = LEAVES, size: int = 6) -> TwoHistories:
    """A head of ``size`` of ``one``, and one of all of OTHER."""
    proof = tuple(merkle.consistency_proof(OTHER, size, len(OTHER)))
    return TwoHistories(head(one, size), head(OTHER, len(OTHER)), merkle.root(OTHER[:size]), proof)


@pytest.mark.parametrize("size", [5, 6, 8, 9])
def test_two_histories_are_kept_and_read(size: int, tmp_path: Path) -> None:
    found = histories(size=size)
    assert found.keep(tmp_path, None) and not found.keep(tmp_path, None)  # once
    assert read_fork(tmp_path) == found
    read_fork(tmp_path).check()  # type: ignore[union-attr]
    assert accused(tmp_path) == []
    assert found.keep(tmp_path, KEY.public) and not histories(size=7).keep(tmp_path, KEY.public)  # one a key
    assert accused(tmp_path) == [KEY.public]


def test_what_contradicts_nothing_is_no_evidence(tmp_path: Path) -> None:
    for good in (histories(size=4), histories(OTHER)):
        with pytest.raises(DoesNotHold, match="contradict nothing"):
            good.keep(tmp_path, None)
    found = histories()
    for bad in (found.proof[:-1], (), (bytes(32), *found.proof[1:])):
        with pytest.raises(DoesNotHold):
            TwoHistories(found.shorter, found.longer, found.root, bad).keep(tmp_path, None)
    assert read_fork(tmp_path) is None and not (tmp_path / FOLDER).exists()


def test_a_file_that_is_damaged_is_said_to_be(tmp_path: Path) -> None:
    histories().keep(tmp_path, None)
    file = tmp_path / FOLDER / FORK
    said = json.loads(file.read_bytes())
    for bad in (
        b"",
        b"{",
        b"[]",
        json.dumps({**said, "heads": said["heads"][:1]}).encode(),
        json.dumps({**said, "root": 7}).encode(),
    ):
        file.write_bytes(bad)
        with pytest.raises(UserError, match="cannot be read"):
            read_fork(tmp_path)
    assert evidence.accused(tmp_path / "nowhere") == []
