"""Which texts are admitted, and which are alike: the stranger says of every text what the program says."""

from collections.abc import Callable
from typing import Any
from unicodedata import ucd_3_2_0 as unicode_3_2

from hypothesis import example, given, settings
from hypothesis import strategies as st

from veche.errors import Refused as RefusedByRule
from veche.ledger import readable, shape

from . import cbor

CHARACTERS = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from(
        "aZ0 \n\u00a0\u2003\u0301\u0345\u1dc4\u20dd\u3164\ufe0f\U000e0041\ue000\U0003fffe\u10a0\u0130ßﬁЙ\u04c0"
    ),
)
SAID = st.text(CHARACTERS, max_size=6)


def admits(check: Callable[..., object], *what: Any) -> bool:
    try:
        check(*what)
    except (RefusedByRule, cbor.Refused):
        return False
    return True


@settings(max_examples=1500, deadline=None)
@given(SAID)
@example("\n")
@example(" \u0301")
@example("\u0301a")
@example("a" * 81)
def test_what_is_admitted(said: str) -> None:
    assert admits(shape.word, said, "It") == admits(cbor.word, said)
    for both in ([said, "a"], ["a", said], [said, said]):
        assert admits(shape.line, both, "It", 500) == admits(cbor.line, both, 500)
        for empty in (False, True):
            assert admits(shape.text, both, "It", 10_000, empty) == admits(cbor.text, both, 10_000, empty)


@settings(max_examples=1500, deadline=None)
@given(SAID, SAID)
@example("\u04c0", "\u04cf")
@example("\u1e9e", "ss")
def test_what_is_alike(one: str, two: str) -> None:
    assert readable.fold(one) == cbor.folded(one)
    assert readable.fold(readable.fold(one)) == readable.fold(one)
    assert (readable.fold(one) == readable.fold(two)) == (cbor.folded(one) == cbor.folded(two))
    assert readable.fold(f" {one}\u2003 {two}") == readable.fold(f"{one} {two}\u00a0")


def test_no_newer_unicode_comes_in() -> None:
    """Of whatever is alike by the tables of Unicode 3.2 nothing is newer; so a newer library says the same."""
    for number in (*range(0xD800), *range(0xE000, 0x2FA20)):
        character = chr(number)
        if unicode_3_2.category(character) != "Cn":
            assert all(unicode_3_2.category(part) != "Cn" for part in readable.fold(character)), hex(number)
        elif character not in readable.SPACES:
            assert readable.fold(character) == character
