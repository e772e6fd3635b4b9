"""Everything that people read is in every catalogue, and a further language is one more file."""

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from catalogues import KEYWORDS, SOURCE, extracted, update

from veche import texts
from veche.cli.language import OF_CLICK_COUNTED
from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.poll import Choice
from veche.permit.threshold import TRUSTEES, check_threshold
from veche.texts import LOCALE, Localizable, Moment, Number, Percent, Plural, Words, duration, languages
from veche.texts import Message as Said

OTHER = [language for language in languages() if language != "en"]
DATES = (texts.DATE, texts.DATE_AND_TIME, texts.DAY_AND_TIME, texts.DAY_OF_MONTH)


def stored(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "veche.po"


def catalogue(language: str) -> Catalog:
    with stored(language).open("rb") as file:
        return read_po(file, language, abort_invalid=True)


def forms(message: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    assert message is not None
    return (message,) if isinstance(message, str) else tuple(message)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def said(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def test_there_are_the_city_s_languages() -> None:
    assert languages() == ("en", "ru")


@pytest.mark.parametrize("language", OTHER)
def test_every_message_is_translated_and_nothing_else_is(language: str) -> None:
    catalog = catalogue(language)
    assert {message.id for message in said(catalog)} == {message.id for message in said(extracted())}
    assert not catalog.obsolete and not any(message.fuzzy for message in said(catalog))
    for message in said(catalog):
        assert all(forms(message.string)), message.id
        assert message.pluralizable == isinstance(message.string, tuple), message.id
        assert not message.pluralizable or len(forms(message.string)) == catalog.num_plurals, message.id


@pytest.mark.parametrize("language", OTHER)
def test_a_translation_has_the_same_placeholders(language: str) -> None:
    for message in said(catalogue(language)):
        wanted = placeholders(forms(message.id)[-1])
        if forms(message.id) in OF_CLICK_COUNTED:  # where one thing has a name of its own
            assert all(placeholders(form) <= wanted | placeholders(message.id[0]) for form in forms(message.string))
            continue
        for form in (*forms(message.id), *forms(message.string)):
            assert placeholders(form) | {"count"} == wanted | {"count"}, form
        if not message.pluralizable:
            assert placeholders(*forms(message.string)) == wanted, message.id
        if message.id in DATES:
            assert {*message.id} & {*"dMyHm"} == {*"".join(forms(message.string))} & {*"dMyHm"}


@pytest.mark.parametrize("language", OTHER)
def test_the_catalogue_is_as_make_texts_writes_it(language: str, tmp_path: Path) -> None:
    copy = tmp_path / language / "LC_MESSAGES" / "veche.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(stored(language).read_bytes())
    update(copy, extracted())
    assert copy.read_text(encoding="utf-8") == stored(language).read_text(encoding="utf-8")


def test_the_extractor_sees_every_message() -> None:
    """It takes nothing but literals, and none inside an f-string. What is no literal is a name that N_ has marked before."""
    seen = {message.id for message in said(extracted())}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
                arguments = node.args[: 2 if node.func.id in ("Plural", "N2_") else 1]
                literals = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
                if node.func.id == "Message" and isinstance(arguments[0], (ast.Name, ast.Subscript, ast.Attribute)):
                    continue
                assert len(literals) == len(arguments), (path.name, node.lineno)
                assert (tuple(literals) if len(literals) == 2 else literals[0]) in seen, (path.name, node.lineno)


def test_what_a_rule_says_of_the_shape_of_an_entry_is_translated_whole() -> None:
    with pytest.raises(Refused) as refused:
        Choice.parse(["choice", ["Which one?", "Какой?"], [["Yes", "Да"], ["No ", "Нет"]], 1, 1, 0], 2)
    assert refused.value.message == "Question 2, answer 2 begins or ends with a space."
    assert refused.value.said.text("ru") == "Вопрос 2, ответ 2: пробел в начале или в конце."
    with pytest.raises(Refused) as refused:
        shape.uint(-1, "The height")
    assert refused.value.said.text("ru").startswith("Высота: нужно число от 0 до ")
    with pytest.raises(Refused) as refused:
        check_threshold(4, 2, 1, TRUSTEES)
    assert not re.search("[a-z]{2}", refused.value.said.text("ru"))


def test_every_value_of_a_message_has_its_place() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Message", "Plural"):
                literals = [argument for argument in node.args if isinstance(argument, ast.Constant)]
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                if node.func.id == "Plural":
                    given.add("count")
                for literal in literals[: 2 if node.func.id == "Plural" else 1]:
                    assert placeholders(str(literal.value)) | {"count"} == given | {"count"}, (path.name, node.lineno)


def test_a_further_language_is_one_more_file(further: str) -> None:
    assert languages() == ("en", further, "ru")
    count = Plural("{count} vote", "{count} votes", 1234)
    assert count.text(further) == "[1\u00a0234 votes]"
    row = Said("{answer}: {share}, {votes}", answer=Words("Yes", "Да"), share=Percent(530), votes=count)
    assert row.text(further) == "[Yes: 53,0%, [1\u00a0234 votes]]"
    assert "Januaro 1970" in Moment(0).text(further)
    with pytest.raises(ValueError, match="no catalogue"):
        count.text("la")


def test_values_are_written_as_the_language_writes_them() -> None:
    said = Said("Their weight")
    assert (str(said), said.text("ru")) == ("Their weight", "Их вес")
    assert Number(1234.56).text("en") == "1,234.6" and Number(1234.56).text("ru") == "1\u00a0234,6"
    braces = Said("Counted: {turnout}.", turnout="{share} {0} {")
    assert braces.text("en") == "Counted: {share} {0} {." and braces.text("ru") == "Засчитано: {share} {0} {."
    nested: list[Localizable] = [Said("Counted: {turnout}.", turnout=Plural("{count} ballot", "{count} ballots", 2))]
    assert [one.text("ru") for one in nested] == ["Засчитано: 2\u00a0бюллетеня."]


def test_durations() -> None:
    assert [str(duration(seconds)) for seconds in (0, 1, 60, 5400, 3600, 86_400 * 14)] == [
        "0 seconds", "1 second", "1 minute", "90 minutes", "1 hour", "14 days",
    ]  # fmt: skip
    assert duration(3 * 3600).text("ru") == "3\u00a0часа"


def test_who_wants_no_words_loads_none() -> None:
    """The command line starts without Babel, Jinja2 or a catalogue."""
    lookup = (
        "import sys; from click.testing import CliRunner; from veche.cli import main;"
        "print(CliRunner().invoke(main, ['--help']).output, {'babel', 'jinja2'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", lookup], capture_output=True, text=True, check=True)
    assert "registrar" in done.stdout and done.stdout.endswith("set()\n")
