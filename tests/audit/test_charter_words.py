"""What people are told of the numbers of a class: who could read votes, who may be absent, and what no witnesses means."""

from dataclasses import replace
from pathlib import Path

import pytest

from veche.audit.charter_words import consequences
from veche.audit.page.page import page
from veche.audit.report import report_ledger
from veche.world import World

from .city import JOIN, City

PEEK = "the operator can look at the sums at the published closing and then claim a standstill"


@pytest.mark.parametrize(("n", "t", "fork", "absent"), [(3, 2, 1, 1), (4, 3, 2, 1), (5, 3, 1, 2), (7, 5, 3, 2)])
def test_what_follows_from_t(large: City, n: int, t: int, fork: int, absent: int) -> None:
    charter = large.verified.state.charter
    guards = replace(charter.classes[0], trustees=tuple(f"trustee {i}" for i in range(n)), t=t, smallest=20)
    said = [str(sentence) for sentence in consequences(charter, guards)]
    assert said[0] == f"{t} of the {n} trustees together could read single votes."
    assert said[1].startswith((f"{fork} trustee is enough", f"{fork} trustees are enough")[fork > 1])
    assert said[2].startswith((f"{absent} trustee may be absent", f"{absent} trustees may be absent")[absent > 1])
    assert f"the operator ({charter.operators[0]}) and 19 voters can read one vote" in said[3] and PEEK in said[3]
    single = [str(sentence) for sentence in consequences(charter, replace(guards, t=n))]
    assert single == [
        f"Only all {n} trustees together could read single votes. If one is absent, there is no result.",
        said[3],
    ]


def test_where_witnesses_cosign_nothing_is_said_of_the_operator(large: City) -> None:
    """Witnesses whom the charter asks for, and the class does not want, change nothing."""
    charter = replace(large.verified.state.charter, witnesses=1)
    unwitnessed = charter.classes[0]
    witnessed = replace(unwitnessed, witnessed=True)
    assert PEEK in " ".join(map(str, consequences(charter, unwitnessed)))
    said = " ".join(map(str, consequences(charter, witnessed)))
    assert "operator" not in said and "unless more than 1 witness is corrupt" in said


def test_report_and_page_say_it_of_each_poll(large: City) -> None:
    report = report_ledger(large.verified)
    text = page(report)
    for poll in report.polls:
        assert str(poll.consequences[0]) == "2 of the 3 trustees together could read single votes."
        assert PEEK in str(poll.consequences[3]) and "and 2 voters" in str(poll.consequences[3])
    assert text.count("2 of the 3 trustees together could read single votes.") == len(report.polls)
    assert text.count("Прочитать отдельные голоса могли бы 2 из 3 хранителей ключа вместе.") == len(report.polls)
    values = report.values()["polls"][0]["consequences"]
    assert values[1]["en"].startswith("1 trustee is enough") and "достаточно 1 из них" in values[1]["ru"]


def test_a_key_in_mode_single_takes_all(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 3}, trustees=(3, 3)) as world:
        world.poll([JOIN], committee=world.form_committee("single"))
        (poll,) = report_ledger(world.check()).polls
    assert str(poll.consequences[0]).startswith("Only all 3 trustees together") and len(poll.consequences) == 2
