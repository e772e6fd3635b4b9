"""The report: numbers that add up, warnings where something is missing, a page that needs nothing and trusts nothing."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veche.audit.ledger import verify_ledger
from veche.audit.page.chart import LINES, _labelled, _unit, bar
from veche.audit.page.page import page
from veche.audit.percents import percents
from veche.audit.poll_report import DAY, HOUR, PollReport, report_poll, turnout_step
from veche.audit.poll_view import QuestionView, RegistrarView
from veche.audit.poll_warnings import ANSWER, COUNT, poll_warnings
from veche.audit.poll_words import ballots, heading
from veche.audit.report import LedgerReport, report_ledger
from veche.ledger.entries.charter import Charter
from veche.ledger.life import Stage
from veche.log.source import Folder
from veche.texts import LAST, Moment, Number, Percent, Words
from veche.world import World

from .city import JOIN, SPEED, City

VOID = {"meta", "link", "input", "br", "line", "rect", "circle"}


@pytest.fixture(scope="module")
def report(large: City) -> LedgerReport:
    return report_ledger(large.verified)


@pytest.fixture
def speed(large: City) -> PollReport:
    return report_poll(large.verified, large.poll("speed"))


def test_numbers_add_up(large: City, report: LedgerReport) -> None:
    for poll in report.polls:
        state = large.verified.state.poll(bytes.fromhex(poll.id))
        assert state is not None
        assert poll.counted == sum(step.ballots for step in poll.turnout) == sum(state.counted)
        assert poll.ballots >= poll.counted
        for group in poll.groups:
            for account in group.accounts:
                assert group.counted == account.used <= account.people
                assert account.issued is None or account.used <= account.issued <= account.people
        if poll.status == "decided":
            assert state.result is not None
            result = state.result.body()
            assert as_in_the_ledger(poll.questions) == result[2]
            assert [as_in_the_ledger(cell.questions) for cell in poll.cells] == result[3]
            assert sum(cell.weight for cell in poll.cells) in (0, poll.weight)
            assert poll.closed is not None and poll.decided is not None and poll.closing <= poll.closed <= poll.decided
        else:
            assert all(answer.votes is None for question in poll.questions for answer in question.answers)
    statuses = [poll.status for poll in report.polls]
    assert statuses == ["decided"] * 3 + ["too-few"] * 2 + ["cancelled"]
    speed = report.polls[0]
    assert (speed.ballots, speed.counted, speed.people, speed.threshold) == (11, 10, 10, 2)
    assert [trustee.shared for trustee in speed.trustees] == [True, False, True]
    assert [account.issued for account in speed.groups[0].accounts] == [10, 10]
    assert speed.without_share == [speed.trustees[1].institution]
    assert [poll.without_share for poll in report.polls[3:]] == [[], [], []]  # where nothing is to be decrypted
    (contest,) = report.polls[1].contests
    assert (contest.text.en, len(contest.by)) == ("The post lost letters.", 3)
    assert contest not in report.polls[1].answers and speed.contests == []
    assert speed.statements[0].status == "will" and report.polls[5].statements[0].kind == "cancel"
    assert [cell.groups for cell in report.polls[1].cells] == [[0], [1, 2]]


def as_in_the_ledger(questions: list[QuestionView]) -> list[list[int | None]]:
    """Votes in the order of a result entry, where the blank ones are the first."""
    return [[a.votes for a in sorted(q.answers, key=lambda answer: not answer.blank)] for q in questions]


def test_turnout_counts_a_voter_once_at_the_last_ballot(large: City, speed: PollReport) -> None:
    """The first voter voted on the first day, and again on the last: only the second ballot is counted."""
    days = [step.ballots for step in speed.turnout if step.ballots]
    assert sum(days) == 10 and days[-1] >= 1 and days[0] < 3
    assert all(b.start - a.start == DAY for a, b in pairwise(speed.turnout))


def test_warnings(large: City, report: LedgerReport, speed: PollReport) -> None:
    """Nothing to look at in the poll that is accounted for, until time passes."""
    now, charter = report.time, large.verified.state.charter
    assert poll_warnings(speed, charter, now) == []
    silent = [warning.text("en").split(" has not")[0] for warning in poll_warnings(report.polls[1], charter, now)]
    assert silent == ["Civil registry", "Post office"]  # each once, however many groups
    assert report.polls[5].warnings == []  # cancelled: nothing to account for
    assert speed.closed is not None

    def said(poll: PollReport, at: int = now, charter: Charter = charter) -> str:
        return " ".join(f"{warning.text('en')} | {warning.text('ru')}" for warning in poll_warnings(poll, charter, at))

    counting = replace(speed, status=Stage.COUNTING)
    assert said(counting, speed.closed + COUNT) == "" and "count is late" in said(counting, speed.closed + COUNT + 1)
    test = replace(charter, test=1000)
    soon = said(counting, speed.closed + COUNT // 1000 + 1 + 1, test)
    assert "over 10 minutes 5 seconds ago" in soon and said(counting, speed.closed + COUNT // 1000 + 1, test) == ""
    silent_city = replace(speed, statements=[])
    assert said(silent_city, speed.closed + ANSWER) == ""
    assert "answer is late" in said(silent_city, speed.closed + ANSWER + 1)
    due = speed.statements[0].due
    midnight = due // DAY * DAY + DAY  # a promise is for a day, and kept until that is over: UTC, as all times
    assert said(speed, due) == said(speed, midnight - 1) == ""
    assert "promised is late: it was to be done by 29 June 2026." in said(speed, midnight)
    undated = replace(speed, statements=[replace(speed.statements[0], due=0)])
    assert said(undated, midnight) == "" and str(heading(undated.statements[0])) == "The city will do this"
    assert str(heading(speed.statements[0])) == "The city will do this by 29 June 2026"
    done = replace(speed, statements=[*speed.statements, replace(speed.statements[0], status="done")])
    assert said(done, midnight) == ""
    assert "60 minutes later" in said(replace(speed, closing=speed.closes + 3600))
    group = speed.groups[0]
    other = replace(group, accounts=[group.accounts[0], replace(group.accounts[1], people=11)])
    assert "different lengths" in said(replace(speed, groups=[other])) and "half" not in said(
        replace(speed, groups=[other])
    )
    short = replace(group, accounts=[group.accounts[0], replace(group.accounts[1], people=4, counts=False)])
    assert "The roll of Post office for “Everyone” has less than half" in said(replace(speed, groups=[short]))
    without = replace(speed, registrars=[*speed.registrars, RegistrarView("Tax office", "taxes", False, None)])
    assert "Tax office published no permit keys" in said(without) and said(without, speed.opens - 1) == ""
    assert said(replace(without, status=Stage.CANCELLED)) == ""


class Strict(HTMLParser):
    """A page whose tags are balanced, with all its attributes and texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.langs: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.langs.update(value or "" for name, value in attrs if name == "lang" and tag in ("span", "label"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))


