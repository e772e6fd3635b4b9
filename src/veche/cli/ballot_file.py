"""A sealed ballot that was not cast, in a file, so that another device can open it and see what it holds.

    {"type": "veche-spoiled-ballot-v1", "poll", "group", "ballot", "opening"}   bytes in lowercase hex

The cast signature is not in it, and the device that sealed it forgets it: it can never be cast.
"""

import json
from pathlib import Path
from typing import Any

from veche.cli.options import read_file
from veche.durable import write_new
from veche.errors import UserError
from veche.ledger.poll_state import PollState
from veche.terminal.show import short
from veche.voter.voter import Sealed

_TYPE = "veche-spoiled-ballot-v1"


def write_spoiled(folder: Path, poll: PollState, sealed: Sealed) -> Path:
    """Write a sealed ballot with its opening to a new file in the folder. Raises UserError if that cannot be done."""
    path = folder / f"spoiled-{short(poll.id)}-{sealed.tracker.hex()[:8]}.json"
    content = {
        "type": _TYPE, "poll": poll.id.hex(), "group": sealed.group, "ballot": sealed.ballot.hex(),
        "opening": sealed.opening.hex(),
    }  # fmt: skip
    write_new(path, json.dumps(content).encode() + b"\n")
    return path


def read_spoiled(path: Path) -> tuple[bytes, bytes, bytes]:
    """The poll's id, the ballot and its opening. Raises UserError on anything but such a file."""
    try:
        content: dict[str, Any] = json.loads(read_file(path))
        if content["type"] != _TYPE:
            raise ValueError
        poll, ballot, opening = (bytes.fromhex(content[name]) for name in ("poll", "ballot", "opening"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(
            f"{path} does not hold a spoiled ballot.", "Give the file that veche vote --check wrote."
        ) from None
    return poll, ballot, opening
