"""The story of colluding_trustee.py: it works against Belenios's proof alone, and fails against Veche's rule."""

import json
import subprocess
from pathlib import Path

import colluding_trustee as story
import pytest
import veche_kernel as kernel
from belenios import belenios_tool

from veche.audit.archive import verify_archive
from veche.ballot.decryption import Share
from veche.errors import Refused

TALLY = b"\x07" * 32
Told = tuple[story.Town, list[story.Plan]]


@pytest.fixture(scope="module")
def told() -> Told:
    """The town after closing, when the last voter did as they were told."""
    town = story.found_town()
    story.people_vote(town)
    plans = story.plan(town, [story.STOLEN, -story.STOLEN])
    story.last_vote(town, "yes", [own.randomness for own in plans])
    return town, plans


def test_the_last_ballot_is_in_perfect_order(told: Told) -> None:
    town, _ = told
    checked = town.box.verify_json(town.ballots[-1])
    assert checked.credential == town.credentials[-1]
    town.box.verify(town.box.from_json(town.ballots[-1]))
    broken = json.loads(town.ballots[-1])
    broken["answers"][0]["overall_proof"][0]["response"] = "1"
    with pytest.raises(kernel.ProofError):
        town.box.verify_json(json.dumps(broken, separators=(",", ":")).encode())


def test_the_true_result(told: Told) -> None:
    town, _ = told
    honest, second = (story.honest_share(town, TALLY, i) for i in story.PRESENT)
    story.check_naively(town, honest)
    story.check(town, TALLY, honest)
    assert story.result(town, honest, second) == [3, 4]


def test_the_naive_rule_is_fooled(told: Told) -> None:
    """The false share passes, and the losers win."""
    town, plans = told
    share = Share(*story.false_share(town, plans), b"")
    story.check_naively(town, share)
    assert story.result(town, share, story.honest_share(town, TALLY, 2)) == [6, 1]


def test_other_verifiers_are_fooled_too(told: Told, tmp_path: Path) -> None:
    """Belenios's own tool, and our verifier of archives, which says that it cannot know."""
    town, plans = told
    share = Share(*story.false_share(town, plans), b"")
    story.write_archive(town, [share, story.honest_share(town, TALLY, 2)], [6, 1], tmp_path / "poll.bel")
    report = verify_archive(tmp_path / "poll.bel")
    assert json.loads(report.result) == {"result": [[6, 1]]}
    assert any("last voter" in sentence for sentence in report.cannot_show)

    program = belenios_tool()

    def tool(*command: str) -> int:
        where = ["--dir", str(tmp_path)]
        return subprocess.run([str(program), "election", *command, *where], capture_output=True, check=False).returncode

    assert tool("verify") == 0
    story.write_archive(town, [share, story.honest_share(town, TALLY, 2)], [3, 4], tmp_path / "poll.bel")
    assert tool("verify") != 0, "with these shares the true result is the one that is refused"


def test_veche_refuses_all_that_the_trustee_can_think_of(told: Told) -> None:
    town, plans = told
    attempts = story.attempts(town, TALLY, plans)
    assert len(attempts) == 5
    for name, share in attempts.items():
        story.check_naively(town, share)  # it is the binding proof alone that stands in the way
        with pytest.raises(Refused) as refused:
            story.check(town, TALLY, share)
        assert "binding proof" in refused.value.message.lower(), name


def test_without_the_last_voter_there_is_no_attack() -> None:
    """The last voter must be last, and take that randomness: the naive rule is not fooled by chance."""
    town = story.found_town()
    story.people_vote(town)
    plans = story.plan(town, [story.STOLEN, -story.STOLEN])
    story.last_vote(town, "yes", [12345, 67890])
    with pytest.raises(kernel.ProofError):
        story.check_naively(town, Share(*story.false_share(town, plans), b""))


def test_another_ballot_after_theirs_ends_it() -> None:
    town = story.found_town()
    story.people_vote(town)
    plans = story.plan(town, [story.STOLEN, -story.STOLEN])
    story.last_vote(town, "yes", [own.randomness for own in plans])
    story.last_vote(town, "no", [11, 12])
    with pytest.raises(kernel.ProofError):
        story.check_naively(town, Share(*story.false_share(town, plans), b""))


def test_the_script_runs(capsys: pytest.CaptureFixture[str]) -> None:
    story.main()
    out = capsys.readouterr().out
    assert "The true result: [3, 4]" in out and "the result: [6, 1]" in out
    assert out.count("does not hold") == 4 and "accepts the true share" in out
