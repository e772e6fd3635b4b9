"""A validator's cosignatures: one root a size, over crashes, restored backups and ledgers that were rewritten."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import AFTER, BEFORE, FULL, TORN, crashes

from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint
from veche.log.cosigner import FOLDER, Cosigner
from veche.log.note import COSIGNATURE, Verifier

ORIGIN = "veche.example/city"
KEY = SigningKey(bytes([9]) * 32)
NAME = f"{ORIGIN}/validator/{KEY.public.hex()[:16]}"
POLICY = Policy(ORIGIN, {Verifier(NAME, COSIGNATURE, KEY.public): 1}, 1)
HONEST = [f"entry {number}".encode() for number in range(20)]
FORKED = [*HONEST[:6], *(f"another {number}".encode() for number in range(14))]

Roots = Callable[[int], bytes]


def roots(entries: list[bytes]) -> Roots:
    return lambda size: merkle.root([merkle.leaf_hash(entry) for entry in entries[:size]])


def head(size: int, entries: list[bytes] = HONEST) -> Checkpoint:
    return Checkpoint(ORIGIN, size, roots(entries)(size))


def cosigner(folder: Path) -> Cosigner:
    return Cosigner(folder, NAME, KEY)


def signed(one: Cosigner, size: int, entries: list[bytes] = HONEST, time: int = 100) -> SignedCheckpoint | None:
    """Let it sign; what it signs holds."""
    line = one.cosign(head(size, entries), roots(entries), time)
    if line is None:
        return None
    made = SignedCheckpoint(head(size, entries), (line,))
    assert list(made.verify(POLICY).values()) == [time]
    return made


def refuses(one: Cosigner, size: int, entries: list[bytes] = FORKED) -> None:
    before = one.last
    with pytest.raises(DoesNotHold, match="the roots differ") as caught:
        signed(one, size, entries)
    assert caught.value.step == "consistency" and one.last == before


def test_it_goes_on_and_says_the_same_again(tmp_path: Path) -> None:
    one = cosigner(tmp_path)
    assert one.last is None
    for size in (2, 5, 5, 9):
        assert signed(one, size)
    assert signed(one, 9, time=160), "the unchanged head, a minute later"
    assert signed(one, 5) is None, "the log is behind what was signed"
    again = cosigner(tmp_path)
    assert again.last == head(9) and signed(again, 12)
    file = tmp_path / FOLDER / KEY.public.hex()
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("started_anew", [False, True])
def test_no_second_root_of_a_size_and_nothing_that_does_not_go_on(tmp_path: Path, started_anew: bool) -> None:
    one = cosigner(tmp_path)
    assert signed(one, 9)
    if started_anew:
        one = cosigner(tmp_path)
    refuses(one, 9)
    if started_anew:
        refuses(one, 12)
        refuses(cosigner(tmp_path), 20)
    assert signed(one, 12)


def test_two_keys_of_one_ledger_do_not_meet(tmp_path: Path) -> None:
    other = SigningKey(bytes([8]) * 32)
    assert signed(cosigner(tmp_path), 9)
    two = Cosigner(tmp_path, "veche.example/city/validator/8", other)
    assert two.last is None and two.cosign(head(5), roots(HONEST), 7)


def test_a_restored_backup_signs_nothing_that_contradicts_what_others_have(tmp_path: Path) -> None:
    one = cosigner(tmp_path / "now")
    assert signed(one, 6)
    shutil.copytree(tmp_path / "now", tmp_path / "backup")
    newest = signed(one, 14)
    assert newest is not None
    restored = cosigner(tmp_path / "backup")
    assert restored.last == head(6)
    assert restored.learn(newest, roots(HONEST), 6), "others know more of it than it does"
    assert signed(restored, 10) is None and signed(restored, 13, FORKED) is None
    refuses(restored, 14)
    refuses(cosigner(tmp_path / "backup"), 16)  # which remembers what it learned
    assert signed(restored, 14) and signed(restored, 20)


def test_what_is_learned_must_be_its_own_and_of_this_log(tmp_path: Path) -> None:
    one = cosigner(tmp_path)
    newest, forked = signed(cosigner(tmp_path / "a"), 9), signed(cosigner(tmp_path / "b"), 9, FORKED)
    assert newest is not None and forked is not None
    (line,) = newest.signatures
    for foreign in (
        SignedCheckpoint(head(9), ()),
        SignedCheckpoint(head(9, FORKED), newest.signatures),  # its signature, under what it did not sign
        SignedCheckpoint(Checkpoint("veche.example/town", 9, head(9).root), (line,)),
    ):
        assert not one.learn(foreign, roots(HONEST), 20) and one.last is None
    with pytest.raises(DoesNotHold, match="the roots differ"):
        one.learn(forked, roots(HONEST), 20)
    assert one.learn(newest, roots(HONEST), 20) and not one.learn(newest, roots(HONEST), 20)
    with pytest.raises(DoesNotHold, match="the roots differ"):
        one.learn(forked, roots(HONEST), 8)  # of a size that this log has not reached
    assert one.last == head(9)


def test_a_damaged_file_starts_nobody(tmp_path: Path) -> None:
    assert signed(cosigner(tmp_path), 9)
    file = tmp_path / FOLDER / KEY.public.hex()
    whole = file.read_bytes()
    for damaged in (b"", whole[:-2], whole + b"x\n", b"\xff" + whole):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match="is damaged"):
            cosigner(tmp_path)
    file.write_bytes(whole)
    assert cosigner(tmp_path).last == head(9)


def test_it_remembers_before_it_signs_whenever_it_crashes(tmp_path: Path) -> None:
    """After a crash at any operation: what left it is remembered, so no other root of that size can follow."""
    left: list[SignedCheckpoint] = []

    def ready() -> None:
        shutil.rmtree(tmp_path / FOLDER, ignore_errors=True)
        left.clear()

    def work() -> None:
        one = cosigner(tmp_path)
        for size in (6, 9):
            made = signed(one, size)
            assert made is not None
            left.append(made)

    for _ in crashes(work, ready, (BEFORE, AFTER, TORN, FULL)):
        again = cosigner(tmp_path)
        for made in left:
            assert again.last is not None and again.last.size >= made.checkpoint.size
        if left and left[-1].checkpoint.size == 9:
            refuses(again, 9)
        assert signed(again, 12) and cosigner(tmp_path).last == head(12)
