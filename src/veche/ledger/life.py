"""The life of a poll and of a committee: their phases, what each takes, and where it leads. docs/protocol.md, sections 2.3 to 2.6.

Rules ask here whether an entry still has a place in its poll's life; what people read of a phase hangs on the same names.
"""

from collections.abc import Mapping

from veche.ledger.entries.ballot import BALLOT
from veche.ledger.entries.committee import CertificateStep, CommitteeVoid, Complaint, KeyStep, SharesStep
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.permit_key import Issuance, PermitKeys
from veche.ledger.entries.result import Result
from veche.ledger.entries.statements import Cancel, Contest, Outcome
from veche.ledger.entries.tally import Tally, TooFew, Void
from veche.texts import N_, Term


class Phase(Term):
    """Where a poll stands in the log. What the time of day adds is a :class:`Stage`."""

    ANNOUNCED = N_("announced")
    VOID = N_("void")
    CANCELLED = N_("cancelled")
    COUNTING = N_("counting")
    TOO_FEW = N_("too-few")
    DECIDED = N_("decided")


POLL_LIFE: Mapping[Phase, Mapping[str, Phase]] = {
    # Permit keys are taken before the opening, ballots from then to the closing.
    Phase.ANNOUNCED: {
        PermitKeys.kind: Phase.ANNOUNCED,
        BALLOT: Phase.ANNOUNCED,
        Cancel.kind: Phase.CANCELLED,
        Void.kind: Phase.VOID,
        Tally.kind: Phase.COUNTING,
        TooFew.kind: Phase.TOO_FEW,
    },
    # The result is taken once enough shares are there.
    # From the tally on nobody stops a poll: who saw shares first could still choose whether there is to be a result.
    Phase.COUNTING: {
        Decryption.kind: Phase.COUNTING,
        Result.kind: Phase.DECIDED,
        Issuance.kind: Phase.COUNTING,
        Outcome.kind: Phase.COUNTING,
        Contest.kind: Phase.COUNTING,
    },
    Phase.TOO_FEW: {
        Issuance.kind: Phase.TOO_FEW,
        Outcome.kind: Phase.TOO_FEW,
        Contest.kind: Phase.TOO_FEW,
    },
    # Shares that the result did not need are taken all the same, so that everybody sees which trustees gave theirs.
    Phase.DECIDED: {
        Decryption.kind: Phase.DECIDED,
        Issuance.kind: Phase.DECIDED,
        Outcome.kind: Phase.DECIDED,
        Contest.kind: Phase.DECIDED,
    },
    # Who published permit keys accounts for them after the closing, though there will be no result.
    Phase.CANCELLED: {Issuance.kind: Phase.CANCELLED},
    Phase.VOID: {},
}
"""For each phase of a poll the kinds of entry that it takes, and the phase to which each leads. Notices are always taken."""


class CommitteePhase(Term):
    """Where a key generation stands."""

    FORMING = N_("forming")
    FINISHED = N_("finished")
    VOID = N_("void")


COMMITTEE_LIFE: Mapping[CommitteePhase, Mapping[str, CommitteePhase]] = {
    # The last ``committee-key`` finishes it.
    CommitteePhase.FORMING: {
        CertificateStep.kind: CommitteePhase.FORMING,
        SharesStep.kind: CommitteePhase.FORMING,
        KeyStep.kind: CommitteePhase.FORMING,
        Complaint.kind: CommitteePhase.FORMING,
        CommitteeVoid.kind: CommitteePhase.VOID,
    },
    CommitteePhase.FINISHED: {},
    CommitteePhase.VOID: {},
}
"""The same for a committee."""


class Stage(Term):
    """Where a poll stands at a moment, as people ask: is it open?"""

    ANNOUNCED = N_("announced")
    UNOPENED = N_("unopened")
    OPEN = N_("open")
    CLOSED = N_("closed")
    COUNTING = N_("counting")
    DECIDED = N_("decided")
    TOO_FEW = N_("too-few")
    VOID = N_("void")
    CANCELLED = N_("cancelled")


def stage(phase: Phase, opens: int, closing: int, time: float, enough: bool) -> Stage:
    """The stage of a poll in this phase at ``time``, seconds since 1970. ``enough``: whether enough registrars published permit keys.

    UNOPENED: it should have opened, and the next block makes it void. CLOSED: the next block tallies it.
    """
    if phase != Phase.ANNOUNCED:
        return Stage(phase.value)
    if time < opens:
        return Stage.ANNOUNCED
    if not enough:
        return Stage.UNOPENED
    return Stage.OPEN if time < closing else Stage.CLOSED
