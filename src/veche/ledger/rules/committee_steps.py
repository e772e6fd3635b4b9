"""The trustees' steps of key generation, and ``committee-void``. docs/protocol.md, section 2.3."""

from abc import abstractmethod
from typing import TypeVar

from veche.ballot.committee import (
    SINGLE,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    public_key,
)
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.block import Block
from veche.ledger.entries.committee import (
    COMPLAINT,
    SILENT,
    CertificateStep,
    CommitteeVoid,
    Complaint,
    KeyStep,
    SharesStep,
    Step,
)
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.office import Role
from veche.ledger.life import CommitteePhase
from veche.ledger.poll_state import CommitteeState, in_order
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message

SILENCE = 7 * 86_400
"""Seconds without an entry of it that make an unfinished committee void."""

S = TypeVar("S", CertificateStep, SharesStep, KeyStep, Complaint)


class StepRule(Rule[S]):
    """What all steps have in common; ``check`` is the step's own."""

    by_former = True

    def admit(self, state: State, block: Block, signed: SignedEntry[S]) -> None:
        step = signed.entry
        committee = state.committee(step.committee)
        if committee is None:
            raise Refused("committee", Message("There is no committee with this id in the ledger."))
        check_member(committee, signed, step.index)
        if not committee.takes(step.kind):
            raise _over(committee)
        if committee.has_taken(step):
            raise Refused("committee", Message("This trustee has taken this step already."))
        if committee.mode == SINGLE and not isinstance(step, KeyStep):
            raise Refused("committee", Message("A committee of mode single has no step {kind}.", kind=step.kind))
        self.check(committee, step)
        self.finish(committee, step, block.time)
        committee.last = block.time
        state.add_step(committee, step, signed.data)
        state.save_committee(committee)

    @abstractmethod
    def check(self, committee: CommitteeState, step: S) -> None:
        """Check a step against those before it. Raises Refused."""

    def finish(self, committee: CommitteeState, step: S, time: int) -> None:
        """What the step completes. Raises Refused before anything is changed."""


class CertificateRule(StepRule[CertificateStep]):
    entry = CertificateStep

    def check(self, committee: CommitteeState, step: CertificateStep) -> None:
        check_certificate(committee.scheme, step.index, step.certificate, in_order(committee.certificates))


class SharesRule(StepRule[SharesStep]):
    entry = SharesStep

    def check(self, committee: CommitteeState, step: SharesStep) -> None:
        _complete(committee, CertificateStep.kind, len(committee.certificates))
        check_shares(committee.scheme, step.index, step.shares, in_order(committee.certificates))


class KeyRule(StepRule[KeyStep]):
    entry = KeyStep

    def check(self, committee: CommitteeState, step: KeyStep) -> None:
        if committee.mode == SINGLE:
            check_single_key(committee.scheme, step.index, step.key, in_order(committee.keys))
            return
        _complete(committee, SharesStep.kind, len(committee.shares))
        check_key(committee.scheme, step.index, step.key, in_order(committee.certificates), in_order(committee.shares))

    def finish(self, committee: CommitteeState, step: KeyStep, time: int) -> None:
        keys = [*in_order(committee.keys), step.key]  # the order does not matter to their product
        if len(keys) == committee.size:
            committee.key = public_key(committee.scheme, keys, in_order(committee.shares))
            committee.finished, committee.phase = time, CommitteePhase.FINISHED


class ComplaintRule(StepRule[Complaint]):
    entry = Complaint

    def check(self, committee: CommitteeState, step: Complaint) -> None:
        _complete(committee, SharesStep.kind, len(committee.shares))
        shape.uint(step.against, "The dealer's index", 1, committee.size)

    def then(self, state: State, block: Block, signed: SignedEntry[Complaint]) -> None:
        step = signed.entry
        committee = state.committee(step.committee)
        assert committee is not None, "it was there a moment ago"
        _void(state, block, committee, COMPLAINT.format(index=step.index, against=step.against))


def check_member(committee: CommitteeState, signed: SignedEntry[ByOffice], index: int) -> None:
    """Check that the trustee with this index signed, with the key that the committee kept. Raises Refused("authority", ...)."""
    signer = signed.only(Role.TRUSTEE)
    shape.uint(index, "The trustee's index", 1, committee.size)
    if committee.trustee_keys[index] != signer.key:
        raise Refused(
            "authority",
            Message(
                "This key of {institution} is not that of trustee {index} of this committee.",
                institution=signer.institution,
                index=index,
            ),
        )


def silent(state: State, time: int) -> list[CommitteeState]:
    """The committees of which there was no entry for a week before ``time``, unfinished."""
    return [committee for committee in state.forming_committees() if time >= silent_from(state, committee)]


def silent_from(state: State, committee: CommitteeState) -> int:
    """From when on an unfinished committee is void, if nothing more is said in it, in seconds since 1970.

    The week begins anew when the suspension of a trustee's key ends: who suspends a trustee ends no key generation.
    """
    ends = [state.offices[key].suspended for key in committee.trustee_keys.values()]
    return max(committee.last, *ends) + state.charter.lasting(SILENCE)


def void_silent(state: State, block: Block) -> None:
    """A week without an entry of an unfinished committee makes it void."""
    for committee in silent(state, block.time):
        _void(state, block, committee, SILENT)


def _void(state: State, block: Block, committee: CommitteeState, reason: str) -> None:
    block.derive(CommitteeVoid(committee.id, reason))
    committee.pass_on(CommitteeVoid.kind)
    committee.reason = reason
    state.save_committee(committee)


def _over(committee: CommitteeState) -> Refused:
    if committee.phase == CommitteePhase.VOID:
        return Refused(
            "committee",
            Message("This committee is void: {reason}.", reason=committee.reason),
            Message("Form a new one."),
        )
    return Refused("committee", Message("This committee has finished its key."))


def _complete(committee: CommitteeState, kind: str, done: int) -> None:
    if done < committee.size:
        raise Refused(
            "committee",
            Message(
                "This step begins when all {size} trustees have handed in their {kind}.", size=committee.size, kind=kind
            ),
        )


__all__ = [
    "SILENCE", "CertificateRule", "ComplaintRule", "KeyRule", "SharesRule", "Step", "check_member", "silent", "silent_from", "void_silent",
]  # fmt: skip
