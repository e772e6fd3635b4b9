"""A poll is decrypted a day before it closes.

The city hall runs the ledger, and would like to know in the evening how the vote stands, while there is still a day to call its
own people. It takes a copy of the ledger and leads it on by itself: blocks whose times run through the night and the next day in
a minute. In that copy the poll has closed, everything is in order, and the auditor finds nothing. The trustees are asked
to decrypt it. A trustee who decrypts the tally of any ledger that verifies has told the city hall the result of a running poll, and
with a second copy, one ballot longer, how one person voted. In Veche a trustee's program decrypts when its own clock, too, has
passed the closing, by an hour.
"""

import shutil
from pathlib import Path

import pytest
from city import NO, YES, city, everybody_votes, fork_without_the_last_ballot, open_poll, verify_and_decrypt

from veche.clock import STEP, WrongClock
from veche.errors import DoesNotHold

HOUR = 3600


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path / "city", margin=HOUR) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:4], YES)
        everybody_votes(world, poll, world.citizens[4:], NO)
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", tmp_path / "fork")
        ahead = fork_without_the_last_ballot(world, poll, tmp_path / "fork", poll.definition.closes)
        assert world.now < poll.definition.closes - 23 * HOUR

        # The naive rule: two trustees decrypt what verifies.
        assert verify_and_decrypt(world, ahead, poll.id) == [4, 2]

        # Ours: it is tomorrow in that ledger, and today by every trustee's clock.
        for trustee in world.trustees:
            assert trustee.due(ahead) == []
            assert list(trustee.waiting(ahead)) == [poll.id]
        # The next day, even if it is only the machines' clocks that say so.
        world.move_clock(25 * HOUR)
        for trustee in world.trustees:
            with pytest.raises(WrongClock):
                trustee.due(ahead)
        # And they have seen that copy: the ledger that everybody else knows is another one.
        world.move_clock(-25 * HOUR)
        world.wait_until(poll.definition.closes + 2 * HOUR)
        with pytest.raises(DoesNotHold, match="rewritten"):
            world.trustees[0].due(world.view())


def test_the_true_ledger_is_decrypted_an_hour_later(tmp_path: Path) -> None:
    with city(tmp_path / "city", margin=HOUR) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:4], YES)
        world.wait_until(poll.definition.closes)
        world.trustees_act()
        found = world.ledger.state.poll(poll.id)
        assert found is not None and found.tally is not None and found.shares == {}
        world.move_clock(STEP)  # no more than a correction
        world.wait(HOUR)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.total == ((4, 0),)
