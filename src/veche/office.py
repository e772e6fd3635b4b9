"""The private folder of an office: of a trustee, of a witness.

    office.key      the Ed25519 key by which the ledger knows the office
    role            trustee or witness: whose programs may open it
    institution     the institution's name in the charter
    journal, place  what must never be forgotten, see durable/journal.py

Whoever reads it is the office: it is 0700, its files are 0600.
"""

from collections.abc import Callable
from pathlib import Path

from veche.durable import UNFINISHED, Journal, read_private, remove, settle, write_private
from veche.errors import DoesNotHold, UserError
from veche.handed import is_litter, only_line
from veche.keys import SigningKey
from veche.texts import N_, Message

KEY = "office.key"
ROLE = "role"
_FILES = (ROLE, "institution", "journal", "place", KEY)
_BEFORE_THE_KEY = {*_FILES[:-1], *(f".{name}{UNFINISHED}" for name in _FILES)}
"""What is in a folder in which creating an office was cut short."""
_ROLES = {"registrar": N_("registrar"), "trustee": N_("trustee"), "witness": N_("witness")}


def create_office(folder: Path, institution: str, journal: type[Journal], who: str) -> None:
    """Make the folder of a new office: of ``who``, a trustee for example.

    Raises UserError if there is one, or if the name cannot be used.
    """
    if not 1 <= len(institution) <= 80:
        raise UserError(Message("The name of an institution has 1 to 80 characters."))
    left = [path for path in folder.iterdir() if not is_litter(path.name)] if folder.exists() else []
    if not {path.name for path in left} <= _BEFORE_THE_KEY:
        raise UserError(
            Message("The folder {folder} is not empty.", folder=folder),
            Message("Choose a new folder: every office has its own."),
        )
    for path in left:
        remove(path)
    write_private(folder / ROLE, who.encode() + b"\n")
    write_private(folder / "institution", institution.encode() + b"\n")
    journal.create(folder)
    # The last step: a crash before it leaves nothing that was ever of use, and creating is begun again.
    SigningKey.generate().save(folder / KEY)


def must_be_office(folder: Path, role: str) -> None:
    """Raises UserError if there is nothing of an office in the folder; ``role`` (trustee, registrar or witness) is whose was wanted."""
    where, make = folder, Message('Name the folder that "veche {role} init" has made.', role=role)
    if not folder.is_dir():
        raise UserError(Message("There is no folder {folder}.", folder=where), make)
    if not any((folder / name).exists() for name in (ROLE, "institution", "journal", KEY)):
        if (folder / "checkpoint").exists():
            make = Message("It is the folder of a ledger. {make}", make=make)
        who = Message(_ROLES[role])
        raise UserError(Message("There is no {who} in the folder {folder}.", who=who, folder=where), make)


def load_office(folder: Path, who: str) -> tuple[str, SigningKey]:
    """The institution of an office, and its first key.

    Raises UserError if it is not the folder of ``who``, or if a file is missing, damaged, or readable by others.
    """
    must_be_office(folder, who)
    if any((folder / name).exists() for name in (ROLE, "institution", "journal")):
        role = read_private(folder / ROLE).strip()
    else:
        role = b"registrar"
    if role != who.encode():
        raise UserError(
            Message(
                "{folder} is the folder of another office: {role}.",
                folder=folder,
                role=Message(_ROLES[named]) if (named := role.decode("ascii", "replace")) in _ROLES else named,
            ),
            Message("Every office has a folder of its own: name that one."),
        )
    try:
        institution = only_line(read_private(folder / "institution"))
    except ValueError:
        raise UserError(
            Message("The file {folder} is damaged.", folder=folder / "institution"),
            Message("It holds the name, in UTF-8."),
        ) from None
    key = SigningKey.load(folder / KEY)
    settle(folder / KEY, folder)  # its creation may have been cut short at the last moment
    return institution, key


def check_goes_on(journal: Journal, who: str, ledger: bytes, size: int, root: Callable[[int], bytes]) -> None:
    """It must be the ledger (its id) that this office's journal names, and go on from the head that was written down last.

    ``who``: a trustee, for example. ``size``: how many entries the ledger has; ``root``: its Merkle root of
    that size or less. Raises UserError for another ledger or a shorter copy; DoesNotHold (``consistency``) if it was rewritten.
    """
    pinned = journal.last("ledger")
    if pinned and pinned[1] != ledger.hex():
        raise UserError(
            Message(
                "This {who} serves ledger {pinned}…, not {ledger}….",
                who=Message(_ROLES[who]),
                pinned=pinned[1][:16],
                ledger=ledger.hex()[:16],
            ),
            Message("Make a folder of its own for each ledger."),
        )
    last = journal.last("head")
    if not last:
        return
    seen, seen_root = int(last[1]), last[2]
    if size < seen:
        raise UserError(
            Message(
                "This copy of the ledger has {size} entries; {seen} were there when this {who} last looked.",
                size=size,
                seen=seen,
                who=Message(_ROLES[who]),
            ),
            Message("Get a newer copy. If there is none, the ledger was cut: tell all others who hold this office."),
        )
    if root(seen).hex() != seen_root:
        raise DoesNotHold(
            "consistency",
            Message("entry {seen}", seen=str(seen)),
            Message(
                "The ledger was rewritten: its first {seen} entries are not those that this {who} saw last.",
                seen=seen,
                who=Message(_ROLES[who]),
            ),
            Message("Keep both copies, and tell all others who hold this office."),
        )
