"""The city that the stories are set in: a small one, with a question that can be answered by yes or no.

They are told on the embedded engine, and with VECHE_ENGINE=cometbft on CometBFT.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import KINDS
from node import Node

from veche.audit.ledger import verify_ledger
from veche.audit.view import View
from veche.ballot.decryption import alphas_of, betas_of, make_share, open_tally
from veche.errors import Refused
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.world import Citizen, World

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
YES, NO = [[1, 0]], [[0, 1]]
ENGINE = os.environ.get("VECHE_ENGINE", "embedded")


def begin(folder: Path, **settings: Any) -> World:
    """A city on the engine on which the stories are told."""
    return World(folder, engine=KINDS[ENGINE], **settings)


@contextmanager
def city(folder: Path, **settings: Any) -> Iterator[World]:
    """A city, whose ledger the auditor finds in order when the story is over, whatever was tried in it."""
    with begin(folder, **settings) as world:
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


def verify_and_decrypt(world: World, view: View, poll: bytes) -> list[int]:
    """The naive rule: two trustees decrypt the tally of any ledger that holds."""
    found = next(shown for shown in view.polls if shown.id == poll)
    assert found.tally is not None
    sums = found.tally.parts[0]
    secrets = [trustee._ceremonies(view)[found.committee].secret() for trustee in world.trustees[:2]]
    factors = {i: make_share(x, alphas_of(sums), found.phi, bytes(32), 0).points() for i, x in enumerate(secrets, 1)}
    return open_tally(betas_of(sums), factors, "pedersen", 100)


def fork_without_the_last_ballot(world: World, poll: PollState, folder: Path, until: int) -> View:
    """The operator's second ledger: begun as a copy before Fedor's ballot, led on to the closing, and made no shorter than
    the true one by blocks about nothing, lest that give it away.
    """
    with Node(folder) as fork:
        fork.lead_on(until, world.ledger.size)
        fork.publish()
    return View(verify_ledger(Folder(folder)))


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """What is tried here must be refused, by this rule."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.rule == rule, caught.value.message
