"""Validators that are away: killed, all at once, cut off; and polls that close meanwhile, or while many vote."""

import time
from pathlib import Path

import pytest

from .live import city_on

pytestmark = pytest.mark.long


def test_each_is_killed_in_turn_and_then_all_at_once(tmp_path: Path) -> None:
    """During a steady load each validator is killed and comes back; then all are killed at one moment. Nothing is lost."""
    with city_on(tmp_path) as city:
        city.open_poll(600)
        with city.load():
            for host in city.everybody:
                city.goes_on()
                host.kill()
                city.goes_on(*(other for other in city.everybody if other is not host))
                host.start()
                city.caught_up(host)
            for host in city.everybody:
                host.kill()
            time.sleep(1)
            for host in city.everybody:
                host.start()
            city.remote.wait(lambda: all(host.status() for host in city.everybody))
            city.goes_on()
        city.close()
    city.judge()


def test_two_are_cut_off_from_two(tmp_path: Path) -> None:
    """What the two sides send each other does not arrive, and nothing says so. Neither decides anything, both take ballots in and
    promise them, and when the way is free again all of it is in the ledger. Then the cable of one is pulled: the others go on."""
    with city_on(tmp_path) as city:
        city.open_poll(600)
        sides = city.everybody[:2], city.everybody[2:]
        with city.load():
            city.goes_on()
            city.part(*sides)
            time.sleep(3)
            size = city.stands_still()
            parted = [city.ballot_of(citizen) for citizen in city.reserve[:4]]
            for ballot, host in zip(parted, city.everybody, strict=True):
                city.hand_in(ballot, host)
                assert len(ballot.promises) == 2, "its own side's"
            time.sleep(10)
            assert city.stands_still() == size
            city.join()
            city.goes_on()
            city.remote.wait(lambda: all(map(city.is_final, parted)))
            last = city.everybody[-1]
            last.unplug()
            city.goes_on(*city.everybody[:-1], entries=50)
            last.plug()
            city.caught_up(last)
            city.goes_on()
        city.close()
    city.judge()


def test_a_halt_across_a_closing(tmp_path: Path) -> None:
    """Two of four are killed shortly before a poll closes, and come back after that. The closing moves by the halt, so all who handed
    in meanwhile have voted."""
    with city_on(tmp_path, seconds=1) as city:
        poll = city.open_poll(60)
        with city.load(rate=4):
            city.goes_on()
            city.wait_until(poll.closing - 4)
            for host in city.everybody[2:]:
                host.kill()
            while city.clock().time < poll.closing + city.charter.halt:
                time.sleep(0.5)
        meanwhile = [city.ballot_of(citizen) for citizen in city.reserve]
        for ballot in meanwhile:
            city.hand_in(ballot, *city.everybody[:2])
            assert not ballot.receipt
        for host in city.everybody[2:]:
            host.start()
        city.remote.wait(lambda: all(map(city.is_final, meanwhile)))
        assert city.poll_now.closing >= poll.closing + city.charter.halt
        city.close()
    city.judge()


def test_a_burst_at_the_closing(tmp_path: Path) -> None:
    """Everybody votes in the last seconds. Whoever has a receipt is counted, whoever came too late is told so, and a promise that was
    given is kept."""
    with city_on(tmp_path, seconds=1, citizens={"Centre": 200}) as city:
        poll = city.open_poll(60)
        ballots = [city.ballot_of(citizen) for citizen in city.citizens]
        city.wait_until(poll.closing - 16)
        with city.at_once() as hand_in:
            for ballot in ballots[:20]:
                hand_in(ballot)  # early enough for a promise
            while city.clock().time < poll.closing - 6:
                time.sleep(0.02)
            for ballot in ballots[20:150]:
                hand_in(ballot)
            while city.clock().time < poll.closing:
                time.sleep(0.02)
            for ballot in ballots[150:180]:
                hand_in(ballot)  # in a block of the closing's time or just before
        city.remote.wait(lambda: all(host.status()["time"] >= city.poll_now.closing for host in city.everybody))
        for ballot in ballots[180:]:
            city.hand_in(ballot)
        city.close()
        assert all(ballot.receipt for ballot in ballots[:20]), "they came in time"
        assert {ballot.refused for ballot in ballots[180:]} == {"not-open"}
    city.judge()
