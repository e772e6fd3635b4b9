"""`permit-key`, `void`: registrars' keys, enough of them and in time, or the poll is void. docs/protocol.md, section 2.5."""

from collections.abc import Callable
from typing import Any

import pytest

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.entries.poll import Group

from .branch import Branch
from .life import Life, text

At = Callable[[str], Branch]


def rows(life: Life) -> list[Any]:
    """The first registrar's rows, to change."""
    return list(decode(life.permit_keys[0])[1][1])


def number_bytes(number: int) -> bytes:
    """A modulus as the entry has it."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def office(life: Life, registrar: int) -> SigningKey:
    return life.world.office_keys[5 + registrar]


def refused(life: Life, branch: Branch, rule: str, changed: list[Any]) -> None:
    branch.refuses_to_say(rule, "permit-key", [life.poll.id, changed], office(life, 0))


def test_all_keys_in_time(life: Life, at: At) -> None:
    branch = at("keyless")
    for entry in life.permit_keys:
        branch.admit(entry)
    assert branch.beat_until(life.poll.definition.opens) == []
    assert branch.poll(life.poll.id).open_at(branch.time)


def test_a_missing_key_voids_the_poll(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    assert branch.beat_until(life.poll.definition.opens - 1) == []
    assert branch.beat_until(life.poll.definition.opens) == ["void"]
    assert branch.last("void") == [life.poll.id, "too few registrars published permit keys before opening"]
    branch.refuses("permit-key", life.permit_keys[1])
    assert "void" in branch.refuses("not-open", life.ballot(life.world.citizens[0])).message
    branch.refuses_to_say("cancel", "cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    branch.refuses_to_say("outcome", "outcome", [life.poll.id, "will", ["A", "А"], 0, []], life.organisers[0])
    assert branch.beat_until(life.poll.definition.closes) == []
    branch.refuses_to_say("issuance", "issuance", [life.poll.id, [[0, bytes(32)]] * 2], office(life, 0))


def test_a_key_in_the_last_second(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    (answer,) = branch.block(life.permit_keys[1], time=life.poll.definition.opens - 1)
    assert isinstance(answer, int)
    assert branch.beat_until(life.poll.definition.opens) == []


def test_a_key_in_the_first_second_is_too_late(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    (answer,) = branch.block(life.permit_keys[1], time=life.poll.definition.opens)
    assert isinstance(answer, Refused) and answer.rule == "permit-key"
    assert branch.kinds()[-1] == "void"


def test_a_halt_across_the_opening(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    assert branch.stand_still(2 * 3600) == ["void"]


def test_keys_are_published_once(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    branch.refuses("repeated", life.permit_keys[0])
    changed = [[bytes([255]) * 255 + bytes([i]), 5, bytes(32)] for i in (1, 3)]
    branch.refuses_to_say("permit-key", "permit-key", [life.poll.id, changed], office(life, 0))


def test_keys_for_a_poll_that_is_open(life: Life, at: At) -> None:
    changed = [[bytes([255]) * 255 + bytes([i]), 5, bytes(32)] for i in (1, 3)]
    refused(life, at("open"), "permit-key", changed)


def test_keys_for_an_unknown_poll_or_by_others(life: Life, at: At) -> None:
    branch = at("keyless")
    branch.refuses_to_say("unknown-poll", "permit-key", [bytes(32), rows(life)], office(life, 0))
    branch.refuses_to_say("shape", "permit-key", [bytes(31), rows(life)], office(life, 0))
    branch.refuses_to_say("authority", "permit-key", [life.poll.id, rows(life)], life.organisers[0])
    branch.refuses_to_say("authority", "permit-key", [life.poll.id, rows(life)], office(life, 0), office(life, 1))
    stranger = SigningKey.generate()
    branch.say(
        "office", ["rotate", "Post office", "registrar", stranger.public, 0], *life.institutions[:-1], office(life, 1)
    )
    branch.refuses_to_say("authority", "permit-key", [life.poll.id, rows(life)], office(life, 1))


def test_a_modulus_is_never_used_again(life: Life, at: At) -> None:
    branch = at("keyless")
    first, second = rows(life)
    refused(life, branch, "permit-key", [first, first])
    branch.admit(life.permit_keys[0])
    # Not by another registrar either, who hopes that permits of one count for both:
    branch.refuses_to_say("permit-key", "permit-key", [life.poll.id, [second, first]], office(life, 1))
    theirs = decode(life.permit_keys[1])[1][1]
    branch.refuses_to_say("permit-key", "permit-key", [life.poll.id, [theirs[0], first]], office(life, 1))
    # Nor in another poll, nor for another group:
    another = life.publish(branch, groups=(Group(text("All"), 1),))
    branch.admit(another)
    branch.refuses_to_say("permit-key", "permit-key", [digest(another), [first]], office(life, 0))
    branch.refuses_to_say("permit-key", "permit-key", [digest(another), [second]], office(life, 1))


def test_the_roll_times_the_weights(life: Life, at: At) -> None:
    """2^40 is the most that a result can be. Two of two: the roll may weigh that much and not one more."""
    branch = at("formed")
    entry = life.publish(branch, groups=(Group(text("A"), 2**20), Group(text("B"), 1)))
    branch.admit(entry)
    moduli = [number_bytes(65537**128), number_bytes(65537**129)]
    for people in ((2**20 + 1, 0), (2**20, 1), (0, 2**40 + 1)):
        body = [digest(entry), [[modulus, n, bytes(32)] for modulus, n in zip(moduli, people, strict=True)]]
        branch.refuses_to_say("shape" if max(people) > 2**40 else "permit-key", "permit-key", body, office(life, 0))
    branch.say("permit-key", [digest(entry), [[moduli[0], 2**20 - 1, bytes(32)], [moduli[1], 2**20, bytes(32)]]], office(life, 0))  # fmt: skip


@pytest.mark.parametrize(
    "modulus",
    [
        bytes(255) + b"\1",  # too small, leading zeros
        b"\x7f" + bytes(254) + b"\1",  # 2047 bits
        b"\x80" + bytes(255),  # even
        b"\0" + b"\x80" + bytes(254) + b"\1",  # a zero byte before it
        b"\x80" + bytes(253) + b"\1",  # 255 bytes
        b"\x80" + bytes(511) + b"\1",  # 4104 bits
        b"",
    ],
)
def test_moduli_that_are_refused(modulus: bytes, life: Life, at: At) -> None:
    first, second = rows(life)
    refused(life, at("keyless"), "shape", [[modulus, *first[1:]], second])


@pytest.mark.parametrize("number", [65537**128, 65537**255, 2**2203 - 1, 2**4095 + 3])
def test_moduli_that_are_admitted(number: int, life: Life, at: At) -> None:
    """Whether it has two large factors only its owner knows; a registrar with a bad key cheats itself."""
    first, second = rows(life)
    branch = at("keyless")
    branch.say("permit-key", [life.poll.id, [[number_bytes(number), *first[1:]], second]], office(life, 0))


@pytest.mark.parametrize("number", [3 * 65537**128, 65521 * 65537**128, 3**1292, 2**2048 - 1])
def test_moduli_with_small_factors(number: int, life: Life, at: At) -> None:
    """Whose encoded message has a factor in common with the modulus can blind nothing: with a small one that is many people."""
    first, second = rows(life)
    refused(life, at("keyless"), "permit-key", [first, [number_bytes(number), *second[1:]]])


def test_shape(life: Life, at: At) -> None:
    branch, (first, second) = at("keyless"), rows(life)
    for changed in (
        [first],
        [first, second, first],
        [first, second[:2]],
        [first, [second[0], -1 % 2**64, second[2]]],
        [first, [second[0], 2**40 + 1, second[2]]],
        [first, [second[0], b"5", second[2]]],
        [first, [second[0], 5, bytes(31)]],
        [first, b""],
    ):
        refused(life, branch, "shape", changed)
