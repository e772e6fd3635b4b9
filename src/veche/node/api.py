"""What a node answers over HTTP, to anybody from anywhere: no cookies, no names, nothing in a log about who asked.

    POST /entries                  one entry, as bytes: how far it came
    GET  /entries/{hash}           the same later
    GET  /entries/{hash}/events    the same as it happens (server-sent events), to the end
    GET  /entries/{hash}/receipt   once it is final
    POST /batch                    several entries, of another validator, which has signed them (:mod:`~veche.node.batch`); how far
                                   each came. They go no further
    POST /heads                    a head that another validator has cosigned
    GET  /status                   what this node is and does
    GET  /openapi.json             all of this, for programs
    GET  /heads                    which heads are kept: a JSON array of their sizes
    GET  /heads/{key}              the newest head that the validator with this ledger key has cosigned, as far as this node knows
    GET  /commits/{height}         the headers of this block and the next (or of the "newest" two), with the commits that signed them
    GET  /nodes                    where other nodes are: a JSON array of addresses
    POST /nodes                    where the node is that asks, if it is found from outside, at the address from which it asks
    GET  /charter                  entry 0, with whose hash everything begins
    GET  /checkpoint, /tile/..., /head/..., /attachment/..., /witness/...   the public files (docs/protocol.md, section 5)
    GET  /witness                  whose cosigned heads are here: a JSON array of keys
    POST /witness/{key}            a head that the ledger's witness with this key has cosigned
    GET  /, /explorer/...          pages for a browser (:mod:`veche.node.explorer.door`)

Every answer but a file, a receipt or a page is JSON. A body is read up to what it may have, and no further.
"""

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.http import HttpProcessingError

from veche.engine.engine import Engine, Stopped
from veche.errors import DoesNotHold, Refused, UserError, VecheError
from veche.ledger.codec import MAX_ENTRY
from veche.ledger.machine import RULES_VERSION
from veche.log.checkpoint import SignedCheckpoint
from veche.log.note import NOTE_LIMIT
from veche.log.source import HEAD
from veche.log.tiles import CHECKPOINT, WIDTH, Tile
from veche.logs import log
from veche.node import batch
from veche.node.addresses import AddressBook, is_url
from veche.node.chain import Chain
from veche.node.cosigned import CosignedHeads, Later, NoWitness
from veche.node.expecting import expected
from veche.node.explorer.door import Explorer, answer_in_pages
from veche.node.frames import Frames
from veche.node.intake import Busy, Intake, NoRoom, Way
from veche.node.joining import NEWEST
from veche.node.progress import Failure, Progress, Refusal, Said, Stage
from veche.node.published import Published
from veche.texts import Message

URL_BYTES = 256
"""Bytes of an address."""
BODY_SECONDS = 20
"""Seconds within which a body has come, or is not waited for."""
ENTRY_SECONDS = 20
"""Seconds within which an entry is kept or refused, or whoever handed it in is told to ask later."""
PROMISE_SECONDS = 1.0
"""Seconds for which the promises of over a third of the validators are waited for, before it is said what there is."""
QUIET_SECONDS = 15
"""Seconds after which whoever listens to an entry's events hears that the node is still there."""
LISTENERS = 1_000
"""Who may listen to events at a time: fewer than may be connected."""
SENDING = 256 << 20
"""Bytes of files that are on their way to those who asked: whoever asks and does not read costs no more memory than that."""
PIECE, PIECE_SECONDS = 256 << 10, 20
"""Bytes of a file that are sent at a time, and seconds within which whoever asked has taken them, or is left."""
_OPENAPI = files("veche.node").joinpath("openapi.json").read_bytes()
_HASH = re.compile(r"[0-9a-f]{64}")
_HEIGHT = re.compile(r"[1-9][0-9]{0,17}")
_FOR_GOOD = "public, max-age=31536000, immutable"
_OCTETS, _CBOR = "application/octet-stream", "application/cbor"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}


class Status(msgspec.Struct, frozen=True):
    """What a node is and does. ``height`` and ``time``: of the last block; ``size``: of the log; ``final``: the size of the newest final head; ``waiting``:
    entries on their way to a block. ``clock``: this machine's, in seconds since 1970, for others to hold theirs against. ``rules``: the
    newest version of the rules that this program knows."""

    ledger: str
    origin: str
    engine: str
    height: int
    time: int
    size: int
    final: int
    waiting: int
    clock: float
    rules: int


