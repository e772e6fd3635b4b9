"""``poll``: organisers publish a frozen definition."""

from typing import TYPE_CHECKING

from veche.errors import Refused
from veche.ledger.poll import MAX_BALLOT, Ballotbox, Poll
from veche.ledger.state import PollState

if TYPE_CHECKING:
    from veche.ledger.machine import Machine, Signed

FRESH = 92 * 86_400


def admit(machine: "Machine", entry: "Signed") -> None:
    state = machine.state
    poll = Poll.parse(entry.body)
    poll_class = state.charter.poll_class(poll.class_name)
    if len(entry.by("organiser")) != len(entry.offices):
        raise Refused("authority", "A poll is signed by organisers only.")
    if len(entry.offices) < poll_class.organisers:
        raise Refused("authority", f"{len(entry.offices)} organisers signed; class {poll_class.name!r} wants {poll_class.organisers}.",
                      "A second person must sign: veche poll sign.")  # fmt: skip
    if poll.opens < machine.time + max(poll_class.notice, 1):  # permit keys come in a block before the opening
        raise Refused(
            "poll-dates",
            f"The poll must be published {poll_class.notice} seconds before it opens.",
            "Choose a later opening.",
        )
    if poll.closes - poll.opens > poll_class.longest:
        raise Refused("poll-dates", f"A poll of class {poll_class.name!r} lasts {poll_class.longest} seconds at most.")
    committee = state.committee(poll.committee)
    if committee is None or committee.finished is None or committee.key is None:
        raise Refused(
            "poll-committee", "The poll's committee of trustees has not finished its key.", "Wait for the trustees."
        )
    if committee.poll_class.name != poll_class.name:
        raise Refused(
            "poll-committee",
            f"The committee is of class {committee.poll_class.name!r}, the poll of class {poll_class.name!r}.",
        )
    if poll.opens > committee.finished + FRESH:
        raise Refused(
            "poll-committee", "The committee's key is over 92 days old when the poll opens.", "Form a new committee."
        )
    box = Ballotbox(entry.data, committee.key)
    if box.kernel.ballot_size > MAX_BALLOT:
        raise Refused(
            "poll-size", "A ballot of this poll would not fit into an entry.", "Ask fewer questions in one poll."
        )
    state.add_poll(PollState(box, machine.size, entry.data, committee.key, poll_class, 1, poll.closes))
