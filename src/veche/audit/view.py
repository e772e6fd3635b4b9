"""The verified ledger as a trustee's program wants to see it (:mod:`veche.trustee.view`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from veche.audit.due import parts_due, step_witnessed, steps_due, tally_time, tally_witnessed
from veche.audit.ledger import VerifiedLedger
from veche.ballot.committee import Certificate, Key, Shares
from veche.ledger.entries.office import Role
from veche.ledger.entries.tally import Tally
from veche.ledger.life import CommitteePhase, Phase
from veche.ledger.poll_state import CommitteeState, PollState


@dataclass(frozen=True)
class SeenCommittee:
    """One committee; the mappings go from a trustee's index to what they handed in, ``due`` to the kind of what they hand in now."""

    id: bytes
    mode: str
    threshold: int
    trustees: Sequence[str]
    trustee_keys: Mapping[int, bytes]
    certificates: Mapping[int, Certificate]
    shares: Mapping[int, Shares]
    keys: Mapping[int, Key]
    due: Mapping[int, str]
    void: bool
    witnessed: bool


@dataclass(frozen=True)
class SeenPoll:
    """One poll, as far as decryption goes. ``missing``: from a trustee's index to the parts that they have not decrypted."""

    id: bytes
    phi: str
    committee: bytes
    closes: int | None
    tally: Tally | None
    tally_time: int
    margin: int
    missing: Mapping[int, Sequence[int]]
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
    return SeenCommittee(
        found.id, found.mode, found.poll_class.t, found.poll_class.trustees, found.trustee_keys, found.certificates, found.shares, found.keys,
        steps_due(found), found.phase == CommitteePhase.VOID, step_witnessed(verified, found),
    )  # fmt: skip


def _poll(verified: VerifiedLedger, found: PollState) -> SeenPoll:
    committee = verified.state.committee(found.definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    return SeenPoll(
        found.id, found.frozen.fingerprint, found.definition.committee, found.closing if found.phase == Phase.ANNOUNCED else None, found.tally,
        tally_time(verified, found),
        verified.state.charter.lasting(found.poll_class.margin), parts_due(committee, found), tally_witnessed(verified, found),
    )  # fmt: skip
