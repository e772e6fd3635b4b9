"""How the browser of a node's person gets at its page, and nobody else's. docs/adr/0030-dashboard.md says why so.

    GET /{token}                   to the page in the browser's language
    GET /{token}/{language}        the page
    GET /{token}/live              that it is to be shown anew (server-sent events)
    GET /{token}/evidence/{name}   a file of evidence, to be saved
    GET /{token}/static/{name}     style and script

It listens on this machine alone. Whoever asks must say the token, and the host as the link has it; so no other user, no other page in the
browser and no name that leads here reads it. Nothing is answered that changes anything.
"""

import asyncio
import hmac
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web

from veche.durable import PRIVATE, Lock, remove, replace
from veche.engine.loops import new_loop
from veche.log.evidence import FAILURE, FOLDER, FORK
from veche.node.dashboard.facts import Facts
from veche.node.dashboard.pages import Shown, beginning, files, leading, page, refused
from veche.node.dashboard.watch import Watch
from veche.node.explorer.door import HTML, SAFE, tell_of_heads, wanted
from veche.node.listener import Listener
from veche.texts import Localizable, Message, languages

LINK = "dashboard.html"
"""In the ledger's folder, readable by its user alone: leads a browser to the page, so that the link is in no process's command line."""
TOKEN_BYTES = 32
CONNECTIONS = 32
"""How many may be connected at a time."""
FRESH = 1.0
"""Seconds for which a page is not made again."""
EVIDENCE_BYTES = 16 << 20
"""Of a file of evidence that is handed out."""
SHUT = {
    **SAFE,
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What a browser is told of everything here."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dashboard:
    """The page of a node that is watched, while this is used in a ``with``. ``link``: how it is opened; ``file``: leads there, too."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self.file = watch.folder / LINK
        self._host = ""
        self._loop = new_loop()
        self._listener = Listener(self._application(), CONNECTIONS)
        self._thread = threading.Thread(target=self._loop.run_forever, name="veche-dashboard", daemon=True)
        self._made = ThreadPoolExecutor(1, "veche-page")
        self._pages: dict[str, tuple[float, str]] = {}
        self._ended = False

    @property
    def link(self) -> str:
        return f"http://{self._host}/{self._token}"

    def __enter__(self) -> "Dashboard":
        """Listen. Raises UserError if that cannot be."""
        self._thread.start()
        try:
            host, port = asyncio.run_coroutine_threadsafe(
                self._listener.open(("127.0.0.1", 0), "--no-page"), self._loop
            ).result()
            self._host = f"{host}:{port}"
            replace(self.file, leading(self.link).encode(), PRIVATE)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.file)
        self._end()

    def _end(self) -> None:
        self._ended = True
        asyncio.run_coroutine_threadsafe(self._listener.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._made.shutdown()

    def _application(self) -> web.Application:
        made = web.Application(middlewares=[self._guard])
        below = "/{token}"
        language = "{language:" + "|".join(languages()) + "}"
        for path, handler in (
            ("", self._begin), (f"/{language}", self._page), ("/live", self._live),
            ("/evidence/{name}", self._evidence), ("/static/{name}", self._static),
        ):  # fmt: skip
            made.router.add_get(f"{below}{path}", handler)
        return made

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who does not come by the link."""
        if request.headers.get("Host", "") != self._host:  # another name leads here: somebody rebinds it
            return self._refused(request, 421)
        if request.method not in ("GET", "HEAD"):
            return self._refused(request, 405)
        if request.headers.get("Origin", f"http://{self._host}") != f"http://{self._host}":
            return self._refused(request, 403)
        sent = request.headers
        if (
            sent.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
            and sent.get("Sec-Fetch-Dest") != "document"
        ):
            return self._refused(request, 403)  # another page asks; it may lead here, if it knows the link
        if not hmac.compare_digest(request.path.split("/")[1].encode(), self._token.encode()):
            return self._refused(request, 403)
        try:
            answer = await handler(request)
        except web.HTTPNotFound:
            return self._refused(request, 404)
        if not answer.prepared:
            answer.headers.update(SHUT)
        return answer

    def _refused(self, request: web.Request, status: int) -> web.Response:
        html = refused(wanted(request.headers))
        return web.Response(body=html.encode(), status=status, headers={**SHUT, "Content-Type": HTML})

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"/{self._token}/{wanted(request.headers)}", headers=SHUT)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        language = request.match_info["language"]
        html = await asyncio.get_running_loop().run_in_executor(self._made, self._make, language)
        return web.Response(body=html.encode(), headers={"Content-Type": HTML, "Content-Language": language})

    def _make(self, language: str) -> str:
        kept = self._pages.get(language)
        if kept is not None and time.monotonic() - kept[0] < FRESH:
            return kept[1]
        facts, root = self._watch.facts(), f"/{self._token}"
        html = beginning(language, root) if facts is None else page(self._shown(facts), language, root)
        self._pages[language] = time.monotonic(), html
        return html

    def _shown(self, facts: Facts) -> Shown:
        door = self._watch.door
        explorer = None if door is None else f"http://{_reached(door[0])}:{door[1]}"
        return Shown(facts, self._watch.diary.lines(), explorer, evidence_of(facts))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await tell_of_heads(request, lambda: self._watch.looks, lambda: self._ended, SHUT)

    async def _evidence(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        data = await asyncio.get_running_loop().run_in_executor(self._made, self._read, name)
        if data is None:
            raise web.HTTPNotFound
        sent = {"Content-Type": "application/octet-stream", "Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=data, headers=sent)

    def _read(self, name: str) -> bytes | None:
        facts = self._watch.facts()
        file: Path = self._watch.folder / FOLDER / name
        if facts is None or name not in evidence_of(facts) or file.stat().st_size > EVIDENCE_BYTES:
            return None
        return file.read_bytes()

    async def _static(self, request: web.Request) -> web.StreamResponse:
        for asset in files().values():
            if asset.name == request.match_info["name"]:
                return web.Response(body=asset.data, headers={"Content-Type": asset.kind})
        raise web.HTTPNotFound


def evidence_of(facts: Facts) -> dict[str, Localizable]:
    """The files of evidence that there are, by their names, and what each is about."""
    found: dict[str, Localizable] = {}
    if facts.fork is not None:
        found[FORK] = Message("Two histories of this ledger")
    if facts.broken is not None:
        found[FAILURE] = Message("What was signed and does not hold")
    for key, one in zip(facts.keys, facts.accused, strict=True):
        found[f"{key.hex()}.json"] = Message("Two histories signed by {institution}", institution=one.name)
    return found


def only_one(folder: Path) -> Lock:
    """So that of two programs in one folder the second says so, and takes no page away."""
    return Lock(folder / "dashboard.lock", Message("Another program is writing the ledger in {folder}", folder=folder))


def _reached(host: str) -> str:
    """Where a browser on this machine finds a door that listens there."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
