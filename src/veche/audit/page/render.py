"""How a page is made: templates, in which everything is escaped and nothing may be missing.

A :class:`~veche.texts.Localizable` in a template becomes its text in every language, of which the style sheet shows one; in an
attribute, which has room for one, the template asks for ``.text(language)``.
"""

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from veche.audit.charter_words import named_test
from veche.audit.page.chart import bar, turnout
from veche.audit.poll_words import (
    group_turnout,
    heading,
    lead,
    names,
    result_rows,
    rows_until,
    share_of,
    stage_name,
    votes,
    vouched,
    vouching,
)
from veche.clock import named_ahead
from veche.texts import Localizable, Message, Moment, Number, Plural, Words, languages, one_line

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """The page that this template makes of these values; ``name`` is its title."""
    return environment().get_template(template).render(values)


@cache
def environment(language: str | None = None, *folders: Path) -> "Environment":
    """What makes pages of templates, in one language or in all of them. ``folders``: of further templates, which are looked for first."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only now: most commands make no page

    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_in_every_language if language is None else partial(_in_one_language, language),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "_": Message, "ngettext": Plural, "Number": Number, "Moment": Moment, "stage_name": stage_name,
        "bar": bar, "group_turnout": group_turnout, "names": names, "share": share_of, "heading": heading, "languages": languages if language is None else lambda: (language,), "vouched": vouched, "vouching": vouching,
        "lead": lead, "own_name": _own_name,
        "result_rows": result_rows, "rows_until": rows_until, "named_ahead": named_ahead, "named_test": named_test, "turnout": turnout, "votes": votes,
    }  # fmt: skip
    return made


def _in_one_language(language: str, value: Any) -> Any:
    """The text of what people read in the page's language. What others wrote has its lines, and nothing that steers a browser's text."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Localizable) and not isinstance(value, Words):
        return value.text(language)
    text = value.text(language) if isinstance(value, Words) else value
    return "\n".join(map(one_line, text.splitlines())) if isinstance(text, str) else text


def _in_every_language(value: Any) -> Any:
    """HTML of what people read: its text in all languages, or once if they are alike."""
    if not isinstance(value, Localizable):
        return value
    texts = {language: value.text(language) for language in languages()}
    if len(set(texts.values())) == 1:
        return escape(value)
    span = Markup('<span lang="{}">{}</span>')
    return Markup("").join(span.format(language, text) for language, text in texts.items())


def _own_name(language: str) -> str:
    """What a language calls itself: English, Русский."""
    from babel import Locale

    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]
