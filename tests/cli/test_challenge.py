"""Registrars keep what proves a row as long as people can ask for it: until the result, and then for the class's window."""

import time
from pathlib import Path

from veche.audit.report import report_ledger
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.texts import Moment
from veche.world import DAY, World

from .conftest import fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)
WINDOW = 14 * DAY


def test_a_registrar_erases_nothing_before_the_window_is_over(tmp_path: Path) -> None:
    window_ends = int(time.time()) + 2 * DAY
    with World(tmp_path, citizens={"Centre": 3}, genesis=window_ends - WINDOW - 3 * DAY) as world:
        committee = world.form_committee()
        poll = world.poll([JOIN], committee=committee, days=1)
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.wait_until(poll.closing + 60)
        world.account(0, poll)
        world.engine.tick()

        ledger = ("--ledger", tmp_path / "ledger")
        erase = ("registrar", "erase", tmp_path / "registrar-1", poll.id.hex(), "--yes", *ledger)
        fails(1, "has no result yet", *erase, run=inside)
        assert report_ledger(world.check()).polls[0].challenge is None
        assert ok("poll", "show", poll.id.hex(), *ledger, "--json", run=inside).json["challenge"] is None

        world.wait_until(window_ends - WINDOW)
        world.trustees_act()
        world.engine.tick()
        until = report_ledger(world.check()).polls[0].challenge
        assert until is not None and abs(until - window_ends) < 60
        fails(1, f"until {Moment(until)}", *erase, run=inside)
        assert f"until {Moment(until)}" in ok("poll", "show", poll.id.hex(), *ledger, run=inside).out
        assert ok("poll", "list", *ledger, "--json", run=inside).json[0]["challenge"] == until
        assert (
            "can ask registrars for their rows of the roll until" in ok("verify", tmp_path / "ledger", run=inside).out
        )
        assert world.registrars[0].proof_for(world.citizens[0].person, poll.id).issuance is not None  # nothing is gone


def test_it_erases_when_the_window_is_over(tmp_path: Path) -> None:
    """A test ledger, whose window is a part of it as every duration is."""
    with World(tmp_path, citizens={"Centre": 3}, genesis=int(time.time()) - DAY, test=1000) as world:
        committee = world.form_committee()
        poll = world.poll([JOIN], committee=committee, days=1)
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.wait_until(poll.closing + 60)
        world.trustees_act()
        world.account(0, poll)
        world.engine.tick()
        assert poll.decided is not None and poll.challenge_until(world.charter) == poll.decided + -(-WINDOW // 1000)
        ok(
            "registrar",
            "erase",
            tmp_path / "registrar-1",
            poll.id.hex(),
            "--yes",
            "--ledger",
            tmp_path / "ledger",
            run=inside,
        )
