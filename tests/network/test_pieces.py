"""Which piece is asked of whom: citizens first, institutions for what nobody else has, and nobody is waited for who owes it for long."""

from collections.abc import Iterator
from random import Random

import pytest

from veche.node.pieces import EMPTY, LATE, PATIENCE, Pieces, as_bits, from_bytes, to_bytes

ALL = range(100)


@pytest.fixture(params=range(5))
def plan(request: pytest.FixtureRequest) -> Iterator[Pieces]:
    yield Pieces(ALL, Random(request.param), 0.0)


def take(plan: Pieces, name: str, now: float = 0.0) -> int:
    piece = plan.next(name, now)
    assert piece is not None
    return piece


def test_whoever_is_alone_is_asked_for_all_in_their_order(plan: Pieces) -> None:
    plan.meet("city", True)
    assert [take(plan, "city") for _ in ALL] == list(ALL)
    assert plan.next("city", 0.0) is None
    assert all(plan.got("city", piece, 0.0) for piece in ALL) and not plan.missing


def test_institutions_are_asked_for_what_none_of_several_others_has(plan: Pieces) -> None:
    plan.meet("city", True)
    for name, has in {"a": [3, 4], "b": [4], "c": [5]}.items():
        plan.meet(name, False, as_bits(has))
    assert plan.next("city", 0.0) is None  # the others may give something first
    first = take(plan, "city", PATIENCE)
    assert first not in (3, 4, 5)
    assert plan.next("city", PATIENCE) is None, "one at a time"
    assert take(plan, "b") == 4 and take(plan, "a") == 3 and take(plan, "c") == 5
    plan.got("c", 5, 2 * PATIENCE)
    plan.got("city", first, 2 * PATIENCE)
    assert plan.next("city", 2.5 * PATIENCE) is None, "the others do give something"
    assert take(plan, "city", 3 * PATIENCE) not in (3, 4, 5, first)


def test_where_many_copy_at_once_each_takes_others() -> None:
    firsts = set()
    for seed in range(20):
        plan = Pieces(ALL, Random(seed), 0.0)
        plan.meet("city", True)
        for name in "abc":
            plan.meet(name, False, 0)
        firsts.add(take(plan, "city", PATIENCE))
    assert len(firsts) > 10


def test_what_somebody_owes_for_long_is_asked_of_another_and_they_do_not_count(plan: Pieces) -> None:
    plan.meet("city", True)
    for name in ("slow", "slower", "slowest"):
        plan.meet(name, False)
        take(plan, name)
    assert plan.next("city", LATE) is None
    assert take(plan, "city", LATE + 1) == 3  # as if there were none of them
    for name in ("other", "another"):
        plan.meet(name, False, as_bits([0]))
    assert take(plan, "other", LATE + 1) == 0 and plan.next("another", LATE + 1) is None
    assert plan.got("other", 0, LATE + 1) and not plan.got("slow", 0, LATE + 2)


def test_who_says_they_have_what_they_have_not_is_not_believed(plan: Pieces) -> None:
    plan.meet("liar", False, as_bits(range(99)))
    assert [plan.lacks("liar", take(plan, "liar")) for _ in range(EMPTY)] == [False] * (EMPTY - 1) + [True]
    plan.meet("pruned", False)  # who says nothing of it may lack what they like: others are asked
    assert not any(plan.lacks("pruned", take(plan, "pruned")) for _ in range(EMPTY + 1))


def test_what_nobody_has_is_named(plan: Pieces) -> None:
    assert plan.nowhere == 0
    plan.meet("a", False)
    assert plan.nowhere is None
    plan.lacks("a", take(plan, "a"))
    assert plan.nowhere == 0 and not plan.growing
    plan.meet("b", False, as_bits([0, 1]))
    assert plan.nowhere is None and plan.growing
    plan.tell("b", as_bits([1]))
    assert plan.nowhere == 0
    plan.leave("b")
    assert not plan.knows("b") and plan.next("b", 0.0) is None


def test_sets_are_written_as_bits() -> None:
    assert to_bytes(as_bits([0, 9]), 17) == b"\x01\x02\x00"
    assert from_bytes(b"\x01\x02\x00") == as_bits([0, 9])
