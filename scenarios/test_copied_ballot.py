"""A ballot is copied from another voter.

Igor wants to know how a neighbour votes, and has friends. They cannot read that ballot, but they can cast it: each of them
takes its ciphertexts, with the proofs, as their own, from the public log. Every copy moves the result by its vote, and in a small
poll ten copies of it stand out (Cortier, Smyth, 2011). "The proofs hold, and the caster has permits" does not notice. In Veche the
credential is hashed into every proof, is what permits are for, and must sign the casting: a copy is the neighbour's or fails.
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
from veche.world import Citizen, World


def proofs_hold_and_the_caster_has_permits(world: World, poll: PollState, entry: bytes, caster: Citizen) -> bool:
    """The naive rule: who votes is whoever casts; in the ballot itself only the proofs matter."""
    _, _, _, ballot, permits, *_ = decode(entry)
    poll.frozen.kernel.verify(ballot)
    return [signature for _, _, signature in permits] == [p.signature for p in world.collect(caster, poll)]


def cast_as(world: World, poll: PollState, caster: Citizen, ballot: bytes, again: bool = False) -> bytes:
    """Cast these bytes with the caster's own permits and signature, or ``again``: as a later ballot, without permits."""
    rows = (
        [] if again else [[permit.registrar, permit.prefix, permit.signature] for permit in world.collect(caster, poll)]
    )
    item = ["ballot", poll.id, 0, ballot, rows, 2 if again else 1]
    return encode([*item, cast_sign(credential_secret(caster.voter._seed, poll.id), cast_prefix(item))])


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        neighbour, igor, *friends = world.citizens
        original = decode(world.ledger.entry(world.vote(neighbour, poll, NO)))[3]

        for copier in (igor, *friends[:2]):
            # The ballot as it is.
            copy = cast_as(world, poll, copier, original)
            assert proofs_hold_and_the_caster_has_permits(world, poll, copy, copier), (
                "the naive rule counts it as the copier's"
            )
            with refused("turn"):
                world.submit(copy)
            with refused("cast"):
                world.submit(cast_as(world, poll, copier, original, again=True))
            # Its ciphertexts and proofs under the copier's credential.
            own = world.ballot(copier, poll, YES)
            with refused("proofs"):
                world.submit(cast_as(world, poll, copier, own[:32] + original[32:]))
            # The ballot, signed by the copier as a Belenios ballot.
            with refused("proofs"):
                world.submit(cast_as(world, poll, copier, own[:32] + original[32:-64] + own[-64:]))

        everybody_votes(world, poll, [igor, *friends[:2]], YES)
        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[3, 1]]


def test_a_copy_that_does_not_look_like_one(tmp_path: Path) -> None:
    """Encrypted anew (each ciphertext times an encryption of zero) it is the same vote in other bytes; the proofs are lost."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        neighbour, igor, *_ = world.citizens
        original = bytearray(decode(world.ledger.entry(world.vote(neighbour, poll, NO)))[3])
        own = world.ballot(igor, poll, YES)
        eighth = pow(8, -1, kernel.ORDER).to_bytes(32, "little")
        for place in range(32, 32 + 4 * 32, 64):
            r = kernel.scalar_mul_add(kernel.scalar_random(), eighth, bytes(32))
            for offset, base in ((0, kernel.base_mul(r)), (32, kernel.point_mul(r, poll.frozen.key))):
                at = slice(place + offset, place + offset + 32)
                original[at] = kernel.point_add(bytes(original[at]), base)
        disguised = own[:32] + bytes(original[32:])
        with refused("proofs"):
            world.submit(cast_as(world, poll, igor, disguised))
        with pytest.raises(ValueError):
            poll.frozen.kernel.verify(bytes(original))
