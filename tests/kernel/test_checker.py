"""Each rule that needs no state (docs/protocol.md, 3.2) refuses what breaks it alone, and names itself; batches agree."""

from typing import Any

import cbor2
import pytest
import veche_kernel as kernel
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

from kernel.ballots import cast_prefix, make, number, read, together

POLL = bytes(range(32))
KEYS = [[rsa.generate_private_key(65537, 2048) for _ in range(2)] for _ in range(3)]
MODULI = [[key.public_key().public_numbers().n.to_bytes(256, "big") for key in groups] for groups in KEYS]
ELECTION = make((2, 1, 1, False))
GROUP = 1
CHECKER = kernel.BallotChecker(ELECTION, POLL, MODULI, 2, [0, 7, 0], 2)
SECRET = kernel.scalar_random()
CREDENTIAL = kernel.base_mul(SECRET)
BALLOT = ELECTION.prove(SECRET, [[0, 1]], ELECTION.randomness())


def permit(registrar: int, group: int = GROUP, poll: bytes = POLL, credential: bytes = CREDENTIAL) -> list[Any]:
    prefix = bytes([registrar]) * 32
    message = f"veche-permit-v1|{poll.hex()}|{group}|{credential.hex()}".encode()
    pss = padding.PSS(padding.MGF1(SHA384()), 48)
    return [registrar, prefix, KEYS[registrar][group].sign(prefix + message, pss, SHA384())]


GOOD = [permit(0), permit(1)]


def entry(**changes: Any) -> kernel.BallotEntry:
    """A good ballot, but for these changes, cast by its credential unless ``cast`` says otherwise."""
    fields: dict[str, Any] = {"poll": POLL, "group": GROUP, "ballot": BALLOT, "permits": GOOD, "turn": 1} | changes
    item = ["ballot", fields["poll"], fields["group"], fields["ballot"], fields["permits"], fields["turn"]]
    return read(cbor2.dumps([*item, fields.get("cast", kernel.cast_sign(SECRET, cast_prefix(item)))]))


@pytest.mark.parametrize(
    "changes", [{}, {"turn": 32}, {"permits": []}, {"permits": [permit(1), permit(2)]}, {"group": 0, "permits": []}]
)
def test_good_ballots(changes: dict[str, Any]) -> None:
    found = entry(**changes)
    for verdict in (CHECKER.check_one(found), *together(CHECKER, [found] * 9)):
        assert isinstance(verdict, kernel.CheckedBallot)
        assert verdict.credential == CREDENTIAL
        assert verdict.tracker == ELECTION.load(BALLOT).tracker


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"poll": bytes(32), "permits": []}, "shape", "another poll"),
    ({"ballot": BALLOT[:-1]}, "shape", "bytes, not"),
    ({"ballot": b""}, "shape", "bytes, not 0"),
    ({"group": 2, "permits": []}, "group", "no group 2"),
    ({"group": 2**64 - 1}, "group", "no group 18446744073709551615"),
    ({"turn": 0}, "turn", "from 1 to 32"),
    ({"turn": 33}, "turn", "from 1 to 32"),
    ({"turn": 2**64 - 1}, "turn", "from 1 to 32"),
    ({"permits": GOOD[:1]}, "permits", "carries 1 permits and needs 2"),
    ({"permits": [*GOOD, permit(2)]}, "permits", "carries 3 permits and needs 2"),
    ({"permits": GOOD[::-1]}, "permits", "ascending order"),
    ({"permits": [GOOD[0], GOOD[0]]}, "permits", "different registrars"),
    ({"permits": [GOOD[0], [3, *GOOD[1][1:]]]}, "permits", "There are 3 registrars"),
    ({"permits": [GOOD[0], [2**64 - 1, *GOOD[1][1:]]]}, "permits", "There are 3 registrars"),
    ({"permits": [GOOD[0], [1, bytes(31), GOOD[1][2]]]}, "permits", "prefix of a permit is 32 bytes"),
    ({"permits": [permit(0), permit(2)]}, "permits", "1 identity source; this class wants 2"),
    ({"permits": [GOOD[0], permit(1, group=0)]}, "permits", "no registrar of this group signed it"),
    ({"permits": [GOOD[0], permit(1, poll=bytes(32))]}, "permits", "does not hold"),
    ({"permits": [GOOD[0], permit(1, credential=kernel.BASE)]}, "permits", "does not hold"),
    ({"permits": [GOOD[0], [1, bytes(32), GOOD[1][2]]]}, "permits", "does not hold"),
    ({"permits": [GOOD[0], [1, GOOD[1][1], b""]]}, "permits", "does not hold"),
    ({"permits": [GOOD[0], [1, GOOD[1][1], GOOD[1][2] + b"0"]]}, "permits", "does not hold"),
    ({"permits": [GOOD[0], [1, GOOD[1][1], b"\xff" * 256]]}, "permits", "does not hold"),
    ({"cast": kernel.cast_sign(SECRET, b"veche-cast-v1|")}, "cast", "the cast signature does not hold"),
    ({"cast": bytes(64)}, "cast", "the cast signature does not hold"),
    ({"cast": number(2) + bytes(32)}, "cast", "not on the curve"),
    ({"cast": kernel.BASE + b"\xff" * 32}, "cast", "not reduced"),
    ({"ballot": kernel.IDENTITY + BALLOT[32:]}, "proofs", "the credential is the identity"),
    ({"ballot": b"\xff" * 32 + BALLOT[32:]}, "proofs", "the credential: a point is not in canonical form"),
    ({"ballot": BALLOT[:-32] + number(5)}, "proofs", "the signature of the ballot does not hold"),
    ({"ballot": BALLOT[:64] + BALLOT[32:64] + BALLOT[96:]}, "proofs", "individual proof of choice 1 in question 1"),
]


