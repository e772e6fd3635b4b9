"""Validators that are away: killed, all at once, cut off; and polls that close meanwhile, or while many vote."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from network.hosts import HOST

from .live import LiveHost, city_on

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


class Forgetful(LiveHost):
    """A host whose CometBFT keeps its blocks for a moment only."""

    program = (HOST, "--kept", "20")


def _is_forgotten(height: int, hosts: Sequence[LiveHost]) -> bool:
    return all(host.client.get(f"/commits/{height}").status == 404 for host in hosts)


def test_away_for_longer_than_blocks_are_kept(tmp_path: Path) -> None:
    """One is killed, and the others go on until none of them has the blocks any more that it would need. It takes the log from their
    doors and goes on from there; then another is killed, so that every head needs the one that came back."""
    with city_on(tmp_path, kinds=dict.fromkeys(range(4), Forgetful)) as city:
        city.open_poll(600)
        first, *others, away = city.everybody
        with city.load():
            city.goes_on()
            away.kill()
            height = first.status()["height"]
            city.remote.wait(lambda: first.status()["height"] > height + 30)
            for number in (height, height + 2):
                city.remote.wait(partial(_is_forgotten, number, (first, *others)))
            away.start()
            city.caught_up(away)
            first.kill()
            city.goes_on(*others, away, entries=50)
            first.start()
            city.caught_up(first)
        city.close()
    city.judge()
