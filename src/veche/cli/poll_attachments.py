"""The attachments of a poll: beside its entry file until it is published, then beside the ledger."""

from pathlib import Path

from veche.cli.options import read_file
from veche.durable import make_folder, replace
from veche.errors import UserError
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Poll
from veche.log.source import ATTACHMENT_LIMIT
from veche.texts import Message


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
