"""A registrar's permit key is missing when the poll opens.

The poll needs permits of both registrars. The second one's machine is down, or it was asked to be slow, on the day before
opening. "Open with those that are there" keeps the date, and leaves one registrar to decide alone who votes. In Veche the keys of n - f
registrars (here both) stand in the ledger before opening or the poll is void, by itself and for everybody; it is published
anew when the registrar is back.
"""

from pathlib import Path

from city import NO, TRAMS, city, close, everybody_votes, open_poll, refused

from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.request import PermitRequest
from veche.permit.seed import Seed
from veche.voter.voter import Voter, seal
from veche.world import World


def open_with_those_that_are_there(poll: PollState) -> int:
    """The naive rule: how many registrars' permits a ballot needs."""
    return len(poll.permit_keys)


def ghost(world: World, poll: PollState) -> bytes:
    """The first registrar alone makes a voter."""
    pem = world.folder / "registrar-1" / "keys" / poll.id.hex() / "0.pem"
    key = IssuerKey.from_pem(pem.read_bytes())
    voter = Voter(Seed.generate())
    request = PermitRequest(voter._seed, poll.id, 0, voter.credential(poll.id), key.modulus)
    permit = request.finish(0, blind_sign(key, request.blinded))
    return voter.cast(poll.id, 0, voter.prove(poll.frozen, seal(poll.frozen, NO)), [permit], 1)


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        committee = world.form_committee()
        poll = world.announce([TRAMS], committee=committee, days=1)
        world.submit(world.permit_keys(0, poll))
        world.wait_until(poll.definition.opens)

        found = world.ledger.state.poll(poll.id)
        assert found is not None
        assert open_with_those_that_are_there(found) == 1, "by the naive rule one registrar decides alone"
        assert len(decode(ghost(world, found))[4]) == 1

        assert found.phase == "void"
        with refused("not-open"):
            world.submit(ghost(world, found))
        with refused("permit-key"):
            world.submit(world.permit_keys(1, poll))
        world.check()

        # Published anew, with both.
        again = world.poll([TRAMS], committee=committee, days=1)
        world.wait_until(again.definition.opens)
        everybody_votes(world, again, world.citizens[:3], NO)
        with refused("permits"):
            world.submit(ghost(world, again))
        assert close(world, again).counted == [3]


def test_the_keys_are_what_opens_it(tmp_path: Path) -> None:
    """With all of them in time nothing is void."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        found = world.ledger.state.poll(poll.id)
        assert found is not None and found.phase == "announced" and found.open_at(world.now)
