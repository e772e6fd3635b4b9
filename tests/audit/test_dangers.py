"""What is allowed and dangerous is said: to whoever previews or signs a poll, and in every report."""

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from veche.audit.dangers import charter_dangers, class_dangers, night, poll_dangers
from veche.audit.ledger import verify_ledger
from veche.audit.report import report_ledger
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.shape import Text
from veche.ledger.state import State
from veche.likeness import alike, mixed_word
from veche.log.source import Folder
from veche.world import DAY, World

FOR = Text("For", "За")
AGAINST = Text("Against", "Против")
QUESTION = Choice(Text("Shall it be?", "Быть?"), (FOR, AGAINST), 1, 1, False)
EVERYONE = Group(Text("Everyone", "Все"), 1)
ARBAT, CENTRE, OWNER = (Text("Arbat", "Арбат"), Text("Centre", "Центр"), Text("Owner", "Владелец"))


class City:
    """A small city with a poll of three groups, of which one has a single person whose ballot weighs as much as many."""

    def __init__(self, folder: Path) -> None:
        with World(folder, citizens={"Arbat": 6, "Centre": 2, "Owner": 1}) as world:
            self.world = world
            self.committee = world.form_committee()
            weights = (("Arbat", 1), ("Centre", 1), ("Owner", 100))
            self.polled = world.poll([QUESTION], committee=self.committee, districts=weights)
            world.check()
        self.verified = verify_ledger(Folder(folder / "ledger"))
        self.state: State = self.verified.state
        opens = self.polled.definition.closes + DAY
        self.poll = Poll(
            "city",
            Text("A bridge", "Мост"),
            Text("", ""),
            (QUESTION,),
            (EVERYONE,),
            opens,
            opens + 7 * DAY,
            self.committee,
        )

    def said(self, **changes: object) -> list[str]:
        """What is said of a poll that nobody has published, but for these changes without a danger."""
        return [str(one) for one in poll_dangers(replace(self.poll, **changes), None, self.state)]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("dangers"))


def asking(*answers: Text) -> tuple[Choice, ...]:
    return (replace(QUESTION, answers=answers),)


def test_of_a_plain_poll_nothing_is_said(city: City) -> None:
    assert city.said() == []
    fifty = asking(
        Text("50 km/h", "50 км/ч"), Text("60 km/h", "60 км/ч"), Text("40", "40"), Text("+1", "+1"), Text("-1", "-1")
    )
    assert city.said(questions=fifty) == []


def test_weights_show_through(city: City) -> None:
    groups = tuple(Group(name, weight) for name, weight in ((ARBAT, 1), (CENTRE, 1), (OWNER, 100)))
    said = "\n".join(city.said(groups=groups))
    assert "Ballots weigh differently (1, 100)" in said
    # How many there are is known from the poll before, whose registrars have published their rolls.
    assert "“Owner”: 1 person, each of whose votes weighs more than all lighter ones together." in said
    light = "\n".join(city.said(groups=(*groups[:2], Group(OWNER, 2))))
    assert "weigh differently (1, 2)" in light and "each of whose votes" not in light
    report = report_ledger(city.verified).polls[0]
    assert sum("each of whose votes" in str(one) for one in report.warnings) == 1


def test_a_small_group_is_named(city: City) -> None:
    said = "\n".join(city.said(groups=(Group(ARBAT, 1), Group(CENTRE, 1))))
    assert "“Centre” has 2 people, fewer than are counted apart (3)" in said and "“Arbat”" not in said
    assert city.said(groups=(Group(CENTRE, 1),)) == [
        "2 people may vote, and fewer than 3 ballots are never decrypted: there can be no result."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("For", "Fоr"),  # a Cyrillic letter
        ("For", "for."),
        ("Option O", "Option 0"),
        ("Plan l", "Plan I"),
        ("Plan 1", "Plan l"),
        ("modern", "modem"),
        ("Bench-work", "Bench – work"),
        ("“Yes”", "Yes"),
        ("Café", "Cafe"),
        ("СОСНА", "COCHA"),
    ],
)
def test_answers_that_look_alike(city: City, one: str, other: str) -> None:
    assert alike(one, other)
    assert "Answers 1 and 2 of question 1 look alike: “" in "\n".join(
        city.said(questions=asking(Text(one, "А"), Text(other, "Б")))
    )
    assert "Groups 1 and 2 look alike" in "\n".join(
        city.said(groups=(Group(Text("A", one), 1), Group(Text("B", other), 1)))
    )


