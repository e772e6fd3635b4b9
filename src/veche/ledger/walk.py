"""From a network's charter to those who sign its newest head, along the heads that were kept, without replaying the ledger.

A block in which the validators change ends with the new set, and its head, signed by the old one, is kept for good as ``head/SIZE``.
So whoever knows the charter follows from set to set: docs/protocol.md, section 5.
"""

from veche.errors import DoesNotHold, Refused
from veche.ledger.codec import decode
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.validators import Validators
from veche.ledger.heads import Succession
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.source import Source, head_name, kept_heads
from veche.texts import Message, Said


def walk(source: Source, charter: Charter, head: SignedCheckpoint) -> Succession:
    """Whose signatures the heads of a log need, up to this one: by its charter, and by the heads that were kept.

    Each must be signed by those who were validators before, and be of the log under ``head``, whose own signatures are left to the
    caller. Raises :class:`~veche.errors.DoesNotHold`.
    """
    succession = Succession(charter)
    kept = [(size, name) for size, name in kept_heads(source) if size <= head.checkpoint.size]
    if not kept:
        return succession
    log = Log(source, head.checkpoint)
    for size, name in kept:
        signed = SignedCheckpoint.parse(source.read(name))
        if signed.checkpoint.size != size:
            raise _wrong(name, Message("it is the head of {size} entries", size=signed.checkpoint.size))
        signed.verify(succession.policy(size))
        if log.root(size) != signed.checkpoint.root:
            raise _wrong(name, Message("it is of another log"))
        try:
            kind, body = decode(log.entry(size - 1))[:2]
            entry = Validators.parse(body) if kind == Validators.kind else None
        except (Refused, ValueError):
            entry = None
        if entry is None:
            raise _wrong(name, Message("no change of validators ends there"))
        succession = succession.after(size - 1, entry)
    return succession


def check_kept(walked: Succession, replayed: Succession, size: int) -> None:
    """Raise DoesNotHold (``kept``) unless all heads were kept whose successors are others, in a log of this size."""
    for number, _ in replayed.changes:
        if number + 1 < size and number not in {known for known, _ in walked.changes}:
            raise _wrong(head_name(number + 1), Message("the file is missing"))


def _wrong(name: str, message: Said) -> DoesNotHold:
    return DoesNotHold("kept", name, Message("{name}: {what}.", name=name, what=message))
