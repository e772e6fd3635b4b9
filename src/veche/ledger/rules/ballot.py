"""``ballot``: the hot path. docs/protocol.md, section 3.2.

:class:`Batch` does what needs no state (permits, cast signature, proofs) for many ballots at once, on all cores, with
the interpreter's lock released; :func:`admit` does the rest, one ballot after the other. What a ballot's verdict depends on
(the poll and its permit keys) is frozen before its poll opens, so a verdict stays true for as long as it may be asked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import veche_kernel

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entry import decode, digest, encode
from veche.ledger.state import PollState
from veche.permit.blind_rsa import verify_many
from veche.permit.message import permit_message
from veche.permit.permit import Permit, permit_checks

if TYPE_CHECKING:
    from veche.ledger.machine import Machine

MAX_TURN = 32
_SHAPE: list[type] = [str, bytes, int, bytes, list, int, bytes]
_PERMIT_SHAPE: list[type] = [int, bytes, bytes]


class Fields(NamedTuple):
    """A decoded ballot entry whose shape is right."""

    poll: bytes
    group: int
    ballot: bytes
    permits: list[Permit]
    turn: int
    cast: bytes
    message: bytes


class Checked(NamedTuple):
    """The verdict on a ballot that holds: its credential, tracker and ciphertexts, and whose permits it carries."""

    fields: Fields
    ballot: veche_kernel.CheckedBallot


def is_ballot(data: bytes) -> bool:
    """Whether an entry claims to be a ballot: an array of seven that begins with that word."""
    return data.startswith(b"\x87\x66ballot")


def cast_prefix(item: list[Any]) -> bytes:
    """What the cast signature signs: everything of the entry but the signature itself."""
    return _cast_prefix(encode(item[:6]))


def _cast_prefix(unsigned: bytes) -> bytes:
    return b"veche-cast-v1|" + digest(unsigned).hex().encode() + b"|"


def fields(data: bytes) -> Fields:
    """Decode a ballot entry. Raises Refused("codec" or "shape", ...)."""
    item = decode(data)
    if [type(part) for part in item] != _SHAPE:
        raise Refused("shape", "A ballot entry is an array of poll, group, ballot, permits, turn and cast signature.")
    _, poll, group, ballot, permits, turn, cast = item
    if not all(type(row) is list and [type(part) for part in row] == _PERMIT_SHAPE for row in permits):
        raise Refused("shape", "A permit is an array of registrar, prefix and signature.")
    parsed = [Permit(*row) for row in permits]
    shape.data(cast, "The cast signature", 64)
    # The encoding is canonical: an array of seven whose last item is 66 bytes, without it an array of six.
    return Fields(poll, group, ballot, parsed, turn, cast, _cast_prefix(b"\x86" + data[1:-66]))


class Batch:
    """The stateless checks of the ballots among some entries. Made on the thread that owns the state, run on any."""

    def __init__(self, machine: "Machine", entries: Sequence[bytes]) -> None:
        self.verdicts: list[Checked | Refused | None] = [None] * len(entries)
        self._boxes: dict[bytes, tuple[PollState, list[tuple[int, Fields]]]] = {}
        for position, data in enumerate(entries):
            if not is_ballot(data):
                continue
            try:
                found = fields(data)
            except Refused as refusal:
                self.verdicts[position] = refusal
                continue
            if found.poll not in self._boxes:
                poll = machine.state.poll(found.poll)
                if poll is None or not machine.state.has_all_keys(poll):
                    continue  # what its verdict depends on is not all there yet
                self._boxes[found.poll] = (poll, [])
            self._boxes[found.poll][1].append((position, found))

    def run(self) -> list["Checked | Refused | None"]:
        """One verdict an entry: None for what is no ballot of a known poll."""
        for poll, members in self._boxes.values():
            rows = [
                (position, found) for position, found in members if len(found.ballot) == poll.box.kernel.ballot_size
            ]
            for position, _ in members:
                self.verdicts[position] = Refused(
                    "shape", "The ballot has not the length that this poll's questions give."
                )
            items = [(found.ballot, found.message, found.cast) for _, found in rows]
            for (position, found), verdict in zip(rows, poll.box.kernel.verify_batch(items), strict=True):
                self.verdicts[position] = refusal(verdict) if isinstance(verdict, str) else Checked(found, verdict)
            self._check_permits(poll, [position for position, _ in rows])
        return self.verdicts

    def _check_permits(self, poll: PollState, positions: list[int]) -> None:
        items: list[tuple[bytes, bytes, bytes]] = []
        owners: list[int] = []
        for position in positions:
            verdict = self.verdicts[position]
            if isinstance(verdict, Checked) and verdict.fields.permits:
                try:
                    wanted = permit_items(poll, verdict)
                except Refused as refused:
                    self.verdicts[position] = refused
                    continue
                items += wanted
                owners += [position] * len(wanted)
        for position, error in zip(owners, verify_many(items), strict=True):
            if error is not None:
                self.verdicts[position] = Refused(
                    "permits", "A permit does not hold: no registrar of this group signed it for this credential."
                )


def refusal(reason: str) -> Refused:
    return Refused("cast" if "cast signature" in reason else "proofs", f"The ballot does not hold: {reason}.")


def permit_items(poll: PollState, checked: Checked) -> list[tuple[bytes, bytes, bytes]]:
    """The RSA signatures to verify for a ballot that brings permits. Raises Refused."""
    found = checked.fields
    if found.group >= len(poll.poll.groups):
        raise Refused("group", f"The poll has no group {found.group}.")
    keys = poll.box.permit_keys
    moduli = [keys[registrar][found.group][0] for registrar in range(len(keys))]
    message = permit_message(poll.id, found.group, checked.ballot.credential)
    items = permit_checks(found.permits, message, moduli, poll.poll_class.k)
    sources = {poll.poll_class.registrars[permit.registrar][1] for permit in found.permits}
    if len(sources) < poll.poll_class.sources:
        raise Refused(
            "permits",
            f"The permits come from {len(sources)} identity source; this class wants {poll.poll_class.sources}.",
        )
    return items


def admit(machine: "Machine", data: bytes, checked: "Checked | Refused | None") -> int:
    """Admit a ballot, or raise Refused with the first rule of section 3.2 that it breaks."""
    state = machine.state
    found = checked.fields if isinstance(checked, Checked) else fields(data)
    poll = state.poll(found.poll)
    if poll is None:
        raise Refused("unknown-poll", "There is no poll with this id in the ledger.")
    if not poll.open_at(machine.time):
        raise Refused("not-open", _why_not_open(poll, machine.time))
    if found.group >= len(poll.poll.groups):
        raise Refused("group", f"The poll has no group {found.group}.")
    if not 1 <= found.turn <= MAX_TURN:
        raise Refused("turn", f"A turn is a number from 1 to {MAX_TURN}.")
    if checked is None:
        checked = Batch(machine, [data]).run()[0]
        assert checked is not None, "an open poll has all its permit keys"
    if isinstance(checked, Refused):
        raise checked
    credential = checked.ballot.credential
    last = state.last_ballot(poll, credential)
    if last is None:
        if not found.permits:
            raise Refused(
                "permits",
                "This credential has no ballot in the poll yet, so it needs permits.",
                "Collect permits first.",
            )
        for permit in found.permits:
            people = poll.box.permit_keys[permit.registrar][found.group][1]
            if poll.admitted.get((permit.registrar, found.group), 0) >= people:
                raise Refused(
                    "permits", "More voters than people on a registrar's roll: the registrar signed too many permits."
                )
    else:
        group, turn, _ = last
        if found.group != group:
            raise Refused("group", f"This credential voted in group {group}; it cannot vote in group {found.group}.")
        if found.turn <= turn:
            raise Refused(
                "turn", f"A ballot with turn {turn} was accepted; turn {found.turn} is older and does not count."
            )
        if found.permits:
            raise Refused(
                "permits",
                "This credential is admitted already; a further ballot carries no permits.",
                "Send it without permits.",
            )
    if state.find_tracker(poll, checked.ballot.tracker) is not None:
        raise Refused("tracker", "This very ballot is in the ledger already.")
    if last is None:
        for permit in found.permits:
            place = (permit.registrar, found.group)
            poll.admitted[place] = poll.admitted.get(place, 0) + 1
        poll.counted[found.group] += 1
    else:
        poll.sums[found.group].subtract([machine.ballot_at(last[2], poll)])
    poll.sums[found.group].add([checked.ballot])
    poll.touched.add(found.group)
    index = machine.append(data)
    state.set_ballot(poll, credential, found.group, found.turn, index, checked.ballot.tracker)
    return index


def _why_not_open(poll: PollState, time: int) -> str:
    if poll.status == "void":
        return "This poll is void: a registrar's permit keys were missing."
    if poll.status == "cancelled":
        return "This poll was cancelled."
    if time < poll.poll.opens:
        return "This poll has not opened yet."
    return "This poll is closed; the ballot came too late."