@pytest.mark.parametrize(
    ("one", "other"), [("50", "60"), ("1-12", "11-2"), ("+5", "-5"), ("Yes", "No"), ("Да", "Нет"), ("1.5", "15")]
)
def test_what_does_not(one: str, other: str) -> None:
    assert not alike(one, other)


def test_answers_that_are_the_numbers_of_others(city: City) -> None:
    def numbers(*answers: str) -> list[str]:
        made = asking(*(Text(answer, answer) for answer in answers))
        return [said for said in city.said(questions=made) if "by their places" in said]

    assert not numbers("1", "2", "3") and not numbers("1 floor", "3 floors") and not numbers("60", "40")
    (said,) = numbers("0", "1", "2")
    assert said.startswith("Answer 1 of question 1 is the number “0”")
    (said,) = numbers("1", "\u0663", "2")
    assert said.startswith("Answer 2 of question 1 is the number")


def test_an_answer_that_looks_like_a_blank_vote(city: City) -> None:
    made = asking(FOR, Text("left blank.", "Без ответа"))
    sentence = "Answer 2 of question 1 looks like a vote that is left blank"
    assert not [said for said in city.said(questions=made) if sentence in said]
    assert [said for said in city.said(questions=(replace(made[0], blank=True),)) if sentence in said]


def test_texts_in_the_wrong_language(city: City) -> None:
    assert city.said(title=Text("A bridge", "A bridge")) == [
        "1 text is the same in English and in Russian: “A bridge”."
    ]
    assert city.said(title=Text("Мост", "A bridge")) == [
        "An English text has no Latin letter: “Мост”.",
        "A Russian text has no Cyrillic letter: “A bridge”.",
    ]
    assert "letters of several alphabets" in city.said(title=Text("A brіdge", "Мост"))[0]
    assert mixed_word("IT-отдел, 5 km") is None and mixed_word("τea") == "τea"


def test_a_short_poll_and_one_that_closes_at_night(city: City) -> None:
    short = city.poll.opens + 3600 * 3
    assert city.said(closes=short) == ["It is open for 3 hours only."]
    charter, moscow = city.state.charter, timezone(timedelta(hours=3))
    midnight = replace(city.poll, closes=city.poll.closes // DAY * DAY + 21 * 3600)
    assert [str(one) for one in night(midnight, charter, moscow)] == [
        "It closes at night: at 00:00 by this computer's clock."
    ]
    assert not list(night(midnight, charter, timezone(timedelta(hours=-3))))
    assert not list(night(midnight, replace(charter, test=1000), moscow))


def test_a_title_like_that_of_another_poll(city: City) -> None:
    there = city.polled.definition
    title = Text(there.title.en.upper(), "Другое")
    assert city.said(title=title) == []  # it is over when this one opens
    said = city.said(title=title, opens=there.closes - 1)
    assert len(said) == 1 and city.polled.id.hex() in said[0] and "open at the same time" in said[0]
    assert not any("same time" in str(one) for one in report_ledger(city.verified).polls[0].warnings)


def test_numbers_of_a_class(city: City) -> None:
    plain = city.state.charter.classes[0]
    assert list(class_dangers(plain)) == []
    said = [str(one) for one in class_dangers(replace(plain, t=3, k=1, organisers=1))]
    assert len(said) == 3 and said[0].startswith("All 3 trustees are needed")
    assert str(next(iter(class_dangers(replace(plain, t=1))))) == "One trustee alone can read every vote."
    charter = replace(city.state.charter, k=1, classes=(replace(plain, k=1),))
    assert [str(one) for one in charter_dangers(charter)] == [
        "Each institution alone changes offices and cancels polls.",
        "Class city: One registrar alone can make up voters: a ballot needs one permit only.",
    ]
