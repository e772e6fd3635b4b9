"""One wrong reading of the engine's clock would be in the ledger for ever: what it believes, and what waits for a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from comet import OnCometBFT

from veche.clock import STEP, Reading, WrongClock, by_hand
from veche.engine.block_clock import FILE, OUTAGE, BlockClock
from veche.engine.cometbft.engine import CometEngine
from veche.engine.embedded import LOG_KEY, EmbeddedEngine, create_ledger
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.world import GENESIS, EngineKind, World

from .stage import TRAMS


@pytest.fixture
def world(kind: EngineKind, tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, engine=kind) as world:
        yield world


def open_poll(world: World) -> bytes:
    poll = world.poll([TRAMS], committee=world.form_committee(), days=30)
    world.wait_until(poll.definition.opens)
    return poll.id


@pytest.mark.parametrize("moved", [365 * 86_400, STEP + 1, -STEP - 1, -86_400])
def test_a_clock_that_jumps_stops_the_engine_before_a_block_says_it(
    kind: EngineKind, tmp_path: Path, moved: int
) -> None:
    """One reading a year ahead would close every open poll for ever; one behind leaves the ledger standing still."""
    world = World(tmp_path, engine=kind)
    with pytest.raises(WrongClock), world:  # whoever uses the engine is told, and so is whoever ends it
        poll, before = open_poll(world), world.ledger.time
        world.move_clock(moved)
        with pytest.raises(WrongClock, match=r"was moved (ahead|back) by"):
            world.engine.tick()
        found = world.ledger.state.poll(poll)
        assert found is not None and found.tally is None and found.open_at(before)
        assert world.ledger.time == before


def test_corrections_and_outages_under_a_running_clock_are_nothing(world: World) -> None:
    open_poll(world)
    world.move_clock(STEP)
    world.engine.tick()
    world.move_clock(-STEP)
    world.stand_still(5 * 86_400)
    assert world.ledger.time == world.now
    world.check()


@pytest.fixture
def stopped(kind: EngineKind, tmp_path: Path) -> Iterator[tuple[World, Ledger]]:
    """A ledger whose engine has stopped a minute ago."""
    with World(tmp_path, engine=kind) as world:
        open_poll(world)
    world.now += 60
    with Ledger(tmp_path / "ledger") as ledger:
        yield world, ledger


def test_a_start_after_a_while_needs_a_persons_word(stopped: tuple[World, Ledger]) -> None:
    world, ledger = stopped
    BlockClock(ledger, world.clock)
    world.now = ledger.time + OUTAGE
    assert BlockClock(ledger, world.clock)() == world.now
    world.now += 1
    with pytest.raises(WrongClock, match="did not run for so long, or the clock is ahead") as refused:
        BlockClock(ledger, world.clock)
    assert "--after-outage" in refused.value.hint
    assert BlockClock(ledger, world.clock, after_outage=True)() == world.now


def test_a_clock_behind_the_last_block_is_refused_whatever_a_person_says(stopped: tuple[World, Ledger]) -> None:
    world, ledger = stopped
    world.now = ledger.time - STEP
    BlockClock(ledger, world.clock)
    world.now -= 1
    for word in (False, True):
        with pytest.raises(WrongClock, match="ahead of this machine's clock"):
            BlockClock(ledger, world.clock, after_outage=word)


def test_starting_again_does_not_make_a_moved_clock_right(stopped: tuple[World, Ledger]) -> None:
    """A supervisor that starts the engine again and again would else let a clock run ahead by an hour a time."""
    world, ledger = stopped
    world.move_clock(STEP + 1)
    for _ in range(2):
        with pytest.raises(WrongClock, match="was moved ahead by 5 minutes"):
            BlockClock(ledger, world.clock)
    BlockClock(ledger, world.clock, after_outage=True)
    assert BlockClock(ledger, world.clock)() == world.now
    world.move_clock(-STEP)
    BlockClock(ledger, world.clock)


def test_a_new_run_of_the_machine_begins_anew(stopped: tuple[World, Ledger]) -> None:
    world, ledger = stopped
    assert BlockClock(ledger, lambda: Reading(world.now + 1800, 7, "another-run"))() == world.now + 1800
    for damaged in ("", "x", "1 2", "1 2 3 4", "nine 2 another-run"):
        (ledger.folder / FILE).write_text(damaged)
        BlockClock(ledger, world.clock)
        assert Reading.parse((ledger.folder / FILE).read_text().split()) == world.clock()
    assert (ledger.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_a_charter_of_the_future_begins_no_ledger(world: World, tmp_path: Path) -> None:
    """It would stand still in silence until then."""
    charter, key = world.ledger.entry(0), SigningKey.load(world.folder / "ledger" / LOG_KEY)
    with pytest.raises(WrongClock, match="The charter is dated"):
        create_ledger(tmp_path / "new", charter, key, lambda: by_hand(GENESIS - STEP - 1))
    assert not (tmp_path / "new").exists()
    create_ledger(tmp_path / "new", charter, key, lambda: by_hand(GENESIS - STEP)).close()


def test_an_engine_that_is_given_no_clock_guards_this_machines(
    kind: EngineKind, stopped: tuple[World, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, ledger = stopped
    world.now += 2 * OUTAGE
    monkeypatch.setattr(BlockClock.__init__, "__defaults__", (world.clock, False))
    engine = CometEngine if isinstance(kind, OnCometBFT) else EmbeddedEngine
    with pytest.raises(WrongClock), engine(ledger, SigningKey.load(ledger.folder / LOG_KEY)):
        raise AssertionError("it runs")
