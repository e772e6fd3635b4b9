"""One person, two credentials, with the help of registrars that cheat.

A ballot needs permits of k of n registrars. An honest registrar signs one message for each person; a cheating one signs
whatever it is asked to. Clara wants to vote twice, and shows some honest registrars one credential and the others a second, and
f cheating ones sign both. "A majority of the registrars" (2k > n) is the rule that comes to mind, and it falls to a single cheat.
With 2k > n + f the two credentials cannot both have k permits; with n - f >= k nobody who refuses can keep Clara from one.
The charter must name f for every class of polls, and the ledger refuses classes that break either.

First a model with every n up to 5, every k and f, and every way to choose. Then some of it with real keys.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from city import NO, YES, begin, city, close, everybody_votes, open_poll, refused

from veche.errors import Refused
from veche.ledger.entries.charter import PollClass, RegistrarSeat
from veche.ledger.poll_state import PollState
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.permit.threshold import REGISTRARS, check_threshold
from veche.voter.voter import Voter, seal
from veche.world import Citizen, World

FIRST, SECOND = "first", "second"


# The model


def classes() -> list[tuple[int, int, int]]:
    return [(n, k, f) for n in range(1, 6) for k in range(1, n + 1) for f in range(n + 1)]


def ways_to_ask(n: int, f: int) -> Iterator[dict[str, set[int]]]:
    """For each way in which Clara can ask, who signs which credential. The last f registrars cheat, without loss of generality."""
    honest, cheating = range(n - f), set(range(n - f, n))
    for asked in product((FIRST, SECOND), repeat=n - f):
        signed = {name: {registrar for registrar in honest if asked[registrar] == name} for name in (FIRST, SECOND)}
        yield {name: registrars | cheating for name, registrars in signed.items()}


def most_credentials(n: int, k: int, f: int) -> int:
    """How many of Clara's credentials can be admitted at most."""
    return max(sum(len(signers) >= k for signers in way.values()) for way in ways_to_ask(n, f))


def can_be_stopped(n: int, k: int, f: int) -> bool:
    """Whether f registrars that refuse keep an honest citizen from voting, who asks everybody for one credential."""
    return len(set(range(n - f))) < k


def majority(n: int, k: int, f: int) -> bool:
    """The naive rule, which does not ask who cheats."""
    return 2 * k > n


def ours(n: int, k: int, f: int) -> bool:
    try:
        check_threshold(n, k, f, REGISTRARS)
    except Refused as refusal:
        assert refusal.rule == "class"
        return False
    return True


@pytest.mark.parametrize(("n", "k", "f"), classes())
def test_every_class(n: int, k: int, f: int) -> None:
    """A class is admitted exactly if the attack fails in it and nobody can be stopped."""
    assert ours(n, k, f) == (most_credentials(n, k, f) < 2 and not can_be_stopped(n, k, f))


def test_a_majority_is_not_enough() -> None:
    fooled = [case for case in classes() if majority(*case) and most_credentials(*case) == 2]
    assert (3, 2, 1) in fooled and (5, 3, 1) in fooled
    assert not any(ours(*case) for case in fooled)


def test_there_are_classes_that_bear_a_cheat() -> None:
    assert [case for case in classes() if ours(*case) and case[2]] == [(4, 3, 1), (5, 4, 1)]


# With real keys


def cheats(world: World, registrar: int, poll: PollState, blinded: bytes) -> bytes:
    """A registrar that signs whatever it is asked to: it has its key, and looks into no list."""
    pem = world.folder / f"registrar-{registrar + 1}" / "keys" / poll.id.hex() / "0.pem"
    return blind_sign(IssuerKey.from_pem(pem.read_bytes()), blinded)


def second_credential(
    world: World, poll: PollState, person: Citizen, cheating: set[int], ask: set[int]
) -> list[Permit]:
    """Clara asks for a second credential's permits: these honest registrars as anybody would, and the cheating ones anyhow."""
    twin = Voter(Seed.generate())

    def answer(registrar: int, blinded: bytes) -> bytes:
        if registrar in cheating:
            return cheats(world, registrar, poll, blinded)
        if registrar not in ask:
            raise Refused("permit-once", "Clara showed this one the other credential.")
        return world.registrars[registrar].issue(person.person, poll.id, blinded, 0)

    collected = twin.collect_permits(poll.frozen, poll.permit_keys, 0, answer)
    permits = twin.choose_permits(poll.frozen, poll.seen(0), collected, despite_refusal=True)
    ballot = twin.prove(poll.frozen, seal(poll.frozen, YES))
    world.submit(twin.cast(poll.id, 0, ballot, permits, 1))
    return permits


