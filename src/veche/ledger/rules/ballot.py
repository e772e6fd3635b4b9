"""``ballot``: what the state says of it; what needs no state is checked in between. docs/protocol.md, section 3.2."""

from collections.abc import Callable

import veche_kernel

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Phase
from veche.ledger.poll_state import LastBallot, PollState, Wrong
from veche.ledger.state import State
from veche.texts import Message


def check_open(state: State, time: int, poll_id: bytes) -> PollState:
    """The poll, which takes ballots in a block of this time. Raises Refused."""
    poll = state.poll(poll_id)
    if poll is None:
        raise Refused("unknown-poll", Message("There is no poll with this id in the ledger."))
    if not poll.open_at(time):
        raise Refused("not-open", _why_not_open(poll, time))
    return poll


def check_standing(poll: PollState, entry: veche_kernel.BallotEntry, last: LastBallot | None) -> None:
    """What the state says of a ballot, but for its tracker, where ``last`` is the last accepted one of its credential. Raises Refused."""
    if last is None:
        _check_first(poll, entry)
    else:
        _check_again(entry, last)


def admit_ballot(
    state: State,
    block: Block,
    poll: PollState,
    last: LastBallot | None,
    entry: veche_kernel.BallotEntry,
    ballot: veche_kernel.CheckedBallot,
    read: Callable[[int], bytes],
) -> int:
    """Admit a ballot that was checked, and of which :func:`check_standing` was asked; its number. Raises Refused and changes nothing.

    ``read(number)`` gives the entry of a ballot that this one replaces.
    """
    if last is None:
        for registrar in entry.registrars:
            place = registrar, entry.group
            poll.admitted[place] = poll.admitted.get(place, 0) + 1
        poll.groups[entry.group].add(ballot)
    elif state.has_cast(poll, last, ballot.tracker):
        raise Refused("tracker", Message("This very ballot is in the ledger already."))
    else:
        poll.groups[entry.group].add(ballot, replaced=ballot_in(poll, ballot.credential, last, read(last.number)))
    poll.changed.add(entry.group)
    number = block.append(entry.data)
    state.set_ballot(poll, ballot.credential, LastBallot(entry.group, entry.turn, number), ballot.tracker, last)
    return number


def ballot_in(poll: PollState, credential: bytes, last: LastBallot, data: bytes) -> veche_kernel.Ciphertexts:
    """The ciphertexts of the ballot that is remembered as the last one of this credential, to take them out of the sums again.

    Raises Wrong if its entry is another ballot's: its row is the only one of the ballots' that is believed when it is read.
    """
    entry = read_ballot(data)
    found, ciphertexts = poll.frozen.kernel.ciphertexts(entry.ballot)
    if (entry.poll, found, entry.group, entry.turn) != (poll.id, credential, last.group, last.turn):
        raise Wrong(
            Message(
                "the last ballot of a voter of poll {number} is not the one of entry {number2}",
                number=poll.number,
                number2=str(last.number),
            )
        )
    return ciphertexts


def _check_first(poll: PollState, entry: veche_kernel.BallotEntry) -> None:
    """The first ballot of a credential brings permits, and no registrar admits more people than it has on its roll."""
    registrars = entry.registrars
    if not registrars:
        raise Refused(
            "permits",
            Message("This credential has no ballot in the poll yet, so it needs permits."),
            Message("Collect permits first."),
        )
    for registrar in registrars:
        if registrar not in poll.counting[entry.group]:
            raise Refused(
                "permits",
                Message(
                    "The roll of a registrar has less than half the people of the others' in this group: its permits are not taken."
                ),
                Message("Show another registrar's permit."),
            )
        people = poll.permit_keys[registrar].groups[entry.group].people
        if poll.admitted.get((registrar, entry.group), 0) >= people:
            raise Refused(
                "permits",
                Message("More voters than people on a registrar's roll: the registrar signed too many permits."),
            )


def _check_again(entry: veche_kernel.BallotEntry, last: LastBallot) -> None:
    """A later ballot is in the same group, has a greater turn, and brings no permits."""
    if entry.group != last.group:
        raise Refused(
            "group",
            Message(
                "This credential voted in group {group}; it cannot vote in group {group2}.",
                group=last.group,
                group2=entry.group,
            ),
        )
    if entry.turn <= last.turn:
        raise Refused(
            "turn",
            Message(
                "A ballot with turn {turn} was accepted; turn {turn2} is not greater and does not count.",
                turn=last.turn,
                turn2=entry.turn,
            ),
        )
    if entry.registrars:
        raise Refused(
            "permits",
            Message("This credential is admitted already; a further ballot carries no permits."),
            Message("Send it without permits."),
        )


def _why_not_open(poll: PollState, time: int) -> Message:
    if poll.phase == Phase.VOID:
        return Message("This poll is void: too few registrars published permit keys.")
    if poll.phase == Phase.CANCELLED:
        return Message("This poll was cancelled.")
    if time < poll.definition.opens:
        return Message("This poll has not opened yet.")
    return Message("This poll is closed; the ballot came too late.")
