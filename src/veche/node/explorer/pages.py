"""The pages of the explorer: what each shows, as HTML in one language. Templates are in ``templates/``."""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha384
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from veche.audit.charter_words import consequences
from veche.audit.entry_words import code_text
from veche.audit.page.render import environment
from veche.audit.poll_view import view_poll
from veche.audit.poll_warnings import ROLES
from veche.audit.poll_words import listing, stage_name
from veche.ledger.entries.statements import Contest
from veche.ledger.life import Stage
from veche.node.explorer.index import MOST, MOST_BITS
from veche.node.explorer.view import LISTED, RUNNING, Coming, View
from veche.texts import SECOND, Localizable, Message, languages
from veche.words import LANGUAGES, in_words, word_list

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
PAGES = (
    ("", Message("The ledger")),
    ("/polls", Message("Polls")),
    ("/blocks", Message("Blocks")),
    ("/codes", Message("Find a ballot")),
    ("/offices", Message("Who keeps it")),
)
"""What every page leads to, by its path."""
ROOT = "/explorer"
"""What stands before the language in their paths."""
WORD_BITS = 10
"""Bits that a word says."""


class Page(NamedTuple):
    """A page. ``lasts``: nothing of it will ever change. ``whole``: nothing is missing that will come soon."""

    html: str
    lasts: bool = False
    whole: bool = True


class Asset(NamedTuple):
    """A file that pages need, which never changes: its name has a part of its hash."""

    data: bytes
    kind: str
    name: str

    @property
    def path(self) -> str:
        return f"{ROOT}/static/{self.name}"

    @property
    def integrity(self) -> str:
        """For a browser that holds it against this (W3C Subresource Integrity)."""
        return f"sha384-{base64.b64encode(sha384(self.data).digest()).decode()}"


@cache
def assets() -> Mapping[str, Asset]:
    """The files, by what they are."""
    style = _environment("en").get_template("explorer.css").render().encode()
    script = files("veche.node.explorer").joinpath("static/explorer.js").read_bytes()
    words = msgspec.json.encode({language: word_list(language) for language in LANGUAGES})
    icon = files("veche.node.explorer").joinpath("static/icon.svg").read_bytes()
    kinds = {
        "icon": (icon, "image/svg+xml", "svg"),
        "style": (style, "text/css", "css"),
        "script": (script, "text/javascript", "js"),
        "words": (words, "application/json", "json"),
    }
    return {
        what: Asset(data, kind, f"{what}-{sha384(data).hexdigest()[:16]}.{end}")
        for what, (data, kind, end) in kinds.items()
    }


@cache
def _environment(language: str) -> "Environment":
    made = environment(language, TEMPLATES)
    made.globals |= {
        "SECOND": SECOND, "listing": listing, "in_words": in_words, "code_text": code_text, "roles": ROLES,
    }  # fmt: skip
    return made


