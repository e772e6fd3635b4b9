"""Ballots: each rule of docs/protocol.md, section 3.2, with ballots that nothing else is wrong with."""

from collections.abc import Iterator
from typing import Any

import veche_kernel as kernel
from doctor import cast_anew, edit, find, flip
from doctored_cases import ORDER_2, Case, Moment, before, exchanged
from doctored_city import YES, City, seed
from nacl import bindings

from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_ballot
from veche.permit.permit import Permit
from veche.voter.voter import Voter

POLL, GROUP, BALLOT, PERMITS, TURN, CAST = range(1, 7)


def recast(city: City, voter: Voter, entry: bytes, field: int, value: Any) -> bytes:
    """The ballot with another value, cast anew by its voter, so that nothing else is wrong with it."""
    return cast_anew(city.secret(voter), edit(entry, [field], value))


def ballots(city: City) -> Iterator[Case]:
    """The third voter has not voted: the moment is before anybody has, unless the case is about re-votes."""
    voter, poll, entries = city.voters[2], city.polls["poll"], city.entries
    opens = poll.definition.opens
    first, last = find(entries, "ballot", 0, poll.id), find(entries, "ballot", -1, poll.id)
    now = before(city, first)
    good = city.ballot(voter, 1, city.permits(voter))

    def refused(rule: str, name: str, entry: bytes, moment: Moment = now) -> Case:
        return Case(rule, name, moment, entry)

    def changed(field: int, value: Any) -> bytes:
        return recast(city, voter, good, field, value)

    for name, permits, turn in (
        ("a first ballot", (0, 1, 2, 3), 1),
        ("permits of other registrars", (1, 2, 4, 5), 1),
        ("the greatest turn", (0, 1, 2, 3), 32),
    ):
        yield Case(None, name, now, city.ballot(voter, turn, city.permits(voter, 0, permits)))
    yield Case(None, "a point stored in another form", now, changed(BALLOT, twisted(decode(good)[BALLOT], 1)))
    yield Case(None, "the first second of the poll", Moment(find(entries, "void") + 1), good)
    yield Case(
        None,
        "the last second of the poll, which a halt moved",
        before(city, find(entries, "tally"), poll.closing - 1),
        good,
    )

    item = decode(good)
    yield refused("codec", "a turn that is not in its shortest form", good[:-67] + b"\x18\x01" + good[-66:])
    yield refused("shape", "an item more", encode([*item, 0]))
    yield refused("shape", "the turn is a byte string", changed(TURN, b"1"))
    yield refused("shape", "a permit of four items", changed(PERMITS, [[*row, 0] for row in item[PERMITS]]))
    yield refused("shape", "a ballot that is a byte short", changed(BALLOT, item[BALLOT][:-1]))
    yield refused("shape", "a ballot that is a word longer", changed(BALLOT, item[BALLOT] + bytes(32)))
    yield refused("shape", "a cast signature that is a byte short", encode([*item[:CAST], item[CAST][:-1]]))
    yield refused("unknown-poll", "no such poll", changed(POLL, bytes(32)))
    yield refused("not-open", "a second before the opening", good, before(city, find(entries, "void"), opens - 1))
    yield refused("not-open", "in the block that closes the poll", good, Moment(find(entries, "too-few") + 1))
    yield refused("not-open", "a poll that is void", changed(POLL, city.polls["void"].id))
    yield refused("not-open", "a poll that was cancelled", changed(POLL, city.polls["cancelled"].id))
    yield refused("group", "no such group", changed(GROUP, 2))
    yield refused("turn", "no turn", changed(TURN, 0))
    yield refused("turn", "a turn that is too great", changed(TURN, 33))
    yield from _cast(city, voter, good, now)
    yield from _proofs(city, voter, good, now)
    yield from _permits(city, voter, good, now)
    yield from _registrars(city, voter, now)
    yield from _again(city, before(city, last))


def twisted(ballot: bytes, word: int) -> bytes:
    """A point (the word at this place) with one of order two added: eight times it is the same."""
    at = 32 * word
    return ballot[:at] + bindings.crypto_core_ed25519_add(ballot[at : at + 32], ORDER_2) + ballot[at + 32 :]


def plus(data: bytes, word: int, number: int) -> bytes:
    """A scalar (the word at this place, from the end if negative) with a number added, reduced only to 32 bytes."""
    at = (32 * word) % len(data)
    scalar = int.from_bytes(data[at : at + 32], "little") + number
    return data[:at] + scalar.to_bytes(32, "little") + data[at + 32 :]


def _cast(city: City, voter: Voter, good: bytes, now: Moment) -> Iterator[Case]:
    item, other = decode(good), city.voters[1]
    cast = item[CAST]
    for name, entry in (
        ("the response is another", encode([*item[:CAST], plus(cast, 1, -1)])),
        ("the response is not reduced", encode([*item[:CAST], plus(cast, 1, kernel.ORDER)])),
        ("the commitment is in another form", encode([*item[:CAST], twisted(cast, 0)])),
        ("by another credential", cast_ballot(city.secret(other), item[:CAST])),
        ("the turn was changed on the way", edit(good, [TURN], 2)),
        ("permits were taken away", edit(good, [PERMITS], [])),
    ):
        yield Case("cast", name, now, entry)


