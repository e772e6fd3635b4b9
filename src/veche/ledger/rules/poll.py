"""``poll``: organisers publish a frozen definition."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.charter import PollClass
from veche.ledger.entries.office import Role
from veche.ledger.entries.permit_key import LARGEST_COUNT
from veche.ledger.entries.poll import BALLOT_ROOM, MAX_BALLOT, PERMIT_ROOM, Poll
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.poll_state import CommitteeState
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message, duration

FRESH = 92 * 86_400
"""Seconds for which polls may open after their committee finished its key."""


class PollRule(Rule[Poll]):
    entry = Poll

    def admit(self, state: State, block: Block, signed: SignedEntry[Poll]) -> None:
        poll = signed.entry
        poll_class = state.poll_class(poll.class_name, block.time)
        if len(signed.by(Role.ORGANISER)) != len(signed.signers):
            raise Refused("authority", Message("A poll is signed by organisers only."))
        if len(signed.signers) < poll_class.organisers and not signed.unfinished:
            raise Refused(
                "authority",
                Message(
                    "{signers} organisers signed; class {name!r} wants {organisers}.",
                    signers=len(signed.signers),
                    name=poll_class.name,
                    organisers=poll_class.organisers,
                ),
                Message("A second person must sign: veche poll sign."),
            )
        frozen, registrars = freeze(state, poll, signed.id, block.time)
        state.add_poll(frozen, signed.data, block.size, 1, registrars)


def freeze(state: State, poll: Poll, poll_id: bytes, time: int) -> tuple[FrozenPoll, dict[int, bytes]]:
    """The poll as it is from its publication at ``time`` on, and its registrars' keys by their index in the class.

    All that decides whether it may be published but the signatures under it. Raises Refused.
    """
    poll_class = state.poll_class(poll.class_name, time)
    notice, longest = (state.charter.lasting(seconds) for seconds in (poll_class.notice, poll_class.longest))
    if poll.opens < time + max(notice, 1):  # permit keys come in a block before the opening
        raise Refused(
            "poll-dates",
            Message("The poll must be published {notice} before it opens.", notice=duration(max(notice, 1))),
            Message("Choose a later opening."),
        )
    if poll.closes - poll.opens < state.charter.engine.seconds:
        raise Refused(
            "poll-dates",
            Message("The poll may be over before there is a block in which somebody votes."),
            Message("Choose a later closing."),
        )
    if poll.closes - poll.opens > longest:
        raise Refused(
            "poll-dates",
            Message(
                "A poll of class {name!r} lasts {longest} at most.", name=poll_class.name, longest=duration(longest)
            ),
            Message("Choose an earlier closing."),
        )
    key = _committee_key(state.committee(poll.committee), poll, state.charter.lasting(FRESH))
    frozen = FrozenPoll(poll_id, poll, poll_class, key)
    if frozen.kernel.ballot_size > min(MAX_BALLOT, BALLOT_ROOM - PERMIT_ROOM * poll_class.k):
        raise Refused(
            "poll-size",
            Message("A ballot of this poll would not fit into an entry."),
            Message("Ask fewer questions in one poll."),
        )
    if lightest_tally(poll, poll_class.smallest) * len(poll_class.registrars) > LARGEST_COUNT * poll_class.k:
        raise Refused(
            "poll-size",
            Message(
                "With one voter in each group and {smallest} in all, the votes weigh more than a tally can open.",
                smallest=poll_class.smallest,
            ),
            Message("Use smaller weights in the same proportion."),
        )
    return frozen, _registrar_keys(state, time, poll_class)


def lightest_tally(poll: Poll, smallest: int) -> int:
    """The least that the votes weigh if somebody votes in each group, and ``smallest`` people in all."""
    weights = [group.weight for group in poll.groups]
    return sum(weights) + max(smallest - len(weights), 0) * min(weights)


def _registrar_keys(state: State, time: int, poll_class: PollClass) -> dict[int, bytes]:
    """The keys of the registrars, by their index in the class. Raises Refused("authority", ...) if too few can ever publish."""
    keys, able = {}, 0
    for index, seat in enumerate(poll_class.registrars):
        key = state.key_of(seat.institution, Role.REGISTRAR)
        if key is not None:
            keys[index] = key
            able += not state.offices[key].is_suspended(time)
    needed = len(poll_class.registrars) - poll_class.f
    if able < needed:
        raise Refused(
            "authority",
            Message(
                "Class {name!r} needs {needed} registrars, and {able} hold a key that is not suspended.",
                name=poll_class.name,
                needed=needed,
                able=able,
            ),
            Message("See who holds which office: veche ledger show"),
        )
    return keys


def _committee_key(committee: CommitteeState | None, poll: Poll, fresh: int) -> bytes:
    """The key of the poll's committee. Raises Refused("poll-committee", ...) if the poll cannot have it."""
    if committee is None or committee.finished is None or committee.key is None:
        raise Refused(
            "poll-committee",
            Message("The poll's committee of trustees has not finished its key."),
            Message("Wait for the trustees."),
        )
    if committee.poll_class.name != poll.class_name:
        raise Refused(
            "poll-committee",
            Message(
                "The committee is of class {name!r}, the poll of class {class_name!r}.",
                name=committee.poll_class.name,
                class_name=poll.class_name,
            ),
        )
    if poll.opens > committee.finished + fresh:
        raise Refused(
            "poll-committee",
            Message("The committee's key is over {fresh} old when the poll opens.", fresh=duration(fresh)),
            Message("Form a new committee."),
        )
    return committee.key
