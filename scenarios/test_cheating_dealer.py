"""A committee with a dealer who cheats, or falls silent.

Three trustees make a key of which any two can decrypt. The first deals a share to the second that does not fit what they published.
Where a committee is finished "when everybody has dealt", nobody notices: ballots are encrypted under the key, and at the
count the second trustee's share is worthless, so that the cheat, or whoever they tell, decides whether there is a result: two of
three has become "not without the first and the third". In Veche the second trustee's program opens the share, compares, and
complains in the ledger; the committee is void at once and another is formed with fresh secrets. And a trustee who says nothing
holds nothing up for longer than a week.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
import veche_kernel as kernel
from city import TRAMS, YES, city, close, everybody_votes, refused

from veche.ballot import channel
from veche.ballot.committee import Secrets, open_share
from veche.errors import Refused
from veche.ledger.codec import decode, digest
from veche.ledger.poll_state import CommitteeState
from veche.ledger.signing import sign
from veche.world import DAY, World


def ask_for_a_committee(world: World, number: int) -> bytes:
    return digest(world.ledger.entry(world.say("committee", ["city", "pedersen", number], world.organisers[0])))


def state_of(world: World, committee: bytes) -> CommitteeState:
    found = world.check().state.committee(committee)
    assert found is not None
    return found


def finished_when_all_have_dealt(committee: CommitteeState) -> bool:
    """The naive rule."""
    return len(committee.steps.get("committee-shares", {})) == committee.size


def everybody(world: World, present: Sequence[int] = (0, 1, 2)) -> None:
    """One step of each of these trustees."""
    view = world.view()
    for i in present:
        for entry in world.trustees[i].due(view):
            world.submit(entry)


def deal_badly(world: World, committee: bytes) -> None:
    """The first trustee's program is their own: it deals all as it should, but to the second it sends another number."""
    (honest,) = world.trustees[0].due(world.view())
    body = decode(honest)[1]
    certificate = decode(world.ledger.entry(_entry(world, "committee-certificate", committee, 2)))[1]
    bad = channel.encrypt(committee, 1, 2, certificate[3], kernel.scalar_random())
    body[5] = [body[5][0], bad, body[5][2]]
    world.say("committee-shares", body, world.trustees[0].key)


def _entry(world: World, kind: str, committee: bytes, index: int) -> int:
    for number in range(world.ledger.size):
        item = decode(world.ledger.entry(number))
        if item[0] == kind and item[1][:2] == [committee, index]:
            return number
    raise AssertionError("no such entry")


def test_a_dealer_who_cheats(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        first = ask_for_a_committee(world, 1)
        everybody(world)
        deal_badly(world, first)
        everybody(world, present=(1, 2))

        # The naive rule is content. What the second trustee holds is worth nothing: they cannot even make their key.
        found = state_of(world, first)
        assert finished_when_all_have_dealt(found)
        made = world.trustees[1]._ceremonies(world.view())[first]
        secrets: Secrets = made._secrets()
        dealt = found.shares[1]
        with pytest.raises(Refused, match="does not fit"):
            open_share(made._committee, 2, secrets, 1, dealt)

        # Ours: their program complains, and the committee is void at once.
        everybody(world, present=(1,))
        kinds = [decode(world.ledger.entry(number))[0] for number in range(world.ledger.size)]
        assert kinds[-2:] == ["committee-complaint", "committee-void"]
        assert state_of(world, first).reason == "trustee 2 complains about trustee 1"
        everybody(world)
        assert state_of(world, first).key is None

        # No poll can use it, and another committee is formed, with other secrets.
        with refused("poll-committee"):
            world.announce([TRAMS], committee=first)
        second = ask_for_a_committee(world, 2)
        for _ in range(3):
            everybody(world)
        done = state_of(world, second)
        assert done.key is not None
        old, new = (state_of(world, c).certificates for c in (first, second))
        assert all(old[i].encryption != new[i].encryption for i in (1, 2, 3))

        # Any two of three decrypt.
        poll = world.poll([TRAMS], committee=second, days=1)
        world.wait_until(poll.definition.opens)
        everybody_votes(world, poll, world.citizens[:3], YES)
        close(world, poll)
        world.trustees_act(absent=[world.trustees[0]])
        result = world.check().state.poll(poll.id)
        assert result is not None and result.result is not None
        assert result.result.body()[1:3] == [[2, 3], [[3, 0]]]


def test_a_trustee_who_falls_silent(tmp_path: Path) -> None:
    """Waiting for everybody is a rule by which each trustee can stop all polls, by doing nothing. A week, and they are passed by."""
    with city(tmp_path) as world:
        first = ask_for_a_committee(world, 1)
        everybody(world)
        everybody(world, present=(1, 2))
        world.wait(6 * DAY)
        assert not finished_when_all_have_dealt(state_of(world, first)), "by the naive rule everybody still waits"
        world.wait(DAY)
        assert state_of(world, first).reason == "no entry of it came in time"
        with refused("committee"):
            world.say("committee-shares", decode(_late(world))[1], world.trustees[0].key)
        second = ask_for_a_committee(world, 2)
        for _ in range(3):
            everybody(world)
        assert state_of(world, second).key is not None


def _late(world: World) -> bytes:
    """What the silent one would have said, if they come with it after all: something of the right form."""
    number = next(
        number for number in range(world.ledger.size) if decode(world.ledger.entry(number))[0] == "committee-shares"
    )
    item = decode(world.ledger.entry(number))
    item[1][1] = 1
    return sign(world.id, item[0], item[1], [world.trustees[0].key])


def test_a_dealer_who_waits_for_the_others(tmp_path: Path) -> None:
    """The dealer publishes last and picks exponents so that the common key is one of which they alone know the secret.

    Where exponents are published in any order, key = g^mine / (the others' exponents) for them. In Veche each has said the
    hash of their own in the step before.
    """
    with city(tmp_path) as world:
        committee = ask_for_a_committee(world, 1)
        everybody(world)
        everybody(world, present=(1, 2))
        shares = state_of(world, committee).shares
        others = kernel.point_sum([shares[i].exponents[:32] for i in (2, 3)])
        mine = kernel.scalar_random()
        chosen = kernel.point_sub(kernel.base_mul(mine), others)
        assert kernel.point_sum([chosen, others]) == kernel.base_mul(mine), "the naive rule: the key is theirs alone"

        (honest,) = world.trustees[0].due(world.view())
        body = decode(honest)[1]
        body[2] = chosen + body[2][32:]
        with refused("commitment"):
            world.say("committee-shares", body, world.trustees[0].key)
