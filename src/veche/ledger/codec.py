"""The codec of entries: CBOR (RFC 8949) arrays of unsigned integers, bytes, text and arrays. docs/protocol.md, section 2.

An entry is ``[kind, body, signatures]`` for what offices write, ``[kind, body]`` for what is derived, and
``["ballot", ...]`` for ballots. Hashes are over the bytes as received, so there must be one encoding only:
what does not re-encode to the same bytes is refused.
"""

import hashlib
from typing import Any

import cbor2
import veche_kernel

from veche.errors import Refused
from veche.kernel_words import of_kernel
from veche.texts import Message, Sentence

MAX_ENTRY = 65_535
MAX_DEPTH = 8
MAX_ITEMS = 4_096
"""Limits that the kernel looks after."""


def encode(item: list[Any]) -> bytes:
    """The one encoding of an entry. Raises Refused if it is over 65,535 bytes."""
    data = cbor2.dumps(item)
    if len(data) > MAX_ENTRY:
        raise Refused(
            "codec",
            Message("The entry has {data} bytes; 65,535 are the most.", data=len(data)),
            Message("Shorten its texts."),
        )
    return data


def outline(data: bytes) -> list[int]:
    """Where the items of an entry's outermost array begin, and at last where it ends. Raises Refused("codec", ...).

    The kernel looks at the heads alone: whatever strangers hand in costs a walk over its bytes before anything is made of it.
    """
    found = veche_kernel.outline(data)
    if isinstance(found, veche_kernel.Failure):
        raise Refused("codec", Sentence(of_kernel(found.reason)))
    return found


def decode(data: bytes) -> list[Any]:
    """Decode an entry strictly. Raises Refused("codec", ...) for everything but the one canonical encoding."""
    outline(data)
    item: list[Any] = part(data)
    return item


def part(data: bytes) -> Any:
    """An item of an entry of which the :func:`outline` was taken."""
    return cbor2.loads(data)


def digest(data: bytes) -> bytes:
    """SHA-256: the id of an entry (poll id, committee id, ledger id)."""
    return hashlib.sha256(data).digest()
