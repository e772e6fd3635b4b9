"""Receipts: in one form only, and nothing that the signatures vouch for can be changed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold
from veche.log import merkle
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.receipt import EXTRA_LIMIT, Receipt, verify_receipt

from .small_log import POLICY, Memory, entries_of, files_of, flip, publish

ENTRIES = entries_of(300)


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> tuple[Memory, SignedCheckpoint]:
    folder: Path = tmp_path_factory.mktemp("ledger")
    signed = publish(folder, ENTRIES)
    return Memory(files_of(folder)), signed


@pytest.fixture(scope="module")
def receipt(head: tuple[Memory, SignedCheckpoint]) -> bytes:
    source, signed = head
    return Log(source, signed.checkpoint).receipt(17, signed).to_bytes()


def test_every_entry_has_one(head: tuple[Memory, SignedCheckpoint]) -> None:
    source, signed = head
    log = Log(source, signed.checkpoint)
    for index, entry in enumerate(ENTRIES):
        data = log.receipt(index, signed).to_bytes()
        lines = data.decode().split("\n")
        assert lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"]
        assert data.endswith(signed.to_bytes())
        assert verify_receipt(data, entry, POLICY).index == index
        with pytest.raises(DoesNotHold, match="does not lead to the root"):
            verify_receipt(data, ENTRIES[index - 1], POLICY)


def test_a_receipt_of_an_earlier_head(head: tuple[Memory, SignedCheckpoint], tmp_path: Path) -> None:
    source, signed = head
    log = Log(source, signed.checkpoint)
    earlier = publish(tmp_path, ENTRIES[:200])
    data = log.receipt(17, earlier).to_bytes()
    assert verify_receipt(data, ENTRIES[17], POLICY).checkpoint == earlier
    foreign = publish(tmp_path / "other", entries_of(200, b"other"))
    with pytest.raises(DoesNotHold, match="not one of this ledger"):
        log.receipt(17, foreign)
    with pytest.raises(ValueError, match="no leaf"):
        log.receipt(200, earlier)


def test_every_bit_counts(receipt: bytes) -> None:
    verify_receipt(receipt, ENTRIES[17], POLICY)
    for at in range(len(receipt)):
        for bit in range(8):
            with pytest.raises(DoesNotHold) as error:
                verify_receipt(flip(receipt, at, 1 << bit), ENTRIES[17], POLICY)
            assert error.value.step in ("receipt", "note", "checkpoint", "merkle")
            assert error.value.where


def test_every_length_counts(receipt: bytes) -> None:
    for at in range(len(receipt)):
        for wrong in (receipt[:at], receipt[:at] + receipt[at + 1 :], receipt[:at] + b"0" + receipt[at:]):
            with pytest.raises(DoesNotHold):
                verify_receipt(wrong, ENTRIES[17], POLICY)


@settings(deadline=None)
@given(st.integers(0, 2**63 - 2), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=100))
def test_round_trip(receipt: bytes, index: int, proof: list[bytes], extra: bytes) -> None:
    one = Receipt(index, tuple(proof), Receipt.parse(receipt).checkpoint, extra)
    assert Receipt.parse(one.to_bytes()) == one


def test_extra_data_is_carried_and_not_trusted(receipt: bytes) -> None:
    with_extra = receipt.replace(b"\nindex", b"\nextra aGVsbG8=\nindex", 1)
    parsed = verify_receipt(with_extra, ENTRIES[17], POLICY)
    assert parsed.extra == b"hello"
    assert parsed.to_bytes() == with_extra


HASH = b"A" * 43 + b"=\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"proof@v1", b"proof@v2"),
        (b"index 17", b"index 017"),
        (b"index 17", b"index +17"),
        (b"index 17", b"index  17"),
        (b"index 17", b"index 17 "),
        (b"index 17", b"index 17\r"),
        (b"index 17", b"index -17"),
        (b"index 17", b"index"),
        (b"index 17", b"index 9223372036854775808"),
        (b"index 17", b"index 99999999999999999999999999"),
        (b"index 17\n", b""),
        (b"index 17\n", b"index 17\nindex 17\n"),
        (b"index 17\n", b"index 17\nextra aGVsbG8=\n"),
        (b"index 17", b"extra \nindex 17"),
        (b"index 17", b"extra aGVsbG8\nindex 17"),
        (b"index 17", b"extra aGVsbG8=\nextra aGVsbG8=\nindex 17"),
        (b"index 17", b"extra " + b"AAAA" * (EXTRA_LIMIT // 3 + 1) + b"\nindex 17"),
        (b"index 17\n", b"index 17\n" + HASH),
        (b"index 17\n", b"index 17\n" + HASH * 400),
        (b"index 17\n", b"index 17\nAAAA\n"),
        (b"index 17\n", b"index 17\n" + b"A" * 42 + b"B=\n"),
        (b"index 17\n", b"index 17\n\n"),
        (b"index", "ìndex".encode()),
    ],
)
def test_not_a_receipt(receipt: bytes, old: bytes, new: bytes) -> None:
    assert old in receipt
    with pytest.raises(DoesNotHold):
        verify_receipt(receipt.replace(old, new, 1), ENTRIES[17], POLICY)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (b"index 17\n" + HASH * 400, "longer than"),
        (b"index 17\nAAAA\n", "not 32 bytes"),
        (b"index 9223372036854775807\n", "plain decimal"),
        (b"index 99999999999999999999999999\n", "plain decimal"),
    ],
)
def test_reading_alone_refuses_it(receipt: bytes, new: bytes, message: str) -> None:
    with pytest.raises(DoesNotHold, match=message):
        Receipt.parse(receipt.replace(b"index 17\n", new, 1))


def test_it_names_the_line(receipt: bytes) -> None:
    lines = receipt.split(b"\n")
    lines[4] = lines[4][:-1]
    with pytest.raises(DoesNotHold) as error:
        Receipt.parse(b"\n".join(lines))
    assert (error.value.step, error.value.where) == ("receipt", "line 5")


def test_the_leaf_hash_is_enough(receipt: bytes) -> None:
    Receipt.parse(receipt).verify(merkle.leaf_hash(ENTRIES[17]), POLICY)
