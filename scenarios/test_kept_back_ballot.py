"""A ballot is kept back and released after a re-vote.

Anna votes no at the kiosk of the polls' opponent, who says that the network is down and keeps the ballot. At home Anna votes
yes. Minutes before closing the opponent hands the first ballot in: it is Anna's, in perfect order, and it is now the last
one of this credential in the log. Where the last ballot in the log counts, the opponent has turned the vote round, and
anybody who relays ballots can do the same. In Veche every ballot says its turn, under the voter's signature, and a ballot is
admitted if its turn is greater than the last.
"""

from collections.abc import Sequence
from pathlib import Path

from city import NO, YES, city, close, everybody_votes, open_poll, refused

from veche.ledger.codec import decode, encode

Vote = tuple[bytes, str]


def last_in_the_log_counts(votes: Sequence[Vote]) -> dict[bytes, str]:
    """The naive rule."""
    return dict(votes)


def greatest_turn_counts(votes: Sequence[Vote], turns: dict[Vote, int]) -> dict[bytes, str]:
    """Ours, in short: what does not raise the turn is refused, so the last in the log has the greatest."""
    admitted: dict[bytes, Vote] = {}
    for vote in votes:
        if vote[0] not in admitted or turns[vote] > turns[admitted[vote[0]]]:
            admitted[vote[0]] = vote
    return {voter: choice for voter, (_, choice) in admitted.items()}


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        anna, *others = world.citizens
        everybody_votes(world, poll, others[:2], YES)

        # At the kiosk. Anna's device made the ballot, the first one; the kiosk did not hand it in.
        kept = world.entry(anna, poll, NO)
        # At home. The ledger knows no ballot of Anna's, so this is the first one, too.
        at_home = anna.voter.cast(poll.id, 0, world.ballot(anna, poll, YES), anna.permits[poll.id], 1)
        world.submit(at_home)

        # Before closing.
        with refused("turn"):
            world.submit(kept)

        # The same ballots under both rules.
        credential = anna.voter.credential(poll.id)
        votes = [(credential, "yes"), (credential, "no")]
        assert last_in_the_log_counts(votes) == {credential: "no"}
        turns = dict(zip(votes, [decode(at_home)[5], decode(kept)[5]], strict=True))
        assert greatest_turn_counts(votes, turns) == {credential: "yes"}

        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[3, 0]]


def test_handed_in_before_it_changes_nothing(tmp_path: Path) -> None:
    """Released early it is simply the first ballot, and the one that was cast later wins."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        anna, *others = world.citizens
        everybody_votes(world, poll, others[:2], YES)
        kept = world.entry(anna, poll, NO)
        world.submit(kept)
        world.vote(anna, poll, YES)
        with refused("turn"):
            world.submit(kept)
        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[3, 0]]


def test_the_turn_cannot_be_raised_by_who_keeps_it(tmp_path: Path) -> None:
    """The turn is under the cast signature."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        anna = world.citizens[0]
        item = decode(world.entry(anna, poll, NO))
        with refused("cast"):
            world.submit(encode([*item[:5], 32, item[6]]))
