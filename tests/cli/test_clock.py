"""Clocks that disagree: the engine's with the last block, a reader's with the ledger, a trustee's with itself."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from veche import clock
from veche.clock import AHEAD
from veche.engine.block_clock import OUTAGE
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.world import World

from .conftest import Answer, fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)
ENGLISH = "The ledger's last block is 2 hours ahead of this machine's clock."
RUSSIAN = "Последний блок реестра опережает часы этого компьютера (2\N{NO-BREAK SPACE}часа)."


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with a finished committee and a poll that is open for a month; its last block is of two hours ago."""
    folder = tmp_path_factory.mktemp("town")
    with World(folder, genesis=int(time.time()) - 4 * 3600) as world:
        poll = world.poll([JOIN], committee=world.form_committee(), days=29)
        world.wait_until(poll.definition.opens)
        world.wait(1800)
        world.vote(world.citizens[0], poll, [[1, 0]])
        world.organisers[0].save(folder / "organiser.key")
    return folder


def set_clock(patch: pytest.MonkeyPatch, seconds: int, steady: int = 0) -> None:
    """From now on this machine's clocks stand so."""
    patch.setattr(clock, "_boot", lambda: "this-run")
    patch.setattr(
        clock, "clock_time", SimpleNamespace(time=lambda: seconds, clock_gettime=lambda which: steady, monotonic=lambda: steady)
    )  # fmt: skip


def last_block(town: Path) -> int:
    seconds: int = ok("verify", town / "ledger", "--json", run=inside).json["time"]
    return seconds


def test_readers_warn_of_a_ledger_that_is_ahead_of_their_clock(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code stays: what does not hold is another thing."""
    time, ledger = last_block(town), ("--ledger", town / "ledger")
    commands: list[tuple[object, ...]] = [
        ("verify", town / "ledger"),
        ("verify", town / "ledger", "--json"),
        ("poll", "list", *ledger),
        ("ledger", "show", "--ledger", town / "ledger"),
    ]
    for command in commands:
        set_clock(monkeypatch, time - AHEAD)
        assert "ahead" not in ok(*command, run=inside).err
        set_clock(monkeypatch, time - 2 * 3600 - 7)
        said: Answer = ok(*command, run=inside)
        assert said.err.count(ENGLISH) == 1 and RUSSIAN not in said.err, command
    # A trustee has seen the ledger at its own time, so their clock was moved, too.
    said = fails(2, "but this trustee saw the ledger at", "trustee", "act", town / "trustee-1", *ledger, run=inside)
    assert ENGLISH in said.err


def test_a_report_warns_too(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    time = last_block(town)
    for seconds, shown in ((time, False), (time - 2 * 3600 - 7, True)):
        set_clock(monkeypatch, seconds)
        ok("verify", town / "ledger", "--report", tmp_path / "report", run=inside)
        html = (tmp_path / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
        assert (ENGLISH in html) == (RUSSIAN in html) == shown
        assert ok("verify", town / "ledger", "--json", run=inside).json["ahead"] == (seconds != time) * (2 * 3600 + 7)


def test_an_engine_after_an_outage_waits_for_a_person(town: Path) -> None:
    """Nobody who hands something in starts one for a moment, either."""
    assert last_block(town) < time.time() - OUTAGE
    ledger = ("--ledger", town / "ledger")
    sentence = "Either the engine did not run for so long, or the clock is ahead"
    said = fails(2, sentence, "ledger", "run", "--ledger", town / "ledger", "--once", run=inside)
    assert "--after-outage" in said.err
    form = ("committee", "form", "--class", "city", "--mode", "single", "--key", town / "organiser.key", *ledger)
    before = last_block(town)
    fails(2, sentence, "ledger", "run", "--ledger", town / "ledger", "--seconds", 1, run=inside)
    assert last_block(town) == before
    ok("ledger", "run", "--ledger", town / "ledger", "--once", "--after-outage", run=inside)
    ok("ledger", "run", "--ledger", town / "ledger", "--once", run=inside)
    fails(1, "t must be n", *form, run=inside)  # t is less than n: a refusal by a rule, so an engine ran


def test_a_trustee_whose_clock_was_moved_waits_for_a_person(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = last_block(town) + 60
    act = ("trustee", "act", town / "trustee-2", "--ledger", town / "ledger")
    set_clock(monkeypatch, now)
    ok(*act, run=inside)
    set_clock(monkeypatch, now + 86_400, 3600)
    said = fails(2, "This machine's clock was moved ahead by 23 hours", *act, run=inside)
    assert "veche trustee clock" in said.err
    ok("trustee", "clock", town / "trustee-2", "--yes", run=inside)
    ok(*act, run=inside)
    set_clock(monkeypatch, now, 3700)
    fails(2, "but this trustee saw the ledger at", *act, run=inside)
