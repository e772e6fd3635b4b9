"""A node's public files, read through its door by somebody else. docs/protocol.md, section 5.

Nothing that comes from there is believed: whoever reads it checks it (:mod:`veche.log.log`, :mod:`veche.ledger.walk`). What is answered
is of no more bytes than it may be, comes within a time and at a least rate, and leads nowhere else.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Annotated, NamedTuple, Self, TypeVar

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from veche.errors import UserError, because
from veche.log.cosigned import MOST
from veche.log.source import HEAD, WITNESS, Source, head_name, size_limit
from veche.log.tiles import Tile, wrong
from veche.texts import Message, Said

CONNECT, SILENT = 5.0, 10.0
"""Seconds within which somebody answers the telephone, and for which they may say nothing on it."""
TAKING = 30.0
"""Seconds within which a node says what became of an entry that it was handed."""
AGAIN, ONCE = (0, 0.5, 2), (0,)
"""Seconds to wait before each try: a connection that broke says little."""
LEAST_RATE = 16 << 10
"""Bytes a second that an answer is long at least, after the first ``SILENT`` seconds."""
KEPT_BYTES = 1 << 20
"""Bytes of the list of kept heads."""
HAVE_BYTES = 64 << 10
"""Bytes of what a door says of the bundles that it has: a bit each."""
CONNECTIONS = 8
"""To one door at a time."""

T = TypeVar("T")
_Sizes = list[Annotated[int, msgspec.Meta(ge=1, lt=10**18)]]
_LATE = Message("it takes too long")
_TAKING = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=TAKING)
_FAILED = aiohttp.ClientError, TimeoutError, OSError, ValueError
FAILED = *_FAILED, msgspec.MsgspecError, RecursionError
"""What can come of asking somebody and reading the answer; deep JSON is a RecursionError."""
SLOWER = (0.2, 5.0)
"""Seconds between two tries to pass something on, at first and at most, while another cannot be reached or has no room."""


class NoAnswer(UserError):
    """A door that does not answer, too slowly, or with an error: that says nothing of its ledger."""

    def __init__(self, url: str, why: Said) -> None:
        super().__init__(
            Message("{url} does not answer: {why}.", url=url, why=why), Message("Try again later, or ask another node.")
        )


GONE, _TILES = 410, "/tile/"
"""Of a tile: it is here no more, as who keeps less than all says. Of anything else it says nothing."""


class Lacks(NoAnswer):
    """A door that has not this tile (by now, or any more), though it has the ledger. That says nothing of its ledger either: another has it."""

    def __init__(self, url: str, tile: Tile) -> None:
        self.tile = tile
        UserError.__init__(
            self,
            Message("{url} has this ledger without {name}.", url=url, name=tile.name),
            Message("Ask another node."),
        )


class Pinned(AbstractResolver):
    """Hosts are where they were found before, where that is known; others are asked for."""

    def __init__(self, pinned: Callable[[str], str | None]) -> None:
        """``pinned``: the IP address of a host, or None."""
        self._pinned, self._other = pinned, aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        ip = self._pinned(host)
        return await self._other.resolve(host if ip is None else ip, port, socket.AF_UNSPEC)

    async def close(self) -> None:
        await self._other.close()


class Posted(NamedTuple):
    """What a door answers to an entry. ``after``: seconds after which to come again, if it says so."""

    status: int
    after: float
    body: bytes


class Wire:
    """Connections to doors, on a thread and a loop of their own. Use it in a ``with``; any thread may ask."""

    def __init__(self, pinned: Callable[[str], str | None] = lambda host: None) -> None:
        """``pinned``: the IP address of a host, where one was found before (:class:`Pinned`)."""
        self._pinned = pinned

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="veche-web", daemon=True)
        self._thread.start()
        self._session = self._run(self._begin())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def get(
        self, url: str, path: str, most: int, tries: Sequence[float] = (), until: float | None = None
    ) -> bytes | None:
        """What a door answers to this path, None if there is nothing of this name. Raises NoAnswer, and DoesNotHold if it is of more
        bytes than ``most``. ``tries``: see ``AGAIN``; ``until``: when it is too late, by the steady clock."""
        failed: Exception | None = None
        for pause in tries or AGAIN:
            time.sleep(pause)
            try:
                return self._run(self._get_until(until, f"{url}/{path}", most))
            except _TooMuch:
                raise wrong(f"{url}/{path}", Message("the answer is of more than {most} bytes", most=most)) from None
            except _FAILED as error:
                failed = error
        assert failed is not None
        raise NoAnswer(url, _LATE if isinstance(failed, TimeoutError) else because(failed)) from None

    def post_entry(self, url: str, entry: bytes, most: int) -> Posted:
        """Hand in an entry, once. Raises NoAnswer if nothing comes back, or more bytes than ``most``."""
        return self._exchanged(url, f"{url}/entries", entry, "application/octet-stream", most)

    def exchange(self, url: str, body: bytes, kind: str, most: int) -> Posted:
        """Send something of this kind to a URL, once, whatever is answered. Raises NoAnswer if nothing comes back, or more bytes than ``most``."""
        return self._exchanged(url, url, body, kind, most)

    def _exchanged(self, door: str, url: str, body: bytes, kind: str, most: int) -> Posted:
        try:
            return self._run(self._exchange(url, body, kind, most))
        except TimeoutError:
            raise NoAnswer(door, _LATE) from None
        except _FAILED as error:
            raise NoAnswer(door, because(error)) from None

    async def _exchange(self, url: str, body: bytes, kind: str, most: int) -> Posted:
        headers = {"Content-Type": kind}
        async with asyncio.timeout(CONNECT + TAKING) as head:
            response = await self._session.post(url, data=body, headers=headers, allow_redirects=False, timeout=_TAKING)
            head.reschedule(None)
        async with response:
            said = response.headers.get("Retry-After", "")
            after = float(said) if said.isascii() and said.isdigit() and len(said) < 6 else SILENT
            return Posted(response.status, after, await read_answer(response, most))

    def post(self, url: str, path: str, body: bytes, kind: str) -> None:
        """Tell a door something, once. Raises NoAnswer if it does not take it."""
        try:
            self._run(self._post(f"{url}/{path}", body, kind))
        except _FAILED as error:
            raise NoAnswer(url, because(error)) from None

    async def _post(self, url: str, body: bytes, kind: str) -> None:
        async with asyncio.timeout(CONNECT + SILENT):
            async with self._session.post(url, data=body, headers={"Content-Type": kind}, allow_redirects=False) as got:
                if got.status >= 300:
                    raise aiohttp.ClientError(f"HTTP {got.status}")

    async def _begin(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit_per_host=CONNECTIONS, resolver=Pinned(self._pinned)),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT, sock_read=SILENT),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def _get_until(self, until: float | None, url: str, most: int) -> bytes | None:
        async with asyncio.timeout(None if until is None else until - time.monotonic()):
            return await self._get(url, most)

    async def _get(self, url: str, most: int) -> bytes | None:
        async with asyncio.timeout(CONNECT + SILENT) as head:
            response = await self._session.get(url, allow_redirects=False)
            head.reschedule(None)
        async with response:
            if response.status == 404 or (response.status == GONE and _TILES in url):
                return None
            if response.status != 200:
                raise aiohttp.ClientError(f"HTTP {response.status}")
            return await read_answer(response, most)

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


class _TooMuch(aiohttp.ClientError):
    """An answer is longer than it may be."""


async def read_answer(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The answer to its end. Raises ClientError if it is of more bytes than ``most``, or comes too slowly."""
    body, began = bytearray(), time.monotonic()
    while part := await response.content.read(most + 1 - len(body)):
        body += part
        if len(body) > most:
            raise _TooMuch
        if time.monotonic() - began > SILENT + len(body) / LEAST_RATE:
            raise TimeoutError
    return bytes(body)