def _proofs(city: City, voter: Voter, good: bytes, now: Moment) -> Iterator[Case]:
    """Words of this ballot: 0 the credential; 1..4 alpha, beta of two choices; 5..11 and 12..18 individual proofs: four
    points, a challenge, two responses; 19..21 the overall proof: two points, a response; 22, 23 the signature.
    """
    ballot, poll = decode(good)[BALLOT], city.polls["poll"].frozen
    assert len(ballot) == 24 * 32
    theirs = decode(city.ballot(city.voters[1], 1, []))[BALLOT]
    another = kernel.Election(poll.key, "A" * 43, poll.uuid, [(2, 1, 1, False)])
    for name, bad in (
        ("a point that is not canonical", ballot[:32] + b"\xff" * 32 + ballot[64:]),
        ("alpha and beta exchanged", exchanged(ballot, 1, 2)),
        ("the two answers exchanged", exchanged(exchanged(ballot, 1, 3), 2, 4)),
        ("a commitment of an individual proof is another", exchanged(ballot, 5, 6)),
        ("a challenge of an individual proof is another", plus(ballot, 9, 1 if ballot[9 * 32] < 255 else -1)),
        ("a response of an individual proof is another", exchanged(ballot, 10, 11)),
        ("a commitment of the overall proof is another", exchanged(ballot, 19, 20)),
        ("the response of the overall proof is not reduced", plus(ballot, 21, kernel.ORDER)),
        ("the signature is another", plus(ballot, 23, 1 if ballot[23 * 32] < 255 else -1)),
        ("the response of the signature is not reduced", plus(ballot, 23, kernel.ORDER)),
        ("another voter's choices", ballot[:32] + theirs[32:]),
        ("made for another election", another.prove(city.secret(voter), YES, another.randomness())),
    ):
        yield Case("proofs", name, now, recast(city, voter, good, BALLOT, bad))
    identity = [*decode(good)[:BALLOT], kernel.IDENTITY + ballot[32:], *decode(good)[PERMITS:CAST]]
    yield Case("proofs", "the credential is the identity", now, cast_ballot(bytes(32), identity))


def _permits(city: City, voter: Voter, good: bytes, now: Moment) -> Iterator[Case]:
    first, second, *more = decode(good)[PERMITS]
    fifth = rows_of(city.permits(voter, 0, (4,)))[0]
    theirs = rows_of(city.permits(city.voters[1]))
    other_group = rows_of(city.permits(voter, 1))
    for name, permits in (
        ("a first ballot without permits", []),
        ("a permit too few", [first, second, more[0]]),
        ("a permit too many", [first, second, *more, fifth]),
        ("out of order", [second, first, *more]),
        ("twice by one registrar", [first, first, *more]),
        ("by a registrar that there is not", [first, second, more[0], [6, *more[1][1:]]]),
        ("each in the other's name", [[0, *second[1:]], [1, *first[1:]], *more]),
        ("of one identity source", [first, *more, fifth]),
        ("for another credential", [first, theirs[1], *more]),
        ("for another group", other_group),
        ("a signature is changed", [[0, first[1], flip(first[2], 2047)], second, *more]),
        ("a signature is too short", [[0, first[1], first[2][:-1]], second, *more]),
        ("a signature is not less than the modulus", [[0, first[1], b"\xff" * 256], second, *more]),
        ("a prefix is another", [[0, bytes(32), first[2]], second, *more]),
        ("a prefix is too short", [[0, first[1][:-1], first[2]], second, *more]),
    ):
        yield Case("permits", name, now, recast(city, voter, good, PERMITS, permits))
    yield Case("permits", "in a heavier group than they were given for", now, recast(city, voter, good, GROUP, 1))


def _registrars(city: City, voter: Voter, now: Moment) -> Iterator[Case]:
    """In the poll with too few ballots the fifth registrar's roll is too short, and the sixth published no keys."""
    for rule, name, registrars in (
        (None, "permits of registrars that count", (0, 1, 2, 3)),
        ("permits", "of a registrar whose roll has one person, and the others' four", (0, 1, 2, 4)),
    ):
        permits = city.permits(voter, 0, registrars, "few")
        yield Case(rule, name, now, city.ballot(voter, 1, permits, poll="few"))
    good = city.ballot(voter, 1, city.permits(voter, of="few"), poll="few")
    *rows, last = decode(good)[PERMITS]
    unpublished = cast_anew(city.secret(voter, "few"), edit(good, [PERMITS], [*rows, [5, *last[1:]]]))
    yield Case("permits", "of a registrar that published no keys", now, unpublished)


def rows_of(permits: list[Permit]) -> list[list[Any]]:
    return [[permit.registrar, permit.prefix, permit.signature] for permit in permits]


def _again(city: City, now: Moment) -> Iterator[Case]:
    """Re-votes, when all but the third have voted, by the second, whose first turn stands in the log."""
    voter, poll = city.voters[1], city.polls["poll"]
    places = [find(city.entries, "ballot", number, poll.id) for number in range(3)]
    old = city.entries[places[1]]
    revote = city.ballot(voter, 2, [])
    yield Case(None, "a re-vote", now, revote)
    yield Case(None, "a re-vote that leaves turns out", now, city.ballot(voter, 32, []))
    yield Case("turn", "the turn of the ballot before", now, city.ballot(voter, 1, []))
    yield Case("turn", "the same entry again, without its permits", now, recast(city, voter, old, PERMITS, []))
    yield Case("permits", "a re-vote with permits", now, city.ballot(voter, 2, city.permits(voter)))
    yield Case("group", "a re-vote in another group", now, recast(city, voter, revote, GROUP, 1))
    copy = recast(city, voter, recast(city, voter, old, PERMITS, []), TURN, 2)
    yield Case("tracker", "the same ballot in a new entry", now, copy)
    form = recast(city, voter, copy, BALLOT, twisted(decode(copy)[BALLOT], 1))
    yield Case("tracker", "the same ballot in another form", now, form)
    ghost = Voter(seed("nobody on the roll"))
    yield Case("permits", "a voter more than people on the roll", now, city.ballot(ghost, 1, city.permits(ghost, 1), 1))
