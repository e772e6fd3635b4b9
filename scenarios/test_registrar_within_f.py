"""One registrar of four tries to stop the voting, which the class says that one cannot.

Permits of three of four admit a ballot, and one registrar may cheat (f = 1). Four ways to stop a poll all the same: publish no keys;
publish a key whose modulus has small factors, so that most people's messages cannot be blinded; publish a roll of one person, so
that whoever comes second is refused with permits in hand; or publish keys after everybody else has begun to vote.

"All registrars must be ready, and the first three that answer are asked" gives in to the first three. In Veche a poll opens with
n - f registrars, and who counts is settled then; a modulus is refused by rule if a prime below 65,536 divides it; and a roll
that is less than half as long as the others' counts as used up from the start.
"""

from pathlib import Path

import gmpy2
from city import NO, TRAMS, YES, city, close, everybody_votes, refused

from veche.ledger.codec import decode
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.poll_state import PollState
from veche.permit.request import PermitRequest
from veche.permit.seed import Seed
from veche.voter.voter import Voter
from veche.world import Citizen, World

CLASS = (4, 3, 1)


# The naive rules


def all_must_be_ready(poll: PollState) -> bool:
    return len(poll.permit_keys) == len(poll.poll_class.registrars)


def the_first_three(poll: PollState) -> list[int]:
    """Whom every device asks."""
    return sorted(poll.permit_keys)[: poll.poll_class.k]


def can_blind(modulus: bytes, poll: PollState) -> bool:
    """Whether somebody can ask for a permit under this modulus at all."""
    voter = Voter(Seed.generate())
    try:
        PermitRequest(voter._seed, poll.id, 0, voter.credential(poll.id), modulus)
    except ValueError:
        return False
    return True


# The stories


def announce(world: World) -> PollState:
    return world.announce([TRAMS], committee=world.form_committee(), days=1)


def found(world: World, poll: PollState) -> PollState:
    state = world.ledger.state.poll(poll.id)
    assert state is not None
    return state


def publish(world: World, registrar: int, poll: PollState, people: int | None = None) -> None:
    """A registrar's keys; the cheat says another number of people."""
    body = decode(world.permit_keys(registrar, poll))[1]
    if people is not None:
        body[1][0][1] = people
    world.say(PermitKeys.kind, body, world.registrars[registrar].office)


def all_vote(world: World, poll: PollState) -> None:
    """Everybody does, by permits of the three honest ones, and it counts."""
    world.wait_until(poll.definition.opens)
    everybody_votes(world, poll, world.citizens[:3], YES)
    everybody_votes(world, poll, world.citizens[3:], NO)
    assert close(world, poll).counted == [len(world.citizens)]


def test_no_keys_at_all(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS) as world:
        poll = announce(world)
        for registrar in (1, 2, 3):
            publish(world, registrar, poll)
        assert not all_must_be_ready(found(world, poll)), "by the naive rule every poll is void"
        world.wait_until(poll.definition.opens)
        with refused("permit-key"):  # it may not change its mind when it has seen who votes
            publish(world, 0, poll)
        all_vote(world, poll)


def test_a_modulus_with_small_factors(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS) as world:
        poll = announce(world)
        for registrar in (1, 2, 3):
            publish(world, registrar, poll)
        bad = int(gmpy2.primorial(97)) // 2  # odd, and divisible by 3, 5, 7, ... 97
        bad *= int(gmpy2.next_prime(2 ** (2100 - bad.bit_length())))
        modulus = bad.to_bytes((bad.bit_length() + 7) // 8, "big")
        lost = sum(not can_blind(modulus, found(world, poll)) for _ in range(70))
        assert lost > 35, "by the naive rule most people lose their vote"
        with refused("permit-key"):
            world.say("permit-key", [poll.id, [[modulus, 6, bytes(32)]]], world.registrars[0].office)
        all_vote(world, poll)


def test_a_roll_of_one_person(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS) as world:
        poll = announce(world)
        for registrar in range(4):
            publish(world, registrar, poll, people=1 if registrar == 0 else None)
        state = found(world, poll)
        assert 0 in the_first_three(state), "by the naive rule the roll of one is in every ballot"
        room = min(state.permit_keys[registrar].groups[0].people for registrar in the_first_three(state))
        assert room == 1, "and so one person votes"
        assert state.available(0) == [1, 2, 3]
        all_vote(world, poll)


def test_the_one_whom_the_short_roll_serves_is_not_admitted_by_it(tmp_path: Path) -> None:
    """Else theirs would be the one ballot with that registrar's permit."""
    with city(tmp_path, registrars=CLASS) as world:
        poll = announce(world)
        for registrar in range(4):
            publish(world, registrar, poll, people=2 if registrar == 0 else None)
        world.wait_until(poll.definition.opens)
        victim: Citizen = world.citizens[0]
        with refused("permits"):
            world.submit(by_permits_of(world, victim, poll, [0, 1, 2]))
        world.submit(by_permits_of(world, victim, poll, [1, 2, 3]))
        close(world, poll)


def by_permits_of(world: World, citizen: Citizen, poll: PollState, registrars: list[int]) -> bytes:
    state, permits = found(world, poll), []
    for registrar in registrars:
        modulus = state.permit_keys[registrar].groups[0].modulus
        request = PermitRequest(citizen.voter._seed, poll.id, 0, citizen.voter.credential(poll.id), modulus)
        answer = world.registrars[registrar].issue(citizen.person, poll.id, request.blinded, 0)
        permits.append(request.finish(registrar, answer))
    return citizen.voter.cast(poll.id, 0, world.ballot(citizen, poll, YES), permits, 1)
