"""The ledger stands still across the closing.

The evening before the poll closes many people vote, and not all to the operator's liking. The network has "a disturbance" from
seven o'clock; at nine, when the poll has closed, it is over. Where a poll closes at the published time, those who come from work at
seven have no vote, and an attack on the machines is as good as one on the votes. In Veche, if the ledger stood still while
a poll was open, its closing moves to an hour after it runs again; at most two days, so that nobody keeps a poll open for ever.
"""

from pathlib import Path

from city import NO, YES, city, everybody_votes, open_poll, refused

from veche.ledger.poll_state import PollState
from veche.world import DAY, World

HOUR = 3600


def closes_as_published(poll: PollState, time: int) -> bool:
    """The naive rule: whether a ballot of this time counts."""
    return poll.definition.opens <= time < poll.definition.closes


def closing(world: World, poll: PollState) -> int:
    found = world.ledger.state.poll(poll.id)
    assert found is not None
    return found.closing


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:2], NO)
        world.wait_until(poll.definition.closes - 2 * HOUR)

        # Seven o'clock to half past nine.
        world.stand_still(2 * HOUR + 1800)
        assert not closes_as_published(poll, world.now), "by the naive rule it is over"

        # Those who came from work.
        everybody_votes(world, poll, world.citizens[2:5], YES)
        assert closing(world, poll) == poll.definition.closes + 1800 + HOUR
        world.wait_until(closing(world, poll) - 1)
        world.vote(world.citizens[5], poll, YES)
        world.wait(1)
        late = world.entry(world.citizens[0], poll, YES)
        with refused("not-open"):
            world.submit(late)

        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[4, 2]]


def test_a_quiet_night_is_no_halt(tmp_path: Path) -> None:
    """Nobody votes, the ledger beats: the next ballot's block says when the last beat was, and nothing moves."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:3], YES)
        size = world.ledger.size
        world.wait_until(poll.definition.closes - 300)
        assert world.ledger.size == size, "nothing was written all night"
        world.vote(world.citizens[3], poll, YES)
        assert closing(world, poll) == poll.definition.closes


def test_nobody_keeps_a_poll_open_for_ever(tmp_path: Path) -> None:
    """One halt after the other, always shortly before closing: after two days it is over."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:3], YES)
        world.wait_until(poll.definition.closes - 60)
        for _ in range(60):
            world.stand_still(HOUR)
        assert closing(world, poll) == poll.definition.closes + 2 * DAY
        found = world.check().state.poll(poll.id)
        assert found is not None and found.tally is not None
        with refused("not-open"):
            world.vote(world.citizens[4], poll, NO)
