"""`tally`, `too-few`: what is derived at closing. docs/protocol.md, section 2.6."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import veche_kernel as kernel
from doctor import publish
from hypothesis import given
from hypothesis import strategies as st

from veche.audit.ledger import verify_ledger
from veche.ballot.decryption import parts
from veche.ledger.codec import decode, digest
from veche.ledger.group_sums import GroupSums, SumsDisagree
from veche.ledger.rules.tally import merge
from veche.log import merkle
from veche.log.source import Folder

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]


def reference(counted: Sequence[int], smallest: int) -> list[list[int]]:
    """The same by another road: where the running total has grown by m since the last cut, cut; the last cut falls away
    if less than m follows it."""
    cuts, since = [0], 0
    for group, count in enumerate(counted, 1):
        since += count
        if since >= smallest:
            cuts.append(group)
            since = 0
    cuts[-1] = len(counted)
    return [list(range(start, end)) for start, end in pairwise(cuts)]


counts = st.lists(st.integers(0, 5) | st.integers(0, 200), min_size=1, max_size=60)


@given(counts, st.integers(2, 40))
def test_merging(counted: list[int], smallest: int) -> None:
    if sum(counted) < smallest:
        return
    cells = list(merge(counted, smallest))
    assert [group for cell in cells for group in cell] == list(range(len(counted)))
    assert all(sum(counted[group] for group in cell) >= smallest for cell in cells)
    # None could have been cut earlier, but the last, which took what was left at the end.
    assert all(sum(counted[group] for group in cell[:-1]) < smallest for cell in cells[:-1])
    assert cells == reference(counted, smallest)


@pytest.mark.parametrize(
    ("counted", "cells"),
    [
        ([3], [[0]]),
        ([3, 3], [[0], [1]]),
        ([3, 2], [[0, 1]]),
        ([2, 3], [[0, 1]]),
        ([0, 0, 3], [[0, 1, 2]]),
        ([3, 0, 0], [[0, 1, 2]]),
        ([1, 1, 1, 2, 2, 2], [[0, 1, 2], [3, 4, 5]]),
        ([5, 1, 1, 5], [[0], [1, 2, 3]]),
    ],
)
def test_merging_by_hand(counted: list[int], cells: list[list[int]]) -> None:
    assert list(merge(counted, 3)) == cells


def close(branch: Branch, life: Life) -> list[str]:
    return branch.beat_until(branch.poll(life.poll.id).closing)


def test_what_the_tally_says(life: Life, at: At) -> None:
    branch = at("voted")
    assert close(branch, life) == ["tally"]
    poll_id, counted, root, cells = branch.last("tally")
    ballots = [(number, decode(entry)) for number, entry in enumerate(branch.entries) if entry[2:8] == b"ballot"]
    assert len(ballots) == 8
    last = {}  # the last ballot of each credential: here by the first field of the ballot, divided by eight or not
    for number, item in ballots:
        last[item[3][:32]] = number, item
    numbers = sorted(number for number, _ in last.values())
    assert (poll_id, counted) == (life.poll.id, 7)
    assert root == merkle.root([merkle.leaf_hash(number.to_bytes(8, "big")) for number in numbers])
    assert [members for members, _ in cells] == [[[0, 4]], [[1, 3]]]
    for [[group, _]], sums in cells:
        expected = kernel.Sums(3)
        expected.add([life.poll.frozen.kernel.load(item[3]) for _, item in last.values() if item[2] == group])
        assert sums == expected.to_bytes()


def vote(branch: Branch, life: Life, district: str, count: int) -> None:
    for citizen in life.citizens(district)[:count]:
        branch.admit(life.ballot(citizen))


@pytest.mark.parametrize(("arbat", "yakimanka"), [(0, 0), (1, 0), (2, 0), (1, 1), (0, 2)])
def test_too_few(arbat: int, yakimanka: int, life: Life, at: At) -> None:
    """m = 3. Nothing is written that could be decrypted, and no trustee's share is admitted."""
    branch = at("open")
    vote(branch, life, "Arbat", arbat)
    vote(branch, life, "Yakimanka", yakimanka)
    assert close(branch, life) == ["too-few"]
    poll = branch.poll(life.poll.id)
    assert branch.last("too-few")[:2] == [life.poll.id, arbat + yakimanka]
    assert (poll.phase, poll.tally, poll.result) == ("too-few", None, None)
    body = decode(life.decryptions[0])[1]
    body[2] = digest(branch.entries[-1])
    branch.refuses_to_say("decryption", "decryption", body, life.world.trustees[0].key)
    branch.refuses_to_say("cancel", "cancel", [poll.id, ["Why", "Почему"]], *life.institutions)


