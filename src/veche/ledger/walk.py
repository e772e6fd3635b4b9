"""From a network's charter to those who sign its newest head, along the heads that were kept, without replaying the ledger.

A block in which the validators change ends with the new set, and its head, signed by the old one, is kept for good as ``head/SIZE``.
So whoever knows the charter follows from set to set: docs/protocol.md, section 5. Where a network was restarted, those before could
sign no head any more: over a third of them have signed the ``restart`` itself. Which institutions signed it, only a replay can tell.
"""

from collections.abc import Iterable
from typing import TypeVar

from veche.errors import DoesNotHold, Refused
from veche.ledger.codec import decode, digest
from veche.ledger.entries import kind_of
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.engine import Validator
from veche.ledger.entries.entry import Entry
from veche.ledger.entries.restart import Restart
from veche.ledger.entries.validators import Validators
from veche.ledger.heads import Succession
from veche.ledger.rules.restart import DUE
from veche.ledger.signing import check_signatures, signatures, signed_message
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.source import Source, head_name, kept_heads
from veche.texts import Message, Said

E = TypeVar("E", bound=Entry)


def walk(source: Source, charter: Charter, head: SignedCheckpoint) -> Succession:
    """Whose signatures the heads of a log need, up to this one: by its charter, and by the heads that were kept.

    Each must be signed by those who were validators before (behind a restart by those who are it since), and be of the log under
    ``head``, whose own signatures are left to the caller. Raises :class:`~veche.errors.DoesNotHold`.
    """
    succession = Succession(charter)
    kept = [(size, name) for size, name in kept_heads(source) if size <= head.checkpoint.size]
    if not kept:
        return succession
    log = Log(source, head.checkpoint)
    for size, name in kept:
        signed = read_kept(source, size, log.root(size))
        entry = _read(log, size - 1, Validators)
        if entry is None:
            raise _wrong(name, Message("no change of validators ends there"))
        restart = _read(log, size - 2, Restart)
        if restart is not None:
            _check_restart(log, succession, restart, size - 2, entry, name)
        following = succession.after(size - 1, entry, restart is not None)
        signed.verify(following.policy(size))
        succession = following
    return succession


def read_kept(source: Source, size: int, root: bytes) -> SignedCheckpoint:
    """The kept head of this size of a log with this root there, whoever signed it. Raises DoesNotHold."""
    name = head_name(size)
    signed = SignedCheckpoint.parse(source.read(name))
    if signed.checkpoint.size != size:
        raise _wrong(name, Message("it is the head of {size} entries", size=signed.checkpoint.size))
    if signed.checkpoint.root != root:
        raise _wrong(name, Message("it is of another log"))
    return signed


def _read(log: Log, number: int, kind: type[E]) -> E | None:
    """The entry with this number, if it is of this kind."""
    try:
        item = decode(log.entry(number))
        return kind.parse(item[1]) if item[0] == kind.kind else None
    except (Refused, ValueError, IndexError):
        return None


def _check_restart(log: Log, succession: Succession, restart: Restart, number: int, now: Validators, name: str) -> None:
    """Raise DoesNotHold unless over a third of those who were validators signed it, it is of this log, and says who they are now.

    It stands in the block that begins behind its ``size``: else those who were validators once could name a size of their day.
    """
    before, data = succession.validators(restart.size + 1), log.entry(number)
    if not _begins_block(log, restart.size, number) or log.root(restart.size) != restart.root:
        raise _wrong(name, Message("a restart before it goes on from another log"))
    if now.rows != tuple(Validator(row.institution, key, row.votes) for key, row in restart.founders):
        raise _wrong(name, Message("a restart before it names other validators"))
    item = decode(data)
    try:
        pairs = signatures(item)
        check_signatures(signed_message(digest(log.entry(0)), item[0], item[1]), pairs)
    except Refused as refused:
        raise _wrong(name, refused.said) from None
    agreed = {key for key, _ in pairs} & {one.key for one in before}
    if 3 * len(agreed) <= len(before):
        raise _wrong(name, Message("too few of the validators before have signed the restart"))


def _begins_block(log: Log, first: int, number: int) -> bool:
    """Whether a block begins with the entry ``first``, and nothing but what falls due stands in it before the entry ``number``."""
    if first >= number or _read(log, first, BlockEntry) is None:
        return False
    try:
        return all(kind_of(log.entry(at)) in DUE for at in range(first + 1, number))
    except (Refused, ValueError, IndexError):
        return False


def check_kept(walked: Succession, replayed: Succession, size: int) -> None:
    """Raise DoesNotHold (``kept``) unless all heads were kept whose successors are others, in a log of this size."""
    for number, _ in replayed.changes:
        last = number + 1 == size and number in replayed.restarts  # a restart's is there at once, for who signs it
        if (number + 1 < size or last) and number not in {known for known, _ in walked.changes}:
            raise _wrong(head_name(number + 1), Message("the file is missing"))


def check_known(walked: Succession, known: Iterable[int]) -> None:
    """Raise DoesNotHold (``kept``) unless the heads of these sizes, which were kept once, were walked along: whoever hides them could
    let a former set of validators sign what comes now."""
    if hidden := set(known) - {number + 1 for number, _ in walked.changes}:
        raise _wrong(head_name(min(hidden)), Message("the file is missing"))


def _wrong(name: str, message: Said) -> DoesNotHold:
    return DoesNotHold("kept", name, Message("{name}: {what}.", name=name, what=message))
