"""Halts: who could not vote while the ledger did not run gets time afterwards. docs/protocol.md, section 2.2."""

from collections.abc import Callable

import pytest

from veche.world import DAY

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
HOUR = 3600


@pytest.fixture
def branch(at: At) -> Branch:
    return at("voted")


def closing(branch: Branch, life: Life) -> int:
    return branch.poll(life.poll.id).closing


def before_closing(branch: Branch, life: Life, seconds: int) -> int:
    """Beat until so many seconds before closing; the closing as it was published."""
    branch.beat_until(closing(branch, life) - seconds)
    return life.poll.definition.closes


def test_idle_but_beating_is_no_halt(branch: Branch, life: Life) -> None:
    """Nobody votes overnight, the engine makes empty blocks: the next logged block names the last of them."""
    closes = before_closing(branch, life, 8 * HOUR)
    branch.beat_until(closes - 10)
    branch.block(life.ballot(life.world.citizens[1], turn=2, permits=False))
    assert closing(branch, life) == closes
    assert branch.beat_until(closes) == ["tally"]


def test_ten_minutes_are_no_halt(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 650)
    assert branch.stand_still(600) == []
    assert closing(branch, life) == closes


def test_a_halt_long_before_closing_moves_nothing(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 20 * HOUR)
    branch.stand_still(2 * HOUR)
    assert closing(branch, life) == closes


def test_a_halt_shortly_before_closing(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 1000)
    branch.stand_still(601)
    assert closing(branch, life) == branch.time + HOUR == closes - 1000 + 601 + HOUR
    assert branch.beat_until(closes) == []
    branch.block(life.ballot(life.world.citizens[1], turn=2, permits=False))
    assert branch.beat_until(closing(branch, life) - 1) == []
    assert branch.beat_until(closing(branch, life)) == ["tally"]


def test_a_halt_across_closing(branch: Branch, life: Life) -> None:
    """It closed while nobody could vote: it opens again for an hour, for this ballot among others."""
    closes = before_closing(branch, life, 300)
    assert branch.stand_still(5 * HOUR) == []
    assert closing(branch, life) == closes - 300 + 6 * HOUR
    branch.admit(life.ballot(life.world.citizens[1], turn=2, permits=False))


def test_the_ballot_in_the_very_block_that_resumes(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 300)
    (answer,) = branch.block(
        life.ballot(life.world.citizens[1], turn=2, permits=False), time=closes + HOUR, previous=branch.time
    )
    assert isinstance(answer, int)


def test_a_halt_that_begins_after_closing_moves_nothing(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 1)
    branch.block(time=closes - 1, previous=closes - 1)
    assert branch.stand_still(1) == ["tally"]
    branch.stand_still(HOUR)
    assert closing(branch, life) == closes


def test_a_halt_that_begins_with_the_closing_moves_nothing(branch: Branch, life: Life) -> None:
    """Closing later than the block before: at the same second it is not later."""
    closes = life.poll.definition.closes
    assert branch.beat_until(closes) == ["tally"]
    assert branch.stand_still(HOUR) == []
    assert closing(branch, life) == closes


def test_one_second_before_closing_it_does(branch: Branch, life: Life) -> None:
    closes = life.poll.definition.closes
    branch.block(time=closes + HOUR, previous=closes - 1)
    assert closing(branch, life) == closes + 2 * HOUR


def test_several_halts_add_up_to_two_days(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 60)
    seen = []
    for _ in range(5):
        branch.stand_still(12 * HOUR)
        seen.append(closing(branch, life))
    latest = closes + 2 * DAY
    assert seen == [closes - 60 + 13 * HOUR, closes - 60 + 25 * HOUR, closes - 60 + 37 * HOUR, latest, latest]
    assert branch.kinds()[-1] == "tally"


def test_a_halt_of_many_days_closes_when_it_ends(branch: Branch, life: Life) -> None:
    """48 hours after the published closing are over when the ledger resumes: nobody can vote any more."""
    closes = before_closing(branch, life, 60)
    assert branch.stand_still(3 * DAY) == ["tally"]
    assert closing(branch, life) == closes + 2 * DAY


def test_the_limit_is_counted_from_the_published_closing(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 60)
    branch.stand_still(2 * DAY - HOUR)
    assert closing(branch, life) == closes - 60 + 2 * DAY
    branch.stand_still(1000)
    assert closing(branch, life) == closes + 2 * DAY


def test_a_cancelled_poll_is_left_alone(branch: Branch, life: Life) -> None:
    closes = before_closing(branch, life, 300)
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    branch.stand_still(HOUR)
    assert closing(branch, life) == closes


def test_a_halt_of_the_node_itself(life: Life) -> None:
    """The node's block after a halt is logged even if it is empty, so that everybody moves the closing alike."""
    branch = life.voted.branch()
    size = len(branch.entries)
    branch.stand_still(HOUR)
    assert branch.kinds()[size:] == ["block"]
    branch.close()
