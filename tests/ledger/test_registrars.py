"""Which registrars of a poll count, and when there are too few. docs/protocol.md, section 2.5."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veche.errors import Refused
from veche.ledger.codec import decode
from veche.ledger.entries.charter import PollClass, RegistrarSeat
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.registrars import can_admit, enough_published, registrars_that_count
from veche.ledger.shape import Text
from veche.permit.permit import Permit
from veche.permit.request import PermitRequest
from veche.world import DAY, Citizen, World

YES_OR_NO = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


def class_of(n: int, k: int, f: int, sources: str = "", wanted: int = 1) -> PollClass:
    """``sources``: a letter for each registrar's; if none are given, each has its own."""
    letters = sources or "abcdefghij"[:n]
    seats = tuple(RegistrarSeat(f"R{i}", letter) for i, letter in enumerate(letters))
    return PollClass.parse(PollClass("c", seats, k, f, wanted, ("T",), 1, 0, 20, 0, DAY, 1).body())


@pytest.mark.parametrize(
    ("published", "enough"),
    [({0, 1, 2, 3}, True), ({0, 1, 2}, True), ({1, 2, 3}, True), ({0, 3}, False), (set(), False)],
)
def test_n_less_f_are_enough(published: set[int], enough: bool) -> None:
    assert enough_published(class_of(4, 3, 1), published) == enough
    assert enough_published(class_of(4, 3, 0), published) == (len(published) == 4)


@pytest.mark.parametrize(
    ("people", "counting"),
    [
        ([70, 70, 70, 70], {0, 1, 2, 3}),
        ([70, 1, 70, 70], {0, 2, 3}),
        ([70, 35, 70, 70], {0, 1, 2, 3}),
        ([70, 34, 70, 70], {0, 2, 3}),
        ([10**9, 70, 70, 70], {0, 1, 2, 3}),  # a long roll makes nobody else's short
        ([30, 30, 70, 70], {0, 1, 2, 3}),  # the lower of the two in the middle
        ([0, 0, 0, 0], {0, 1, 2, 3}),
        ([0, 70, 70, 70], {1, 2, 3}),
    ],
)
def test_rolls_that_are_too_short(people: list[int], counting: set[int]) -> None:
    assert registrars_that_count(class_of(4, 3, 1), dict(enumerate(people))) == counting


def test_none_is_left_out_without_whom_nobody_could_vote() -> None:
    assert registrars_that_count(class_of(3, 3, 0), {0: 1, 1: 70, 2: 70}) == {0, 1, 2}
    # Of two, the smallest first.
    assert registrars_that_count(class_of(5, 4, 0), {0: 20, 1: 70, 2: 1, 3: 70, 4: 70}) == {0, 1, 3, 4}
    # The only one of its source.
    assert registrars_that_count(class_of(5, 4, 0, "aaaab", 2), {0: 20, 1: 70, 2: 70, 3: 70, 4: 1}) == {1, 2, 3, 4}
    assert registrars_that_count(class_of(4, 3, 1), {}) == frozenset()


