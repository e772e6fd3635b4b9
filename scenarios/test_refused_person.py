"""A registrar finds one person's ballot by refusing them.

Permits of three of four admit a ballot, and blind signatures hide whose it is. But a ballot shows which three they are of. If devices
take "the first three that answer", everybody shows 0, 1 and 2; registrar 0, who refuses Anna, needs only look for the ballot without
its permit. If devices draw their three and "take others when a node refuses the ballot", the operator helps: ballots without
0 are refused until their voters end up with 0, and Anna's cannot. And if registrar 0 serves Anna alone and refuses all others, Anna's
is the ballot with its permit.

In Veche a device asks all four, and shows the three that follow from its seed and the verified ledger: after a refusal, a crash, or
on a second device the same. Anna is told who refused, and that the ballot would hide among a quarter of the others, before
anything is cast. From twenty ballots on a registrar whose permits hardly anybody shows is shown by nobody.
"""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from city import NO, YES, city, close, open_poll

from veche.errors import Refused
from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.voter.permits import Collected, RegistrarsRefused, registrars_in_use
from veche.voter.voter import Voter
from veche.world import Citizen, World

CLASS = (4, 3, 1)


def settle(world: World) -> PollState:
    """An open poll; everybody's seed is the same in each run."""
    for citizen in world.citizens:
        citizen.voter = Voter(Seed(hashlib.sha256(citizen.person.encode()).digest()))
    return open_poll(world)


def ask_all(world: World, poll: PollState, citizen: Citizen, refusing: dict[int, set[str]]) -> Collected:
    """``refusing``: whom each registrar that cheats serves not."""

    def ask(registrar: int, blinded: bytes) -> bytes:
        if citizen.person in refusing.get(registrar, ()):
            raise Refused("roll", "You are not on the electoral roll.")
        return world.registrars[registrar].issue(citizen.person, poll.id, blinded, 0)

    return citizen.voter.collect_permits(poll.frozen, poll.permit_keys, 0, ask)


def cast(world: World, poll: PollState, citizen: Citizen, permits: list[Permit]) -> bytes:
    return citizen.voter.cast(
        poll.id, 0, world.ballot(citizen, poll, YES if citizen is world.citizens[0] else NO), permits, 1
    )


def shown(entry: bytes) -> tuple[int, ...]:
    return tuple(row[0] for row in decode(entry)[4])


def ours(poll: PollState, citizen: Citizen, collected: Collected, despite: bool = False) -> list[Permit]:
    return citizen.voter.choose_permits(poll.frozen, poll.seen(0), collected, despite)


# The naive rules


def the_first_that_answer(poll: PollState, collected: Collected) -> list[Permit]:
    return [permit for _, permit in sorted(collected.permits.items())][: poll.poll_class.k]


def others_when_refused(poll: PollState, citizen: Citizen, collected: Collected, without: set[int]) -> list[Permit]:
    """Draw three, and draw anew as long as the node refuses ballots that show no permit of ``without``."""
    draws = hashlib.shake_256(citizen.person.encode()).digest(4096)
    for start in range(0, len(draws), 4):
        order = sorted(collected.permits, key=lambda registrar: draws[start + registrar])[: poll.poll_class.k]
        if without <= set(order) or not without <= collected.permits.keys():
            return [collected.permits[registrar] for registrar in sorted(order)]
    raise AssertionError("no draw will do")


# The stories


def test_by_the_naive_rules_one_ballot_stands_out(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS, citizens={"Centre": 12}) as world:
        poll = settle(world)
        anna = world.citizens[0]
        all_of = {c.person: ask_all(world, poll, c, {0: {anna.person}}) for c in world.citizens}
        first = Counter(
            shown(cast(world, poll, c, the_first_that_answer(poll, all_of[c.person]))) for c in world.citizens
        )
        assert first == {(0, 1, 2): 11, (1, 2, 3): 1}
        drawn = [
            shown(cast(world, poll, c, others_when_refused(poll, c, all_of[c.person], {0}))) for c in world.citizens
        ]
        assert [0 in registrars for registrars in drawn] == [False] + [True] * 11


