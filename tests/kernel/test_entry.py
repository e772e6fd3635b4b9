"""The kernel's reader of ballot entries takes exactly what a general decoder and a check of the form take."""

import random
from typing import Any

import cbor2
import pytest
import veche_kernel as kernel
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import Refused
from veche.ledger.codec import decode

POLL = bytes(range(32))
NUMBER = st.one_of(st.integers(0, 40), st.sampled_from([255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53, 2**64 - 1]))
PERMIT = st.tuples(NUMBER, st.binary(max_size=300), st.binary(max_size=300)).map(list)
ITEM = st.tuples(
    st.just("ballot"),
    st.binary(min_size=32, max_size=32),
    NUMBER,
    st.binary(max_size=400),
    st.lists(PERMIT, max_size=4),
    NUMBER,
    st.binary(min_size=64, max_size=64),
).map(list)
ANY = st.recursive(
    st.one_of(
        st.integers(-5, 2**64), st.binary(max_size=70), st.text(max_size=5), st.booleans(), st.none(), st.floats()
    ),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


def model(data: bytes) -> list[Any] | str:
    """The fields of a ballot entry by the general decoder, or the rule that it breaks."""
    try:
        item = decode(data)
    except Refused as refused:
        return refused.rule
    match item:
        case ["ballot", bytes(poll), int(), bytes(), list(permits), int(), bytes(cast)]:
            rows = all(type(row) is list and [type(part) for part in row] == [int, bytes, bytes] for row in permits)
            return item[1:] if rows and len(poll) == 32 and len(cast) == 64 else "shape"
    return "shape"


def fields(entry: kernel.BallotEntry) -> list[Any]:
    permits = [list(permit) for permit in entry.permits]
    return [entry.poll, entry.group, entry.ballot, permits, entry.turn, entry.cast]


def agree(data: bytes, *, same_rule: bool = False) -> bool:
    """Whether both take it; they must not differ."""
    read, expected = kernel.read_ballots([data])[0], model(data)
    if read is None:
        assert not data.startswith(b"\x87\x66ballot")
        return False
    if isinstance(read, kernel.Failure):
        assert isinstance(expected, str), (data.hex(), read)
        assert read.rule in ("codec", "shape")
        assert not same_rule or read.rule == expected, (data.hex(), read)
        return False
    assert read.data is data
    assert fields(read) == expected
    return True


@settings(deadline=None)
@given(ITEM)
def test_good_entries(item: list[Any]) -> None:
    assert agree(cbor2.dumps(item))


@settings(deadline=None)
@given(ITEM, st.integers(1, 6), ANY)
def test_another_item_in_its_place(item: list[Any], place: int, other: Any) -> None:
    item[place] = other
    agree(cbor2.dumps(item))


@settings(deadline=None)
@given(ITEM.filter(lambda item: item[4]), st.integers(0, 2), ANY)
def test_another_item_in_a_permit(item: list[Any], place: int, other: Any) -> None:
    item[4][-1][place] = other
    agree(cbor2.dumps(item))


OTHER_ITEMS: list[tuple[int, list[Any]]] = [
    (1, ["text", bytes(31), bytes(33)]),
    (2, [b"", []]),
    (3, [0, []]),
    (4, [0, [0], [[]], [[0, b"", b"", 0]], [[b"", b"", b""]]]),
    (5, [b"1"]),
    (6, [bytes(63), bytes(65), "x", 7]),
]


@pytest.mark.parametrize(
    ("place", "value"),
    [(place, value) for place, values in OTHER_ITEMS for value in values],
)
def test_one_wrong_item_is_a_wrong_shape(place: int, value: Any) -> None:
    item: list[Any] = ["ballot", POLL, 0, b"ballot", [[0, bytes(32), bytes(256)]], 1, bytes(64)]
    assert agree(cbor2.dumps(item))
    item[place] = value
    assert not agree(cbor2.dumps(item), same_rule=True)


@pytest.mark.parametrize("value", [-1, 1.5, True, None, {}, cbor2.CBORTag(1, 1), 2**64, cbor2.undefined])
@pytest.mark.parametrize("place", range(1, 7))
def test_what_no_entry_may_hold_is_no_entry(place: int, value: Any) -> None:
    item: list[Any] = ["ballot", POLL, 0, b"ballot", [[0, bytes(32), bytes(256)]], 1, bytes(64)]
    item[place] = value
    assert not agree(cbor2.dumps(item), same_rule=True)


@settings(deadline=None, max_examples=1_000)
@given(ITEM, st.data())
def test_changed_bytes(item: list[Any], data: st.DataObject) -> None:
    entry = bytearray(cbor2.dumps(item))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(entry) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert", "double"])):
            case "set":
                entry[at] = data.draw(st.integers(0, 255))
            case "cut":
                del entry[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                entry[at:at] = data.draw(st.binary(min_size=1, max_size=4))
            case "double":
                entry[at:at] = entry[at : at + 16]
        if not entry:
            break
    agree(bytes(entry))


@settings(deadline=None)
@given(ITEM)
def test_truncated_and_prolonged(item: list[Any]) -> None:
    entry = cbor2.dumps(item)
    for end in (*range(0, len(entry), 7), len(entry) - 1):
        assert not agree(entry[:end])
    assert not agree(entry + b"\0", same_rule=True)


def heads(major: int, value: int) -> list[bytes]:
    """All ways in which CBOR can write the beginning of an item; the first that fits is the canonical one."""
    found = [bytes([major << 5 | value])] if value < 24 else []
    found += [bytes([major << 5 | 24 + i]) + value.to_bytes(1 << i, "big") for i in range(4) if value < 1 << (8 << i)]
    return found


def test_one_encoding_of_every_length() -> None:
    rng = random.Random(3)
    good = 0
    for group in (0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1):
        for size in (0, 23, 24, 255, 256, 40_000):
            parts = [(2, 32, POLL), (0, group, b""), (2, size, rng.randbytes(size)), (4, 1, b""), (4, 3, b"")]
            parts += [(0, 5, b""), (2, 32, bytes(32)), (2, 256, bytes(256)), (0, 1, b""), (2, 64, bytes(64))]
            whole = b"".join(heads(major, value)[0] + content for major, value, content in parts)
            assert agree(b"\x87\x66ballot" + whole)
            good += 1
            for place, (major, value, content) in enumerate(parts):
                for other in heads(major, value)[1:]:
                    texts = [heads(m, v)[0] + c for m, v, c in parts]
                    texts[place] = other + content
                    assert not agree(b"\x87\x66ballot" + b"".join(texts), same_rule=True)
    assert good == 60


def test_indefinite_lengths() -> None:
    item = cbor2.dumps(["ballot", POLL, 0, b"", [], 1, bytes(64)])
    start = item.index(b"\x80", 43)
    assert not agree(item[:start] + b"\x9f\xff" + item[start + 1 :], same_rule=True)
    assert not agree(item[:start] + b"\x9c" + item[start + 1 :], same_rule=True)


@pytest.mark.parametrize(("count", "taken"), [(1_022, True), (1_023, False)])
def test_the_most_items(count: int, taken: bool) -> None:
    item = ["ballot", POLL, 0, b"", [[0, b"", b""]] * count, 1, bytes(64)]
    assert agree(cbor2.dumps(item), same_rule=True) == taken


def test_the_most_bytes() -> None:
    size = 65_535 - len(cbor2.dumps(["ballot", POLL, 0, bytes(60_000), [], 1, bytes(64)])) + 60_000
    assert agree(cbor2.dumps(["ballot", POLL, 0, bytes(size), [], 1, bytes(64)]))
    assert not agree(cbor2.dumps(["ballot", POLL, 0, bytes(size + 1), [], 1, bytes(64)]), same_rule=True)


def test_promises_of_much() -> None:
    """Lengths that nothing follows, and arrays of nothing: an attacker's cheapest bytes."""
    start = b"\x87\x66ballot\x58\x20" + POLL + b"\x00\x40"
    for head in (b"\x9b" + b"\xff" * 8, b"\x9a\xff\xff\xff\xff", b"\x99\xff\xff", b"\x99\x03\xfe"):
        assert not agree(start + head)
        assert not agree(start + head + b"\x80" * 60_000)
        assert not agree(start + head + b"\x83\x00\x40\x40" * 15_000)
    assert not agree(start[:-1] + b"\x5b" + b"\xff" * 8)
    assert not agree(b"\x87\x66ballot" + b"\x81" * 60_000)


def test_what_is_no_ballot() -> None:
    others = [
        b"",
        b"\x87",
        cbor2.dumps(["ballots"]),
        cbor2.dumps(["poll", [], []]),
        b"\x98\x07\x66ballot",
        b"\x86\x66ballot",
    ]
    assert kernel.read_ballots(others) == [None] * len(others)
