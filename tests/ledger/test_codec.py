"""`codec`: one encoding for each entry, and nothing in it that could surprise."""

import re
import struct
import time
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import Refused
from veche.ledger.codec import MAX_DEPTH, MAX_ENTRY, MAX_ITEMS, decode, encode

from .life import Life

leaves = st.integers(0, 2**64 - 1) | st.binary(max_size=300) | st.text(st.characters(codec="utf-8"), max_size=300)
items = st.recursive(leaves, lambda inner: st.lists(inner, max_size=6), max_leaves=30)


def depth(item: Any) -> int:
    return 1 + max((depth(part) for part in item), default=0) if isinstance(item, list) else 0


def refused(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        decode(data)
    assert caught.value.rule == "codec"
    return caught.value.message


@given(st.text(st.characters(codec="utf-8")), st.lists(items, max_size=6))
def test_what_is_encoded_is_decoded(kind: str, rest: list[Any]) -> None:
    entry = [kind, *rest]
    if depth(entry) > MAX_DEPTH:
        refused(encode(entry))
    else:
        assert decode(encode(entry)) == entry


@given(st.binary(max_size=200))
@settings(max_examples=1000)
def test_whatever_is_decoded_has_these_very_bytes(data: bytes) -> None:
    """Against another implementation: what our decoder takes, cbor2 writes back byte for byte."""
    for candidate in (data, b"\x82\x61a" + data):
        try:
            entry = decode(candidate)
        except Refused as refusal:
            assert refusal.rule == "codec"
        else:
            assert cbor2.dumps(entry) == candidate
            assert cbor2.loads(candidate) == entry


@given(data=st.data())
@settings(max_examples=300)
def test_one_changed_byte_is_another_entry_or_none(life: Life, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(life.decided.entries))
    at = data.draw(st.integers(0, min(len(entry), 400) - 1) | st.integers(0, len(entry) - 1))
    changed = entry[:at] + bytes([entry[at] ^ data.draw(st.integers(1, 255))]) + entry[at + 1 :]
    try:
        assert encode(decode(changed)) == changed
    except Refused as refusal:
        assert refusal.rule == "codec"


@given(st.integers(0, 2**64 - 1), st.sampled_from([1, 2, 4, 8]))
def test_a_number_has_one_length(number: int, size: int) -> None:
    shortest = cbor2.dumps(number)
    if number < 1 << 8 * size and 1 + size > len(shortest):
        longer = bytes([24 + size.bit_length() - 1]) + number.to_bytes(size, "big")
        refused(b"\x82\x61a" + longer)


@pytest.mark.parametrize("head", [0x58, 0x59, 0x5A, 0x5B, 0x78, 0x79, 0x98, 0x99, 0x9A, 0x9B])
def test_a_length_has_one_length(head: int) -> None:
    size = 1 << (head & 31) - 24
    refused(b"\x82\x61a" + bytes([head]) + (2).to_bytes(size, "big") + b"aa")


def test_the_longest_entry() -> None:
    longest = encode(["a", bytes(MAX_ENTRY - 6)])
    assert len(longest) == MAX_ENTRY
    assert decode(longest) == ["a", bytes(MAX_ENTRY - 6)]
    assert "65,535" in refused(cbor2.dumps(["a", bytes(MAX_ENTRY - 5)]))
    with pytest.raises(Refused, match="65,535"):
        encode(["a", bytes(MAX_ENTRY - 5)])


def test_the_most_items() -> None:
    assert len(decode(cbor2.dumps(["a", *range(MAX_ITEMS - 2)]))) == MAX_ITEMS - 1
    assert "items" in refused(cbor2.dumps(["a", *range(MAX_ITEMS - 1)]))


NOTHING_ELSE = {
    "nothing": b"",
    "a number": b"\x00",
    "an empty array": b"\x80",
    "no kind": b"\x81\x00",
    "a kind in bytes": b"\x81\x41a",
    "bytes after it": b"\x81\x61a\x00",
    "negative": b"\x82\x61a\x20",
    "a map": b"\x82\x61a\xa0",
    "a tag": b"\x82\x61a\xc2\x41\x01",
    "false": b"\x82\x61a\xf4",
    "null": b"\x82\x61a\xf6",
    "a half float": b"\x82\x61a\xf9\x00\x00",
    "a double": b"\x82\x61a\xfb" + struct.pack(">d", 1.0),
    "break": b"\x82\x61a\xff",
    "indefinite array": b"\x9f\x61a\xff",
    "indefinite bytes": b"\x82\x61a\x5f\x41a\xff",
    "indefinite text": b"\x82\x61a\x7f\x61a\xff",
    "reserved head": b"\x82\x61a\x1c",
    "half a number": b"\x82\x61a\x19\x01",
    "half of some bytes": b"\x82\x61a\x43ab",
    "a missing item": b"\x82\x61a",
    "more items than bytes": b"\x82\x61a\x9b" + b"\x7f" + b"\xff" * 7,
    "more bytes than there are": b"\x82\x61a\x5b" + b"\xff" * 8,
    "text that is not UTF-8": b"\x82\x61a\x61\xff",
    "a lone surrogate": b"\x82\x61a\x63\xed\xa0\x80",
    "UTF-8 that is too long": b"\x82\x61a\x62\xc0\xaf",
    "nine deep": b"\x82\x61a" + b"\x81" * 8 + b"\x00",
    "nine deep, the last one empty": b"\x82\x61a" + b"\x81" * 7 + b"\x80",
}


@pytest.mark.parametrize("data", NOTHING_ELSE.values(), ids=NOTHING_ELSE)
def test_nothing_else(data: bytes) -> None:
    refused(data)


def test_eight_deep_is_not_too_deep() -> None:
    assert depth(decode(b"\x82\x61a" + b"\x81" * 7 + b"\x00")) == MAX_DEPTH


def billion_laughs() -> bytes:
    """Nine arrays, each of which holds the one before it a thousand times, by CBOR's tags for shared values."""
    shared = [b"\xd8\x1c\x81\x00"]
    for level in range(9):
        shared.append(b"\xd8\x1c\x99\x03\xe8" + (b"\xd8\x1d" + bytes([level])) * 1000)
    return bytes([0x80 + 1 + len(shared)]) + b"\x61a" + b"".join(shared)


BOMBS = {
    "60,000 arrays in one another": b"\x81" * 60_000 + b"\x00",
    "65,000 empty arrays": b"\x99\xfd\xe8\x61a" + b"\x80" * 64_999,
    "a thousand to the ninth": billion_laughs(),
    "ten to a large power": b"\x82\x61a\xc4\x82\x1a\x7f\xff\xff\xff\x01",
    "two to a large power": b"\x82\x61a\xc5\x82\x1a\x7f\xff\xff\xff\x01",
    "a regular expression": b"\x82\x61a\xd8\x23\x78\x6c" + b"(a{1000}){1000}{1000}" * 5 + b"abc",
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_no_entry_keeps_the_decoder_busy(data: bytes) -> None:
    """Processor time, not the clock's: a bomb that works takes minutes, the longest honest entry some hundredths of a second."""
    assert len(data) <= MAX_ENTRY
    started = time.process_time()
    try:
        decode(data)
    except Refused as refusal:
        assert refusal.rule == "codec"
    assert time.process_time() - started < 1


def test_no_tag_is_given_a_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would compile an attacker's regular expression, parse their mail and compute with their numbers before we refuse it."""
    seen: list[object] = []
    compile_ = re.compile

    def look_then_compile(*words: Any, **named: Any) -> "re.Pattern[str]":
        seen.append(words)
        return compile_(*words, **named)

    monkeypatch.setattr(re, "compile", look_then_compile)
    tagged = b"\x82\x61a\xd8\x23\x61b"
    cbor2.loads(tagged)
    assert seen, "this is what the library does with tag 35"
    seen.clear()
    refused(tagged)
    assert not seen
