"""How a browser gets at the explorer's pages. docs/adr/0026-explorer.md says why so.

    GET /, /explorer                            to the page in the browser's language
    GET /explorer/{language}                    the ledger at a glance; below it: blocks, entries, polls, offices, codes, search
    GET /explorer/receipts/{number}             the receipt of an entry
    GET /explorer/live                          the size of the ledger under its newest head, as it grows (server-sent events)
    GET /explorer/static/{name}                 style, script, and the words of codes: what never changes

A page is made by one thread, which rests as long as it has worked, and is kept for all who ask for it. No cookies, nothing from
elsewhere, and nothing in a log about who asked.
"""

import asyncio
import sqlite3
import threading
import time
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from veche.audit.framed import Framed
from veche.errors import VecheError
from veche.ledger.reader import read_own
from veche.logs import log
from veche.node.expecting import expected
from veche.node.explorer.index import Index
from veche.node.explorer.pages import Page, Pages, assets, missing
from veche.node.explorer.view import Coming, FramedView, View
from veche.node.intake import Busy
from veche.texts import ENGLISH, Localizable, Message, languages

FRESH = 5
"""Seconds for which a page is not made again, whatever comes meanwhile, and caches may keep it."""
STALE = 60
"""Seconds after which it is, though there is no new head: polls open and close by the time alone."""
LASTS = 86_400
"""Seconds for which caches may keep a page that never changes: longer, and it would look old after an update of the program."""
KEPT_BYTES = 32 << 20
"""Bytes of pages that are kept."""
WAITING = 64
"""Pages that may wait to be made; whoever asks for more gets what is kept of old, or is told to come again."""
LISTENERS = 500
"""Who may listen for heads at a time."""
LISTENING, QUIET = 600, 15
"""Seconds after which a listener is to come again, and after which it hears that the node is still there."""
REST = 4
"""The thread that makes the index rests so many times as long as it worked."""
IDLE, AFTER_FAILURE = 1.0, 30.0
"""Seconds between two looks whether there is more for the index, and after one that failed."""
_NUMBER = r"[0-9]{1,15}"
_FOR_GOOD = "public, max-age=31536000, immutable"
HTML = "text/html; charset=utf-8"
_ALLOWED = {"style-src": "self", "script-src": "self", "connect-src": "self", "img-src": "self", "form-action": "self"}
_POLICY = {"default-src": "none", "base-uri": "none", "frame-ancestors": "none", **_ALLOWED}
SAFE = {
    "Content-Security-Policy": "; ".join(f"{what} '{whence}'" for what, whence in _POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""What a browser is told to keep to on every page."""
Send = Callable[[web.Request, bytes, dict[str, str]], Awaitable[web.StreamResponse]]
"""Sends bytes with these headers to whoever takes them in time."""
Make = Callable[[Pages], Page | None]


class Head(msgspec.Struct, frozen=True):
    """How many entries the newest final head covers."""

    size: int


@dataclass(frozen=True)
class _Made:
    """A page that is kept. ``size``: of the log when it was made; ``at``: by the steady clock."""

    data: bytes
    tag: str
    page: Page
    size: int
    at: float


class Explorer:
    """The explorer of the ledger in a folder."""

    def __init__(self, folder: Path, final: Callable[[], int], send: Send, framed: Framed | None = None) -> None:
        """``final``: the size of the newest final head, asked on the loop. ``framed``: what is shown as long as the ballots are not here;
        the folder is then that in which it is kept."""
        self._folder, self._final, self._send, self._framed = folder, final, send, framed
        self._index: Index | None = None
        self._pages: OrderedDict[str, _Made] = OrderedDict()
        self._bytes = self._listeners = 0
        self._making: dict[str, asyncio.Future[_Made | None]] = {}
        self._thread = ThreadPoolExecutor(1, "veche-pages")
        self._rest = 0.0
        self._ended = threading.Event()
        self._indexing = threading.Thread(target=self._go_through, name="veche-index")

    def add_to(self, application: web.Application) -> None:
        """Answer as part of this."""
        add = partial(application.router.add_get, expect_handler=expected)
        language = "{language:" + "|".join(languages()) + "}"
        below = f"/explorer/{language}"
        add("/", self._begin_page)
        add("/explorer", self._begin_page)
        add("/explorer/live", self._live)
        add("/explorer/static/{name}", self._static)
        add(f"/explorer/receipts/{{number:{_NUMBER}}}", self._receipt)
        add(below, self._front)
        add(f"{below}/blocks", self._blocks)
        add(f"{below}/blocks/{{height:{_NUMBER}}}", self._block)
        add(f"{below}/entries/{{number:{_NUMBER}}}", self._entry)
        add(f"{below}/polls", self._polls)
        add(f"{below}/polls/{{number:{_NUMBER}}}", self._poll)
        add(f"{below}/offices", self._offices)
        add(f"{below}/codes", self._codes)
        add(f"{below}/codes/{{bits:[0-9]{{1,2}}}}/{{place:[0-9]{{1,7}}}}", self._code_list)
        add(f"{below}/search", self._search)
        application.on_cleanup.append(self._end)

    async def _end(self, _: web.Application) -> None:
        self._ended.set()
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        if self._index is not None:
            if self._indexing.ident is not None:
                await asyncio.to_thread(self._indexing.join)
            self._index.close()

    # The index, on a thread of its own

    def _go_through(self) -> None:
        index, pause = None, 0.0
        while not self._ended.wait(pause):
            began = time.monotonic()
            try:
                index = index or Index(self._folder)
                with read_own(self._folder) as reader:
                    more = index.go_on(reader)
                pause = REST * (time.monotonic() - began) if more else IDLE
            except (
                VecheError,
                sqlite3.Error,
            ) as error:  # the disk, or a ledger that is made anew: pages say what is missing
                log().error("the explorer's index stands still", reason=str(error))
                pause = AFTER_FAILURE
        if index is not None:
            index.close()

    # Pages

    async def _front(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "", Pages.front)

    async def _blocks(self, request: web.Request) -> web.StreamResponse:
        below = _number(request, "below")
        return await self._page(request, f"/blocks?{below}", lambda pages: pages.blocks(below))

    async def _block(self, request: web.Request) -> web.StreamResponse:
        height, first = int(request.match_info["height"]), _number(request, "from") or 0
        return await self._page(request, f"/blocks/{height}?{first}", lambda pages: pages.block(height, first))

    async def _entry(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        return await self._page(request, f"/entries/{number}", lambda pages: pages.entry(number))

    async def _polls(self, request: web.Request) -> web.StreamResponse:
        stage, first = request.query.get("stage"), _number(request, "from") or 0
        return await self._page(request, f"/polls?{stage}&{first}", lambda pages: pages.polls(stage, first))

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        return await self._page(request, f"/polls/{number}", lambda pages: pages.poll(number))

    async def _offices(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, "/offices", Pages.offices)

    async def _codes(self, request: web.Request) -> web.StreamResponse:
        first = _number(request, "first")
        return await self._page(request, f"/codes?{first}", lambda pages: pages.codes(first))

    async def _code_list(self, request: web.Request) -> web.StreamResponse:
        bits, place = int(request.match_info["bits"]), int(request.match_info["place"])
        return await self._page(request, f"/codes/{bits}/{place}", lambda pages: pages.code_list(bits, place))

    async def _search(self, request: web.Request) -> web.StreamResponse:
        text = request.query.get("q", "").strip().lower()
        if len(text) > 64 or any(digit not in "0123456789abcdef" for digit in text):
            raise web.HTTPNotFound
        return await self._page(request, f"/search?{text}", lambda pages: pages.search(text))

    async def _page(self, request: web.Request, name: str, make: Make) -> web.StreamResponse:
        """The page of this name, behind the language: from those that are kept, or made now."""
        language = request.match_info["language"]
        made = await self._made(f"{language}{name}", language, make)
        if made is None:
            raise web.HTTPNotFound
        kept = f"public, max-age={LASTS if made.page.lasts and made.page.whole else FRESH}"
        headers = {**SAFE, "ETag": made.tag, "Cache-Control": kept}
        if made.tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return await self._send(request, made.data, {**headers, "Content-Type": HTML, "Content-Language": language})

    async def _made(self, name: str, language: str, make: Make) -> _Made | None:
        found, now, size = self._pages.get(name), time.monotonic(), self._final()
        if found is not None and now - found.at < (STALE if found.size == size and found.page.whole else FRESH):
            self._pages.move_to_end(name)
            return found
        under_way = self._making.get(name)
        if under_way is None:
            if len(self._making) >= WAITING:
                if found is not None:
                    return found
                raise Busy(FRESH)
            loop = asyncio.get_running_loop()
            under_way = asyncio.ensure_future(loop.run_in_executor(self._thread, self._make, language, make, size))
            self._making[name] = under_way
            under_way.add_done_callback(lambda done: self._keep(name, done))
        return await asyncio.shield(under_way)

    def _keep(self, name: str, done: "asyncio.Future[_Made | None]") -> None:
        self._making.pop(name, None)
        if done.cancelled() or done.exception() is not None or (made := done.result()) is None:
            return
        before = self._pages.pop(name, None)
        self._pages[name] = made
        self._bytes += len(made.data) - (len(before.data) if before is not None else 0)
        while self._bytes > KEPT_BYTES:
            _, oldest = self._pages.popitem(last=False)
            self._bytes -= len(oldest.data)

    # The same on the thread that makes them

    def _make(self, language: str, make: Make, size: int) -> _Made | None:
        def page(view: View) -> Page | None:
            return make(Pages(view, language))

        made = self._look(page)
        if made is None:
            return None
        data = made.html.encode()
        tag = f'"{b64encode(sha256(data).digest()[:12]).decode()}"'
        return _Made(data, tag, made, size, time.monotonic())

    def _look(self, show: Callable[[View], Any]) -> Any:
        """What is made of one look at the ledger."""
        self._ended.wait(self._rest)
        began = time.monotonic()
        try:
            if self._index is None:
                self._index = Index(self._folder)
                if self._framed is None:
                    self._indexing.start()  # only now: where nobody looks, it costs nothing
            with self._index.still():
                now = int(time.time())
                if self._framed is not None:
                    return show(FramedView(self._framed, self._index, now))
                with read_own(self._folder) as reader:
                    return show(View(reader, self._index, now))
        finally:
            self._rest = min(1.0, time.monotonic() - began)

    # What is no page

    async def _begin_page(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(
            f"/explorer/{wanted(request.headers)}", headers={"Vary": "Accept-Language", "Cache-Control": "no-store"}
        )

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        for asset in assets().values():
            if asset.name == name:
                kept = {**SAFE, "Content-Type": asset.kind, "Cache-Control": _FOR_GOOD}
                return await self._send(request, asset.data, kept)
        raise web.HTTPNotFound

    async def _receipt(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        loop = asyncio.get_running_loop()
        if len(self._making) >= WAITING:
            raise Busy(FRESH)
        receipt = await loop.run_in_executor(self._thread, self._look, lambda view: view.receipt(number))
        if receipt is None:
            raise web.HTTPNotFound
        return web.Response(body=receipt, content_type="text/plain", headers={"Cache-Control": "no-store"})

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if self._listeners >= LISTENERS:
            raise Busy(LISTENING)
        self._listeners += 1
        try:
            return await tell_of_heads(request, self._final, self._ended.is_set, {"Cache-Control": "no-store"})
        finally:
            self._listeners -= 1


async def tell_of_heads(
    request: web.Request, newest: Callable[[], int], ended: Callable[[], bool], headers: Mapping[str, str]
) -> web.StreamResponse:
    """Server-sent events, for a page that shows what is new: a ``head`` each time that the number is another, until it is to ask again."""
    sent = {**headers, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=sent)  # the last is for nginx: events come as they happen
    await response.prepare(request)
    said, end = -1, time.monotonic() + LISTENING
    quiet = 0
    while time.monotonic() < end and not ended():
        if (size := newest()) != said:
            await response.write(b"event: head\ndata: " + msgspec.json.encode(Head(size)) + b"\n\n")
            said, quiet = size, 0
        elif quiet >= QUIET:
            await response.write(b": still there\n\n")
            quiet = 0
        await asyncio.sleep(1)
        quiet += 1
    return response


def _number(request: web.Request, name: str) -> int | None:
    """A number that was asked for beside the path; None if it was not. Raises HTTPNotFound for what is none."""
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise web.HTTPNotFound
    return int(text)


def wanted(headers: Mapping[str, str]) -> str:
    """The language of ours that a browser wants most."""
    found: list[tuple[float, str]] = []
    for part in headers.get("Accept-Language", "")[:1_000].split(","):
        name, _, quality = part.strip().partition(";q=")
        with suppress(ValueError):
            found.append((-float(quality or 1), name.split("-")[0].lower()))
    return next((name for _, name in sorted(found, key=lambda one: one[0]) if name in languages()), ENGLISH)


_SAID: Mapping[int, tuple[Localizable, Localizable]] = {
    404: (
        Message("There is no such page."),
        Message("The ledger may be shorter than you think, or the address was cut."),
    ),
    429: (Message("Too many ask at this moment."), Message("Wait a few seconds, and load the page again.")),
}
_FAULT = Message("This node cannot show this now."), Message("Try again in a minute, or look at another node.")


@web.middleware
async def answer_in_pages(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whoever asked for a page is told in a page what is wrong."""
    if not request.path.startswith("/explorer/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return _missing(request, 404)
    except Busy as busy:
        return _missing(request, 429, {"Retry-After": str(busy.seconds)})
    except Coming as error:
        return _missing(request, 503, {"Retry-After": "60"}, (error.said, error.advice))
    except (VecheError, sqlite3.Error, OSError) as error:
        if isinstance(error, ConnectionError):
            raise
        log().error("a page could not be made", reason=str(error))
        return _missing(request, 503, {"Retry-After": "60"})


def _missing(
    request: web.Request,
    status: int,
    headers: Mapping[str, str] | None = None,
    said: tuple[Localizable, Localizable] | None = None,
) -> web.Response:
    parts = request.path.split("/")
    language = parts[2] if len(parts) > 2 and parts[2] in languages() else wanted(request.headers)
    html = missing(language, *(said or _SAID.get(status, _FAULT)))
    sent = {**SAFE, "Cache-Control": "no-store", **(headers or {}), "Content-Type": HTML}
    return web.Response(body=html.encode(), status=status, headers=sent)
