"""A poll from charter to verified result, in memory of one process: the thin slice on which everything else stands."""

from dataclasses import replace
from pathlib import Path

import pytest

from veche.errors import Refused
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Choice
from veche.ledger.life import CommitteePhase
from veche.ledger.shape import Text
from veche.world import DAY, World

SPEED = Choice(
    Text("Speed limit inside the Garden Ring?", "Скорость внутри Садового кольца?"),
    (Text("60 km/h", "60 км/ч"), Text("50 km/h", "50 км/ч"), Text("40 km/h", "40 км/ч")),
    1,
    1,
    False,
)


def test_a_poll_from_charter_to_result(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        poll = world.poll([SPEED], committee=world.form_committee())
        world.wait(2 * 3600)
        for i, citizen in enumerate(world.citizens[:5]):
            world.vote(citizen, poll, [[1, 0, 0] if i < 3 else [0, 1, 0]])
        world.vote(world.citizens[0], poll, [[0, 0, 1]])
        world.check()
        world.wait(8 * DAY)
        world.check()
        world.trustees_act(absent=[world.trustees[1]])
        verified = world.check()
        found = verified.state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body() == [poll.id, [1, 3], [[2, 2, 1]], []]


def test_permits_come_from_enough_identity_sources(tmp_path: Path) -> None:
    """The first two registrars know people by one source, and the class wants two."""
    with World(tmp_path, registrars=(3, 2, 0), sources=("state", "state", "bank")) as world:
        poll = world.poll([SPEED], committee=world.form_committee())
        world.wait_until(poll.definition.opens)
        shown = set()
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0, 0]])
            shown.add(tuple(permit.registrar for permit in citizen.permits[poll.id]))
        assert shown <= {(0, 2), (1, 2)}
        world.check()


def test_a_test_ledger_lives_a_thousand_times_faster(tmp_path: Path) -> None:
    """Notice, opening hours, a committee's silence and a halt, each in the thousandth part of its time; both ends of each."""
    with World(tmp_path, test=1000) as world:
        silent = digest(world.ledger.entry(world.say("committee", ["city", "pedersen", 100], world.organisers[0])))
        world.wait(604)  # a week is 604.8
        found = world.ledger.state.committee(silent)
        assert found is not None and found.phase is CommitteePhase.FORMING
        world.wait(1)
        world.engine.tick()
        found = world.ledger.state.committee(silent)
        assert found is not None and found.phase is CommitteePhase.VOID
        poll = world.poll([SPEED], committee=world.form_committee())
        definition = poll.definition
        too_long = replace(definition, closes=definition.opens + 2593, background=Text("Too long", "Слишком долго"))
        with pytest.raises(Refused) as caught:  # 30 days are 2,592
            world.publish(too_long)
        assert caught.value.rule == "poll-dates"
        world.wait_until(definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[0, 1, 0]])
        world.wait_until(definition.closes - 2)
        world.stand_still(11)  # a halt is over ten seconds, and grants the 3.6 of an hour
        halted = world.ledger.state.poll(poll.id)
        assert halted is not None and halted.closing == world.now + 4
        world.wait(5)
        world.trustees_act()
        decided = world.check().state.poll(poll.id)
        assert decided is not None and decided.result is not None and decided.result.total == ((0, 6, 0),)