class Pages:
    """Makes pages in one language of what a view shows. None: there is no such page."""

    def __init__(self, view: View, language: str) -> None:
        self._view, self._language = view, language

    def _page(self, template: str, path: str, lasts: bool = False, whole: bool = True, **values: Any) -> Page:
        """``path``: of the page, behind the language; ``lasts`` and ``whole``: see :class:`Page`."""
        view = self._view
        frame = {"name": view.name, "test": view.charter.test, "view": view, "unread": view.state.unread}
        html = _render(template, self._language, path, live=not lasts, **frame, **values)
        return Page(html, lasts, whole and (lasts or view.indexed))

    def front(self) -> Page:
        polls, _ = self._view.polls(RUNNING, 0, LISTED)
        _, count = self._view.polls(None, 0, 0)
        return self._page("front.html", "", polls=polls, all=count)

    def blocks(self, below: int | None) -> Page:
        found = self._view.index.blocks(1 << 62 if below is None else below, LISTED)
        path = "/blocks" if below is None else f"/blocks?below={below}"
        return self._page("blocks.html", path, blocks=found, newer=below is not None)

    def block(self, height: int, first: int) -> Page | None:
        index = self._view.index
        block = index.block_at(height)
        if block is None or not 0 <= first < block.entries or block.number + block.entries > self._view.size:
            return None
        before, after = index.blocks(height, 1), index.after(height)
        path = f"/blocks/{height}?from={first}" if first else f"/blocks/{height}"
        lines = self._view.lines(block, first)
        return self._page(
            "block.html", path, lasts=after is not None, block=block, first=first, lines=lines,
            before=before[0] if before else None, after=after,
        )  # fmt: skip

    def entry(self, number: int) -> Page | None:
        found = self._view.entry_page(number)
        return None if found is None else self._page("entry.html", f"/entries/{number}", lasts=found.lasts, entry=found)

    def polls(self, stage: str | None, first: int) -> Page | None:
        if stage is not None and stage not in list(Stage):
            return None
        stages = None if stage is None else (Stage(stage),)
        found, count = self._view.polls(stages, first, LISTED)
        choices = [("", Message("All"), stage is None)]
        choices += [(f"?stage={one}", stage_name(one), one == stage) for one in Stage]
        query = "?" if stage is None else f"?stage={stage}&"
        path = f"/polls{query}from={first}" if first else f"/polls{query}".rstrip("?&")
        return self._page("polls.html", path, polls=found, all=count, first=first, choices=choices, query=query)

    def poll(self, number: int) -> Page | None:
        poll = self._view.poll(number)
        if poll is None:
            return None
        view, statements = self._view, self._view.statements(poll)
        return self._page(
            "a_poll.html", f"/polls/{number}", poll=view_poll(view.state, poll, view.now), id=poll.id,
            contests=[said for said in statements if said.kind == Contest.kind],
            answers=[said for said in statements if said.kind != Contest.kind],
            consequences=list(consequences(view.charter, poll.poll_class)),
        )  # fmt: skip

    def offices(self) -> Page:
        changes = list(self._view.state.office_changes.values())
        return self._page("offices.html", "/offices", seats=self._view.seats(), changes=changes)

    def codes(self, first: int | None) -> Page | None:
        """The lists of codes; of those that begin with this word, if it takes two words to choose a list."""
        if self._view.state.unread:
            raise Coming
        bits, words = self._view.index.bits, word_list(self._language)
        two = bits > WORD_BITS
        if first is not None and (not two or first >= len(words)):
            return None
        if two and first is None:
            lists = [(f"?first={number}", word, word) for number, word in enumerate(words)]
        else:
            places = (
                range(1 << bits) if first is None else range(first << bits - WORD_BITS, first + 1 << bits - WORD_BITS)
            )
            lists = []
            for place in places:
                begins, ends = (said.split()[-1] for said in self._ends(bits, place))
                lists.append((f"/{bits}/{place}", begins, ends))
        path = "/codes" if first is None else f"/codes?first={first}"
        said = None if first is None else words[first]
        return self._page("codes.html", path, lists=lists, first=said, bits=bits, words=assets()["words"])

    def code_list(self, bits: int, place: int) -> Page | None:
        """The ballots whose codes begin with these bits, if these lists are not longer than others were a while ago."""
        if not max(0, self._view.index.bits - 1) <= bits <= MOST_BITS or place >= 1 << bits:
            return None
        begins, ends = self._ends(bits, place)
        rows = self._view.codes(bits, place)
        return self._page("list.html", f"/codes/{bits}/{place}", rows=rows, begins=begins, ends=ends, most=MOST)

    def _ends(self, bits: int, place: int) -> tuple[str, str]:
        """The word, or two, with which the first and the last code of a list begin."""
        words = word_list(self._language)
        if bits <= WORD_BITS:
            free = WORD_BITS - bits
            return words[place << free], words[(place + 1 << free) - 1]
        free = 2 * WORD_BITS - bits
        ends = (place << free, (place + 1 << free) - 1)
        first, last = (f"{words[end >> WORD_BITS]} {words[end & len(words) - 1]}" for end in ends)
        return first, last

    def search(self, text: str) -> Page:
        """What a number, or the beginning of a hash in hexadecimal digits, may mean."""
        number = int(text) if text.isdecimal() and len(text) < 19 else None
        block = None if number is None else self._view.index.block_at(number)
        lines = [] if number is None or number >= self._view.size else self._view.lines_at(number)
        if len(text) >= 8:
            lines += self._view.find(text)
        return self._page("search.html", "/search", q=text, block=block, lines=lines)


def missing(language: str, said: Localizable, advice: Localizable) -> str:
    """A page that says that something is not here, or not now."""
    return _render("missing.html", language, "", name="", test=0, live=False, said=said, advice=advice)


def _render(template: str, language: str, path: str, live: bool, **values: Any) -> str:
    """A template with what the frame of the explorer's pages needs. ``path``: of this page, behind the language."""
    here = None if template == "missing.html" else path.split("?")[0]
    return framed(
        _environment(language), template, language, ROOT, assets(), path=path, here=here, pages=PAGES,
        live=f"{ROOT}/live" if live else "", **values,
    )  # fmt: skip


def framed(
    made: "Environment", template: str, language: str, root: str, found: Mapping[str, Asset], **values: Any
) -> str:
    """A template with what the frame of every page of a node needs. ``root``: what stands before the language in their paths."""
    others: Sequence[str] = [one for one in languages() if one != language]
    return made.get_template(template).render(
        language=language, others=others, root=root, base=f"{root}/{language}", files=f"{root}/static",
        style=found["style"], script=found["script"], icon=found["icon"], **{"again": "", **values},
    )  # fmt: skip
