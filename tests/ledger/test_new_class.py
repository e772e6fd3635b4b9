"""`class`: a class of polls that is added to a ledger."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.errors import Refused
from veche.ledger.codec import digest
from veche.ledger.entries.charter import PollClass, RegistrarSeat
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.world import DAY, TRUSTEES, World

YES = Choice(Text("?", "?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, trustees=(3, 2), registrars=(2, 2, 0)) as made:
        yield made


def add(world: World, made: PollClass, few: bool = False) -> None:
    world.say("class", made.body(), *world.organisers, *([] if few else [world.trustees[0].key]))


def refused(world: World, made: PollClass, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        add(world, made)
    assert caught.value.rule == "class"


def test_a_poll_of_a_class_that_was_added(world: World, tmp_path: Path) -> None:
    """By two trustees of three, as the first class, but by others of them, and with a notice of its own."""
    made = replace(world.poll_class, name="quick", trustees=TRUSTEES[1:3], t=2, f_t=0, notice=60)
    with pytest.raises(Refused, match="institutions signed"):
        add(world, made, few=True)
    add(world, made)
    ask = ["quick", "pedersen", 0]
    with pytest.raises(Refused, match="has no class 'quick'"):
        world.say("committee", ask, world.organisers[0])
    world.wait(14 * DAY - 1)
    with pytest.raises(Refused, match="has no class 'quick'"):
        world.say("committee", ask, world.organisers[0])
    world.wait(1)
    committee = digest(world.ledger.entry(world.say("committee", ask, world.organisers[0])))
    world.trustees_act()
    opens = world.now + 120
    poll = world.publish(
        Poll(
            "quick",
            Text("Quick", "Скоро"),
            Text("", ""),
            (YES,),
            (Group(Text("Everyone", "Все"), 1),),
            opens,
            opens + DAY,
            committee,
        )
    )
    for registrar in range(2):
        world.submit(world.permit_keys(registrar, poll))
    world.wait_until(opens)
    for citizen in world.citizens:
        world.vote(citizen, poll, [[1, 0]])
    world.wait_until(poll.closing)
    world.trustees_act()
    found = world.check().state.poll(poll.id)
    assert found is not None and found.result is not None and found.poll_class.trustees == TRUSTEES[1:3]
    world.ledger.state.forget()
    assert world.ledger.state.poll_class("quick") == made


def test_what_no_class_may_be_called_or_want(world: World) -> None:
    there = world.poll_class
    refused(world, there, "a class of this name already")
    refused(world, replace(there, name="City"), "a class of this name already")
    refused(world, replace(there, name="other", trustees=(TRUSTEES[0].upper(), *TRUSTEES[1:3])), "two spellings")
    seats = tuple(RegistrarSeat(seat.institution, seat.source.upper()) for seat in there.registrars)
    refused(world, replace(there, name="other", registrars=seats), "two spellings")
    refused(world, replace(there, name="other", witnessed=True), "asks for no witnesses")
    add(world, replace(there, name="other", trustees=("Zoo", *TRUSTEES[1:3])))
    refused(world, replace(there, name="Other"), "a class of this name already")  # which is awaited
    with pytest.raises(Refused, match="another spelling"):
        world.say(
            "office", ["add", "ZOO", "observer", world.head_keys[0].public, 0], *world.organisers, world.trustees[0].key
        )
    world.engine.tick()
    verify_ledger(Folder(world.ledger.folder))
