"""Receipts, checkpoints and cosigned heads that a person hands over: what mail and editors did to their form is put right.

What cannot be read as one is no verdict on any ledger: the file is not what was asked for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from veche.cli.options import read_file
from veche.errors import DoesNotHold, UserError
from veche.handed import what_else
from veche.log.checkpoint import SignedCheckpoint, put_right
from veche.log.note import NOTE_LIMIT
from veche.log.receipt import Receipt
from veche.texts import Message

T = TypeVar("T")

_AS_IT_WAS = Message("Give the file as it was written: attach it to a mail, do not paste it.")


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file; nothing of it is verified yet. Raises UserError if there is none in it."""
    return _read(path, Receipt.parse, Message("{file} is not a receipt.", file=path))


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """The checkpoint in a file; nothing of it is verified yet. Raises UserError if there is none in it."""
    return _read(path, SignedCheckpoint.parse, Message("{file} is not a checkpoint.", file=path))


def _read(path: Path, parse: Callable[[bytes], T], not_one: Message) -> T:
    data = read_file(path, NOTE_LIMIT)
    try:
        return parse(put_right(data))
    except DoesNotHold as error:
        why = what_else(data) or error.said
        raise UserError(Message("{not_one} {why}", not_one=not_one, why=why), _AS_IT_WAS) from None
