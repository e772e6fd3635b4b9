"""Two devices in league.

Pavel and Rita choose alike, and their devices are of one maker. Pavel's votes as it was told, and shows the code of that ballot.
Rita's shows *the same code*, and casts a ballot for no. Both look their code up, and both find it: their vote is in the ledger,
it seems, and was not changed on the way. One of the two votes is false.

A code names ciphertexts, not a voter. So a device that has the seed looks once more: the ballot found must bear its own
credential, which is in the entry and follows from the seed. (Rita looks with a device that is not of that maker: a device that
lies about this, too, is beyond help.) Had Rita checked instead of casting, the ciphertexts that the code names could have
been opened, for Rita's device knows the randomness, too; then Pavel's cannot be told from a copy. Both are found by codes that
are looked up with the seed.
"""

from pathlib import Path

from city import NO, YES, city, open_poll

from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.voter.voter import Voter, seal
from veche.world import World


def with_code(world: World, poll: PollState, code: bytes) -> list[bytes]:
    """The ballots in the ledger with this code: what anybody finds."""
    entries = [decode(world.ledger.entry(number)) for number in range(world.ledger.size)]
    ballots = [item[3] for item in entries if item[0] == "ballot" and item[1] == poll.id]
    return [ballot for ballot, found in zip(ballots, poll.frozen.kernel.codes(ballots), strict=True) if found == code]


def is_there(world: World, poll: PollState, code: bytes) -> bool:
    """The naive rule: my code is in the ledger."""
    return bool(with_code(world, poll, code))


def is_mine(world: World, poll: PollState, code: bytes, voter: Voter) -> bool:
    """Ours: a ballot with my code and my credential is in the ledger."""
    found = with_code(world, poll, code)
    return any(poll.frozen.kernel.load(ballot).credential == voter.credential(poll.id) for ballot in found)


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        pavel, rita = world.citizens[:2]
        sealed = seal(poll.frozen, YES)
        ballot = pavel.voter.prove(poll.frozen, sealed)
        world.submit(pavel.voter.cast(poll.id, 0, ballot, world.collect(pavel, poll), 1))
        world.vote(rita, poll, NO)  # while Rita's screen shows sealed.code

        assert is_there(world, poll, sealed.code), "the naive rule contents both"
        assert is_mine(world, poll, sealed.code, pavel.voter)
        assert not is_mine(world, poll, sealed.code, rita.voter)


def test_one_code_twice_in_the_ledger_is_two_votes(tmp_path: Path) -> None:
    """Devices that share the randomness can also cast the same ciphertexts for two people. Both are as they were sealed."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        sealed = seal(poll.frozen, YES)
        for citizen in world.citizens[:2]:
            ballot = citizen.voter.prove(poll.frozen, sealed)
            world.submit(citizen.voter.cast(poll.id, 0, ballot, world.collect(citizen, poll), 1))
        assert len(with_code(world, poll, sealed.code)) == 2
        assert all(is_mine(world, poll, sealed.code, citizen.voter) for citizen in world.citizens[:2])