@given(st.integers(3, 9), st.data())
def test_whoever_counts_can_admit(n: int, data: st.DataObject) -> None:
    """Whatever rolls registrars claim, those who are left can admit ballots if all together could; the longest rolls are."""
    k = data.draw(st.integers(n // 2 + 1, n))
    made = class_of(n, k, 0, wanted=data.draw(st.integers(1, k)))
    people = data.draw(st.dictionaries(st.integers(0, n - 1), st.integers(0, 50), min_size=k))
    left = registrars_that_count(made, people)
    assert can_admit(made, left)
    assert all(registrar in left for registrar in people if people[registrar] == max(people.values()))


# In a ledger


def publish(world: World, registrar: int, poll: PollState, people: int | None = None) -> None:
    """A registrar's keys, with another number of people on the roll if one is given."""
    body = decode(world.permit_keys(registrar, poll))[1]
    if people is not None:
        body[1][0][1] = people
    world.say("permit-key", body, world.registrars[registrar].office)


def permits(world: World, citizen: Citizen, poll: PollState, registrars: list[int]) -> list[Permit]:
    """Of just these registrars."""
    made = []
    for registrar in registrars:
        (key,) = world.registrars[registrar].open_poll(poll.id, ["Everyone"], everyone=True)
        request = PermitRequest(citizen.voter._seed, poll.id, 0, citizen.voter.credential(poll.id), key.modulus)
        answer = world.registrars[registrar].issue(citizen.person, poll.id, request.blinded, 0)
        made.append(request.finish(registrar, answer))
    return made


def ballot(world: World, citizen: Citizen, poll: PollState, registrars: list[int]) -> bytes:
    ballot = world.ballot(citizen, poll, [[1, 0]])
    return citizen.voter.cast(
        poll.id, world.group_of(citizen, poll), ballot, permits(world, citizen, poll, registrars), 1
    )


@pytest.fixture
def world(tmp_path: Path) -> "Callable[[], World]":
    return lambda: World(tmp_path, registrars=(4, 3, 1))


def refused(rule: str, action: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        action()
    assert caught.value.rule == rule, caught.value.message
    return caught.value


def test_a_registrar_that_publishes_nothing(world: Callable[[], World]) -> None:
    with world() as city:
        poll = city.announce([YES_OR_NO], committee=city.form_committee(), days=1)
        for registrar in (0, 1, 3):
            publish(city, registrar, poll)
        # Seen before the opening, while the third could still publish: it is judged again when it matters.
        early = ballot(city, city.citizens[0], poll, [0, 2, 3])
        (verdict,) = city.ledger.check([early]).run()
        assert verdict is None
        city.wait_until(poll.definition.opens)
        assert "published no permit keys" in refused("permits", lambda: city.submit(early)).message
        refused("permit-key", lambda: publish(city, 2, poll))  # late keys are never taken
        city.submit(ballot(city, city.citizens[1], poll, [0, 1, 3]))
        city.submit(ballot(city, city.citizens[2], poll, [0, 1, 3]))
        city.submit(ballot(city, city.citizens[3], poll, [0, 1, 3]))
        city.wait_until(poll.closing)
        refused("issuance", lambda: city.account(2, poll))
        for registrar in (0, 1, 3):
            city.account(registrar, poll)
        found = city.check().state.poll(poll.id)
        assert found is not None and found.counted == [3]


def test_keys_that_come_in_time_after_a_ballot_was_seen(world: Callable[[], World]) -> None:
    with world() as city:
        poll = city.announce([YES_OR_NO], committee=city.form_committee(), days=1)
        for registrar in (0, 1, 3):
            publish(city, registrar, poll)
        early = ballot(city, city.citizens[0], poll, [0, 2, 3])
        city.ledger.check([early]).run()
        publish(city, 2, poll)
        city.wait_until(poll.definition.opens)
        city.submit(early)
        city.check()


def test_two_of_four_are_too_few(world: Callable[[], World]) -> None:
    with world() as city:
        poll = city.announce([YES_OR_NO], committee=city.form_committee(), days=1)
        for registrar in (0, 3):
            publish(city, registrar, poll)
        city.wait_until(poll.definition.opens)
        found = city.check().state.poll(poll.id)
        assert found is not None and found.phase == "void"


def test_a_roll_that_is_too_short_admits_nobody(world: Callable[[], World]) -> None:
    """Not even the few whom it would have room for: its permits would show who they are."""
    with world() as city:  # six people
        poll = city.announce([YES_OR_NO], committee=city.form_committee(), days=1)
        for registrar, people in enumerate((6, 2, 6, 6)):
            publish(city, registrar, poll, people)
        found = city.ledger.state.poll(poll.id)
        assert found is not None and found.counting == [{0, 2, 3}] and found.available(0) == [0, 2, 3]
        city.wait_until(poll.definition.opens)
        short = ballot(city, city.citizens[0], poll, [0, 1, 2])
        assert "half" in refused("permits", lambda: city.submit(short)).message
        city.submit(ballot(city, city.citizens[0], poll, [0, 2, 3]))
        city.check()


def test_a_roll_that_is_used_up(world: Callable[[], World]) -> None:
    with world() as city:
        poll = city.announce([YES_OR_NO], committee=city.form_committee(), days=1)
        for registrar, people in enumerate((6, 3, 6, 6)):
            publish(city, registrar, poll, people)
        city.wait_until(poll.definition.opens)
        for citizen in city.citizens[:3]:
            city.submit(ballot(city, citizen, poll, [0, 1, 2]))
        found = city.ledger.state.poll(poll.id)
        assert found is not None and found.counting == [{0, 1, 2, 3}] and found.available(0) == [0, 2, 3]
        refused("permits", lambda: city.submit(ballot(city, city.citizens[3], poll, [0, 1, 2])))
        city.submit(ballot(city, city.citizens[3], poll, [0, 2, 3]))
        city.check()
