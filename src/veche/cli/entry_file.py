"""Entry files: a signed entry on its way from one signer to the next, and at last into the ledger.

The file holds the bytes of the entry and nothing else. A draft becomes an entry once, with the first signature; the others
sign the entry, so that everybody signs the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from veche.cli.options import emit, naming, read_file
from veche.cli.remote import hand_in
from veche.durable import PUBLIC, Exists, replace, write_new
from veche.errors import Refused, UserError
from veche.handed import what_else
from veche.keys import SigningKey
from veche.ledger.codec import MAX_ENTRY, decode, digest
from veche.ledger.entries import BALLOT, ByOffice, parse_item
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.signing import add_signature, check_signatures, signatures, signed_message
from veche.terminal.say import say
from veche.texts import Message

SUFFIX = ".entry"
E = TypeVar("E", bound=ByOffice)


def is_entry(path: Path) -> bool:
    """Whether this file is an entry already, and not a draft."""
    return path.suffix == SUFFIX


def read_entry(path: Path, kind: str | None = None) -> tuple[bytes, list[Any]]:
    """An entry file: its bytes and what they decode to. Raises UserError unless it is an entry (of this kind), and Refused, which
    names the file, if it has not the form of its kind."""
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
    with naming(path):
        _check_form(data, item)
    return data, item


def _check_form(data: bytes, item: list[Any]) -> None:
    """Raises Refused unless these bytes have the form of their kind: nothing is said yet of who signed, and whether they may."""
    if is_ballot(data):
        read_ballot(data)
    elif isinstance(parse_item(item), ByOffice):
        signatures(item)


def hand_in_or_keep(folder: Path, entry: bytes, output: Path | None) -> int | None:
    """The number of an entry that was handed in to the ledger; None if it went to the file ``output``, to be handed in elsewhere."""
    if output is None:
        return hand_in(folder, [entry])[0]
    keep_entry(output, entry)
    return None


def entry_json(entry: bytes, number: int | None, file: Path | None) -> dict[str, object]:
    """For scripts: an entry that offices sign, its number in the ledger if it was handed in, and the file if it is in one."""
    item = decode(entry)
    return {
        "kind": item[0],
        "hash": digest(entry),
        "signed": [key.hex() for key, _ in signatures(item)] if len(item) > 2 else [],
        "entry": number,
        "file": None if file is None else str(file),
    }


def say_where(number: int | None, output: Path | None, what: Message) -> None:
    """Tell a person what became of :func:`hand_in_or_keep`'s entry. ``what``: how it begins that it is in the ledger, "The result"."""
    if number is None:
        say(
            Message(
                "Wrote {path}; nothing was handed in. Hand it in where the ledger is: veche ledger submit {path}",
                path=output or "",
            )
        )
    else:
        say(Message("{what}: entry {number} of the ledger.", what=what, number=str(number)))


def hand_in_and_tell(folder: Path, entry: bytes, output: Path | None, what: Message, as_json: bool) -> None:
    """:func:`hand_in_or_keep`, and say what became of it: for scripts (:func:`entry_json`), or for a person (:func:`say_where`)."""
    number = hand_in_or_keep(folder, entry, output)
    if as_json:
        emit(entry_json(entry, number, output))
    else:
        say_where(number, output, what)


def keep_entry(path: Path, entry: bytes, mode: int = PUBLIC) -> None:
    """Write an entry to a new file; nothing is done if it is in that file already. Raises Exists for any other content."""
    try:
        write_new(path, entry, mode)
    except Exists:
        if path.is_file() and read_file(path, MAX_ENTRY) == entry:
            return
        raise


@dataclass(frozen=True)
class OnItsWay(Generic[E]):
    """An entry that offices sign, one after the other. Its file was read once: what is shown of it is what is signed.

    ``signed``: the keys whose signatures it bears, all of which hold. ``data``: what its file holds; None if it has none yet.
    """

    path: Path
    entry: E
    signed: tuple[bytes, ...] = ()
    data: bytes | None = None

    def sign(self, ledger: bytes, keys: Sequence[SigningKey]) -> bytes:
        """Sign it for the ledger with this id, and write it to its file. The answer is what the file holds then.

        Raises UserError, and nothing is written, if it is a new entry and the file is there, or if the file was changed meanwhile.
        """
        if self.data is None:
            made = self.entry.sign(ledger, keys)
            write_new(self.path, made)
            return made
        if read_file(self.path, MAX_ENTRY) != self.data:
            raise UserError(
                Message("{path} was changed while it was shown; nothing was signed.", path=self.path),
                Message("Sign again: look at what it holds now."),
            )
        made = self.data
        for key in keys:
            made = add_signature(ledger, made, key)
        replace(self.path, made)
        return made


def read_on_its_way(path: Path, ledger: bytes, kind: type[E]) -> OnItsWay[E]:
    """The entry in a file, for the ledger with this id (empty: a charter). The signatures that it has are checked.

    Raises UserError if it is none of this kind, Refused for a body that no ledger takes, and Refused (``signature``) if it holds a
    signature that does not belong there.
    """
    data, item = read_entry(path, None if kind is ByOffice else kind.kind)
    if item[0] == BALLOT:
        raise UserError(Message("{path} holds a ballot, which no office signs.", path=path))
    entry = parse_item(item)
    if not isinstance(entry, kind):
        raise UserError(Message("{path} holds a {kind} entry, which nobody signs.", path=path, kind=item[0]))
    pairs = signatures(item)
    try:
        check_signatures(signed_message(ledger, item[0], item[1]), pairs)
    except Refused as wrong:
        raise Refused(
            "signature",
            Message(
                "{path} cannot be signed here, for a signature in it does not hold: {wrong}",
                path=path,
                wrong=wrong.said,
            ),
            Message("Is it an entry of this ledger, unchanged?"),
        ) from None
    return OnItsWay(path, entry, tuple(key for key, _ in pairs), data)
