"""A ledger as its readers see it: state, entries and proofs under a head that is signed as the ledger's policy demands.

Read only. What a writer has not committed is never seen, and no database is believed that is not this node's own
(:mod:`veche.ledger.ownership`): whoever has a copy, or somebody else's folder, verifies it first (:mod:`veche.audit.ledger`).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from veche.errors import UserError
from veche.ledger.checks import identify_ballot
from veche.ledger.codec import digest
from veche.ledger.entries import Notice, Outcome, Poll, read_entry
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.entry import ByOffice
from veche.ledger.heads import Succession
from veche.ledger.machine import Machine
from veche.ledger.ownership import is_own
from veche.ledger.rules.ballot import check_open, check_standing
from veche.ledger.shape import Attachment
from veche.ledger.state import State
from veche.ledger.store import DATABASE, Store, mend, whole
from veche.log.checkpoint import SignedCheckpoint
from veche.log.cosigned import with_cosignatures
from veche.log.log import Log, Snapshot
from veche.log.merkle import leaf_hash
from veche.log.publish import edge_at
from veche.log.receipt import Receipt
from veche.log.source import Folder, Source
from veche.texts import Message

_TRIES = 50


class NotOwn(UserError):
    """There is no database here that this node wrote itself."""


class Reader:
    """A ledger as of ``head``. ``state`` may know blocks that were committed since and are not published yet."""

    def __init__(self, source: Source, head: SignedCheckpoint, state: State) -> None:
        self.source = source
        self.head = head
        self.state = state
        self.log = Log(source, head.checkpoint)

    @property
    def id(self) -> bytes:
        """SHA-256 of the charter."""
        return digest(self.log.entry(0))

    @property
    def size(self) -> int:
        return self.head.checkpoint.size

    @property
    def charter(self) -> Charter:
        return self.state.charter

    @property
    def succession(self) -> Succession:
        """Whose signatures this ledger's heads need."""
        return self.state.succession

    @property
    def time(self) -> int:
        """The time of the last block that was committed and logged, in seconds since 1970."""
        return self.state.get("time")

    def attachments(self, start: int = 0) -> Iterator[Attachment]:
        """The attachments that entries from this number on name, in the order of the log; some of them may be named twice."""
        for number in self.state.naming_files(start):
            if number < self.size:
                entry = read_entry(self.entry(number))
                assert isinstance(entry, Poll | Notice | Outcome)
                yield from entry.attachments

    def rehearse(self, entry: ByOffice, keys: Sequence[bytes], time: int) -> None:
        """Raise Refused if this entry, signed with these keys and by further offices if it takes more, would be refused at ``time``.

        Nothing changes: the rules themselves are asked, on a copy of the state.
        """
        copy = self.state.copy()
        with closing(copy.db):
            Machine(copy, self.log.entry, self.log.root).rehearse(entry, keys, time)

    def check_ballot(self, entry: bytes, time: int) -> None:
        """Raise Refused if this ballot would be refused in a block at ``time`` by what the state says. Its proofs are not looked at."""
        read = read_ballot(entry)
        poll = check_open(self.state, time, read.poll)
        check_standing(poll, read, self.state.last_ballot(poll, identify_ballot(poll, read).credential))

    def receipt(self, number: int) -> Receipt:
        """The receipt of the entry with this number, with the lines of all who cosigned the head."""
        return self.log.receipt(number, with_cosignatures(self.source, self.head))

    def entry(self, number: int) -> bytes:
        """An entry by its number, checked against the head. Raises UserError if there is none."""
        if not 0 <= number < self.size:
            raise UserError(
                Message(
                    "The ledger has no entry {number}; it has {size}, numbered from 0.",
                    number=str(number),
                    size=self.size,
                )
            )
        return self.log.entry(number)


@contextmanager
def read_own(folder: Path) -> Iterator[Reader]:
    """The ledger that this node keeps in a folder, as it is at this moment; a writer may go on meanwhile.

    Raises NotOwn if the folder has no database or somebody else's, and DoesNotHold or UserError if its public files do not fit.
    """
    if not (folder / DATABASE).is_file():
        raise NotOwn(Message("The ledger in {folder} has no database.", folder=folder))
    for _ in range(_TRIES):  # again where more was published between the two looks
        snapshot = Snapshot(Folder(folder))  # first: a block is committed before it is published
        store = _open(folder)
        try:
            with whole(folder):
                head = snapshot.checkpoint()
                if head.checkpoint.size >= store.state.get("published"):
                    head.verify(store.state.succession.policy(head.checkpoint.size))
                    _check_head(folder, store, head)
                    reader = Reader(snapshot, head, store.state)
                    if digest(store.state.get_bytes("charter")) != reader.id:
                        raise _does_not_fit(folder)
                    yield reader
                    return
        finally:
            store.close()
    raise UserError(
        Message("The ledger in {folder} is being written too quickly to be read.", folder=folder), Message("Try again.")
    )


def _open(folder: Path) -> Store:
    """The database, if it is this node's own and not damaged. Raises NotOwn."""
    if not is_own(folder):
        raise NotOwn(Message("The database in {folder} was not written by this node.", folder=folder))
    try:
        return Store.read(folder)
    except UserError as error:
        raise NotOwn(Message("The database in {folder} cannot be read.", folder=folder)) from error


def _check_head(folder: Path, store: Store, head: SignedCheckpoint) -> None:
    """Raise UserError unless the signed head is one of the database's own tree."""
    size, start = head.checkpoint.size, store.state.get("published")
    edge = edge_at(folder, start)
    for _ in edge.extend([leaf_hash(entry) for entry in store.tail(start, size)]):
        pass
    if (edge.size, edge.root()) != (size, head.checkpoint.root):
        raise _does_not_fit(folder)


def _does_not_fit(folder: Path) -> UserError:
    return UserError(
        Message("The database of the ledger in {folder} does not fit its checkpoint.", folder=folder), mend(folder)
    )
