"""All orders of the same few entries, in one block or in several, checked ahead or judged one by one: one answer each, and one log."""

from collections.abc import Callable, Sequence
from itertools import permutations

import pytest

from veche.errors import Refused
from veche.ledger.checks import Verdicts
from veche.ledger.codec import decode, encode
from veche.world import Citizen

from .branch import Branch, dump
from .life import Life
from .test_ballot import BALLOT, PERMITS, changed

At = Callable[[str], Branch]


@pytest.fixture
def entries(life: Life) -> list[bytes]:
    """Ballots that help or exclude each other, by one voter and by two: not all can be admitted in any order."""
    citizen, other = life.citizens("Arbat")[:2]
    first, again = life.ballot(citizen), life.ballot(citizen, turn=2, permits=False)
    item = decode(life.ballot(citizen, turn=3, permits=False))
    return [
        first,
        again,
        life.ballot(citizen, turn=2, choices=(0, 1, 0)),
        changed(life, citizen, BALLOT, item[BALLOT][:-32] + bytes(32), encode(item)),
        changed(life, other, PERMITS, decode(first)[PERMITS], life.ballot(other)),
    ]


def admitted(answers: Sequence[int | Refused]) -> list[bool]:
    return [isinstance(answer, int) for answer in answers]


@pytest.mark.parametrize("size", [5, 2, 1], ids=["one block", "blocks of two", "blocks of one"])
def test_every_order(size: int, life: Life, entries: list[bytes]) -> None:
    found = set()
    for order in permutations(entries):
        together, alone, known = life.open.branch(), life.open.branch(), Verdicts()
        together.machine.check(order, known, together.time, ask=True).run()  # long before the last of the blocks
        answers = []
        for start in range(0, len(order), size):
            part = order[start : start + size]
            answers += admitted(together.block(*part, known=known))
            assert answers[start:] == admitted(alone.block(*part))
        assert together.entries == alone.entries
        assert dump(together.state.db) == dump(alone.state.db)
        found.add(tuple(sorted(zip((entries.index(entry) for entry in order), answers, strict=True))))
        together.close()
        alone.close()
    # Either ballot with permits may be the first; the later one is admitted if it comes after the first one.
    assert len(found) == 3


def test_every_order_that_an_auditor_reads(at: At, entries: list[bytes]) -> None:
    """The verifier asks the state last, and comes to the same. (The fixture lets it read every branch.)"""
    for order in permutations(entries[:3]):
        answers = at("open").block(*order, known=Verdicts())
        assert True in admitted(answers)


def test_an_order_across_the_opening(at: At, life: Life, entries: list[bytes]) -> None:
    """Seen before the poll opened, in one batch; the block opens it."""
    branch, known = at("announced"), Verdicts()
    branch.machine.check(entries, known, branch.time, ask=True).run()
    assert admitted(branch.block(*entries, time=life.poll.definition.opens, known=known)) == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_ballots_of_one_voter_in_one_batch(at: At, life: Life) -> None:
    """The later ones have no permits, and their credential has no ballot when the batch is checked."""
    citizen: Citizen = life.citizens("Arbat")[0]
    batch = [life.ballot(citizen), *(life.ballot(citizen, turn=turn, permits=False) for turn in range(2, 9))]
    branch, known = at("open"), Verdicts()
    branch.machine.check(batch, known, branch.time, ask=True).run()
    assert None not in known.of(batch).values()
    assert admitted(branch.block(*batch, known=known)) == [True] * 8