def read(text: str) -> Strict:
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_needs_nothing_and_is_in_both_languages(report: LedgerReport) -> None:
    text = page(report)
    parser = read(text)
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & {tag for tag, _, _ in parser.attributes}
    assert "<script" not in text and "url(" not in text and "http" not in text and "@import" not in text
    names = {name for _, name, _ in parser.attributes}
    assert not {"src", "srcset", "style", "action"} & names and not [name for name in names if name.startswith("on")]
    assert all(value.startswith("#p") for _, name, value in parser.attributes if name == "href")
    assert parser.langs["en"] == parser.langs["ru"] > 100
    targets = {value for _, name, value in parser.attributes if name == "id"}
    assert {value[1:] for _, name, value in parser.attributes if name == "href"} <= targets
    assert "#2A7D76" in text and 'role="img"' in text


def test_a_further_language_is_in_the_page_without_a_change_of_it(report: LedgerReport, further: str) -> None:
    """Texts of the ledger, which come in two languages, are English in it."""
    parser = read(page(report))
    assert parser.langs["en"] == parser.langs["ru"] == parser.langs[further] > 100
    assert ("input", "id", further) in parser.attributes and ("label", "Esperanto") in parser.texts
    words = "\n".join(text for _, text in parser.texts)
    assert "[What was checked]" in words and "[Counted: [[10 ballots] (100,0% of the 10 people on the roll)].]" in words


def test_the_page_shows_what_the_report_says(report: LedgerReport) -> None:
    parser = read(page(report))
    words = "\n".join(text for _, text in parser.texts)
    for poll in report.polls:
        assert poll.title.en in words and poll.title.ru in words and poll.id in words
    assert "Contested by" in words and "Возражение заявили" in words and "Почта потеряла письма." in words
    assert words.index("The post lost letters.") < words.index("Results by group"), "above the result"
    assert f"No share from: {report.polls[0].trustees[1].institution}." in words
    assert report.root in words and "Trees & <shade>" in words and "Деревья & «тень»" in words
    assert "fewer than 3 ballots" in words and "no ballot will ever be opened" in words
    labels = [value for tag, name, value in parser.attributes if tag == "svg" and name == "aria-label"]
    assert any("Keep 60 km/h" in label and "20.0%, 2 votes" in label for label in labels)
    widths = [value for tag, name, value in parser.attributes if tag == "rect" and name == "width"]
    assert "200" in widths and "1000" in widths


def test_nothing_from_the_ledger_is_markup(report: LedgerReport) -> None:
    """A hostile organiser's texts stay texts, in every place where the page says one."""
    evil = "</section><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"
    words = Words(evil, evil + " по-русски")

    def poisoned(poll: PollReport) -> PollReport:
        questions = [
            replace(q, text=words, answers=[replace(answer, text=words) for answer in q.answers])
            for q in poll.questions
        ]
        groups = [
            replace(group, name=words, accounts=[replace(account, registrar=evil) for account in group.accounts])
            for group in poll.groups
        ]
        trustees = [replace(trustee, institution=evil) for trustee in poll.trustees]
        said = [replace(statement, text=words) for statement in poll.statements]
        return replace(
            poll,
            title=words,
            questions=questions,
            groups=groups,
            trustees=trustees,
            statements=said,
            warnings=[words],
        )

    notices = [replace(notice, text=words) for notice in report.notices]
    polls = [poisoned(poll) for poll in report.polls]
    text = page(replace(report, name=words, origin=evil, polls=polls, notices=notices))
    assert (
        "<script" not in text and "<img" not in text and "onerror=" not in re.sub(r"&lt;img src=x onerror=", "", text)
    )
    read(text)