@pytest.mark.parametrize(("changes", "rule", "words"), REFUSED, ids=lambda value: value if type(value) is str else "")
def test_each_rule(changes: dict[str, Any], rule: str, words: str) -> None:
    verdict = CHECKER.check_one(entry(**changes))
    assert isinstance(verdict, kernel.Failure)
    assert verdict.rule == rule
    assert words in verdict.reason
    assert verdict.reason[0].isupper()
    assert not verdict.reason.endswith(".")


@pytest.mark.parametrize("copies", [1, 5])
def test_together_as_alone(copies: int) -> None:
    """The wrong ones among good ones, in one list."""
    rows = [entry(**changes) for changes, _, _ in REFUSED for _ in range(copies)]
    mixed = [found for row in rows for found in (entry(), row)]
    for found, verdict in zip(mixed, together(CHECKER, mixed), strict=True):
        alone = CHECKER.check_one(found)
        if isinstance(alone, kernel.Failure):
            assert verdict == alone
            assert hash(verdict) == hash(alone)
        else:
            assert isinstance(verdict, kernel.CheckedBallot)


def test_no_entries() -> None:
    assert CHECKER.check([]) == CHECKER.identify([]) == []
    assert kernel.read_ballots([]) == []


@pytest.mark.parametrize(
    ("poll", "moduli", "sources"),
    [
        (bytes(31), MODULI, [0, 1, 2]),
        (POLL, [], []),
        (POLL, [[]], [0]),
        (POLL, [[], []], [0, 1]),
        (POLL, [*MODULI, MODULI[0][:1]], [0] * 4),
        (POLL, MODULI, [0]),
    ],
)
def test_checkers_that_cannot_be(poll: bytes, moduli: list[list[bytes]], sources: list[int]) -> None:
    with pytest.raises(ValueError):
        kernel.BallotChecker(ELECTION, poll, moduli, 1, sources, 1)


def test_failures_differ_if_they_say_different_things() -> None:
    one, other = (CHECKER.check_one(entry(turn=turn)) for turn in (0, 33))
    assert one == other
    third = CHECKER.check_one(entry(group=2))
    assert one != third
    assert repr(third) == 'Failure(rule="group", reason="The poll has no group 2")'
