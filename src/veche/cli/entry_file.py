"""Entry files: a signed entry on its way from one signer to the next, and at last into the ledger.

The file holds the bytes of the entry and nothing else. A draft becomes an entry once, with the first signature; the others
sign the entry, so that everybody signs the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from veche.cli.options import load_key, read_file
from veche.durable import PUBLIC, Exists, replace, write_new
from veche.engine.inbox import hand_in
from veche.errors import Refused, UserError
from veche.handed import what_else
from veche.keys import BadSignature, verify
from veche.ledger.codec import MAX_ENTRY, decode
from veche.ledger.entries.entry import ByOffice
from veche.ledger.signing import add_signature, signatures, signed_message
from veche.texts import Message

SUFFIX = ".entry"


def is_entry(path: Path) -> bool:
    """Whether this file is an entry already, and not a draft."""
    return path.suffix == SUFFIX


def read_entry(path: Path, kind: str | None = None) -> tuple[bytes, list[Any]]:
    """An entry file: its bytes and what they decode to. Raises UserError unless it is an entry (of this kind)."""
    data = read_file(path, MAX_ENTRY)
    try:
        item = decode(data)
    except Refused as refused:
        raise UserError(
            Message("{path} does not hold an entry. {why}", path=path, why=what_else(data) or refused.said),
            Message("Give the file as it was written."),
        ) from None
    if kind is not None and item[0] != kind:
        raise UserError(
            Message("{path} holds a {item} entry; a {kind} entry is wanted here.", path=path, item=item[0], kind=kind)
        )
    return data, item


def hand_in_or_keep(folder: Path, entry: bytes, output: Path | None) -> int | None:
    """The number of an entry that was handed in to the ledger; None if it went to the file ``output``, to be handed in elsewhere."""
    if output is None:
        return hand_in(folder, [entry])[0]
    keep_entry(output, entry)
    return None


def say_where(number: int | None, output: Path | None, what: Message) -> None:
    """Tell a person what became of :func:`hand_in_or_keep`'s entry. ``what``: how it begins that it is in the ledger, "The result"."""
    if number is None:
        click.echo(
            str(
                Message(
                    "Wrote {path}; nothing was handed in. Hand it in where the ledger is: veche ledger submit {path}",
                    path=str(output),
                )
            )
        )
    else:
        click.echo(str(Message("{what}: entry {number} of the ledger.", what=what, number=str(number))))


def keep_entry(path: Path, entry: bytes, mode: int = PUBLIC) -> None:
    """Write an entry to a new file; nothing is done if it is in that file already. Raises Exists for any other content."""
    try:
        write_new(path, entry, mode)
    except Exists:
        if path.is_file() and read_file(path, MAX_ENTRY) == entry:
            return
        raise


def make_entry(path: Path, ledger: bytes, entry: ByOffice, keys: Sequence[Path]) -> bytes:
    """Sign a new entry and write it to a new file. Raises UserError if the file exists; then nothing is written."""
    data = entry.sign(ledger, [load_key(key) for key in keys])
    write_new(path, data)
    return data


def add_signatures(path: Path, ledger: bytes, keys: Sequence[Path], kind: str | None = None) -> bytes:
    """Add signatures to an entry file, in its place. The signatures that it has are checked first.

    Raises UserError, and Refused (``signature``) if the file holds a signature that does not belong there.
    """
    entry, item = read_entry(path, kind)
    try:
        for public, signature in signatures(item):
            verify(public, signed_message(ledger, item[0], item[1]), signature)
    except (Refused, BadSignature) as wrong:
        message = f"{path} cannot be signed here, for a signature in it does not hold: {wrong}."
        raise Refused("signature", message, Message("Is it an entry of this ledger, unchanged?")) from None
    for key in keys:
        entry = add_signature(ledger, entry, load_key(key))
    replace(path, entry)
    return entry
