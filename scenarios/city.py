"""The city that the stories are set in: a small one, with a question that can be answered by yes or no."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from veche.errors import Refused
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.world import Citizen, World

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
YES, NO = [[1, 0]], [[0, 1]]


@contextmanager
def city(folder: Path, **settings: Any) -> Iterator[World]:
    """A city, whose ledger the auditor finds in order when the story is over, whatever was tried in it."""
    with World(folder, **settings) as world:
        yield world
        world.check()


def open_poll(world: World, districts: tuple[tuple[str, int], ...] = ()) -> PollState:
    """A poll of one day that is open now."""
    poll = world.poll([TRAMS], committee=world.form_committee(), districts=districts, days=1)
    world.wait_until(poll.definition.opens)
    return poll


def everybody_votes(world: World, poll: PollState, citizens: list[Citizen], choice: list[list[int]]) -> None:
    for citizen in citizens:
        world.vote(citizen, poll, choice)


def close(world: World, poll: PollState) -> PollState:
    """Let the poll close; what the ledger says of it then."""
    found = world.ledger.state.poll(poll.id)
    assert found is not None
    world.wait_until(found.closing)
    return found


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """What is tried here must be refused, by this rule."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.rule == rule, caught.value.message
