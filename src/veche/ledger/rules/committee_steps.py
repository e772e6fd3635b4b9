"""``committee-certificate``, ``-shares``, ``-key``, ``-complaint``: the trustees' steps, and ``committee-void``. docs/protocol.md, section 2.3."""

from typing import TYPE_CHECKING, Any

from veche.ballot.committee import (
    Certificate,
    Committee,
    Key,
    Shares,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    public_key,
)
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.state import CommitteeState

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed

SILENCE = 7 * 86_400
CERTIFICATE, SHARES, KEY, COMPLAINT = (
    "committee-certificate",
    "committee-shares",
    "committee-key",
    "committee-complaint",
)


def scheme(committee: CommitteeState) -> Committee:
    """The committee as the ballot protocol knows it."""
    return Committee(committee.id, committee.mode, committee.size, committee.poll_class.t)


def certificates(committee: CommitteeState) -> list[Certificate]:
    return [Certificate.from_fields(item[1][2:]) for _, item in sorted(committee.steps.get(CERTIFICATE, {}).items())]


def shares(committee: CommitteeState) -> list[Shares]:
    return [Shares.from_fields(item[1][2:]) for _, item in sorted(committee.steps.get(SHARES, {}).items())]


def keys(committee: CommitteeState) -> list[Key]:
    return [Key.from_fields(item[1][2:]) for _, item in sorted(committee.steps.get(KEY, {}).items())]


def member_of(committee: CommitteeState, entry: "Signed", index: object) -> int:
    """Check that the trustee with this index signed. Raises Refused("authority", ...)."""
    institution = entry.only("trustee")
    place = shape.uint(index, "The trustee's index", 1, committee.size)
    if committee.poll_class.trustees[place - 1] != institution:
        raise Refused("authority", f"{institution} is not trustee {place} of this committee.")
    return place


def admit(machine: "Machine", entry: "Signed") -> None:
    body = shape.array(entry.body, f"A {entry.kind}", 4, 6)
    committee = machine.state.committee(shape.data(body[0], "The committee's id", 32))
    if committee is None:
        raise Refused("committee", "There is no committee with this id in the ledger.")
    index = member_of(committee, entry, body[1])
    if committee.void is not None:
        raise Refused("committee", f"This committee is void: {committee.void}.", "Form a new one.")
    if committee.finished is not None:
        raise Refused("committee", "This committee has finished its key.")
    if index in committee.steps.get(entry.kind, {}):
        raise Refused("committee", "This trustee has taken this step already.")
    _check(committee, entry.kind, index, body[2:])
    if entry.kind == KEY and len(keys(committee)) == committee.size - 1:
        # Refuses the identity before anything is changed. The order of the keys does not matter to their product.
        committee.key = public_key(scheme(committee), [*keys(committee), Key.from_fields(body[2:])], shares(committee))
        committee.finished = machine.time
    committee.touched = machine.time
    machine.state.save_step(committee, entry.kind, index, entry.data)
    machine.state.save_committee(committee)


def _check(committee: CommitteeState, kind: str, index: int, rest: list[Any]) -> None:
    """Check a step against those before it. Raises Refused."""
    made = scheme(committee)

    def complete(step: str) -> None:
        if len(committee.steps.get(step, {})) < committee.size:
            raise Refused(
                "committee", f"This step begins when all {committee.size} trustees have handed in their {step}."
            )

    if kind == KEY and committee.mode == "single":
        check_single_key(made, index, Key.from_fields(rest), keys(committee))
    elif committee.mode == "single":
        raise Refused("committee", f"A committee of mode single has no step {kind}.")
    elif kind == CERTIFICATE:
        check_certificate(made, index, Certificate.from_fields(rest), certificates(committee))
    elif kind == SHARES:
        complete(CERTIFICATE)
        check_shares(made, index, Shares.from_fields(rest), certificates(committee))
    elif kind == KEY:
        complete(SHARES)
        check_key(made, index, Key.from_fields(rest), certificates(committee), shares(committee))
    else:
        complete(SHARES)
        against, text = shape.array(rest, "A complaint", 2, 2)
        shape.uint(against, "The dealer's index", 1, committee.size)
        shape.text(text, "The complaint", 2000)


def then(machine: "Machine", entry: "Signed") -> None:
    if entry.kind == COMPLAINT:
        committee = machine.state.committee(entry.body[0])
        assert committee is not None
        _void(machine, committee, f"trustee {entry.body[1]} complains about trustee {entry.body[2]}")


def silent(machine: "Machine", time: int) -> list[CommitteeState]:
    """The committees of which there was no entry for a week before ``time``, unfinished."""
    return [c for c in machine.state.unfinished_committees() if time - c.touched >= SILENCE]


def due(machine: "Machine") -> None:
    """A week without an entry of an unfinished committee makes it void."""
    for committee in silent(machine, machine.time):
        _void(machine, committee, "a week passed without an entry of it")


def _void(machine: "Machine", committee: CommitteeState, reason: str) -> None:
    machine.derive("committee-void", [committee.id, reason])
    committee.void = reason
    machine.state.save_committee(committee)
