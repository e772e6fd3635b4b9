"""The frame of a log, which each block names: all that is no ballot, less the blocks of ballots alone. docs/protocol.md, section 2.2."""

from collections.abc import Callable
from pathlib import Path

import pytest
from doctor import change, frame_before, frame_of, publish

from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.frame import frame_leaf
from veche.log import merkle
from veche.log.source import Folder

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]


def named(branch: Branch) -> tuple[int, bytes]:
    """What the last block names."""
    framed, frame = branch.last("block")[3:]
    return framed, frame


def beat(branch: Branch, life: Life) -> int:
    """Another block, with a notice in it; its number."""
    number = branch.time
    return branch.say("notice", [b"", [f"{number}", f"{number}"], []], life.organisers[0]) - 1


def test_a_block_names_all_that_is_no_ballot(life: Life, at: At) -> None:
    """By a slow and plain rule of its own, over a whole log: block by block, what there is besides ballots and the block's own entry."""
    branch = at("counting")
    place = beat(branch, life)
    numbers: list[int] = []
    starts = [number for number, kind in enumerate(branch.kinds()) if kind == "block" and 1 < number <= place]
    for start, end in zip([0, *starts], starts, strict=False):
        rest = [number for number in range(start, end) if not is_ballot(branch.entries[number])]
        body = decode(branch.entries[start])[1] if start else []
        if len(rest) > 1 or body[1] - body[2] > branch.state.charter.halt:
            numbers += rest
    leaves = [frame_leaf(number, merkle.leaf_hash(branch.entries[number])) for number in numbers]
    assert named(branch) == (len(numbers), merkle.root(leaves))
    assert numbers == frame_before(branch.entries, place)
    assert 0 < len(numbers) < place - sum(map(is_ballot, branch.entries))  # blocks of ballots alone are not in it


def test_ballots_alone_change_nothing(life: Life, at: At) -> None:
    branch = at("voted")
    beat(branch, life)
    beat(branch, life)
    before = named(branch)
    branch.admit(life.ballot(life.world.citizens[1], turn=2, permits=False))
    branch.admit(life.ballot(life.world.citizens[1], turn=3, permits=False))
    beat(branch, life)
    assert named(branch)[0] == before[0] + 2  # the notice before, and its block


def test_a_block_of_ballots_that_ends_a_halt_is_in_it(life: Life, at: At) -> None:
    """It moves closings."""
    branch = at("voted")
    beat(branch, life)
    before = named(branch)[0] + 2
    ballot = life.ballot(life.world.citizens[1], turn=2, permits=False)
    branch.block(ballot, time=branch.time + branch.state.charter.halt + 1, previous=branch.time)
    place = beat(branch, life)
    assert named(branch)[0] == before + 1
    assert frame_before(branch.entries, place)[-1] == place - 2


def test_what_was_taken_back_is_not_in_it(life: Life, at: At) -> None:
    branch = at("founded")
    beat(branch, life)
    before = named(branch)
    notice = branch.sign("notice", [b"", ["A", "А"], []], life.organisers[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branch.machine.state, "flush", lambda: (_ for _ in ()).throw(OSError("the disk died")))
        with pytest.raises(OSError, match="died"):
            branch.block(notice)
    beat(branch, life)
    assert named(branch)[0] == before[0] + 2


@pytest.mark.parametrize("lie", ["count", "root", "leaves one out"])
def test_a_block_that_names_another_frame(lie: str, life: Life, at: At, tmp_path: Path) -> None:
    branch = at("counting")
    place = beat(branch, life)
    known = frame_before(branch.entries, place)
    framed, frame = named(branch)
    said = {"count": (framed + 1, frame), "root": (framed, bytes(32)), "leaves one out": frame_of(branch.entries, known[:-1])}  # fmt: skip
    entries = change(branch.entries, place, [1, 4], said[lie][1]) if lie != "count" else branch.entries
    entries = change(entries, place, [1, 3], said[lie][0]) if lie != "root" else entries
    publish(tmp_path, entries, life.world.charter.origin, branch.log_key, raw=True)
    with pytest.raises(DoesNotHold, match="another frame") as caught:
        verify_ledger(Folder(tmp_path))
    assert (caught.value.step, caught.value.where) == ("L4", f"entry {place}")
