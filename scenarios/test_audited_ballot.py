"""An audited ballot is cast by somebody else.

Boris does not trust a home computer. It is told to seal a ballot for no, which Boris does not mean, and then to *Check this
ballot instead*: the ballot and the randomness in it are shown to the checking station, run by people with views of their own.
It holds: the computer encrypted what it was told. The ballot is spoiled, Boris seals another and votes yes. But what the station
saw is a complete ballot: where everything whose proofs hold counts, it hands it in as Boris's, and the more carefully people
check, the more votes it has. In Veche what is shown lacks the cast signature, and only the voter's secret makes one.
"""

from pathlib import Path

import pytest
import veche_kernel as kernel
from city import NO, YES, city, close, everybody_votes, open_poll, refused
from veche_kernel import cast_sign

from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_prefix
from veche.ledger.poll_state import PollState
from veche.permit.derive import credential_secret
from veche.permit.permit import Permit
from veche.voter.voter import Sealed


def proofs_hold(poll: PollState, ballot: bytes) -> bytes:
    """The naive rule: a ballot counts for the credential in it if every proof and its own signature hold."""
    return poll.frozen.kernel.verify(ballot).credential


def checking_station(poll: PollState, sealed: Sealed) -> list[list[int]]:
    """What it is shown is the ballot and its opening, and it finds what is in it."""
    return poll.frozen.kernel.open(sealed.ballot, sealed.opening)


def cast_by_the_station(sealed: Sealed, permits: list[Permit], signature: bytes) -> bytes:
    rows = [[permit.registrar, permit.prefix, permit.signature] for permit in permits]
    return encode(["ballot", sealed.poll, sealed.group, sealed.ballot, rows, 1, signature])


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        boris, station, *others = world.citizens
        everybody_votes(world, poll, others[:2], YES)
        permits = world.collect(boris, poll)

        # Boris checks the computer.
        spoiled = world.seal(boris, poll, NO)
        assert checking_station(poll, spoiled) == NO
        with pytest.raises(kernel.ProofError):
            poll.frozen.kernel.open(spoiled.ballot, bytes(len(spoiled.opening)))

        # The naive rule takes what the station saw: it counts as Boris's.
        assert proofs_hold(poll, spoiled.ballot) == boris.voter.credential(poll.id)

        # Ours does not, though the station has somehow got Boris's permits as well.
        item = decode(cast_by_the_station(spoiled, permits, bytes(64)))
        theirs = cast_sign(credential_secret(station.voter._seed, poll.id), cast_prefix(item))
        signature_of_the_ballot = spoiled.ballot[-64:]
        for signature in (bytes(64), theirs, signature_of_the_ballot):
            with refused("cast"):
                world.submit(cast_by_the_station(spoiled, permits, signature))

        # Nor does the signature of the ballot that Boris casts in the end fit the one that was spoiled.
        world.vote(boris, poll, YES)
        voted = decode(world.ledger.entry(world.ledger.size - 1))
        with refused("cast"):
            world.submit(cast_by_the_station(spoiled, permits, voted[6]))

        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[3, 0]]


def test_what_is_shown_does_not_hold_the_signature(tmp_path: Path) -> None:
    """No field of what the device seals, and nothing that is printed of it by mistake, is a cast signature or a secret."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        sealed = world.seal(world.citizens[0], poll, YES)
        assert set(vars(sealed)) == {"poll", "group", "ballot", "opening", "tracker"}
        assert sealed.opening.hex() not in repr(sealed)
