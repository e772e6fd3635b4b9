"""`rules`: new rules are announced ahead, and a program that does not know them stops and says so."""

from collections.abc import Callable
from pathlib import Path

import pytest
from doctor import publish

from veche.audit.ledger import verify_ledger
from veche.errors import Unsupported
from veche.ledger.codec import encode
from veche.log.source import Folder

from .branch import Branch, dump
from .life import Life

At = Callable[[str], Branch]
AHEAD = 14 * 86_400


def test_rules_are_announced_two_weeks_ahead(life: Life, at: At) -> None:
    branch = at("founded")
    now = branch.time + 1
    branch.refuses_to_say("rules", "rules", [2, now + AHEAD - 1], *life.institutions)
    branch.say("rules", [2, now + AHEAD], *life.institutions)


def test_versions_only_rise(life: Life, at: At) -> None:
    branch = at("founded")
    later = branch.time + 2 * AHEAD
    branch.refuses_to_say("shape", "rules", [1, later], *life.institutions)
    branch.say("rules", [3, later], *life.institutions)
    branch.refuses_to_say("rules", "rules", [2, later + 1], *life.institutions)
    branch.refuses_to_say("rules", "rules", [3, later + 1], *life.institutions)
    branch.say("rules", [4, later], *life.institutions)


def test_too_few_institutions(life: Life, at: At) -> None:
    branch = at("founded")
    branch.refuses_to_say("authority", "rules", [2, branch.time + 2 * AHEAD], *life.institutions[1:])


@pytest.mark.parametrize("body", [[2], [2, 2**53], [b"2", 2**40], [2, 2**40, 0], [1001, 2**40]])
def test_shape(body: list[object], life: Life, at: At) -> None:
    at("founded").refuses_to_say("shape", "rules", body, *life.institutions)


def test_an_older_program_stops_and_says_so(life: Life, tmp_path: Path) -> None:
    branch = life.voted.branch()
    since = branch.time + 1 + AHEAD
    branch.say("rules", [2, since], *life.institutions)
    branch.beat_until(since - 1)
    known = dump(branch.state.db), len(branch.entries)
    with pytest.raises(Unsupported, match="version 2"):
        branch.block(time=since)
    assert (dump(branch.state.db), len(branch.entries)) == known
    # What came before can still be checked; what comes after says what is missing.
    branch.check(tmp_path / "before")
    block = ["block", [branch.machine.height + 1, since, since]]
    branch.entries += [encode(block), branch.sign("notice", [b"", ["Hello.", "Привет."], []], life.organisers[0])]
    publish(tmp_path / "after", branch.entries, life.world.charter.origin, branch.log_key)
    with pytest.raises(Unsupported, match="version 2"):
        verify_ledger(Folder(tmp_path / "after"))
    branch.close()


def test_rules_are_withdrawn_before_they_hold(life: Life, at: At) -> None:
    branch = at("founded")
    since = branch.time + AHEAD + 100
    branch.refuses_to_say("rules", "rules-withdrawal", [2], *life.institutions)
    branch.say("rules", [2, since], *life.institutions)
    branch.refuses_to_say("authority", "rules-withdrawal", [2], *life.institutions[:2])
    branch.refuses_to_say("shape", "rules-withdrawal", [1], *life.institutions)
    branch.say("rules-withdrawal", [2], *life.institutions)
    branch.refuses_to_say("repeated", "rules-withdrawal", [2], *life.institutions)
    branch.refuses_to_say("rules", "rules", [2, since + AHEAD], *life.institutions)
    branch.say("rules", [3, since + 7], *life.institutions)
    late = branch.branch()
    late.block(time=since + 6)
    with pytest.raises(Unsupported, match="version 3"):
        late.block(time=since + 7)
    branch.say("rules-withdrawal", [3], *life.institutions)
    branch.block(time=since + 8)
    branch.say("notice", [b"", ["So.", "Так."], []], life.organisers[0])
