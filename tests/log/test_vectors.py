"""The vectors of the log: they are what the script makes, and the program says of each what it says of itself."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.note import Verifier
from veche.log.receipt import verify_receipt
from veche.log.tiles import ENTRIES, Tile, pack, tiles_of, unpack

FOLDER = Path(__file__).parents[2] / "vectors"


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return content


MERKLE, CHECKPOINT, RECEIPT, TILES = (load(f"log_{name}.json") for name in ("merkle", "checkpoint", "receipt", "tiles"))


def policies(case: dict[str, Any]) -> list[Policy]:
    read = [(p["origin"], {Verifier.parse(v): n for v, n in p["keys"].items()}, p["quorum"]) for p in case["policies"]]
    return [Policy(*fields) for fields in read]


def holds(case: dict[str, Any], check: Any) -> None:
    """The check raises if the case has a fault, and only then."""
    if case["fault"] is None:
        check()
    else:
        with pytest.raises(DoesNotHold):
            check()


def label(case: dict[str, Any]) -> str:
    return str(case["fault"] or "holds")


def test_the_script_makes_these_files() -> None:
    specification = importlib.util.spec_from_file_location("make_log", FOLDER / "make_log.py")
    assert specification and specification.loader
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    for name, text in script.files().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text


def test_there_are_some() -> None:
    lists = [MERKLE["inclusion"], MERKLE["consistency"], CHECKPOINT["cases"], RECEIPT["cases"], TILES["bundles"]]
    good = [sum(case["fault"] is None for case in cases) for cases in lists]
    assert (good, [len(cases) for cases in lists]) == ([10, 10, 6, 7, 3], [18, 19, 30, 28, 9])
    for cases in lists:
        faults = [case["fault"] for case in cases if case["fault"]]
        assert len(set(faults)) == len(faults)


def test_roots() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in MERKLE["leaves"]]
    assert [merkle.root(leaves[:size]).hex() for size in range(len(leaves) + 1)] == MERKLE["roots"]


@pytest.mark.parametrize("case", MERKLE["inclusion"], ids=label)
def test_inclusion(case: dict[str, Any]) -> None:
    leaf, root, proof = bytes.fromhex(case["leaf_hash"]), bytes.fromhex(case["root"]), map(bytes.fromhex, case["proof"])
    holds(case, lambda: merkle.verify_inclusion(leaf, case["index"], case["size"], list(proof), root))


@pytest.mark.parametrize("case", MERKLE["consistency"], ids=label)
def test_consistency(case: dict[str, Any]) -> None:
    old, new, proof = (
        bytes.fromhex(case["old_root"]),
        bytes.fromhex(case["new_root"]),
        map(bytes.fromhex, case["proof"]),
    )
    holds(case, lambda: merkle.verify_consistency(case["old"], old, case["new"], new, list(proof)))


@pytest.mark.parametrize("case", CHECKPOINT["cases"], ids=label)
def test_checkpoints(case: dict[str, Any]) -> None:
    def check() -> None:
        signed = SignedCheckpoint.parse(case["note"].encode())
        times = {v.name: time for p in policies(case) for v, time in signed.verify(p).items() if time}
        assert (signed.checkpoint.size, times) == (case["size"], case["times"])

    holds(case, check)


@pytest.mark.parametrize("case", RECEIPT["cases"], ids=label)
def test_receipts(case: dict[str, Any]) -> None:
    def check() -> None:
        for policy in policies(case):
            verify_receipt(case["receipt"].encode(), bytes.fromhex(case["entry"]), policy)

    holds(case, check)


def test_tiles() -> None:
    for named in TILES["names"]:
        assert Tile.parse(named["name"]) == Tile(named["level"], named["index"], named["width"])
    for tree in TILES["trees"]:
        assert sorted(tile.name for tile in tiles_of(tree["size"])) == tree["tiles"]


@pytest.mark.parametrize("case", TILES["bundles"], ids=label)
def test_bundles(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["data"])

    def check() -> None:
        entries = unpack(Tile(ENTRIES, 0, case["width"]), data)
        assert [e.hex() for e in entries] == case["entries"]
        assert pack(entries) == data

    holds(case, check)
