"""A poll is cancelled after a look at its result.

The poll on the trams has closed. The city hall runs the ledger, so the trustees hand their shares to it. It keeps them back for
an afternoon, decrypts the sums with them, and sees that the trams have won. Three of its institutions then find that "an error
in the letters to the voters" makes the poll void, cancel it, and ask again in a year. Where a poll without a result can be
cancelled, that breaks no rule, and nobody can show that they looked first.

In Veche nothing stops a poll from the block of its tally on, whether or not a share is in the log. Institutions that find a
fault later object (`contest`): the result is derived all the same, and everybody reads both.
"""

from pathlib import Path

from city import NO, TRAMS, YES, city, close, everybody_votes, open_poll, refused

from veche.ballot.decryption import betas_of, open_tally
from veche.ledger.codec import decode
from veche.ledger.entries.decryption import Decryption
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.world import World

WHY = ["The letters were wrong.", "Письма были с ошибкой."]


def no_result_yet(poll: PollState) -> bool:
    """The naive rule: what has no result can be cancelled."""
    return poll.phase in (Phase.ANNOUNCED, Phase.COUNTING)


def look(world: World, poll: PollState, shares: list[bytes]) -> list[int]:
    """What whoever carries the shares reads from them, without handing one in."""
    assert poll.tally is not None
    made = [Decryption.parse(decode(share)[1]) for share in shares]
    factors = {share.index: share.share.points() for share in made}
    return list(open_tally(betas_of(poll.tally.parts[0]), factors, "pedersen", 100))


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:4], YES)
        everybody_votes(world, poll, world.citizens[4:], NO)
        poll = close(world, poll)

        # The afternoon.
        shares = [entry for trustee in world.trustees[:2] for entry in trustee.due(world.view())]
        assert look(world, poll, shares) == [4, 2]
        assert poll.shares == {}, "and the ledger shows nothing of it"

        # The evening.
        institutions = [*world.organisers, world.trustees[0].key]
        assert no_result_yet(poll)
        with refused("cancel"):
            world.say("cancel", [poll.id, WHY], *institutions)
        world.say("contest", [poll.id, WHY], *institutions)

        # The trustees hand their shares in elsewhere.
        for share in shares:
            world.submit(share)
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.total == ((4, 2),)
        assert len(found.contests) == 1


def test_a_poll_is_stopped_while_nobody_can_have_looked(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.closing - 1)
        world.say("cancel", [poll.id, WHY], *world.organisers, world.trustees[0].key)
        close(world, poll)
        assert poll.tally is None
        assert all(trustee.due(world.view()) == [] for trustee in world.trustees)
