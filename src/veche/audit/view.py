"""The verified ledger as a trustee's program wants to see it (:mod:`veche.trustee.view`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from veche.audit.ledger import VerifiedLedger
from veche.ballot.committee import Certificate, Key, Shares
from veche.ledger.entries.office import Role
from veche.ledger.entries.tally import Tally
from veche.ledger.life import CommitteePhase
from veche.ledger.poll_state import CommitteeState, PollState


@dataclass(frozen=True)
class SeenCommittee:
    """One committee; the mappings go from a trustee's index to what they handed in."""

    id: bytes
    mode: str
    threshold: int
    trustees: Sequence[str]
    trustee_keys: Mapping[int, bytes]
    certificates: Mapping[int, Certificate]
    shares: Mapping[int, Shares]
    keys: Mapping[int, Key]
    void: bool
    witnessed: bool


@dataclass(frozen=True)
class SeenPoll:
    """One poll, as far as decryption goes."""

    id: bytes
    phi: str
    committee: bytes
    tally: Tally | None
    tally_time: int
    margin: int
    decryptions: Collection[tuple[int, int]]
    witnessed: bool


class View:
    """What :func:`veche.audit.ledger.verify_ledger` found, read only.

    ``final``: verification demands that the head is signed as the ledger's policy says (:mod:`veche.ledger.heads`).
    """

    def __init__(self, verified: VerifiedLedger) -> None:
        self._log = verified.log
        self.ledger = verified.ledger
        self.size = verified.head.size
        self.final = True
        self.trustee_keys = {
            key: office.institution
            for key, office in verified.state.offices.items()
            if office.active and office.role is Role.TRUSTEE
        }
        self.committees = [_committee(verified, found) for found in verified.state.committees()]
        self.polls = [_poll(verified, found) for found in verified.state.polls()]

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` entries."""
        return self._log.root(size)


def _committee(verified: VerifiedLedger, found: CommitteeState) -> SeenCommittee:
    witnessed = not found.poll_class.witnessed or verified.witnesses.vouch(verified.size_at(found.last))
    void = found.phase == CommitteePhase.VOID
    return SeenCommittee(
        found.id, found.mode, found.poll_class.t, found.poll_class.trustees, found.trustee_keys, found.certificates, found.shares, found.keys, void,
        witnessed,
    )  # fmt: skip


def _poll(verified: VerifiedLedger, found: PollState) -> SeenPoll:
    number = verified.derived.get((Tally.kind, found.id))
    witnessed = not found.poll_class.witnessed or (
        number is not None and verified.witnesses.vouch(number + 1, verified.time_of(number))
    )
    done = {(trustee, part) for trustee, parts in found.shares.items() for part in parts}
    return SeenPoll(
        found.id, found.frozen.fingerprint, found.definition.committee, found.tally,
        0 if number is None else verified.time_of(number), verified.state.charter.lasting(found.poll_class.margin), done, witnessed,
    )  # fmt: skip
