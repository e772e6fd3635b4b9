"""Polls that the tests of this folder share; they are made once."""

import pytest

from .assemble import Parts
from .forge import Town

BLANK = {"answers": ["a", "b", "c"], "blank": True, "min": 1, "max": 2, "question": "Which?"}
JOIN = {"answers": ["for", "against"], "min": 1, "max": 1, "question": "Join?"}


@pytest.fixture(scope="session")
def town() -> Town:
    """Four voters with weights, two questions, a single trustee and a committee of two out of three."""
    return Town(questions=[JOIN, BLANK], weights=[None, 1, 5, 2], trustees=[11, (2, 3)])


@pytest.fixture(scope="session")
def votes(town: Town) -> list[bytes]:
    """Voter 1 votes twice, voter 3 not at all; a blank answer is superseded, another counts."""
    choices = [(0, [[1, 0], [0, 1, 1, 0]]), (1, [[0, 1], [1, 0, 0, 0]]), (2, [[0, 1], [1, 0, 0, 0]])]
    return [town.vote(voter, choice) for voter, choice in [*choices, (1, [[1, 0], [0, 0, 0, 1]])]]


@pytest.fixture(scope="session")
def good(town: Town, votes: list[bytes]) -> Parts:
    """A good archive of it, with one share more than needed."""
    counted = [(votes[0], 1), (votes[2], 5), (votes[3], 1)]
    return town.archive(votes, counted, [[2, 5], [5, 1, 1, 1]])
