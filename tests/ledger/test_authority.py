"""`kind`, `shape`, `signature`, `authority`, `repeated`: who may say what, once."""

from collections.abc import Callable
from typing import Any

import pytest

from veche.keys import SigningKey
from veche.ledger import rules
from veche.ledger.codec import decode, encode
from veche.ledger.signing import add_signature, sign

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
NOTICE: list[Any] = [b"", ["Hello.", "Здравствуйте."], []]


def test_an_office_may_speak_and_what_it_says_is_logged(life: Life, at: At) -> None:
    branch = at("founded")
    entry = branch.sign("notice", NOTICE, life.organisers[0])
    assert branch.entries[branch.admit(entry)] == entry


@pytest.mark.parametrize("kind", [*rules.DERIVED, "charter", "paper", ""])
def test_nobody_hands_in_what_is_derived_or_unknown(kind: str, life: Life, at: At) -> None:
    branch = at("counting")
    branch.refuses_to_say("kind", kind, NOTICE, *life.institutions)


@pytest.mark.parametrize("kind", ["block", "tally", "too-few", "void", "committee-void"])
def test_a_derived_entry_cannot_be_said_again(kind: str, life: Life, at: At) -> None:
    branch = at("counting")
    body = branch.last(kind) if kind in branch.kinds() else [life.poll.id, 0, bytes(32)]
    branch.refuses("kind", encode([kind, body]))


def test_a_charter_cannot_be_said_again(at: At) -> None:
    branch = at("formed")
    branch.refuses("kind", branch.entries[0])


def test_a_strangers_key(life: Life, at: At) -> None:
    at("founded").refuses_to_say("authority", "notice", NOTICE, SigningKey.generate())


def test_a_stranger_beside_enough_offices(life: Life, at: At) -> None:
    body = ["add", "Newspaper", "observer", SigningKey.generate().public, 0]
    at("founded").refuses_to_say("authority", "office", body, *life.institutions, SigningKey.generate())


@pytest.mark.parametrize("byte", [0, 31, 32, 63])
def test_a_signature_with_one_changed_bit(byte: int, life: Life, at: At) -> None:
    branch = at("founded")
    kind, body, [[key, signature]] = decode(branch.sign("notice", NOTICE, life.organisers[0]))
    changed = bytearray(signature)
    changed[byte] ^= 1
    branch.refuses("signature", encode([kind, body, [[key, bytes(changed)]]]))


def test_a_second_form_of_a_signature(life: Life, at: At) -> None:
    """s + q verifies in the equation, and must not: else one statement has two forms."""
    order = 2**252 + 27742317777372353535851937790883648493
    branch = at("founded")
    kind, body, [[key, signature]] = decode(branch.sign("notice", NOTICE, life.organisers[0]))
    s = int.from_bytes(signature[32:], "little") + order
    branch.refuses("signature", encode([kind, body, [[key, signature[:32] + s.to_bytes(32, "little")]]]))


def test_one_bad_signature_among_enough_good_ones(life: Life, at: At) -> None:
    branch = at("founded")
    body = ["add", "Newspaper", "observer", SigningKey.generate().public, 0]
    entry = branch.sign("office", body, *life.world.office_keys[:4])
    kind, body, pairs = decode(entry)
    pairs[-1][1] = bytes(64)
    branch.refuses("signature", encode([kind, body, pairs]))


def test_signatures_stand_in_one_order_and_once(life: Life, at: At) -> None:
    branch = at("founded")
    body = ["add", "Newspaper", "observer", SigningKey.generate().public, 0]
    kind, body, pairs = decode(branch.sign("office", body, *life.institutions))
    branch.refuses("signature", encode([kind, body, pairs[::-1]]))
    branch.refuses("signature", encode([kind, body, [*pairs, pairs[-1]]]))
    branch.admit(encode([kind, body, pairs]))


@pytest.mark.parametrize(
    "item",
    [
        ["notice"],
        ["notice", NOTICE],
        ["notice", NOTICE, [], []],
        ["notice", b"body", []],
        ["notice", NOTICE, b"signatures"],
        ["notice", NOTICE, [[bytes(31), bytes(64)]]],
        ["notice", NOTICE, [[bytes(32), bytes(63)]]],
        ["notice", NOTICE, [[bytes(32), bytes(64), b""]]],
        ["notice", NOTICE, [[bytes(32), 7]]],
        ["notice", NOTICE, [bytes(32)]],
    ],
)
def test_the_form_of_a_signed_entry(item: list[Any], at: At) -> None:
    at("founded").refuses("shape", encode(item))


def test_an_entry_without_signatures(at: At) -> None:
    at("founded").refuses("signature", encode(["notice", NOTICE, []]))


def test_a_signature_for_another_ledger(life: Life, at: At) -> None:
    branch = at("founded")
    branch.refuses("signature", sign(b"", "notice", NOTICE, [life.organisers[0]]))
    branch.refuses("signature", sign(bytes(32), "notice", NOTICE, [life.organisers[0]]))


def test_a_signature_for_another_kind_of_entry(life: Life, at: At) -> None:
    """The same body is a fine outcome and a fine notice in shape, perhaps: the kind is signed, too."""
    branch = at("founded")
    _, body, pairs = decode(branch.sign("outcome", NOTICE, life.organisers[0]))
    branch.refuses("signature", encode(["notice", body, pairs]))


def test_nothing_is_said_twice(life: Life, at: At) -> None:
    branch = at("founded")
    entry = branch.sign("notice", NOTICE, life.organisers[0])
    branch.admit(entry)
    branch.refuses("repeated", entry)
    # Nor by somebody else, nor with one more signature: it is the body that is remembered.
    branch.refuses("repeated", branch.sign("notice", NOTICE, life.organisers[1]))
    branch.refuses("repeated", add_signature(branch.ledger, entry, life.organisers[1]))


def test_nothing_is_said_twice_in_one_block(life: Life, at: At) -> None:
    branch = at("founded")
    entry = branch.sign("notice", NOTICE, life.organisers[0])
    first, second = branch.block(entry, entry)
    assert isinstance(first, int)
    assert not isinstance(second, int) and second.rule == "repeated"


def test_strangers_signatures_cost_nothing(life: Life, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hundred signatures fit into an entry. Whether their keys mean anything is asked before they are verified."""

    def unwanted(*_: object) -> None:
        raise AssertionError("a stranger's signature was verified")

    branch = at("founded")
    keys = [SigningKey.generate() for _ in range(5)]
    monkeypatch.setattr("veche.ledger.machine.check_signatures", unwanted)
    branch.refuses_to_say("authority", "notice", NOTICE, *keys)
