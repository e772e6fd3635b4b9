"""Every signed head that a node hears of, held against the log that it has: there is one ledger for all, or it is seen.

A head that is shorter than this log must be its root at that size; a longer one must go on from it. What contradicts is kept as evidence
(:mod:`veche.log.evidence`). If single validators signed it, they are named, and nothing else happens. If it is final, and over a third
of those who sign heads today are among its signers, there are two histories that both count: nothing goes on here until people have
decided.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from veche.errors import DoesNotHold
from veche.ledger.heads import Succession
from veche.ledger.walk import check_known, walk
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, is_by
from veche.log.evidence import TwoHistories
from veche.log.log import Log, Snapshot
from veche.log.note import Verifier
from veche.log.source import Folder, Source
from veche.log.tiles import CHECKPOINT, wrong
from veche.logs import log as logged
from veche.node.copying import Forked
from veche.texts import Message


class Heads:
    """What one follower hears. ``fork``: the two histories, if there are; ``own`` and ``succession``: of the ledger here, by now."""

    def __init__(
        self,
        folder: Path,
        own: Callable[[], SignedCheckpoint],
        succession: Callable[[], Succession],
        decided: bool = False,
    ) -> None:
        """``decided``: people know of two histories, and this is the right one: whoever shows the other lies."""
        self._decided = decided
        self._folder, self._own, self._succession = folder, own, succession
        self._log: Log | None = None
        self._open: dict[Verifier, SignedCheckpoint] = {}  # longer ones, that are not final: the newest of each key
        self._lock = threading.Lock()
        self.fork: Forked | None = None

    def hear(self, signed: SignedCheckpoint, door: Source | None = None) -> Log | None:
        """A head that somebody has; the log under it, if it is final, longer than this one and goes on from it.

        ``door``: the public files of whoever has it. Raises DoesNotHold if that one lies, and Forked if there are two histories.
        """
        with self._lock:
            return self._hear(signed, door)

    def grown(self) -> None:
        """The log here has grown: look again at what was heard before."""
        with self._lock:
            size = self._own().checkpoint.size
            for signed in [one for one in self._open.values() if one.checkpoint.size <= size]:
                self._hear(signed, None)
            self._open = {key: one for key, one in self._open.items() if one.checkpoint.size > size}

    def _hear(self, signed: SignedCheckpoint, door: Source | None) -> Log | None:
        own, succession, head = self._own(), self._succession(), signed.checkpoint
        if head == own.checkpoint:
            return None
        signers = _signers(signed, succession)
        if head.size <= own.checkpoint.size:
            _must_be_signed(signed, signers)
            log = self._own_log(own)
            if log.root(head.size) != head.root:
                final = is_by(signed, succession.policy(head.size)) and _count(signers, succession, own.checkpoint.size)
                self._contradict(signed, own, log, final, signers)
            return None
        if door is None:
            _must_be_signed(signed, signers)
            self._open.update(dict.fromkeys(signers, signed))
            return None
        try:
            walked = walk(door, succession.charter, signed)
            check_known(walked, (number + 1 for number, _ in succession.changes if number + 1 < head.size))
            signed.verify(walked.policy(head.size))
        except DoesNotHold:
            self._open.update(dict.fromkeys(signers, signed))
            raise
        log = Log(door, head)
        if log.root(own.checkpoint.size) != own.checkpoint.root:
            self._contradict(own, signed, log, True, [])
        return log

    def _own_log(self, own: SignedCheckpoint) -> Log:
        """The log here, under the head that is published now."""
        if self._log is None or self._log.head.size < own.checkpoint.size:
            snapshot = Snapshot(Folder(self._folder))
            self._log = Log(snapshot, snapshot.checkpoint().checkpoint)
        return self._log

    def _contradict(
        self, one: SignedCheckpoint, own: SignedCheckpoint, longer: Log, final: bool, signers: list[Verifier]
    ) -> None:
        """``one`` is no longer than the other, and no part of the log ``longer``."""
        size = one.checkpoint.size
        other = self._of(longer.head, one, own)
        found = TwoHistories(one, other, longer.root(size), tuple(longer.consistency_proof(size)))
        if final:
            found.keep(self._folder, None)
            if self._decided:
                raise wrong(CHECKPOINT, Message("it is of the other history"))
            self.fork = Forked(found)
            raise self.fork
        for signer in signers:
            if found.keep(self._folder, signer.public):
                logged().warning("a validator has signed two histories", size=size)

    def _of(self, head: Checkpoint, one: SignedCheckpoint, other: SignedCheckpoint) -> SignedCheckpoint:
        """Which of them it is; the one here may have been published anew meanwhile."""
        found = next((signed for signed in (one, other) if signed.checkpoint == head), None)
        return found if found is not None else Folder(self._folder).checkpoint()


def _signers(signed: SignedCheckpoint, succession: Succession) -> list[Verifier]:
    """Whose signatures it bears of all who ever signed heads of this ledger."""
    known = {(one.name, one.key_id): one for policy in succession.policies for one in policy.power}
    named = [known[line.name, line.key_id] for line in signed.signatures if (line.name, line.key_id) in known]
    return [one for one in dict.fromkeys(named) if is_by(signed, Policy(signed.checkpoint.origin, {one: 1}, 1))]


def _count(signers: list[Verifier], succession: Succession, size: int) -> bool:
    """Whether over a third of those who sign today's heads are among these. If not, it is former validators who have signed another
    history of their day, or whoever has their keys now: they are named, and nobody who has a head of today need stop for them."""
    power = succession.policy(size).power
    return 3 * sum(power.get(one, 0) for one in signers) > sum(power.values())


def _must_be_signed(signed: SignedCheckpoint, signers: list[Verifier]) -> None:
    if not signers:
        raise DoesNotHold(
            "checkpoint",
            Message("the signatures"),
            Message(
                "Nobody whose signature counts has signed the head of {size} entries.", size=signed.checkpoint.size
            ),
        )
