"""A weight, or a district, that the voter does not have.

The owners of a house vote by their shares: most hold 1, the developer holds 10. Edik holds 1 and says 10. Where the right
to vote is a right in the poll and the ballot names its group ("they may vote, and live where they say"), Edik has ten votes;
and in a poll of one district everybody from the rest of the city has one. In Veche each group has keys of its own, the permit
names the group, and which group a person is in is the registrar's to say.
"""

from pathlib import Path

import veche_kernel as kernel
from city import NO, YES, city, close, everybody_votes, open_poll, refused
from doctor import cast_anew

from veche.ledger.codec import decode, encode
from veche.ledger.poll_state import PollState
from veche.permit.derive import credential_secret
from veche.permit.message import permit_message
from veche.world import Citizen, World

SMALL, LARGE = "Small shares", "Large shares"
GROUPS = ((SMALL, 1), (LARGE, 10))


def permits_for_the_poll(poll: PollState, entry: bytes, own_group: int) -> bool:
    """The naive rule: two registrars signed that this credential may vote in this poll, in whatever group."""
    _, _, _, ballot, permits, *_ = decode(entry)
    credential = poll.frozen.kernel.verify(ballot).credential
    message = permit_message(poll.id, own_group, credential)
    keys = [poll.permit_keys[registrar].groups[own_group].modulus for registrar, _, _ in permits]
    items = [(key, prefix + message, signature) for key, (_, prefix, signature) in zip(keys, permits, strict=True)]
    return len(items) == 2 and all(kernel.rsa_pss_verify_many(items))


def claiming(world: World, citizen: Citizen, poll: PollState, group: int) -> bytes:
    """Edik's ballot, sealed, cast and signed for another group than their own, with the permits that they have."""
    permits = world.collect(citizen, poll)
    item = decode(citizen.voter.cast(poll.id, group, world.ballot(citizen, poll, NO), permits, 1))
    return cast_anew(credential_secret(citizen.voter._seed, poll.id), encode(item))


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path, citizens={SMALL: 5, LARGE: 3}) as world:
        poll = open_poll(world, GROUPS)
        edik, *small = world.citizens[:5]
        large = world.citizens[5:]
        everybody_votes(world, poll, small[:3], YES)
        everybody_votes(world, poll, large, YES)

        entry = claiming(world, edik, poll, group=1)
        # The naive rule is content, and the ballot would weigh ten: Edik has permits, and it says "large shares".
        assert permits_for_the_poll(poll, entry, own_group=0)
        assert poll.definition.groups[decode(entry)[2]].weight == 10

        with refused("permits"):
            world.submit(entry)
        # Once admitted in their own group nobody can move to another.
        world.submit(claiming(world, edik, poll, group=0))
        ballot = world.ballot(edik, poll, NO)
        with refused("group"):
            world.submit(edik.voter.cast(poll.id, 1, ballot, [], 2))

        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        total, cells = found.result.body()[2:]
        assert total == [[3 + 10 * 3, 1]]
        assert cells == [[[3, 1]], [[30, 0]]]


def test_the_registrar_says_where_people_live(tmp_path: Path) -> None:
    """Edik asks for a permit of the other group. The registrar finds Edik on its roll, and signs nothing."""
    with city(tmp_path, citizens={SMALL: 3, LARGE: 3}) as world:
        poll = open_poll(world, GROUPS)
        edik = world.citizens[0]
        with refused("group"):
            collected = edik.voter.collect_permits(
                poll.frozen,
                poll.permit_keys,
                1,
                lambda registrar, blinded: world.registrars[registrar].issue(edik.person, poll.id, blinded, 1),
            )
            edik.voter.choose_permits(poll.frozen, poll.seen(1), collected)
        # Asking without naming the group, Edik gets a signature by the key of Edik's own group, which is no permit of the other.
        world.collect(edik, poll)


def test_who_lives_elsewhere_has_no_vote(tmp_path: Path) -> None:
    with city(tmp_path, citizens={SMALL: 3, LARGE: 3, "Elsewhere": 1}) as world:
        poll = open_poll(world, GROUPS)
        with refused("roll"):
            world.collect(world.citizens[-1], poll)