@pytest.mark.parametrize("stage", range(4))
def test_polls_that_are_not_over(stages: dict[int, LedgerReport], stage: int) -> None:
    report = stages[stage]
    read(page(report))
    assert [poll.status for poll in report.polls] == [
        ["announced", "announced"], ["open", "void"], ["counting", "void"], ["decided", "void"],
    ][stage]  # fmt: skip
    poll = report.polls[0]
    assert [poll.ballots, poll.counted] == ([0, 0] if stage == 0 else [4, 3])
    assert (poll.closed is not None) == (stage >= 2) and (poll.decided is not None) == (stage >= 3)
    if stage == 1:
        assert "So far 3" in page(report)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, LedgerReport]]:
    """A ledger that is verified while it goes on: announced, open, closed, decided; a poll without permit keys is void."""
    found = {}
    with World(tmp_path_factory.mktemp("stages"), citizens={"Centre": 3}) as world:
        committee = world.form_committee()
        poll = world.poll([JOIN], committee=committee, days=1)
        world.announce([SPEED], committee=committee)
        found[0] = report_ledger(world.check())
        world.wait(2 * HOUR)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.vote(world.citizens[0], poll, [[0, 1]])
        found[1] = report_ledger(world.check())
        world.wait(2 * DAY)
        found[2] = report_ledger(world.check())
        world.trustees_act(absent=world.trustees[:1])
        found[3] = report_ledger(verify_ledger(Folder(world.folder / "ledger")))
    yield found


# How numbers are written


@given(votes=st.lists(st.integers(0, 2**41), min_size=1, max_size=70))
def test_shares_that_make_up_the_whole_add_to_a_hundred(votes: list[int]) -> None:
    whole = sum(votes)
    shares = percents(votes, whole)
    assert sum(shares) == (1000 if whole else 0)
    assert all(abs(share * whole - 1000 * vote) < whole for share, vote in zip(shares, votes, strict=True) if whole)


@given(votes=st.lists(st.integers(0, 1000), min_size=1, max_size=20), more=st.integers(1, 5000))
def test_other_shares_are_rounded(votes: list[int], more: int) -> None:
    whole = max(votes) + more
    if sum(votes) != whole:
        shares = percents(votes, whole)
        assert all(abs(2 * (share * whole - 1000 * vote)) <= whole for share, vote in zip(shares, votes, strict=True))


@given(most=st.integers(0, 2**41))
def test_a_scale_holds_the_highest_column_and_is_not_far_too_high(most: int) -> None:
    unit = _unit(most)
    assert unit * LINES >= most and re.fullmatch("[125]0*", str(unit))
    assert unit == 1 or unit * LINES < 2.5 * most + LINES


@given(count=st.integers(1, 400), width=st.sampled_from([272, 592]), every=st.sampled_from([7, 12]))
def test_labels_do_not_overlap(count: int, width: int, every: int) -> None:
    places = _labelled(count, every, width / count)
    assert places[0] == 0 and places == sorted(set(places)) and places[-1] in (0, count - 1)
    assert all((b - a) * width / count >= 44 for a, b in pairwise(places))


def test_words_of_numbers() -> None:
    assert Words.of(Number(305212)) == Words("305,212", "305\u00a0212")
    assert Words.of(Percent(530)) == Words("53.0%", "53,0\u00a0%")
    forms = {
        1: "бюллетень",
        2: "бюллетеня",
        5: "бюллетеней",
        11: "бюллетеней",
        14: "бюллетеней",
        21: "бюллетень",
        112: "бюллетеней",
        0: "бюллетеней",
    }
    assert all(ballots(value).text("ru") == f"{value}\u00a0{form}" for value, form in forms.items())
    assert ballots(1).text("en") == "1 ballot" and ballots(0).text("en") == "0 ballots"
    assert Words.of(Moment(1_795_000_000)) == Words(
        "18 November 2026, 11:06 UTC", "18\u00a0ноября 2026\u00a0года, 11:06 UTC"
    )
    assert Words.of(Moment(2**63 - 1)) == Words.of(
        Moment(LAST)
    )  # times that no calendar has are an attacker's, and no crash
    assert ("svg", "aria-label", 'a">b') in read(bar(10, 'a">b', "en")).attributes


def test_a_poll_that_lasts_for_ages_has_few_columns() -> None:
    assert (turnout_step(2 * DAY), turnout_step(14 * DAY), turnout_step(2**62)) == (
        HOUR,
        DAY,
        DAY * -(-(2**62) // (400 * DAY)),
    )
