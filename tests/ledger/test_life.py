"""The stages themselves: what the other tests of this folder begin with is a ledger that holds, from the charter to the result."""

from collections.abc import Callable

import pytest

from veche.ledger.codec import decode

from .branch import Branch
from .life import Life

STAGES = ("founded", "formed", "keyless", "announced", "open", "voted", "counting", "decided")


@pytest.mark.parametrize("stage", STAGES)
def test_the_auditor_finds_what_the_node_knows(stage: str, at: Callable[[str], Branch]) -> None:
    at(stage)  # the fixture checks it


def test_the_result(life: Life) -> None:
    result = life.decided.poll(life.poll.id).result
    assert result is not None
    assert decode(result.encode()) == ["result", [life.poll.id, [1, 2], [[3, 3, 1]], [[[2, 1, 1]], [[1, 2, 0]]]]]
