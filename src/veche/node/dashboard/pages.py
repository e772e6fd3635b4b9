"""The page that shows a node to its person, as HTML in one language. Templates are in ``templates/``; the frame is the explorer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha384
from pathlib import Path
from typing import TYPE_CHECKING

from veche.audit.page.render import environment
from veche.node.dashboard.diary import Line
from veche.node.dashboard.facts import Facts, Keeper, Seen, Sight
from veche.node.dashboard.ring import EACH, MOST, ring
from veche.node.dashboard.standing import Mood, agreement, judge, last_check, rows
from veche.node.explorer.pages import TEMPLATES as SHARED
from veche.node.explorer.pages import Asset, assets, framed
from veche.texts import DAY_AND_TIME, N_, SECOND, Localizable, Message, Plural
from veche.words import in_words

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
AGAIN = 2_000
"""Milliseconds after which a page that is open is made anew, at the earliest."""
LISTED = 100
"""Nodes in the table, and sentences of the diary that are shown."""
KEEPERS = {
    Keeper.INSTITUTION: N_("an institution"),
    Keeper.TYPED: N_("named by you"),
    Keeper.CITIZEN: N_("anybody"),
}
SIGHTS = {
    Sight.AGREES: N_("agrees"),
    Sight.BEHIND: N_("behind, or not heard within an hour"),
    Sight.DIFFERS: N_("left: what it showed does not hold"),
}
"""How a node stands, in the table and beside the chart."""
TITLES = {Mood.RIGHT: N_("All is right"), Mood.BUSY: N_("Not all is done"), Mood.ALARM: N_("Alarm")}
"""Of each mood, in the title of the browser's window."""


@dataclass(frozen=True)
class Shown:
    """What the page shows. ``explorer``: where the node's own copy is shown, if its door is open; ``evidence``: the files that may be saved,
    with what each is about."""

    facts: Facts
    lines: Sequence[Line]
    explorer: str | None
    evidence: Mapping[str, Localizable]


@cache
def files() -> Mapping[str, Asset]:
    """The files that the page needs, by what they are: the explorer's, but for the style, to which it adds."""
    style = _environment("en").get_template("dashboard.css").render().encode()
    return {**assets(), "style": Asset(style, "text/css", f"style-{sha384(style).hexdigest()[:16]}.css")}


@cache
def _environment(language: str) -> "Environment":
    made = environment(language, TEMPLATES, SHARED)
    made.globals |= {"in_words": in_words, "Mood": Mood, "DAY_AND_TIME": DAY_AND_TIME, "SECOND": SECOND}
    return made


def page(shown: Shown, language: str, root: str) -> str:
    """The page. ``root``: what stands before the language in its paths."""
    facts = shown.facts
    standing = judge(facts)
    return framed(
        _environment(language), "dashboard.html", language, root, files(), path="", here="", pages=(),
        live=f"{root}/live", again=AGAIN, name=facts.name, test=facts.test,
        facts=facts, standing=standing, title=Message(TITLES[standing.mood]), checked=last_check(facts), rows=list(rows(facts)),
        agreement=agreement(facts), chart=ring(facts.nodes, _in_a_sentence(facts.nodes).text(language)),
        legend=[(sight, Message(SIGHTS[sight]), facts.count(sight)) for sight in Sight],
        nodes=[(one, Message(KEEPERS[one.keeper]), Message(SIGHTS[one.sight])) for one in _first(facts.nodes)],
        many=EACH if len(facts.nodes) > MOST else 0, lines=shown.lines[:LISTED], explorer=shown.explorer, evidence=shown.evidence,
    )  # fmt: skip


def _first(nodes: Sequence[Seen]) -> list[Seen]:
    """Those of the table: what disagrees, then institutions, then others."""
    order = list(Keeper)
    return sorted(nodes, key=lambda one: (one.sight is not Sight.DIFFERS, order.index(one.keeper), one.url))[:LISTED]


def _in_a_sentence(nodes: Sequence[Seen]) -> Localizable:
    agree, differ = (sum(one.sight is sight for one in nodes) for sight in (Sight.AGREES, Sight.DIFFERS))
    return Plural(
        "This node and {count} other that it knows: {agree} of these agree, {differ} disagree.",
        "This node and {count} others that it knows: {agree} of these agree, {differ} disagree.",
        count=len(nodes), agree=agree, differ=differ,
    )  # fmt: skip


def refused(language: str) -> str:
    """What somebody reads who does not come by the link: nothing of the node."""
    return _environment(language).get_template("refused.html").render(language=language)


def leading(link: str) -> str:
    """A file that leads a browser to the page."""
    return _environment("en").get_template("leading.html").render(link=link)


def beginning(language: str, root: str) -> str:
    """The page until it is known of which ledger the node is."""
    return framed(
        _environment(language), "beginning.html", language, root, files(), path="", here="", pages=(),
        live=f"{root}/live", again=AGAIN, name="", test=0,
    )  # fmt: skip
