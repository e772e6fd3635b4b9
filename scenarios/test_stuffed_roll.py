"""A registrar stuffs the ballot box beyond its roll.

All registrars of a poll that ballots need (here both) conspire and sign permits for people who do not exist. Everything about those
ballots is in order: "k valid permits admit" is satisfied as often as they like. What remains, when all conspire, are numbers:
Veche admits no more voters in a group than there are people on the smallest roll, published before opening; each registrar must
say how many permits it issued, no fewer than were used; and everybody can ask for their own row, and show that they were not
served where the registrar says that they were. That k registrars can vote for those who stay at home is said in the open.
"""

from pathlib import Path

import veche_kernel as kernel
from city import NO, YES, city, close, everybody_votes, open_poll, refused

from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.message import permit_message
from veche.permit.seed import Seed
from veche.voter.voter import Voter, seal
from veche.world import World


def ghost(world: World, poll: PollState) -> bytes:
    """A ballot by somebody who does not exist, with permits of both registrars."""

    def sign(registrar: int, blinded: bytes) -> bytes:
        pem = world.folder / f"registrar-{registrar + 1}" / "keys" / poll.id.hex() / "0.pem"
        return blind_sign(IssuerKey.from_pem(pem.read_bytes()), blinded)

    voter = Voter(Seed.generate())
    permits = list(voter.collect_permits(poll.frozen, poll.permit_keys, 0, sign).permits.values())
    return voter.cast(poll.id, 0, voter.prove(poll.frozen, seal(poll.frozen, NO)), permits, 1)


def two_permits_admit(poll: PollState, ballots: list[bytes]) -> int:
    """The naive rule: how many of these ballots count. Permits and proofs of all of them hold."""
    count = 0
    for entry in ballots:
        _, poll_id, group, ballot, permits, *_ = decode(entry)
        message = permit_message(poll_id, group, poll.frozen.kernel.verify(ballot).credential)
        items = [
            (poll.permit_keys[r].groups[group].modulus, prefix + message, signature) for r, prefix, signature in permits
        ]
        count += len(items) == 2 and all(kernel.rsa_pss_verify_many(items))
    return count


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path, citizens={"Centre": 6}) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:4], YES)
        ghosts = [ghost(world, poll) for _ in range(5)]
        assert two_permits_admit(poll, ghosts) == 5, "by the naive rule the ghosts win"

        gala = world.citizens[4]
        world.collect(gala, poll)
        # Six people are on the roll, four have voted: there is room for two, and then it is over.
        world.submit(ghosts[0])
        world.submit(ghosts[1])
        for entry in ghosts[2:]:
            with refused("permits"):
                world.submit(entry)
        # It is seen at once: the fifth real voter finds no room, with permits in hand.
        with refused("permits"):
            world.vote(gala, poll, YES)

        close(world, poll)
        # Accounting. By its own lists the first registrar served five (Gala, too); six were used. It cannot say so.
        office = world.registrars[0].office
        (honest,) = world.registrars[0].issuance(poll.id)
        assert honest.issued == 5
        with refused("issuance"):
            world.say("issuance", [poll.id, [[honest.issued, honest.root]]], office)
        with refused("issuance"):
            world.say("issuance", [poll.id, [[7, honest.root]]], office)
        # It may lie and say six; then it must show six people whom it served, and Hleb, who never asked, is asked to be one.
        world.say("issuance", [poll.id, [[6, honest.root]]], office)
        hleb = world.citizens[5]
        row = world.registrars[0].proof_for(hleb.person, poll.id)
        assert row.issuance is not None and not row.issuance.served, "the published root says that they were not served"


def test_a_registrar_alone(tmp_path: Path) -> None:
    """One of two that stuffs: each ghost has one permit, and none is admitted."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        voter = Voter(Seed.generate())

        def sign(registrar: int, blinded: bytes) -> bytes:
            if registrar == 1:
                return world.registrars[1].issue("Nobody", poll.id, blinded, 0)
            pem = world.folder / "registrar-1" / "keys" / poll.id.hex() / "0.pem"
            return blind_sign(IssuerKey.from_pem(pem.read_bytes()), blinded)

        with refused("roll"):
            collected = voter.collect_permits(poll.frozen, poll.permit_keys, 0, sign)
            voter.choose_permits(poll.frozen, poll.seen(0), collected)