class Api:
    """The answers of one node."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        published: Published,
        chain: Chain,
        key: bytes,
        book: AddressBook,
    ) -> None:
        """``key``: the public one of this node's log or ledger key; empty if it has none. ``book``: what it knows of other nodes."""
        self._intake, self._published, self._engine = intake, published, engine
        self._chain, self._key, self._book = chain, key, book
        self._founding = engine.ledger.entry(0)
        charter = engine.ledger.state.charter
        self._names = engine.ledger.id.hex(), charter.origin, engine.ledger.state.engine_name
        self._reading = ThreadPoolExecutor(1, "veche-read")
        self._cosigned = CosignedHeads(engine.ledger.folder)
        self.frames = Frames(engine.ledger.folder)
        self.explorer = Explorer(engine.ledger.folder, lambda: intake.final, self._send)
        self._looking_up = ThreadPoolExecutor(1, "veche-names")
        self._listeners = self._sending = 0

    def application(self) -> web.Application:
        made = web.Application(middlewares=[answer_mistakes, answer_in_pages], client_max_size=MAX_ENTRY)
        made.on_response_prepare.append(allow_all)
        get, post = (partial(add, expect_handler=expected) for add in (made.router.add_get, made.router.add_post))
        post("/entries", self._take)
        get("/entries/{hash}", self._stage)
        get("/entries/{hash}/events", self._events)
        get("/entries/{hash}/receipt", self._receipt)
        post("/batch", self._take_batch)
        post("/heads", self._take_head)
        get("/witness", self._witnesses)
        post("/witness/{key}", self._take_cosigned)
        get("/status", self._status)
        get("/openapi.json", self._described)
        get("/heads", self._kept)
        get("/heads/{key}", self._head_by)
        get("/commits/{height}", self._commits)
        get("/nodes", self._nodes)
        post("/nodes", self._take_node)
        get("/charter", self._charter)
        get(r"/frame/{index:[0-9]{1,7}}/{width:[0-9]{1,3}}", self._frame)
        self.explorer.add_to(made)
        get(r"/{name:checkpoint|(?:tile|head|attachment|witness)/.+}", self._file)
        return made

    def close(self) -> None:
        self._reading.shutdown()
        self.frames.close()
        self._looking_up.shutdown(wait=False, cancel_futures=True)

    # Entries

    async def _take(self, request: web.Request) -> web.Response:
        entry = await read_body(request, MAX_ENTRY, _OCTETS)
        try:
            way = await asyncio.wait_for(self._intake.taken(self._intake.begin(entry)), ENTRY_SECONDS)
            if way.stage is Stage.KEPT and len(self._intake.validators) > 1:
                with suppress(TimeoutError):
                    await asyncio.wait_for(way.changed(), PROMISE_SECONDS)
        except TimeoutError:
            return _busy(Busy(ENTRY_SECONDS))
        return _progress(way.progress, 422 if way.stage is Stage.REFUSED else 202)

    async def _take_batch(self, request: web.Request) -> web.Response:
        sent = await read_body(request, batch.MOST_BYTES, _CBOR)
        try:
            entries = batch.read(batch.verified(sent, self._engine.ledger.id, self._key, self._intake.validators))
        except batch.Stranger:
            raise web.HTTPForbidden from None
        except ValueError:
            raise web.HTTPBadRequest from None
        ways = []
        with suppress(Busy):  # what is not answered comes again
            for entry in entries:
                ways.append(self._intake.begin(entry, own=False))
        taken = []
        with suppress(TimeoutError):
            async with asyncio.timeout(ENTRY_SECONDS):
                for way in ways:
                    taken.append((await self._intake.taken(way)).progress)
        return _json_bytes(msgspec.json.encode(taken))

    async def _take_head(self, request: web.Request) -> web.Response:
        try:
            signed = SignedCheckpoint.parse(await read_body(request, NOTE_LIMIT, "text/plain"))
        except DoesNotHold:
            raise web.HTTPBadRequest from None
        if not self._engine.gather(signed):
            raise Busy(1)
        return web.Response(status=204)

    async def _take_cosigned(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        if not _HASH.fullmatch(key):
            raise web.HTTPNotFound
        try:
            signed = SignedCheckpoint.parse(await read_body(request, NOTE_LIMIT, "text/plain"))
        except DoesNotHold:
            raise web.HTTPBadRequest from None
        try:
            await self._read(self._cosigned.take, bytes.fromhex(key), signed)
        except Later:
            raise Busy(1) from None
        except NoWitness as error:
            return failure(error, 403)
        except DoesNotHold as error:
            self._engine.gather(signed)  # a follower holds it against its log: if it is final, these are two histories
            return failure(error, 409)
        return web.Response(status=204)

    async def _head_by(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        signed = self._engine.newest(bytes.fromhex(key)) if _HASH.fullmatch(key) else None
        if signed is None:
            raise web.HTTPNotFound
        return web.Response(body=signed.to_bytes(), content_type="text/plain", headers={"Cache-Control": "no-store"})

    async def _stage(self, request: web.Request) -> web.Response:
        return _progress((await self._way(request)).progress)

    async def _way(self, request: web.Request) -> Way:
        text = request.match_info["hash"]
        found = await self._intake.find(bytes.fromhex(text)) if _HASH.fullmatch(text) else None
        if found is None or found.stage is None:
            raise web.HTTPNotFound
        return found

    async def _events(self, request: web.Request) -> web.StreamResponse:
        way = await self._way(request)
        if self._listeners >= LISTENERS:
            return _busy(Busy(QUIET_SECONDS))
        self._listeners += 1
        try:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
            await response.prepare(request)
            said = None
            while True:
                progress = way.progress
                if progress != said:
                    await response.write(b"event: stage\ndata: " + msgspec.json.encode(progress) + b"\n\n")
                    said = progress
                if progress.stage.ends:
                    break
                try:
                    await asyncio.wait_for(way.changed(), QUIET_SECONDS)
                except TimeoutError:
                    await response.write(b": still there\n\n")
            return response
        finally:
            self._listeners -= 1

    async def _receipt(self, request: web.Request) -> web.Response:
        way = await self._way(request)
        receipt = None if way.number is None else await self._read(self._published.receipt, way.number)
        if receipt is None:
            raise web.HTTPNotFound
        return web.Response(body=receipt, content_type="text/plain", headers={"Cache-Control": "no-store"})

    # What everybody sees

    async def _status(self, request: web.Request) -> web.Response:
        intake = self._intake
        now = time.time()
        return _json(
            Status(
                *self._names, intake.height, intake.time, intake.size, intake.final, intake.waiting, now, RULES_VERSION
            )
        )

    async def _kept(self, request: web.Request) -> web.Response:
        return _json_bytes(msgspec.json.encode(await self._read(self._published.kept)))

    async def _witnesses(self, request: web.Request) -> web.Response:
        return _json_bytes(msgspec.json.encode(await self._read(self._published.witnesses)))

    async def _commits(self, request: web.Request) -> web.Response:
        text = request.match_info["height"]
        if text != NEWEST and not _HEIGHT.fullmatch(text):
            raise web.HTTPNotFound
        try:
            found = await self._chain.commits(None if text == NEWEST else int(text))
        except Busy as error:
            return failure(error, 503, {"Retry-After": str(error.seconds)})
        if found is None:
            raise web.HTTPNotFound
        return _json_bytes(found)

    async def _charter(self, request: web.Request) -> web.Response:
        return web.Response(body=self._founding, content_type=_OCTETS, headers={"Cache-Control": _FOR_GOOD})

    async def _nodes(self, request: web.Request) -> web.Response:
        return _json_bytes(msgspec.json.encode(self._book.told(time.time())))

    async def _take_node(self, request: web.Request) -> web.Response:
        url = (await read_body(request, URL_BYTES, "text/plain")).decode("ascii", "replace")
        if not is_url(url):
            raise web.HTTPBadRequest
        asking = asyncio.get_running_loop().run_in_executor(
            self._looking_up, self._announced, url, request.remote or ""
        )
        if not await asking:
            return failure(UserError(Message("There is no such node where the request comes from.")), 403)
        return web.Response(status=204)

    def _announced(self, url: str, remote: str) -> bool:
        believed = self._book.announce(url, remote, time.time())
        self._book.save_new()  # who makes blocks asks it before it signs again
        return believed

    async def _described(self, _: web.Request) -> web.Response:
        return _json_bytes(_OPENAPI)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        data = await self._read(self._published.file, name)
        if data is None:
            raise web.HTTPNotFound
        kind = "text/plain" if name == CHECKPOINT or name.startswith(HEAD) else _OCTETS
        kept = _FOR_GOOD if _is_for_good(name) else "no-cache"
        return await self._send(request, data, {"Content-Type": kind, "Cache-Control": kept})

    async def _frame(self, request: web.Request) -> web.StreamResponse:
        index, width = (int(request.match_info[name]) for name in ("index", "width"))
        data = await self._read(self.frames.bundle, index, width) if 0 < width <= WIDTH else None
        if data is None:
            raise web.HTTPNotFound
        return await self._send(request, data, {"Content-Type": _OCTETS, "Cache-Control": _FOR_GOOD})

    async def _send(self, request: web.Request, data: bytes, headers: dict[str, str]) -> web.StreamResponse:
        if self._sending + len(data) > SENDING:
            return _busy(Busy(PIECE_SECONDS))
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(data))})
        self._sending += len(data)
        try:
            await response.prepare(request)
            for start in range(0, 0 if request.method == "HEAD" else len(data), PIECE):
                async with asyncio.timeout(PIECE_SECONDS):
                    await response.write(data[start : start + PIECE])
            return response
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            return response
        finally:
            self._sending -= len(data)

    async def _read(self, read: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._reading, read, *arguments)


