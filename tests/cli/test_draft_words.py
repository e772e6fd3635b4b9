"""Drafts explain themselves in the language of whoever asks for one, and say the same in each."""

import re
import tomllib
from collections.abc import Callable

import pytest

from veche.cli import draft_charter, draft_poll
from veche.terminal.say import choose_language
from veche.texts import languages

DRAFTS: tuple[Callable[[], str], ...] = (
    lambda: draft_charter.template("charter.toml", "ab" * 32),
    lambda: draft_poll.template("poll.toml", 'city "a"', "", "2027-05-01T09:00:00+00:00", "2027-05-08T09:00:00+00:00"),
)


def in_language(language: str, draft: Callable[[], str]) -> str:
    choose_language(language)
    try:
        return draft()
    finally:
        choose_language(None)


def with_optional_parts(text: str) -> str:
    """A draft with the lines that are written as comments, because one may leave them out."""
    return re.sub(r"(?m)^# (?=\[\[|\w+ = )", "", text)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("language", languages())
def test_a_draft_says_the_same_in_every_language(language: str, draft: Callable[[], str]) -> None:
    here, there = in_language(language, draft), in_language("en", draft)
    assert tomllib.loads(here) == tomllib.loads(there)
    assert tomllib.loads(with_optional_parts(here)) == tomllib.loads(with_optional_parts(there)) != tomllib.loads(there)
    assert max(map(len, here.splitlines())) <= 140


@pytest.mark.parametrize("draft", DRAFTS)
def test_its_comments_are_in_the_readers_language(draft: Callable[[], str]) -> None:
    comments = re.findall(r"# (?!\[\[|\w+ = |    veche)(.*)", in_language("ru", draft))
    assert comments and all(re.search("[А-Яа-я]{2}", comment) for comment in comments), comments
