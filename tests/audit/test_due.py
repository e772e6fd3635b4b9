"""What is due: nothing that the rules would refuse, all that the roles' programs do, and late where a report says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.audit.due import Due, Duty, due
from veche.audit.poll_warnings import ANSWER, COUNT
from veche.errors import Refused
from veche.ledger.codec import decode
from veche.ledger.entries.office import OBJECTION, OfficeAction, OfficeChange, Role
from veche.ledger.entries.poll import Choice
from veche.ledger.entries.statements import Outcome, OutcomeStatus
from veche.ledger.rules.committee_steps import SILENCE
from veche.ledger.shape import Text
from veche.world import DAY, ORGANISERS, REGISTRARS, TRUSTEES, WITNESSES, World

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


def rows(world: World, *duties: Duty) -> list[Due]:
    found = due(world.check(), world.now)
    return [one for one in found if not duties or one.duty in duties]


def who(world: World, duty: Duty) -> set[str]:
    return {one.institution for one in rows(world, duty)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, citizens={"Centre": 4}, trustees=(3, 2), registrars=(4, 3, 1)) as made:
        yield made


def test_what_is_due_of_trustees_is_what_their_programs_do(world: World) -> None:
    committee = world.say("committee", ["city", "pedersen", 0], world.organisers[0])
    for step in (Duty.CERTIFICATE, Duty.SHARES, Duty.KEY):
        assert {one.duty for one in rows(world)} == {step} and who(world, step) == set(TRUSTEES[:3])
        assert all(one.until == world.check().time_of(committee) + SILENCE for one in rows(world))
        for trustee in world.trustees:
            [entry] = trustee.due(world.view())
            assert decode(entry)[0] == step
            world.submit(entry)
            assert trustee.institution not in who(world, step)
    assert rows(world) == []


def test_a_key_generation_that_is_silent_for_a_week_is_over(world: World) -> None:
    world.say("committee", ["city", "pedersen", 0], world.organisers[0])
    verified = world.check()
    assert len(due(verified, verified.time + SILENCE - 1)) == 3
    [block] = due(verified, verified.time + SILENCE)
    assert (block.duty, block.institution, block.since) == (
        Duty.BLOCK,
        world.charter.operators[0],
        verified.time + SILENCE,
    )


def test_a_poll_from_its_keys_to_the_city_s_answer(world: World) -> None:
    poll = world.announce([JOIN], committee=world.form_committee())
    waits = rows(world)
    assert {one.duty for one in waits} == {Duty.PERMIT_KEY} and who(world, Duty.PERMIT_KEY) == set(REGISTRARS[:4])
    assert all(one.until == poll.definition.opens and one.about == poll.id for one in waits)
    for registrar in (0, 1, 2):
        world.submit(world.permit_keys(registrar, poll))
    assert who(world, Duty.PERMIT_KEY) == {REGISTRARS[3]}

    assert not [one for one in due(world.check(), poll.closing - 1) if one.duty is Duty.BLOCK]
    [block] = [one for one in due(world.check(), poll.closing + 5) if one.duty is Duty.BLOCK]
    assert (block.institution, block.since) == (world.charter.operators[0], poll.closing), "the engine closes it"

    world.wait_until(poll.definition.opens)
    assert rows(world) == [], "what came too late is not due any more: it would be refused"
    with pytest.raises(Refused, match="before the poll opens"):
        world.submit(world.permit_keys(3, poll))
    for citizen in world.citizens:
        world.vote(citizen, poll, [[1, 0]])

    world.wait_until(poll.closing)
    assert who(world, Duty.ISSUANCE) == set(REGISTRARS[:3]) and who(world, Duty.DECRYPTION) == set(TRUSTEES[:3])
    assert not any(one.is_late(world.now) for one in rows(world))
    world.account(0, poll)
    assert who(world, Duty.ISSUANCE) == set(REGISTRARS[1:3])
    for trustee in world.trustees[:2]:
        for entry in trustee.due(world.view()):
            world.submit(entry)
    world.engine.tick()  # the engine has searched for the result
    assert who(world, Duty.DECRYPTION) == set(), "two suffice, and nothing waits for the third"
    [challenge] = rows(world, Duty.CHALLENGE)
    assert poll.decided is not None and challenge.until == poll.challenge_until(world.charter)
    assert rows(world, Duty.ISSUANCE)[0].until == challenge.until
    [answer] = rows(world, Duty.ANSWER)
    assert (answer.institution, answer.role) == ("", Role.ORGANISER)

    late = poll.closing + max(COUNT, ANSWER) + DAY
    found = due(world.check(), late)
    assert [one.is_late(late) for one in found] == sorted((one.is_late(late) for one in found), reverse=True)
    assert {one.duty for one in found if one.is_late(late)} == {Duty.ANSWER, Duty.ISSUANCE}
    assert not any(one.duty is Duty.CHALLENGE for one in found), "it has ended"


def test_a_promise_is_due_until_its_day_is_over(world: World) -> None:
    poll = world.poll([JOIN], committee=world.form_committee())
    world.wait_until(poll.definition.opens)
    for citizen in world.citizens:
        world.vote(citizen, poll, [[1, 0]])
    world.wait_until(poll.closing)
    world.trustees_act()
    day = (world.now // DAY + 5) * DAY

    def say(status: OutcomeStatus, until: int) -> None:
        said = Outcome(poll.id, status, Text("So.", "Так."), until)
        world.submit(said.sign(world.id, [world.organisers[1]]))

    say(OutcomeStatus.WILL, 0)
    [promise] = rows(world, Duty.PROMISE)
    assert promise.institution == ORGANISERS[1] and promise.until is None and not promise.is_late(10**12)
    assert not rows(world, Duty.ANSWER)
    say(OutcomeStatus.WILL, day)
    [promise] = rows(world, Duty.PROMISE)
    assert not promise.is_late(day + DAY - 1) and promise.is_late(day + DAY)
    say(OutcomeStatus.DONE, 0)
    assert not rows(world, Duty.PROMISE, Duty.ANSWER)


def test_a_change_of_an_office_can_be_objected_to_until_it_takes_effect(world: World) -> None:
    new = world.organisers[0].generate()
    change = OfficeChange(OfficeAction.ROTATE, TRUSTEES[0], Role.TRUSTEE, new.public, 1)
    world.submit(change.sign(world.id, [*world.organisers, world.registrars[0].office]))
    [objection] = rows(world)
    assert objection.duty is Duty.OBJECTION and objection.until == world.check().time + OBJECTION
    assert objection.of(TRUSTEES[0]) and objection.of_key(world.trustees[0].key.public, world.ledger.state)
    assert not objection.of_key(world.organisers[0].public, world.ledger.state)
    world.wait(OBJECTION)
    assert rows(world) == []


def test_a_suspended_registrar_s_keys_are_due_from_its_end_on_or_not_at_all(world: World) -> None:
    committee = world.form_committee()
    soon = world.announce([JOIN], committee=committee)
    key = world.registrars[0].office
    suspend = OfficeChange(OfficeAction.SUSPEND, REGISTRARS[0], Role.REGISTRAR, key.public, 2)
    world.submit(suspend.sign(world.id, [key]))
    assert world.ledger.state.offices[key.public].suspended > soon.definition.opens
    assert who(world, Duty.PERMIT_KEY) == set(REGISTRARS[1:4])


def test_witnesses_lag_and_trustees_wait_for_them(tmp_path: Path) -> None:
    with World(tmp_path, witnesses=(4, 1)) as world:
        world.cosign()
        assert rows(world) == []
        world.say("committee", ["city", "pedersen", 0], world.organisers[0])
        assert who(world, Duty.COSIGNATURE) == set(WITNESSES)
        steps = rows(world, Duty.CERTIFICATE)
        assert len(steps) == 3 and not any(one.can_be_done(world.now) for one in steps)
        assert all(trustee.due(world.view()) == [] for trustee in world.trustees)
        world.cosign(absent=world.witnesses[:1])
        assert who(world, Duty.COSIGNATURE) == {WITNESSES[0]}
        assert all(one.can_be_done(world.now) for one in rows(world, Duty.CERTIFICATE))
        assert all(trustee.due(world.view()) for trustee in world.trustees)
