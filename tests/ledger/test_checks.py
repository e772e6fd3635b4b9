"""Verdicts that are remembered: which, how many, and none that could become wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from veche.errors import Refused
from veche.ledger import checks
from veche.ledger.checks import Checked, Verdicts
from veche.ledger.entries.poll import Choice
from veche.ledger.ledger import Ledger
from veche.world import World

from .branch import Branch
from .life import Life, text

YES_OR_NO = Choice(text("Yes?"), (text("Yes"), text("No")), 1, 1, False)


def refusal(rule: str) -> Refused:
    return Refused(rule, "It does not hold.")


def test_only_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REMEMBERED", 3)
    verdicts, names = Verdicts(), [b"%d" % i for i in range(5)]
    for name in names:
        verdicts.put({name: refusal("proofs")})
    assert [verdicts.get(name) is not None for name in names] == [False, False, True, True, True]


def test_what_is_asked_for_again_is_remembered_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REMEMBERED", 2)
    verdicts = Verdicts()
    verdicts.put(dict.fromkeys([b"first", b"second"], refusal("proofs")))
    assert verdicts.get(b"first") is not None
    verdicts.put({b"third": refusal("proofs")})
    assert verdicts.get(b"first") is not None and verdicts.get(b"second") is None


def test_strangers_do_not_fill_the_memory() -> None:
    verdicts = Verdicts()
    small, large = bytes(checks.LARGEST_REFUSED), bytes(checks.LARGEST_REFUSED + 1)
    verdicts.put({small: refusal("permits"), large: refusal("permits"), b"nothing": None})
    assert verdicts.get(small) is not None
    assert verdicts.get(large) is None and verdicts.get(b"nothing") is None


def test_a_remembered_verdict_is_believed_and_what_the_state_says_is_asked_again(
    at: Callable[[str], Branch], life: Life
) -> None:
    branch = at("open")
    ballot = life.ballot(life.citizens("Arbat")[0])
    (verdict,) = branch.machine.check([ballot]).run()
    assert isinstance(verdict, Checked)
    branch.beat_until(branch.poll(life.poll.id).closing + 60)
    branch.refuses("not-open", ballot)


def test_what_a_block_says_that_may_be_discarded_is_not_remembered(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 2}) as world:
        committee = world.form_committee()
        poll = world.poll([YES_OR_NO], committee=committee)
        world.wait(2 * 3600)
        citizen = world.citizens[0]
        ballot = world.entry(citizen, poll, [[1, 0]])
        world.engine.tick()
        ledger: Ledger = world.ledger
        ledger.execute(ledger.height + 1, world.now, [])
        (verdict,) = ledger.check([ballot]).run()
        assert isinstance(verdict, Checked) and ledger._verdicts.get(ballot) is None
        ledger.discard()
        ledger.check([ballot]).run()
        assert isinstance(ledger._verdicts.get(ballot), Checked)
        assert ledger.check([ballot]).run() == [ledger._verdicts.get(ballot)]
        with pytest.raises(Refused, match="does not follow"):
            ledger.execute(ledger.height, world.now, [])
        number = world.submit(ballot)
        assert ledger.entry(number) == ballot


def test_looking_up_at_once_changes_no_answer(at: Callable[[str], Branch], life: Life) -> None:
    """What was admitted before, what is admitted in the same block, and what nobody has seen."""
    branch = at("open")
    first, second = life.citizens("Arbat")[:2]
    entries = [life.ballot(first), life.ballot(second), life.ballot(first, turn=2, permits=False)]
    branch.admit(entries[0])
    verdicts = branch.machine.check(entries).run()
    poll = branch.poll(life.poll.id)
    ballots = [verdict.ballot for verdict in verdicts if isinstance(verdict, Checked)]
    alone = [branch.state.last_ballot(poll, ballot.credential) for ballot in ballots]
    assert [last is not None for last in alone] == [True, False, True]
    branch.machine.expect(verdicts)
    assert [branch.state.last_ballot(poll, ballot.credential) for ballot in ballots] == alone
    answers = branch.block(*entries[1:], entries[1])
    assert [isinstance(answer, Refused) for answer in answers] == [False, False, True]