class Web(Source):
    """The public files behind one door. It lists no files but kept and cosigned heads; ``url``: as in an address entry, without a path.

    Every method raises NoAnswer, and DoesNotHold (step ``tiles``) on an answer that cannot be such a file.
    """

    def __init__(self, wire: Wire, url: str, until: float | None = None) -> None:
        """``until``: when it is too late for an answer, by the steady clock; then each is asked for once."""
        self._wire, self.url, self._until = wire, url, until

    def _ask(self, path: str, most: int) -> bytes | None:
        return self._wire.get(self.url, path, most, () if self._until is None else ONCE, self._until)

    def names(self, prefix: str = "") -> list[str]:
        """The kept heads, or the cosigned ones, at most :data:`~veche.log.cosigned.MOST`: with any other prefix it is a mistake to ask."""
        if prefix.startswith(WITNESS):
            return [name for name in self._witnesses() if name.startswith(prefix)]
        if not prefix.startswith(HEAD):
            raise ValueError(f"a door does not list {prefix!r}")
        return sorted(name for size in self._kept() if (name := head_name(size)).startswith(prefix))

    def _witnesses(self) -> Sequence[str]:
        data = self._ask("witness", KEPT_BYTES)
        with suppress(msgspec.MsgspecError, RecursionError):
            keys = [] if data is None else msgspec.json.decode(data, type=list[str])
            return sorted(name for key in keys[:MOST] if size_limit(name := f"{WITNESS}{key}") is not None)
        raise wrong(self.url, Message("this is no list of witnesses"))

    def _kept(self) -> Sequence[int]:
        data = self._ask("heads", KEPT_BYTES)
        with suppress(msgspec.MsgspecError, RecursionError):
            return msgspec.json.decode(data or b"", type=_Sizes)
        raise wrong(self.url, Message("this is no list of kept heads"))

    def get(self, name: str) -> bytes | None:
        limit = size_limit(name)
        if limit is None:
            return None
        data = self._ask(name, limit)
        if data is None and name.startswith("tile/"):  # a door cuts a tile from a wider one: nobody need look for that
            raise Lacks(self.url, Tile.parse(name))
        return data

    def have(self) -> int | None:
        """Which full bundles it has, as the bits of a number; None if it does not say, as who has all of them."""
        data = self._wire.get(self.url, "bundles", HAVE_BYTES, ONCE)
        return None if data is None else int.from_bytes(data, "little")
