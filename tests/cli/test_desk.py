"""Which districts a poll's groups are, whatever language the roll is in."""

from pathlib import Path

import pytest

from veche.cli.desk import permit_keys
from veche.errors import UserError
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.world import DAY, World

QUESTION = Choice(Text("Trams?", "Трамваи?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


def announced(world: World, *names: Text) -> PollState:
    opens = world.now + 2 * 3600
    groups = tuple(Group(name, 1) for name in names)
    committee = world.form_committee("single")
    return world.publish(Poll("city", QUESTION.text, Text("", ""), (QUESTION,), groups, opens, opens + DAY, committee))


def test_a_roll_in_russian(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Арбат": 2, "Zamoskvorechye": 1, "Центр": 1}, trustees=(2, 2)) as world:
        poll = announced(world, Text("Zamoskvorechye", "Замоскворечье"), Text("Arbat", "Арбат"))
        for registrar in world.registrars:
            keys = permit_keys(registrar, poll, everyone=False)
            assert [group.people for group in keys.groups] == [1, 2]
            world.submit(keys.sign(world.id, [registrar.office]))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (Text("Presnya", "Пресня"), "The roll has no district “Presnya” / “Пресня”"),
        (Text("Arbat", "Арбат"), "a district “Arbat” and a district “Арбат”"),
    ],
)
def test_a_group_that_is_no_district_or_two(name: Text, why: str, tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Арбат": 2, "Arbat": 1}, trustees=(2, 2)) as world:
        poll = announced(world, name)
        with pytest.raises(UserError, match=why):
            permit_keys(world.registrars[0], poll, everyone=False)


def test_two_groups_that_are_one_district(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Арбат": 2}, trustees=(2, 2)) as world:
        poll = announced(world, Text("Арбат", "Западный"), Text("Eastern", "Арбат"))
        with pytest.raises(UserError, match="different names"):
            permit_keys(world.registrars[0], poll, everyone=False)
