"""`ballot`: each rule of docs/protocol.md, section 3.2, where it refuses, with a ballot that nothing else is wrong with."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import veche_kernel as kernel
from doctor import cast_anew

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.permit.derive import credential_secret
from veche.permit.seed import Seed
from veche.voter.voter import Voter, seal
from veche.world import Citizen

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
POLL, GROUP, BALLOT, PERMITS, TURN, CAST = range(1, 7)


def changed(life: Life, citizen: Citizen, field: int, value: Any, entry: bytes) -> bytes:
    """The entry with another value, cast anew: an attacker's device can do that with their own ballot."""
    item = decode(entry)
    item[field] = value
    return cast_anew(secret(life, citizen), encode(item))


def secret(life: Life, citizen: Citizen) -> bytes:
    return credential_secret(citizen.voter._seed, life.poll.id)


@pytest.fixture
def citizen(life: Life) -> Citizen:
    return life.citizens("Arbat")[0]


@pytest.fixture
def other(life: Life) -> Citizen:
    return life.citizens("Arbat")[1]


def test_a_ballot_is_admitted(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    entry = life.ballot(citizen)
    number = branch.admit(entry)
    poll = branch.poll(life.poll.id)
    assert branch.entries[number] == entry
    assert branch.state.last_ballot(poll, citizen.voter.credential(poll.id)) == (0, 1, number)
    assert (poll.counted, poll.admitted) == ([1, 0], {(0, 0): 1, (1, 0): 1})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (POLL, "text"),
        (GROUP, b"0"),
        (BALLOT, []),
        (PERMITS, b""),
        (PERMITS, [[0, bytes(32)]]),
        (PERMITS, [[0, bytes(32), bytes(256), 0]]),
        (PERMITS, [[b"", bytes(32), bytes(256)]]),
        (TURN, b"1"),
    ],
)
def test_shape(field: int, value: Any, life: Life, at: At, citizen: Citizen) -> None:
    at("open").refuses("shape", changed(life, citizen, field, value, life.ballot(citizen)))


def test_shape_of_the_whole(life: Life, at: At, citizen: Citizen) -> None:
    branch, item = at("open"), decode(life.ballot(citizen))
    branch.refuses("shape", encode([*item[:6], item[CAST][:63]]))
    branch.refuses("shape", encode([*item[:6], item[CAST] + b"\0"]))
    branch.refuses("shape", encode([*item[:6], 0]))
    branch.refuses("shape", changed(life, citizen, BALLOT, item[BALLOT][:-1], encode(item)))
    branch.refuses("shape", changed(life, citizen, BALLOT, b"", encode(item)))
    branch.refuses("shape", encode(item[:6]))
    branch.refuses("shape", encode([*item, 0]))