def first_credential(world: World, poll: PollState, person: Citizen, ask: set[int]) -> None:
    """Clara's own credential, shown to these registrars only."""

    def answer(registrar: int, blinded: bytes) -> bytes:
        if registrar not in ask:
            raise Refused("permit-once", "This one is kept for the other credential, or refuses.")
        return world.registrars[registrar].issue(person.person, poll.id, blinded, 0)

    collected = person.voter.collect_permits(poll.frozen, poll.permit_keys, 0, answer)
    chosen = person.voter.choose_permits(poll.frozen, poll.seen(0), collected, despite_refusal=True)
    person.permits[poll.id] = chosen
    world.vote(person, poll, YES)


def test_two_of_three_with_a_cheat_that_the_class_did_not_expect(tmp_path: Path) -> None:
    """The charter said f = 0 and one of three cheats: Clara votes twice, and nobody sees it. This is why f must be chosen well."""
    with city(tmp_path, registrars=(3, 2, 0)) as world:
        poll = open_poll(world)
        clara = world.citizens[0]
        first_credential(world, poll, clara, ask={0, 2})
        second_credential(world, poll, clara, cheating={2}, ask={1})
        found = world.ledger.state.poll(poll.id)
        assert found is not None and sum(found.counted) == 2


@pytest.mark.parametrize(("k", "f"), [(2, 1), (1, 0), (3, 1), (2, 2)])
def test_the_charter_refuses_the_class_that_says_so(k: int, f: int, tmp_path: Path) -> None:
    with refused("class"), begin(tmp_path, registrars=(3, k, f)):
        pass


def test_three_of_four_with_one_cheat(tmp_path: Path) -> None:
    with city(tmp_path, registrars=(4, 3, 1)) as world:
        poll = open_poll(world)
        clara, dora, *others = world.citizens
        # Whatever honest ones are kept for the second credential, too few are left for one of the two.
        with refused("permit-once"):
            second_credential(world, poll, clara, cheating={3}, ask={0})
        first_credential(world, poll, clara, ask={1, 2, 3})
        # Registrar 0 signed something for Clara already, the others sign no second message.
        with refused("permit-once"):
            second_credential(world, poll, clara, cheating={3}, ask={0, 1, 2})
        # A registrar that refuses stops nobody.
        first_credential(world, poll, dora, ask={0, 1, 2})
        everybody_votes(world, poll, others[:1], NO)
        close(world, poll)
        found = world.ledger.state.poll(poll.id)
        assert found is not None and found.counted == [3]


def test_the_same_registrars_twice_are_not_k(tmp_path: Path) -> None:
    """The cheat's permit cannot count for two, nor stand in for an honest one's."""
    with city(tmp_path, registrars=(4, 3, 1)) as world:
        poll = open_poll(world)
        clara = world.citizens[0]
        permits = world.collect(clara, poll)
        ballot = world.ballot(clara, poll, YES)
        for wrong in (
            [permits[0], permits[1], permits[1]],
            [permits[0], permits[1], replace(permits[1], registrar=3)],
            [permits[0], permits[1]],
            [permits[0], permits[2], permits[1]],
        ):
            with refused("permits"):
                world.submit(clara.voter.cast(poll.id, 0, ballot, wrong, 1))
        world.submit(clara.voter.cast(poll.id, 0, ballot, permits, 1))


def test_two_registrars_of_one_identity_source() -> None:
    """A stolen bank account opens every registrar that trusts banks: the class may ask for two different sources."""
    registrars = tuple(RegistrarSeat(*seat) for seat in (("A", "bank"), ("B", "bank"), ("C", "post"), ("D", "post")))
    trusting_banks = PollClass("city", registrars, 3, 1, 2, ("T",), 1, 0, 20, 3600, 86_400, 1)
    assert PollClass.parse(trusting_banks.body()) == trusting_banks
    with refused("class"):
        banks_only = tuple(RegistrarSeat(seat.institution, "bank") for seat in registrars)
        PollClass.parse(replace(trusting_banks, registrars=banks_only).body())