@pytest.mark.parametrize(("arbat", "yakimanka"), [(3, 0), (2, 1), (1, 2), (4, 2), (0, 3)])
def test_small_groups_are_merged_before_the_tally_is_written(arbat: int, yakimanka: int, life: Life, at: At) -> None:
    branch = at("open")
    vote(branch, life, "Arbat", arbat)
    vote(branch, life, "Yakimanka", yakimanka)
    assert close(branch, life) == ["tally"]
    (cell,) = branch.last("tally")[3]
    assert cell[0] == [[0, arbat], [1, yakimanka]]
    assert parts([cell[1]]) == [cell[1]]


def test_revotes_count_once(life: Life, at: At) -> None:
    """Two voters with many ballots each are two, and two are too few."""
    branch = at("open")
    for citizen in life.citizens("Arbat")[:2]:
        for turn in range(1, 5):
            branch.admit(life.ballot(citizen, turn=turn, permits=turn == 1))
    assert close(branch, life) == ["too-few"]
    assert branch.last("too-few")[1] == 2


def test_the_total_is_the_sum_of_the_cells(life: Life) -> None:
    cells = life.counting.last("tally")[3]
    total, *rest = parts([sums for _, sums in cells])
    assert rest == [sums for _, sums in cells]
    alphas = [kernel.point_add(rest[0][i : i + 32], rest[1][i : i + 32]) for i in range(0, len(rest[0]), 32)]
    assert total == b"".join(alphas)


def test_the_tally_comes_in_the_first_block_after_closing(life: Life, at: At) -> None:
    branch = at("voted")
    assert branch.beat_until(life.poll.definition.closes - 1) == []
    assert branch.beat_until(life.poll.definition.closes) == ["tally"]
    assert branch.beat_until(life.poll.definition.closes + 1000) == []
    late = at("voted")
    assert late.beat_until(life.poll.definition.closes + 500) == ["tally"]
    assert late.last("tally") == branch.last("tally")


def test_nothing_is_tallied_where_the_two_sums_differ(at: At, life: Life) -> None:
    """One of them has lost its ballots: the block is undone, and there is no entry."""
    branch = at("voted")
    group = branch.poll(life.poll.id).groups[0]
    assert group.recount is not None and group.recount.to_bytes() == group.to_bytes()
    group.recount = kernel.Recount(len(group.recount))
    before = list(branch.entries)
    with pytest.raises(SumsDisagree, match="the sums differ"):
        branch.beat_until(branch.poll(life.poll.id).closing + 60)
    assert branch.entries[: len(before)] == before and "tally" not in branch.kinds()[len(before) :]


def test_an_auditor_whose_own_sums_differ_accuses_nobody(
    at: At, life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = at("counting")
    publish(tmp_path / "log", branch.entries, branch.state.charter.origin, branch.log_key)
    assert verify_ledger(Folder(tmp_path / "log")).log.size == len(branch.entries)
    settle = GroupSums._settle

    def forgetful(self: GroupSums) -> None:
        settle(self)
        assert self.recount is not None
        self.recount = kernel.Recount(len(self.recount))

    monkeypatch.setattr(GroupSums, "_settle", forgetful)
    with pytest.raises(SumsDisagree):
        verify_ledger(Folder(tmp_path / "log"))