def test_an_unknown_poll(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    for poll in (bytes(32), branch.ledger):
        branch.refuses("unknown-poll", changed(life, citizen, POLL, poll, life.ballot(citizen)))
    for no_id in (b"", life.poll.id[:31]):
        branch.refuses("shape", changed(life, citizen, POLL, no_id, life.ballot(citizen)))


def test_not_open(life: Life, at: At, citizen: Citizen) -> None:
    entry, opens, closes = life.ballot(citizen), life.poll.definition.opens, life.poll.definition.closes
    assert "not opened" in at("announced").refuses("not-open", entry, time=opens - 1).message
    assert "too late" in at("open").refuses("not-open", entry, time=closes).message
    for time in (opens, closes - 1):
        (answer,) = at("announced").block(entry, time=time)
        assert isinstance(answer, int)
    branch = at("open")
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    assert "cancelled" in branch.refuses("not-open", entry).message


def test_a_group_that_does_not_exist(life: Life, at: At, citizen: Citizen) -> None:
    for group in (2, 2**64 - 1):
        at("open").refuses("group", changed(life, citizen, GROUP, group, life.ballot(citizen)))


def test_a_revote_in_another_group(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    branch.admit(life.ballot(citizen))
    branch.refuses("group", changed(life, citizen, GROUP, 1, life.ballot(citizen, turn=2, permits=False)))


@pytest.mark.parametrize("turn", [0, 33, 2**64 - 1])
def test_turns_that_do_not_exist(turn: int, life: Life, at: At, citizen: Citizen) -> None:
    at("open").refuses("turn", life.ballot(citizen, turn=turn))


def test_turns_rise(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    branch.admit(life.ballot(citizen, turn=5))
    for turn in (1, 4, 5):
        branch.refuses("turn", life.ballot(citizen, turn=turn, permits=False))
    branch.admit(life.ballot(citizen, turn=6, permits=False))
    branch.admit(life.ballot(citizen, turn=32, permits=False))
    for turn in (7, 32, 33):
        branch.refuses("turn", life.ballot(citizen, turn=turn, permits=False))


def test_a_first_ballot_without_permits(life: Life, at: At, citizen: Citizen) -> None:
    at("open").refuses("permits", life.ballot(citizen, permits=False))


def test_a_revote_with_permits(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    branch.admit(life.ballot(citizen))
    branch.refuses("permits", life.ballot(citizen, turn=2))


def rows(entry: bytes) -> list[Any]:
    return list(decode(entry)[PERMITS])


def test_permits_that_are_no_good(life: Life, at: At, citizen: Citizen, other: Citizen) -> None:
    """k of k different registrars, in order, for this poll, this group and this credential."""
    branch, entry = at("open"), life.ballot(citizen)
    first, second = rows(entry)
    theirs = rows(life.ballot(other))
    neighbour = rows(life.ballot(life.citizens("Yakimanka")[0]))
    flipped = first[2][:-1] + bytes([first[2][-1] ^ 1])
    wrong: Sequence[list[Any]] = [
        [first],  # too few
        [first, second, second],  # too many
        [second, first],  # out of order
        [first, first],  # of one registrar
        [first, [2, *second[1:]]],  # of a registrar that there is not
        [first, [2**64 - 1, *second[1:]]],
        [[1, *first[1:]], [0, *second[1:]]],
        [[0, *second[1:]], [1, *first[1:]]],  # each in the other's name
        [first, theirs[1]],  # stolen: for another credential
        neighbour,  # for another group
        [[0, first[1], flipped], second],
        [[0, bytes(32), first[2]], second],  # another prefix
        [[0, first[1][:31], first[2]], second],
        [[0, first[1], b""], second],
        [[0, first[1], b"\xff" * 256], second],
    ]
    for permits in wrong:
        branch.refuses("permits", changed(life, citizen, PERMITS, permits, entry))
    branch.admit(changed(life, citizen, PERMITS, [first, second], entry))


def test_a_weight_that_the_voter_does_not_have(life: Life, at: At, citizen: Citizen) -> None:
    """Groups carry weights. Permits name one; a ballot that says another is not by whom they admit."""
    at("open").refuses("permits", changed(life, citizen, GROUP, 1, life.ballot(citizen)))


def test_permits_of_another_poll(life: Life, at: At, citizen: Citizen) -> None:
    """Two polls with the same keys cannot be (a modulus is used once), and the message names the poll besides."""
    branch = at("open")
    entry = life.ballot(citizen)
    twin = life.publish(branch, opens=branch.time + 4000, closes=branch.time + 8000, groups=life.poll.definition.groups)
    branch.admit(twin)
    body = decode(life.permit_keys[0])[1]
    key = next(key for key in life.world.office_keys if key.public == decode(life.permit_keys[0])[2][0][0])
    branch.refuses_to_say("permit-key", "permit-key", [digest(twin), body[1]], key)
    branch.refuses("not-open", changed(life, citizen, POLL, digest(twin), entry))


def test_more_voters_than_people_on_the_roll(life: Life, at: At) -> None:
    """A registrar that signs for whoever asks is stopped at the size of its roll, by everybody."""
    branch = at("open")
    for citizen in life.citizens("Yakimanka"):
        branch.admit(life.ballot(citizen))
    ghost = Voter(Seed.generate())
    ballot = ghost.prove(life.poll.frozen, seal(life.poll.frozen, [[1, 0, 0]]))
    permits = life.stuff(ghost, 1)
    entry = ghost.cast(life.poll.id, 1, ballot, permits, 1)
    assert "roll" in branch.refuses("permits", entry).message
    # In the other group, where four are on the roll, it would have gone through as the first of four.
    permits = life.stuff(ghost, 0)
    branch.admit(ghost.cast(life.poll.id, 0, ballot, permits, 1))


@pytest.mark.parametrize("byte", [0, 31, 32, 63])
def test_a_changed_cast_signature(byte: int, life: Life, at: At, citizen: Citizen) -> None:
    item = decode(life.ballot(citizen))
    signature = bytearray(item[CAST])
    signature[byte] ^= 1
    at("open").refuses("cast", encode([*item[:6], bytes(signature)]))


def test_everything_is_under_the_cast_signature(life: Life, at: At, citizen: Citizen) -> None:
    """Whoever carries the ballot can change nothing in it: the turn, say, so that it wins over a later one."""
    branch, item = at("open"), decode(life.ballot(citizen))
    branch.refuses("cast", encode([*item[:TURN], 2, item[CAST]]))
    branch.admit(encode(item))
    again = decode(life.ballot(citizen, turn=2, permits=False))
    branch.refuses("cast", encode([*again[:TURN], 3, again[CAST]]))


def test_a_ballot_cast_by_another(life: Life, at: At, citizen: Citizen, other: Citizen) -> None:
    item = decode(life.ballot(citizen))
    at("open").refuses("cast", cast_anew(secret(life, other), encode(item)))


def test_any_changed_byte_of_the_ballot(life: Life, at: At, citizen: Citizen) -> None:
    """Cast anew, so that the signature is not what refuses it: every 32 bytes of points, challenges and responses count."""
    branch, entry = at("open"), life.ballot(citizen)
    ballot = decode(entry)[BALLOT]
    rules = set()
    for place in range(0, len(ballot), 32):
        for at_byte in (place, place + 31):
            bad = bytearray(ballot)
            bad[at_byte] ^= 1
            (answer,) = branch.branch().block(changed(life, citizen, BALLOT, bytes(bad), entry))
            assert isinstance(answer, Refused)
            rules.add(answer.rule)
    assert rules <= {"proofs", "permits"}  # the credential's own bytes: then the permits are another's
    assert "proofs" in rules


def test_a_ballot_for_two_answers(life: Life, at: At, citizen: Citizen) -> None:
    """A proof for a poll that allows two answers, in a poll that allows one."""
    questions = [(3, 1, 2, False)]
    generous = kernel.Election(life.poll.frozen.key, life.poll.frozen.fingerprint, life.poll.frozen.uuid, questions)
    ballot = generous.prove(secret(life, citizen), [[1, 1, 0]], generous.randomness())
    at("open").refuses("shape", changed(life, citizen, BALLOT, ballot, life.ballot(citizen)))


def test_a_ballot_for_another_election(life: Life, at: At, citizen: Citizen) -> None:
    """The fingerprint, and with it every frozen word of the poll, is in each proof."""
    another = kernel.Election(life.poll.frozen.key, "A" * 43, life.poll.frozen.uuid, [(3, 1, 1, False)])
    ballot = another.prove(secret(life, citizen), [[1, 0, 0]], another.randomness())
    at("open").refuses("proofs", changed(life, citizen, BALLOT, ballot, life.ballot(citizen)))


def test_another_voters_ballot(life: Life, at: At, citizen: Citizen, other: Citizen) -> None:
    """Copied whole it is cast by a credential that is not in it; with the copier's credential its proofs do not hold."""
    branch = at("open")
    theirs, mine = decode(life.ballot(other)), decode(life.ballot(citizen))
    branch.refuses("cast", cast_anew(secret(life, citizen), encode(theirs)))
    copied = mine[BALLOT][:32] + theirs[BALLOT][32:]
    branch.refuses("proofs", changed(life, citizen, BALLOT, copied, encode(mine)))


def test_the_identity_as_credential(life: Life, at: At, citizen: Citizen) -> None:
    """Anyone can sign for it. The kernel makes no such ballot; the encoding of the identity is put in its place."""
    entry = life.ballot(citizen)
    ballot = kernel.IDENTITY + decode(entry)[BALLOT][32:]
    item = decode(entry)
    item[BALLOT] = ballot
    (answer,) = at("open").block(cast_anew(secret(life, citizen), encode(item)))
    assert isinstance(answer, Refused) and answer.rule in ("cast", "proofs")


def test_the_same_ballot_again(life: Life, at: At, citizen: Citizen) -> None:
    """With a new turn and a new signature, it is still the same ballot: its tracker would name two entries."""
    branch, entry = at("open"), life.ballot(citizen)
    branch.admit(entry)
    again = changed(life, citizen, TURN, 2, changed(life, citizen, PERMITS, [], entry))
    branch.refuses("tracker", again)
    branch.refuses("turn", entry)


@pytest.mark.parametrize("together", [False, True])
def test_an_earlier_ballot_again(life: Life, at: At, citizen: Citizen, together: bool) -> None:
    """Not only the last one is remembered: each ballot of a credential is, in whatever block it came."""
    branch, first = at("open"), life.ballot(citizen)
    entries = [first, *(life.ballot(citizen, turn=turn, permits=False) for turn in (2, 3))]
    again = [changed(life, citizen, TURN, 4, changed(life, citizen, PERMITS, [], entry)) for entry in entries]
    if together:
        answers = branch.block(*entries, *again)
    else:
        answers = [answer for entry in (*entries, *again) for answer in branch.block(entry)]
    assert [isinstance(answer, Refused) and answer.rule for answer in answers] == [False] * 3 + ["tracker"] * 3


def test_the_same_ballot_in_another_form(life: Life, at: At, citizen: Citizen) -> None:
    """Points are kept divided by eight: adding a point of small order gives other bytes and the same ballot."""
    branch, entry = at("open"), life.ballot(citizen)
    branch.admit(entry)
    ballot = bytearray(decode(entry)[BALLOT])
    ballot[32:64] = _negated(bytes(ballot[32:64]))
    assert bytes(ballot) != decode(entry)[BALLOT]
    again = changed(life, citizen, TURN, 2, changed(life, citizen, PERMITS, [], encode([*decode(entry)[:3], bytes(ballot), *decode(entry)[4:]])))  # fmt: skip
    branch.refuses("tracker", again)


def _negated(point: bytes) -> bytes:
    """point + (0, -1): (x, y) -> (-x, -y), so the same point when multiplied by eight."""
    prime = 2**255 - 19
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    sign = point[31] >> 7
    return ((prime - y) | ((1 - sign) << 255)).to_bytes(32, "little")


def test_both_verdicts_agree(life: Life, at: At, citizen: Citizen, other: Citizen) -> None:
    """Checked together with others, ahead, or alone in the block: the same answers in the same order."""
    good, bad = life.ballot(citizen), life.ballot(other)
    item = decode(bad)
    entries = [
        good, encode([*item[:6], bytes(64)]), life.ballot(citizen, turn=2), life.ballot(citizen, turn=3, permits=False),
        changed(life, other, PERMITS, rows(good), bad), changed(life, other, POLL, bytes(32), bad),
        changed(life, other, GROUP, 7, bad), changed(life, other, BALLOT, b"", bad), b"\x87\x66ballot", bad, bad,
    ]  # fmt: skip
    alone, together = at("open").block(*entries), at("open").block(*entries, ahead=True)
    for answers in (alone, together):
        assert [answer.rule if isinstance(answer, Refused) else "admitted" for answer in answers] == [
            "admitted", "cast", "permits", "admitted", "permits", "unknown-poll", "group", "shape", "codec", "admitted", "turn",
        ]  # fmt: skip


def test_sums_are_those_of_the_last_ballots(life: Life, at: At, citizen: Citizen, other: Citizen) -> None:
    branch = at("open")
    entries = [life.ballot(citizen), life.ballot(other), life.ballot(citizen, turn=2, choices=(0, 1, 0), permits=False)]
    for entry in entries:
        branch.admit(entry)
    poll = branch.poll(life.poll.id)
    expected = kernel.Sums(3)
    expected.add([poll.frozen.kernel.load(decode(entry)[BALLOT]) for entry in entries[1:]])
    for group, sums in zip(poll.groups, (expected, kernel.Sums(3)), strict=True):
        assert group.recount is not None
        assert group.to_bytes() == group.recount.to_bytes() == sums.to_bytes()
    assert branch.state.counted_ballots(poll) == [branch.entries.index(entries[1]), branch.entries.index(entries[2])]


def test_an_office_key_is_no_credential(life: Life, at: At) -> None:
    """Ballots are not signed by offices, and what offices sign is not read as a ballot."""
    branch = at("open")
    branch.refuses_to_say("shape", "ballot", [life.poll.id], SigningKey.generate())


def test_permits_of_one_identity_source(life: Life, citizen: Citizen) -> None:
    """A class may want two: whoever breaks into people's bank accounts must not get both permits by that."""
    branch = life.open.branch()
    poll_class = branch.poll(life.poll.id).poll_class
    both_banks = tuple(seat._replace(source="bank") for seat in poll_class.registrars)
    object.__setattr__(poll_class, "registrars", both_banks)
    assert "identity source" in branch.refuses("permits", life.ballot(citizen)).message
    object.__setattr__(poll_class, "sources", 1)
    branch.admit(life.ballot(citizen))
    branch.close()
