"""The attachments of an entry: beside its file until it is published, then beside the ledger."""

from collections.abc import Mapping
from pathlib import Path

from veche.audit.entry_whole import Files
from veche.cli.options import read_file
from veche.durable import make_folder, replace
from veche.errors import UserError
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Poll
from veche.ledger.shape import Attachment
from veche.log.source import ATTACHMENT_LIMIT
from veche.texts import Localizable, Message, Plural

SALT = 32
"""Bytes at the beginning of an attachment by which nobody guesses its content from its hash."""


def _folder(entry_file: Path) -> Path:
    return entry_file.with_name(entry_file.name + ".attachments")


def keep(entry_file: Path, contents: dict[bytes, bytes]) -> None:
    """Write attachments, each named by its hash, into a folder beside the entry file."""
    for hashed, content in contents.items():
        make_folder(_folder(entry_file))
        replace(_folder(entry_file) / hashed.hex(), content)


def attach(entry_file: Path, ledger: Path, poll: Poll) -> None:
    """Put a published poll's attachments, as far as they are beside the entry file, into the ledger's folder.

    The poll counts without them: the ledger holds their hashes. Raises UserError if one is not what its hash says.
    """
    for name, hashed in poll.attachments:
        source, target = _folder(entry_file) / hashed.hex(), ledger / "attachment" / hashed.hex()
        if target.exists() or not source.exists():
            continue
        content = read_file(source, ATTACHMENT_LIMIT)
        if digest(content) != hashed:
            raise UserError(Message("The attachment {name!r} beside {entry_file} was changed; it was not published.", name=name, entry_file=entry_file),
                            Message("The poll is published. Put the right file there and publish once more."))  # fmt: skip
        make_folder(target.parent)
        replace(target, content, drafts=ledger)  # not in the folder itself, where others would see the draft


def of_draft(contents: Mapping[bytes, bytes]) -> Files:
    """What a signer is told of the attachments of a draft, whose salts and contents these are by their hashes."""

    def said(attachment: Attachment) -> Localizable:
        content = contents.get(attachment.hash)
        if content is None:
            return Message("the draft names its hash and no file: look at the file that has it before you sign")
        return Plural("as it is now, {count} byte", "as it is now, {count} bytes", len(content) - SALT)

    return said


def beside(entry_file: Path, ledger: Path) -> Files:
    """The same of an entry file: whether the file is beside it (or the ledger), and has this hash."""

    def said(attachment: Attachment) -> Localizable:
        name = attachment.hash.hex()
        for path in (_folder(entry_file) / name, ledger / "attachment" / name):
            if not path.is_file():
                continue
            content = read_file(path, ATTACHMENT_LIMIT)
            if digest(content) != attachment.hash:
                return Message("{path} is ANOTHER FILE: it has not this hash", path=path)
            return Plural(
                "{path} has this hash; {count} byte after its salt", "{path} has this hash; {count} bytes after its salt",
                len(content) - SALT, path=path,
            )  # fmt: skip
        return Message("not here: ask whoever sent the entry for the folder {folder}", folder=_folder(entry_file).name)

    return said
