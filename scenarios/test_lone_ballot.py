"""One ballot in a poll, and one ballot in a district.

Nobody decrypts a ballot; only sums are decrypted. But the sum of one ballot is that ballot. In a village poll with one voter, or in
the smallest district of a large one, a rule that says "decrypt the sum of every district" opens that one vote, its pseudonym beside
it, and everything is in order. In Veche the ledger writes no sum of fewer than m ballots: a district with too few is added to
the next before the tally is written, a poll with too few is `too-few` without sums, and trustees decrypt what is written.
"""

from pathlib import Path

from city import NO, YES, city, close, everybody_votes, open_poll

from veche.audit.view import View
from veche.ballot.decryption import alphas_of, betas_of, make_share, open_tally
from veche.ledger.codec import decode, digest
from veche.ledger.poll_state import PollState
from veche.world import World

DISTRICTS = (("Arbat", 1), ("Yakimanka", 1), ("Zamoskvorechye", 1))


def every_district_is_decrypted(world: World, poll: PollState) -> list[list[int]]:
    """The naive rule, carried out by two trustees who do what it says."""
    view = View(world.check())
    secrets = [t._ceremonies(view)[poll.definition.committee].secret() for t in world.trustees[:2]]
    results = []
    for group in poll.groups:
        sums = group.to_bytes()
        shares = [make_share(x, alphas_of(sums), poll.frozen.fingerprint, bytes(32), 0) for x in secrets]
        factors = {i: share.points() for i, share in enumerate(shares, 1)}
        results.append(open_tally(betas_of(sums), factors, "pedersen", group.counted))
    return results


def test_one_ballot_in_a_poll(tmp_path: Path) -> None:
    with city(tmp_path, smallest=3) as world:
        poll = open_poll(world)
        world.vote(world.citizens[0], poll, NO)
        found = close(world, poll)
        assert every_district_is_decrypted(world, found) == [[0, 1]], "the naive rule says how one person voted"

        kinds = [decode(world.ledger.entry(number))[0] for number in range(world.ledger.size)]
        assert kinds[-1] == "too-few"
        assert decode(world.ledger.entry(world.ledger.size - 1))[1][1] == 1
        assert [entry for trustee in world.trustees for entry in trustee.due(world.view())] == []
        assert not list(tmp_path.glob("trustee-*/decryptions/*"))


def test_one_ballot_in_a_district(tmp_path: Path) -> None:
    with city(tmp_path, citizens={"Arbat": 4, "Yakimanka": 2, "Zamoskvorechye": 4}, smallest=3) as world:
        poll = open_poll(world, DISTRICTS)
        everybody_votes(world, poll, world.citizens[:3], YES)
        world.vote(world.citizens[4], poll, NO)
        everybody_votes(world, poll, world.citizens[6:9], YES)
        found = close(world, poll)
        assert every_district_is_decrypted(world, found)[1] == [0, 1], "the naive rule says how one person voted"

        world.trustees_act()
        decided = world.check().state.poll(poll.id)
        assert decided is not None and decided.tally is not None and decided.result is not None
        cells = [members for members, _ in decided.tally.body()[3]]
        assert cells == [[[0, 3]], [[1, 1], [2, 3]]]
        assert decided.result.body()[2:] == [[[6, 1]], [[[3, 0]], [[3, 1]]]]


def test_the_district_that_is_left_at_the_end(tmp_path: Path) -> None:
    """There is no next one: it joins the one before, and with the total no difference gives it away."""
    with city(tmp_path, citizens={"Arbat": 4, "Yakimanka": 4, "Zamoskvorechye": 1}, smallest=3) as world:
        poll = open_poll(world, DISTRICTS)
        everybody_votes(world, poll, world.citizens[:3], YES)
        everybody_votes(world, poll, world.citizens[4:7], YES)
        world.vote(world.citizens[8], poll, NO)
        found = close(world, poll)
        assert found.tally is not None
        cells = found.tally.body()[3]
        assert [members for members, _ in cells] == [[[0, 3]], [[1, 3], [2, 1]]]
        written = {digest(sums) for _, sums in cells}
        assert not written & {digest(group.to_bytes()) for group in found.groups[1:]}
