"""What proves that a validator has cosigned two heads of one size, or voted for two blocks of one height: both, with its signatures,
beside the log for good.

Nothing happens by itself, as with votes: whoever sees the file shows it to the offices, who may retire the validator. One file a key
is enough, and cannot be flooded. The same folder keeps a block that over two thirds have signed and this node refuses to go on from.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from veche.durable import make_folder, replace
from veche.log.checkpoint import SignedCheckpoint

FOLDER = "evidence"
"""Where the files are, in the ledger's folder: one a validator, under the hexadecimal digits of its key."""
_VOTES = "votes-"


def keep_two_heads(ledger: Path, key: bytes, one: SignedCheckpoint, other: SignedCheckpoint) -> bool:
    """Keep both, unless there is evidence against this key already; whether they were kept. ``ledger``: its folder; both heads are of
    one size, and signed by ``key``. Raises UserError if the disk refuses."""
    file = ledger / FOLDER / f"{key.hex()}.json"
    if file.exists():
        return False
    heads = [signed.to_bytes().decode() for signed in (one, other)]
    said = {"what": "two-heads", "validator": key.hex(), "size": one.checkpoint.size, "heads": heads}
    make_folder(file.parent)
    replace(file, _text(said))
    return True


def keep_block(ledger: Path, height: int, block: bytes) -> Path:
    """Keep a block of this height with the votes that decided it, as CometBFT writes them in JSON; the file. Raises UserError if the
    disk refuses."""
    file = ledger / FOLDER / f"block-{height}.json"
    make_folder(file.parent)
    replace(file, block)
    return file


def note_votes(ledger: Path, votes: bytes, chain: str, height: int, block: int) -> None:
    """Write down that the two votes of the validator with this consensus key, for this ``height`` of the ``chain``, lie in a ``block``,
    from which they are still to be taken (:func:`keep_votes`). One of a key is enough. Raises UserError if the disk refuses."""
    file = ledger / FOLDER / f"{_VOTES}{votes.hex()}.json"
    if not file.exists():
        said = {
            "what": "two-votes",
            "validator": votes.hex(),
            "chain": chain,
            "height": height,
            "block": block,
            "votes": [],
        }
        make_folder(file.parent)
        replace(file, _text(said))


def votes_awaited(ledger: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of two votes that are still to be taken out of their blocks, and what is known of each."""
    for file in sorted((ledger / FOLDER).glob(f"{_VOTES}*.json")):
        said = json.loads(file.read_bytes())
        if not said["votes"]:
            yield file, said


def keep_votes(file: Path, said: dict[str, Any], votes: Sequence[dict[str, Any]]) -> None:
    """Keep the two votes, as CometBFT writes them in JSON. Raises UserError if the disk refuses."""
    replace(file, _text(said | {"votes": list(votes)}))


def _text(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n"