def test_ours_hides_her_among_the_others(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS, citizens={"Centre": 12}) as world:
        poll = settle(world)
        anna, *others = world.citizens
        refused = ask_all(world, poll, anna, {0: {anna.person}})
        with pytest.raises(RegistrarsRefused, match=r"Civil registry.*1 in 4"):
            ours(poll, anna, refused)
        evidence = refused.refusals[0]
        assert len(evidence.blinded) == 256 and evidence.answer == b""

        entries = [
            cast(world, poll, citizen, ours(poll, citizen, ask_all(world, poll, citizen, {}))) for citizen in others
        ]
        # Who of these eleven does without registrar 0 is as their seeds and this poll's id fall. Of many it is one in four.
        fixed = replace(poll.frozen, id=bytes(32))
        permits = Collected({registrar: Permit(registrar, b"", b"") for registrar in range(4)})
        without = 0
        for number in range(1000):
            voter = Voter(Seed(hashlib.sha256(b"%d" % number).digest()))
            chosen = voter.choose_permits(fixed, poll.seen(0), permits)
            without += 0 not in [permit.registrar for permit in chosen]
        assert 200 <= without <= 300, "so Anna is not alone without registrar 0"
        entries.append(cast(world, poll, anna, ours(poll, anna, refused, despite=True)))
        for entry in entries:
            world.submit(entry)
        assert close(world, poll).counted == [12]


def test_no_refusal_on_the_way_changes_what_is_shown(tmp_path: Path) -> None:
    """Neither the operator's, nor a registrar's that answers at the next visit, nor a crash; nor is another device different."""
    with city(tmp_path, registrars=CLASS, citizens={"Centre": 6}) as world:
        poll = settle(world)
        for citizen in world.citizens:
            chosen = ours(poll, citizen, ask_all(world, poll, citizen, {}))
            for silent in range(4):
                first = ask_all(world, poll, citizen, {silent: {citizen.person}})
                again = citizen.voter.collect_permits(
                    poll.frozen,
                    poll.permit_keys,
                    0,
                    lambda registrar, blinded: world.registrars[registrar].issue(citizen.person, poll.id, blinded, 0),  # noqa: B023
                    first.permits,
                )
                assert ours(poll, citizen, again) == chosen
            second_device = Citizen(citizen.person, citizen.district, Voter(Seed(hashlib.sha256(citizen.person.encode()).digest())))  # fmt: skip
            assert ours(poll, second_device, ask_all(world, poll, second_device, {})) == chosen


def test_a_registrar_that_serves_one_person_alone(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS, citizens={"Centre": 22}) as world:
        poll = settle(world)
        anna, *others = world.citizens
        refusing = {3: {citizen.person for citizen in others}}
        for citizen in others[:20]:
            collected = ask_all(world, poll, citizen, refusing)
            with pytest.raises(RegistrarsRefused, match="Tax office"):
                ours(poll, citizen, collected)
            world.submit(cast(world, poll, citizen, ours(poll, citizen, collected, despite=True)))
        anna_s = ask_all(world, poll, anna, refusing)
        assert 3 in anna_s.permits, "by the naive rule Anna shows it with three of four seeds, and nobody else does"
        found = world.ledger.state.poll(poll.id)
        assert found is not None and registrars_in_use(poll.poll_class, found.seen(0)) == {0, 1, 2}
        assert [permit.registrar for permit in ours(found, anna, anna_s)] == [0, 1, 2]
        # Nobody else is asked whether they want to vote without it: nobody shows it.
        assert len(ours(found, others[20], ask_all(world, poll, others[20], refusing))) == 3


def test_a_key_under_which_nothing_can_be_asked_is_a_refusal_and_stops_nobody(tmp_path: Path) -> None:
    with city(tmp_path, registrars=CLASS) as world:
        poll = settle(world)
        anna = world.citizens[0]
        keys = dict(poll.permit_keys)
        (row,) = keys[0].groups
        keys[0] = replace(keys[0], groups=(replace(row, modulus=b"\x80" + bytes(255)),))  # even
        collected = anna.voter.collect_permits(
            poll.frozen, keys, 0, lambda r, blinded: world.registrars[r].issue(anna.person, poll.id, blinded, 0)
        )
        assert sorted(collected.permits) == [1, 2, 3] and collected.refusals[0].blinded == b""
        lying = anna.voter.collect_permits(poll.frozen, poll.permit_keys, 0, lambda r, blinded: b"\x01" * 256)
        assert not lying.permits and all(refusal.answer == b"\x01" * 256 for refusal in lying.refusals.values())
