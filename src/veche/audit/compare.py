"""Two copies of one ledger: are they equal, does one go on from the other, or do they contradict each other?

A copy is a ledger's folder, an export, or nothing but a checkpoint. What is compared are the heads that the log's key signed, and the
tree under the longer one: whether that of the shorter is its beginning; and that the entries of each are those that its head says.
Whether they obey the rules is for :mod:`veche.audit.ledger`.

Two heads by one key that contradict each other prove that its holder showed different ledgers to different people.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import digest
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.heads import Succession
from veche.ledger.walk import check_known, walk
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.log import Log, Snapshot, checked_bundles
from veche.log.source import Export, Source
from veche.texts import Message


class Relation(StrEnum):
    """How the second copy stands to the first."""

    EQUAL = "equal"
    LONGER = "longer"
    """It goes on from the first."""
    SHORTER = "shorter"
    """The first goes on from it."""
    CONTRADICTS = "contradicts"


@dataclass(frozen=True)
class Copy:
    """One side: ``name`` is what the person calls it. ``log``, ``succession`` and ``ledger`` (its id) are None of a bare checkpoint."""

    name: str
    signed: SignedCheckpoint
    log: Log | None = None
    succession: Succession | None = None
    ledger: bytes | None = None

    @classmethod
    def of(cls, name: str, source: Source) -> "Copy":
        """The copy that these files are, as of the checkpoint that they have now. Raises DoesNotHold, and Refused for a charter that is none."""
        snapshot = source if isinstance(source, Export) else Snapshot(source)
        signed = snapshot.checkpoint()
        if signed.checkpoint.size < 1:
            raise DoesNotHold("L1", name, Message("The ledger in {name} has not even a charter.", name=name))
        log = Log(snapshot, signed.checkpoint)
        with _named(name):
            entry = log.entry(0)
            succession = walk(snapshot, read_charter(entry), signed)
        return cls(name, signed, log, succession, digest(entry))

    @property
    def charter(self) -> Charter | None:
        """The one that it begins with."""
        return None if self.succession is None else self.succession.charter

    def check_whole(self) -> None:
        """Check that all that the head covers is there, and just that. Raises DoesNotHold (``tiles``): the copy is damaged, or forged."""
        if self.log is not None:
            with _named(self.name):
                for _ in checked_bundles(self.log.source, self.size, self.root):
                    pass

    @property
    def size(self) -> int:
        return self.signed.checkpoint.size

    @property
    def root(self) -> bytes:
        return self.signed.checkpoint.root


def compare(first: Copy, second: Copy, policy: Policy | None = None) -> Relation:
    """How two copies stand to each other. ``policy``: whose signatures their heads need, where neither has a charter that says it.

    Raises UserError if they are of two ledgers, or if too little of them is there to tell; DoesNotHold (``checkpoint``) for a head
    that its ledger's key did not sign, and (``tiles``) for a copy that is not what its head says. Heads that contradict each other do
    so whatever became of the files below them.
    """
    found = _compare_heads(first, second, policy)
    if found is not Relation.CONTRADICTS:
        first.check_whole()
        second.check_whole()
    return found


def _compare_heads(first: Copy, second: Copy, policy: Policy | None) -> Relation:
    known = [copy.succession for copy in (first, second) if copy.succession is not None]
    if not known and policy is None:
        raise UserError(
            Message("Neither of the two has more than a checkpoint, so it is not known by whom they must be signed."),
            Message("Give one ledger or export, or with --key the keys that sign its heads."),
        )
    if policy is not None and any(policy not in one.policies for one in known):
        raise UserError(
            Message("The keys that were given are not those that sign the heads of this ledger."),
            Message("Where there is a charter, none need be given."),
        )
    if len(known) == 2 and known[0].policies[0] != known[1].policies[0]:
        raise two_ledgers(first, second)
    for copy in (first, second):
        succession = copy.succession or next(iter(known), None)
        needed = policy if succession is None else succession.policy(copy.size)
        assert needed is not None
        _check(copy, needed, first, second)
    if first.ledger is not None and second.ledger is not None and first.ledger != second.ledger:
        return Relation.CONTRADICTS  # one key, two charters
    _check_hides_nothing(first, second)
    shorter, longer = sorted((first, second), key=lambda copy: copy.size)
    if shorter.size == longer.size:
        return Relation.EQUAL if shorter.root == longer.root else Relation.CONTRADICTS
    if longer.log is None:
        raise UserError(
            Message(
                "{name} has {size} entries, more than the other, and nothing of it is here but its head.",
                name=longer.name,
                size=longer.size,
            ),
            Message("Give a copy of that ledger, not only its checkpoint: without its tree nobody can tell."),
        )
    with _named(longer.name):
        beginning = longer.log.root(shorter.size)
    if beginning != shorter.root:
        return Relation.CONTRADICTS
    return Relation.LONGER if longer is second else Relation.SHORTER


def _check_hides_nothing(first: Copy, second: Copy) -> None:
    """Raise DoesNotHold (``kept``) if one of them hides a kept head that the other has: whoever signed its newest head may have been a
    validator once. If each has one that the other lacks, there are two histories."""
    if first.succession is None or second.succession is None:
        return
    kept = [{number + 1 for number, _ in one.changes} for one in (first.succession, second.succession)]
    hidden = [
        {size for size in theirs - own if size < copy.size}
        for copy, own, theirs in zip((first, second), kept, reversed(kept), strict=True)
    ]
    for copy, sizes, others in zip((first, second), hidden, reversed(hidden), strict=True):
        if sizes and not others:
            assert copy.succession is not None
            with _named(copy.name):
                check_known(copy.succession, sizes)


def two_ledgers(first: Copy, second: Copy) -> UserError:
    """The two have nothing to do with each other."""
    return UserError(
        Message(
            "These are two different ledgers: {first} is {one}, and {second} is {other}.",
            first=first.name,
            one=_whose(first),
            second=second.name,
            other=_whose(second),
        ),
        Message("That says nothing against either. Give two copies of one."),
    )


def _whose(copy: Copy) -> str:
    """A ledger by its name and the beginning of its id."""
    origin = copy.signed.checkpoint.origin
    return origin if copy.ledger is None else f"{origin} ({copy.ledger.hex()[:16]}…)"


def _check(copy: Copy, policy: Policy, first: Copy, second: Copy) -> None:
    if copy.signed.checkpoint.origin != policy.origin:
        raise two_ledgers(first, second)
    keys = {(verifier.name, verifier.key_id) for verifier in policy.power}
    lines = {(line.name, line.key_id) for line in copy.signed.signatures}
    if copy.log is None and not keys & lines:
        raise UserError(
            Message("{name} is of another ledger of the same name: this ledger's key did not sign it.", name=copy.name),
            Message("If there should be only one of this name, keep both and ask whose the other is."),
        )
    with _named(copy.name):
        copy.signed.verify(policy)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the copy of which it is that something does not hold."""
    try:
        yield
    except DoesNotHold as error:
        raise DoesNotHold(error.step, name, Message("{path}: {why}", path=name, why=error.said), error.advice) from None
