"""What is asked and said in a terminal: in the reader's language, and no wider than it is."""

from collections.abc import Iterator
from io import StringIO

import click
import pytest
from rich.console import Console
from rich.padding import Padding

from veche.cli.options import Day
from veche.errors import UserError
from veche.terminal.results import Marked, Ruled
from veche.terminal.say import agreed, choose_language, confirm, one_of, wrapped
from veche.texts import Message, duration

QUESTION, CAST, CHECK = Message("Sign this?"), Message("cast"), Message("check")


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    choose_language(request.param)
    yield request.param
    choose_language(None)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What somebody answers, line by line."""
    lines: list[str] = []
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda text: lines.pop(0))
    return lines


@pytest.mark.parametrize("yes", ["y", "Yes", "д", "ДА"])
@pytest.mark.parametrize("no", ["n", "NO", "н", "Нет", ""])
def test_yes_and_no_in_any_language(language: str, typed: list[str], yes: str, no: str) -> None:
    typed += [yes, no, "perhaps", yes]
    assert (confirm(QUESTION), confirm(QUESTION), confirm(QUESTION), typed) == (True, False, True, [])


def test_who_does_not_agree_is_told_what_has_not_happened(language: str, typed: list[str]) -> None:
    typed += ["", "да"]
    with pytest.raises(UserError, match="Nothing was signed"):
        agreed(QUESTION, Message("Nothing was signed."))
    agreed(QUESTION, Message("Nothing was signed."))


def test_one_of_several_words_in_any_language(
    language: str, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += ["подать", "проверить", "cast", "нет", "Check"]
    assert [one_of(QUESTION, CAST, CHECK) for _ in range(4)] == [CAST, CHECK, CAST, CHECK] and not typed
    assert {"en": "cast, check.", "ru": "подать, проверить."}[language] in capsys.readouterr().out


def test_lines_that_begin_with_spaces_go_on_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    hashed = "ab" * 32
    said = f"  Trustee: {'University and others ' * 4}\n    So: {'one two ' * 9}\n  veche poll show {'x ' * 40}\nPoll {hashed}, entry 7"
    first, *below, command, poll, entry = wrapped(said).split("\n")
    assert len(first) <= 40 and first.startswith("  Trustee: ") and all(len(line) <= 40 for line in below)
    assert command == f"  veche poll show {'x ' * 40}"
    assert (poll, entry) == (f"Poll {hashed},", "      entry 7"), "what fits into no line begins none"
    assert " ".join(wrapped(said).split()) == " ".join(said.split()), "nothing is lost"


@pytest.mark.parametrize("width", [30, 40, 60, 100])
def test_a_table_breaks_no_word(width: int) -> None:
    """Where the words do not fit beside one another, they stand below one another."""
    console = Console(file=StringIO(), width=width)
    titles = ("Группа", "Благоустройство", "Оставить 60 км/ч", "В списке участников", "Явка")
    console.print(Padding(Ruled(titles, [("Пресненский", "17", "19", "120", "49,2 %")]), (0, 0, 0, 2)))
    console.print(Padding(Marked("Какое ограничение скорости вам нужно внутри кольца?"), (0, 0, 0, 4)))
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert all(word in said.split() or f"{word}:" in said.split() for title in titles[1:] for word in title.split())
    assert all(line.strip()[:1] in "│┌├└" and len(line.rstrip()) <= width for line in said.splitlines()), said


def test_a_date_that_is_none_is_named_with_what_one_looks_like(language: str) -> None:
    assert str(Day().convert("2027-05-01", None, None)) == "2027-05-01"
    for wrong in ("1.5.2027", "2027-02-30", "soon"):
        with pytest.raises(click.BadParameter, match=r"2027-05-01") as error:
            Day().convert(wrong, None, None)
        assert "%" not in error.value.message and ("дата" in error.value.message) == (language == "ru")


def test_how_long_something_lasts() -> None:
    expected = {
        45: "45 seconds",
        5400: "90 minutes",
        1_209_600: "14 days",
        2592: "43 minutes 12 seconds",
        90_061: "1 day 1 hour 61 seconds",
    }
    assert {seconds: str(duration(seconds)) for seconds in expected} == expected
