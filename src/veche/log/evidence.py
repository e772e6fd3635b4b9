"""What proves that a validator has cosigned two heads of one size: both, with its signatures, beside the log for good.

Nothing happens by itself, as with votes: whoever sees the file shows it to the offices, who may retire the validator. One file a key
is enough, and cannot be flooded. The same folder keeps a block that over two thirds have signed and this node refuses to go on from.
"""

import json
from pathlib import Path

from veche.durable import make_folder, replace
from veche.log.checkpoint import SignedCheckpoint

FOLDER = "evidence"
"""Where the files are, in the ledger's folder: one a validator, under the hexadecimal digits of its key."""


def keep_two_heads(ledger: Path, key: bytes, one: SignedCheckpoint, other: SignedCheckpoint) -> bool:
    """Keep both, unless there is evidence against this key already; whether they were kept. ``ledger``: its folder; both heads are of
    one size, and signed by ``key``. Raises UserError if the disk refuses."""
    file = ledger / FOLDER / f"{key.hex()}.json"
    if file.exists():
        return False
    heads = [signed.to_bytes().decode() for signed in (one, other)]
    said = {"what": "two-heads", "validator": key.hex(), "size": one.checkpoint.size, "heads": heads}
    make_folder(file.parent)
    replace(file, json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n")
    return True


def keep_block(ledger: Path, height: int, block: bytes) -> Path:
    """Keep a block of this height with the votes that decided it, as CometBFT writes them in JSON; the file. Raises UserError if the
    disk refuses."""
    file = ledger / FOLDER / f"block-{height}.json"
    make_folder(file.parent)
    replace(file, block)
    return file
