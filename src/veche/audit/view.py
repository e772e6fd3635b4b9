"""The verified ledger as a trustee's program wants to see it (:mod:`veche.trustee.view`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veche.audit.ledger import VerifiedLedger
from veche.ledger.state import CommitteeState, PollState
from veche.log.log import Log


@dataclass(frozen=True)
class Committee:
    """One committee; the mappings go from a trustee's index to the body that she handed in."""

    id: bytes
    mode: str
    threshold: int
    trustees: Sequence[str]
    certificates: Mapping[int, Sequence[Any]]
    shares: Mapping[int, Sequence[Any]]
    keys: Mapping[int, Sequence[Any]]
    void: bool


@dataclass(frozen=True)
class Poll:
    """One poll, as far as decryption goes."""

    id: bytes
    phi: str
    committee: bytes
    tally: bytes | None
    decryptions: Collection[tuple[int, int]]
    cancelled: bool
    finished: bool


class View:
    """What :func:`veche.audit.ledger.verify_ledger` found, read only.

    ``final``: the embedded log's one key signed the head, which verification demands; more validators come with their engine.
    """

    def __init__(self, verified: VerifiedLedger) -> None:
        self._log = Log(verified.source, verified.head)
        self.ledger = verified.ledger
        self.size = verified.head.size
        self.final = True
        self.committees = [_committee(found) for found in verified.state.committees()]
        self.polls = [_poll(found, verified.state.shares(found)) for found in verified.state.polls()]

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        return self._log.root(size)


def _committee(found: CommitteeState) -> Committee:
    def bodies(step: str) -> dict[int, Sequence[Any]]:
        return {member: item[1] for member, item in found.steps.get(step, {}).items()}

    certificates, shares, keys = map(bodies, ("committee-certificate", "committee-shares", "committee-key"))
    trustees, t = found.poll_class.trustees, found.poll_class.t
    return Committee(found.id, found.mode, t, trustees, certificates, shares, keys, found.void is not None)


def _poll(found: PollState, shares: Mapping[int, Mapping[int, Any]]) -> Poll:
    done = {(member, part) for member, parts in shares.items() for part in parts}
    cancelled, finished = found.status == "cancelled", found.result is not None
    return Poll(found.id, found.box.fingerprint, found.poll.committee, found.tally, done, cancelled, finished)
