"""Where a poll stands and what the next block does to it; who may vote; and its numbers by answer, in every form that they take."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from veche.audit.poll_report import report_poll
from veche.audit.poll_view import Next, PollView, by_answer, view_poll
from veche.audit.poll_words import STAGES, group_turnout, lead, listing, notes, standing, turnout
from veche.audit.result_csv import COLUMNS, result_csv
from veche.audit.values import values
from veche.ledger.life import Phase, Stage, stage
from veche.ledger.poll_state import PollState
from veche.ledger.rules.due import HALT_GRACE
from veche.texts import Words, languages
from veche.world import DAY, World

from .city import JOIN, SPEED, City


def seen(world: World, poll: PollState, now: int | None = None) -> PollView:
    """The poll as it is in the ledger now."""
    found = world.ledger.state.poll(poll.id)
    assert found is not None
    return view_poll(world.ledger.state, found, world.now if now is None else now)


def test_a_poll_whose_registrars_are_missing_is_not_open(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(4, 3, 1)) as world:
        poll = world.announce([JOIN], committee=world.form_committee())
        opens = poll.definition.opens
        assert seen(world, poll).status == Stage.ANNOUNCED
        assert (
            "if 3 of its 4 registrars have published permit keys by then. They are missing from: Civil registry"
            in said(world, poll)
        )
        late = seen(world, poll, opens)
        assert (late.status, late.next) == (Stage.UNOPENED, Next.VOID)
        assert "Civil registry, Post office, Savings bank, Tax office did not publish" in str(standing(late))
        for registrar in (0, 1, 3):
            world.submit(world.permit_keys(registrar, poll))
        assert "No permit keys yet from: Savings bank." in said(world, poll)
        assert (seen(world, poll, opens).status, seen(world, poll, opens).next) == (Stage.OPEN, None)
        without = world.announce([SPEED], committee=poll.definition.committee)
        world.wait_until(without.definition.opens)
        assert seen(world, without).status == Stage.VOID, "what was said of the next block is what it did"


def said(world: World, poll: PollState) -> str:
    """What a list says of it."""
    return " ".join(map(str, notes(seen(world, poll))))


def test_what_the_next_block_does_when_the_closing_has_passed(tmp_path: Path) -> None:
    """And then it does that: the rules are asked, not another opinion of them."""
    with World(tmp_path, citizens={"Centre": 6}) as world:
        committee = world.form_committee()
        full, empty, halted = (
            world.poll(list(asked), committee=committee, days=days)
            for asked, days in (([JOIN], 2), ([SPEED], 2), ([JOIN], 3))
        )
        world.wait_until(full.definition.opens)
        for citizen in world.citizens[:4]:
            world.vote(citizen, full, [[1, 0]])
        assert seen(world, full).next is None
        closing = full.closing
        assert seen(world, full, closing).status == seen(world, empty, closing).status == Stage.CLOSED
        assert seen(world, full, closing).next == Next.TALLY and seen(world, empty, closing).next == Next.TOO_FEW
        world.wait_until(closing)
        assert (seen(world, full).status, seen(world, empty).status) == (Stage.COUNTING, Stage.TOO_FEW)
        world.wait_until(halted.closing - 1)
        halt, longest = world.charter.halt, halted.closing + 2 * DAY
        assert seen(world, halted, halted.closing + halt).next == Next.TOO_FEW
        assert seen(world, halted, halted.closing + halt + 1).next == Next.REOPEN
        assert (
            seen(world, halted, longest - 1).next == Next.REOPEN and seen(world, halted, longest).next == Next.TOO_FEW
        )
        world.stand_still(halt + 2)
        assert seen(world, halted).status == Stage.OPEN and seen(world, halted).closing == world.now + HALT_GRACE


def test_every_stage_has_one_name_in_each_language() -> None:
    assert set(STAGES) == set(Stage) >= {stage(phase, 0, 1, 0, True) for phase in Phase if phase != Phase.ANNOUNCED}
    assert len(set(STAGES.values())) == len(STAGES)


@pytest.mark.parametrize("status", Stage)
def test_every_stage_is_said(large: City, status: Stage) -> None:
    report = replace(report_poll(large.verified, large.poll("join")), status=status)
    for language in languages():
        assert standing(report).text(language) and all(cell.text(language) for cell in listing(report))


def test_weights_and_rolls(large: City) -> None:
    """10 ballots of three groups, which weigh 5, 1 and 3 each."""
    join = report_poll(large.verified, large.poll("join"))
    assert (join.counted, join.weight, join.people) == (10, 30, 10)
    assert str(turnout(join)) == "10 ballots (100.0% of the 10 people on the roll), which weigh 30"
    assert [cell.weight for cell in join.cells] == [20, 10]
    assert str(group_turnout(join, join.cells[1])) == "6 ballots (100.0% of the 6 people on the roll), which weigh 10"
    speed = report_poll(large.verified, large.poll("speed"))
    assert "weigh" not in str(turnout(speed))
    assert (
        turnout(join).text("ru") == "10\u00a0бюллетеней (100,0\u00a0% от\u00a010\u00a0человек в списке) общим весом 30"
    )


def test_whose_roll_is_meant_where_they_differ(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 4, "North": 4}) as world:
        roll = world.folder / "roll.csv"
        roll.write_text("\n".join([*roll.read_text().splitlines(), "someone,North"]) + "\n")
        world.registrars[1].import_roll(roll)
        poll = world.poll([JOIN], committee=world.form_committee(), districts=[("Centre", 1), ("North", 1)])
        world.wait_until(poll.definition.opens)
        world.vote(world.citizens[0], poll, [[1, 0]])
        view = seen(world, poll)
        assert view.rolls_differ and view.people == 9 and [group.people for group in view.groups] == [4, 5]
        assert [registrar.people for registrar in view.registrars] == [8, 9]
        sentences = " ".join(map(str, lead(view)))
        assert "1 ballot (11.1% of the 9 people on the longest rolls)" in sentences
        assert "The registrars' rolls differ: Civil registry: 8; Post office: 9." in sentences


def test_blank_is_the_last_answer_everywhere() -> None:
    texts = [Words("Yes", "Да"), Words("No", "Нет")]
    assert [(str(row.text), row.blank, row.votes) for row in by_answer(texts, True, [7, 1, 2])] == [
        ("Yes", False, 1),
        ("No", False, 2),
        ("Left blank", True, 7),
    ]
    assert [row.votes for row in by_answer(texts, False, [1, 2])] == [1, 2]
    assert [row.votes for row in by_answer(texts, True, None)] == [None] * 3


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def test_the_result_as_a_table(large: City) -> None:
    report = report_poll(large.verified, large.poll("courtyard"))
    data = result_csv(report, "ru")
    assert data.startswith(b"\xef\xbb\xbfpoll,") and data.count(b"\r\n") == data.count(b"\n") == 1 + 3 * (4 + 4)
    found = rows(data)
    assert tuple(found[0]) == COLUMNS and {row["poll"] for row in found} == {report.id}
    whole = [row for row in found if not row["group"]]
    assert [(row["question"], row["answer"], row["answer_text"], int(row["votes"])) for row in whole] == [
        (str(number), "" if answer.blank else str(place), answer.text.text("ru") if answer.blank else f"“{answer.text.text('ru')}”", answer.votes)
        for number, question in enumerate(report.questions, 1)
        for place, answer in enumerate(question.answers, 1)
    ]  # fmt: skip
    assert whole[3]["answer_text"] == "Без ответа" and whole[2]["answer_text"] == "“Деревья & «тень»”"
    assert {row["group"] for row in found} == {"", "“Centre”", "“North” + “South”"}
    assert [row["people"] for row in found if row["group"] == "“North” + “South”"] == ["6"] * 8
    for place in range(8):  # the parts make up the whole
        assert int(found[place]["votes"]) == sum(int(found[8 * part + place]["votes"]) for part in (1, 2))


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "0123", "1-2", '=HYPERLINK("x")', "a\n=1+1", "“=1”", "|x", "%0A=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_and_none_is_changed(large: City, text: str) -> None:
    report = report_poll(large.verified, large.poll("join"))
    evil = Words(text, text)

    def poisoned(questions: list) -> list:  # type: ignore[type-arg]
        return [replace(q, text=evil, answers=[replace(answer, text=evil) for answer in q.answers]) for q in questions]

    cells = [replace(cell, names=[evil, evil], questions=poisoned(cell.questions)) for cell in report.cells]
    report = replace(report, title=evil, questions=poisoned(report.questions), cells=cells)
    for row in rows(result_csv(report, "en")):
        for name, cell in row.items():
            assert name == "group" or name not in ("title", "question_text", "answer_text") or cell[1:-1] == text
            assert not cell or cell[0].isdigit() or cell[0] == "“" or name == "poll"


def test_json_has_a_name_for_everything(large: City) -> None:
    found = values(report_poll(large.verified, large.poll("courtyard")))
    (centre, others) = found["cells"]
    assert others["groups"] == [1, 2] and [name["en"] for name in others["names"]] == ["North", "South"]
    blank = found["questions"][0]["answers"][-1]
    assert blank == {"text": {"en": "Left blank", "ru": "Без ответа"}, "blank": True, "votes": 1}
    assert centre["questions"][0]["answers"][1]["text"]["en"] == "Lighting"
    assert (found["class"], found["status"], found["next"]) == ("city", "decided", None)


def test_what_is_listed_is_what_is_shown(large: City) -> None:
    """A list is made of the state alone, and says the same."""
    for name in large.polls:
        state = large.verified.state
        listed = values(view_poll(state, large.poll(name), large.verified.time))
        shown = values(report_poll(large.verified, large.poll(name)))
        assert all(shown[key] == value for key, value in listed.items()) and len(shown) > len(listed)
