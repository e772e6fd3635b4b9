"""A poll from charter to verified result, in memory of one process: the thin slice on which everything else stands."""

from pathlib import Path

import pytest

from veche.errors import UserError
from veche.ledger.entries.poll import Choice
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


@pytest.mark.parametrize(("absent", "expected"), [(None, [0, 2]), (0, [1, 2])])
def test_permits_come_from_enough_identity_sources(absent: int | None, expected: list[int], tmp_path: Path) -> None:
    """The first two registrars know people by one source, and the class wants two."""
    with World(tmp_path, registrars=(3, 2, 0), sources=("state", "state", "bank")) as world:
        poll = world.poll([SPEED], committee=world.form_committee())
        world.wait_until(poll.definition.opens)
        citizen = world.citizens[0]

        def ask(registrar: int, blinded: bytes) -> bytes:
            if registrar == absent:
                raise UserError("Nobody is there.", "Try again later.")
            return world.registrars[registrar].issue(citizen.person, poll.id, blinded, 0)

        permits = citizen.voter.collect_permits(poll.frozen, poll.permit_keys, 0, ask)
        assert [permit.registrar for permit in permits] == expected
        citizen.permits[poll.id] = permits
        world.vote(citizen, poll, [[1, 0, 0]])
        world.check()
        absent = 2
        with pytest.raises(UserError, match="Nobody is there"):
            citizen.voter.collect_permits(poll.frozen, poll.permit_keys, 0, ask)
