"""What a device gives away of a ballot that it opened, in a file, for another device that checks it.

    {"type": "veche-opened-v1", "poll", "choices", "randomness"}   bytes in lowercase hex

There is no credential in it, no proof, no group and no tracker, so it says nothing of who voted and cannot be cast; and no code,
which the other device must have had before.
"""

import json
from pathlib import Path
from typing import Any

from veche.cli.options import read_file
from veche.durable import PRIVATE, write_new
from veche.errors import UserError
from veche.strict_json import read_json
from veche.texts import Message
from veche.voter.voter import Sealed

_TYPE = "veche-opened-v1"


def write_opened(path: Path, sealed: Sealed) -> None:
    """Write the choices and the randomness to a new file (mode 0600). Raises UserError if that cannot be done."""
    content = {
        "type": _TYPE, "poll": sealed.poll.hex(), "choices": sealed.choices, "randomness": sealed.randomness.hex(),
    }  # fmt: skip
    write_new(path, json.dumps(content).encode() + b"\n", PRIVATE)


def read_opened(path: Path) -> tuple[bytes, list[list[int]], bytes]:
    """The poll's id, the choices and the randomness. Raises UserError on anything but such a file."""
    try:
        content: dict[str, Any] = read_json(read_file(path))
        if content["type"] != _TYPE:
            raise ValueError
        choices = [[_flag(flag) for flag in flags] for flags in content["choices"]]
        return bytes.fromhex(content["poll"]), choices, bytes.fromhex(content["randomness"])
    except (ValueError, KeyError, TypeError):
        raise UserError(
            Message("{path} does not hold a ballot that was opened.", path=path),
            Message("Give the file that veche open wrote."),
        ) from None


def _flag(flag: Any) -> int:
    if type(flag) is not int or flag not in (0, 1):
        raise ValueError
    return int(flag)