async def read_body(request: web.Request, limit: int, kind: str) -> bytes:
    """What was sent, if it is of this type, no longer than this, and comes in time. Raises as aiohttp's handlers do."""
    if request.content_type != kind or "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType
    if request.content_length is not None and request.content_length > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > limit:
                    raise web.HTTPRequestEntityTooLarge(limit, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(body)


def _is_for_good(name: str) -> bool:
    """Whether a file of this name never changes: a full tile, an attachment, a kept head."""
    if name.startswith(("attachment/", HEAD)):
        return True
    try:
        return Tile.parse(name).width == WIDTH
    except ValueError:
        return False


def _json(answer: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return _json_bytes(msgspec.json.encode(answer), status, headers)


def _json_bytes(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    sent = {"Cache-Control": "no-store", **(headers or {})}
    return web.Response(body=body, status=status, content_type="application/json", headers=sent)


def _progress(progress: Progress, status: int = 200) -> web.Response:
    return _json(progress, status)


def failure(error: VecheError, status: int, headers: dict[str, str] | None = None) -> web.Response:
    return _json(Failure(Said.of(error.said), Said.of(error.advice)), status, headers)


def _busy(error: Busy) -> web.Response:
    return failure(error, 429, {"Retry-After": str(error.seconds)})


async def allow_all(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Server"] = "veche"


_MISTAKES = {
    400: Message("What was sent is not what is expected here."),
    403: Message("This is taken from other validators only, who sign it. Hand in your entry by itself."),
    404: Message("There is nothing of this name here."),
    405: Message("This is not done with what has this name."),
    408: Message("The request did not come to its end in time."),
    413: Message("What was sent is longer than it may be."),
    415: Message("What was sent is of another type than is expected here."),
}


@web.middleware
async def answer_mistakes(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Nothing but a plain sentence ever tells of a mistake."""
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=_CORS)
    try:
        return await handler(request)
    except Busy as error:
        return _busy(error)
    except (Stopped, NoRoom) as error:
        return failure(error, 503, {"Retry-After": "30"})
    except Refused as error:
        return _json(Refusal.of(error), 422)
    except UserError as error:  # the machine: what it says names its folders, which are nobody's business
        log().error("a request failed", reason=error.message)
        return failure(
            UserError(Message("This node has a fault and takes nothing in now.")), 503, {"Retry-After": "60"}
        )
    except web.HTTPException as error:
        said = _MISTAKES.get(error.status)
        if said is None:
            raise
        return failure(UserError(said), error.status)
    except (web.RequestPayloadError, HttpProcessingError):  # what was sent cannot be read to its end
        return failure(UserError(_MISTAKES[400]), 400, {"Connection": "close"})
    except ConnectionError:  # whoever asked has gone
        raise
    except Exception as error:  # said here, for what aiohttp would say of it names who asked
        place = traceback.extract_tb(error.__traceback__)[-1]
        log().error("a request failed", reason=f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}")
        return failure(UserError(Message("This node has a fault and cannot answer this.")), 500)
