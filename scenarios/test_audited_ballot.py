"""An audited ballot is cast by somebody else.

Boris does not trust a home computer. It is told to seal a ballot for no, which Boris does not mean, and then to *check*: what is
in the ballot is shown to the checking station, run by people with views of their own. It holds: the computer encrypted what it
was told. Boris seals another ballot and votes yes. But where a checked ballot is shown whole, the station has a complete ballot
for no: where everything whose proofs hold counts, it hands it in as Boris's, and the more carefully people check, the more votes
it has. In Veche a ballot that is opened never had a credential or a proof: choices and randomness are all that there is. A ballot
that was proven lacks the cast signature, which only the voter's secret makes.
"""

from pathlib import Path

from city import NO, YES, city, close, everybody_votes, open_poll, refused
from veche_kernel import cast_sign

from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_prefix
from veche.ledger.poll_state import PollState
from veche.permit.derive import credential_secret
from veche.permit.permit import Permit
from veche.voter.voter import check_opened, seal


def proofs_hold(poll: PollState, ballot: bytes) -> bytes:
    """The naive rule: a ballot counts for the credential in it if every proof and its own signature hold."""
    return poll.frozen.kernel.verify(ballot).credential


def cast_by_the_station(poll: PollState, ballot: bytes, permits: list[Permit], signature: bytes) -> bytes:
    rows = [[permit.registrar, permit.prefix, permit.signature] for permit in permits]
    return encode(["ballot", poll.id, 0, ballot, rows, 1, signature])


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        boris, station, *others = world.citizens
        everybody_votes(world, poll, others[:2], YES)
        permits = world.collect(boris, poll)

        # A computer that shows a checked ballot whole. The naive rule takes what the station saw: it counts as Boris's.
        shown = world.ballot(boris, poll, NO)
        assert proofs_hold(poll, shown) == boris.voter.credential(poll.id)

        # Ours does not, though the station has somehow got Boris's permits as well.
        item = decode(cast_by_the_station(poll, shown, permits, bytes(64)))
        theirs = cast_sign(credential_secret(station.voter._seed, poll.id), cast_prefix(item))
        for signature in (bytes(64), theirs, shown[-64:]):
            with refused("cast"):
                world.submit(cast_by_the_station(poll, shown, permits, signature))

        # And our computer shows less. It seals, and the station has the code; then Boris says "check".
        sealed = seal(poll.frozen, NO)
        code = sealed.code
        check_opened(poll.frozen, code, sealed.choices, sealed.randomness)
        # With all that it was shown the station can prove one ballot: its own. It is one vote, of somebody who has one.
        own = station.voter.prove(poll.frozen, sealed)
        assert poll.frozen.kernel.codes([own]) == [code]
        with refused("cast"):
            world.submit(cast_by_the_station(poll, shown[:32] + own[32:], permits, theirs))
        world.submit(station.voter.cast(poll.id, 0, own, world.collect(station, poll), 1))

        world.vote(boris, poll, YES)
        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[3, 1]]


def test_what_is_shown_says_nothing_of_the_voter(tmp_path: Path) -> None:
    """No field of what is sealed, and nothing that is printed of it by mistake, is a credential, a signature or the randomness."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        sealed = seal(poll.frozen, YES)
        assert set(vars(sealed)) == {"poll", "choices", "randomness", "code"}
        assert sealed.randomness.hex() not in repr(sealed)
