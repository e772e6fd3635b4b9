"""When a trustee decrypts, by their own clock, and what they do when that clock was moved."""

import shutil
from pathlib import Path

import pytest

from veche.clock import STEP, Reading, WrongClock, by_hand
from veche.errors import UserError

from .city import City

MARGIN = 3600


@pytest.fixture
def city(tmp_path: Path) -> City:
    city = City(tmp_path, margin=MARGIN)
    city.form()
    city.run()
    return city


def committee(city: City) -> bytes:
    return city.ledger.state.committees()[0].id


def test_nothing_is_decrypted_before_the_clock_has_passed_the_tally_by_the_margin(city: City) -> None:
    poll = city.closed_poll(committee(city), [[1]])
    tallied = city.ledger.time
    for city.ahead in (0, MARGIN - 1):
        assert city.round() == 0
        assert city.trustees[0].waiting(city.view()) == {poll: tallied + MARGIN}
    city.ahead = MARGIN
    assert city.trustees[0].waiting(city.view()) == {}
    shares = city.due(1)
    assert len(shares) == 1
    city.ahead = 0
    city._latest = tallied + MARGIN  # what was decrypted once is handed in for ever
    assert city.due(1) == shares
    city.run()
    assert city.result(poll, [1, 2, 3]) == [[1, 0]]


def test_a_closing_that_moved_is_waited_for(city: City) -> None:
    """The margin is counted from the block of the tally, not from the published closing."""
    poll = city.open_poll(committee(city), [[1]])
    closes = city.poll(poll).definition.closes
    city.ledger.beat_until(closes - 60)
    city.ledger.stand_still(3 * 3600)
    city.close(poll)
    assert city.ledger.time > closes + MARGIN
    assert city.round() == 0
    city.ahead = MARGIN
    assert city.round() == 3


@pytest.mark.parametrize("moved", [STEP + 1, -STEP - 1, 30 * 86_400])
def test_a_clock_that_was_moved_waits_for_a_person(city: City, moved: int) -> None:
    city.closed_poll(committee(city), [[1]])
    city.ahead = 2 * MARGIN
    assert city.trustees[2].waiting(city.view()) == {}
    city.moved = moved
    trustee = city.load(city.folder / "trustee-1")
    for _ in range(2):
        with pytest.raises(WrongClock, match="was moved" if moved > 0 else "was moved back|saw the ledger at"):
            trustee.due(city.view())
    trustee.confirm_clock()
    assert len(trustee.due(city.view())) == 1
    with pytest.raises(WrongClock):
        city.due(2)


def test_small_corrections_are_nothing_but_many_of_them_are(city: City) -> None:
    poll = city.open_poll(committee(city), [[1]], days=30)
    for city.moved in (STEP // 2, STEP):
        city.vote(poll, 0, [1])
        city.round()
    city.moved += 1
    with pytest.raises(WrongClock, match="was moved ahead by 5 minutes"):
        city.round()


def test_a_clock_behind_the_last_line_waits_for_a_person(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after the machine was started again, when nothing else can be told."""
    now = city.clock()
    monkeypatch.setattr(city, "clock", lambda: Reading(now.time - 1, 5, "another-run"))
    trustee = city.load(city.folder / "trustee-1")
    with pytest.raises(WrongClock, match="saw the ledger at"):
        trustee.due(city.view())
    trustee.confirm_clock()
    assert trustee.due(city.view()) == []


def test_a_machine_that_was_started_again_has_a_new_clock(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    now = city.clock()
    monkeypatch.setattr(city, "clock", lambda: Reading(now.time + 86_400, 5, "another-run"))
    assert city.load(city.folder / "trustee-1").due(city.view()) == []


def test_a_copy_is_not_settled_by_a_word_about_its_clock(city: City) -> None:
    copy = shutil.copytree(city.folder / "trustee-1", city.folder / "copy")
    with pytest.raises(UserError, match="is a copy"):
        city.load(copy).confirm_clock()


def test_readings_survive_in_a_file() -> None:
    reading = by_hand(1_800_000_000, moved=-20)
    assert Reading.parse(reading.words()) == reading
    assert reading.steady == reading.time + 20
