"""What a follower does with entries that it took in: it passes them on until they are in a block.

To the validators, whose promises it gives back; and to a few of the nodes around it, which do the same, so that an entry finds its way
though this node reaches no institution. It hands in as everybody does, and promises nothing itself.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
import msgspec

from veche.engine.following import FollowingEngine
from veche.node.addresses import AddressBook
from veche.node.intake import Intake, Way, hear
from veche.node.progress import Progress, Stage
from veche.node.web import FAILED, SLOWER, Pinned, read_answer

NEIGHBOURS = 3
"""Nodes around it, to which an entry is passed beside the validators."""
MOST = 96
"""To whom entries are on their way at a time: all validators that there can be, and some more."""
AT_ONCE = 8
"""Entries that are on their way to one of them at a time."""
AGAIN = 60
"""Seconds after which an entry that is in no block yet is passed on once more, to whomever there is then."""
ANSWER_BYTES = 64 << 10
"""Bytes of an answer, which has a promise of each validator at most."""
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)


class Carrier:
    """What :class:`veche.node.peers.Peers` is to a validator. On the intake's loop."""

    offset = None
    """A follower's clock is held against nothing: it makes no block."""

    def __init__(self, intake: Intake, engine: FollowingEngine, book: AddressBook) -> None:
        self._intake, self._engine, self._book = intake, engine, book
        self._ways: dict[bytes, Way] = {}
        self._targets: dict[str, _Target] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def rules(self) -> dict[str, int]:
        """Which rules validators know it does not ask them."""
        return {}

    async def begin(self) -> None:
        connector = aiohttp.TCPConnector(resolver=Pinned(self._book.pinned))
        self._session = aiohttp.ClientSession(connector=connector, timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        self._do(self._pass_on_again())

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._session.close()

    def check(self) -> None:
        """Nothing breaks it."""

    def tell(self, head: bytes) -> None:
        """It cosigns no heads."""

    def pass_on(self, way: Way) -> None:
        self._ways[way.hash] = way
        institutions = self._engine.institutions
        around = [url for url in self._book.choose() if url not in institutions][:NEIGHBOURS]
        for url in (*institutions, *around):
            if url not in self._targets:
                if len(self._targets) >= MOST:
                    continue
                self._targets[url] = made = _Target(url, self._intake, self._engine.ledger.id)
                for _ in range(AT_ONCE):
                    self._do(made.hand_in(self._session))
            self._targets[url].queue[way.hash] = way
            self._targets[url].some.set()

    async def _pass_on_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN)
            self._ways = {key: way for key, way in self._ways.items() if _is_on_its_way(way)}
            for way in list(self._ways.values()):
                self.pass_on(way)

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(what))


class _Target:
    """Somebody to whom entries are passed. ``queue``: those that are, by their hashes; ``some`` is set when there are."""

    def __init__(self, url: str, intake: Intake, ledger: bytes) -> None:
        self._url, self._intake, self._ledger = url, intake, ledger
        self.queue: dict[bytes, Way] = {}
        self.some = asyncio.Event()

    async def hand_in(self, session: aiohttp.ClientSession) -> None:
        """Hand in one after the other, for ever."""
        pause = SLOWER[0]
        while True:
            await self.some.wait()
            if not self.queue:
                self.some.clear()
                continue
            way = self.queue.pop(next(iter(self.queue)))
            if not _is_on_its_way(way):
                continue
            try:
                self._take(way, await self._post(session, way.entry))
                pause = SLOWER[0]
            except FAILED:
                self.queue.setdefault(way.hash, way)
                await asyncio.sleep(pause)
                pause = min(2 * pause, SLOWER[1])

    async def _post(self, session: aiohttp.ClientSession, entry: bytes) -> Progress:
        headers = {"Content-Type": "application/octet-stream"}
        async with session.post(f"{self._url}/entries", data=entry, headers=headers, allow_redirects=False) as response:
            # What they refuse may have a chance elsewhere: this node looks for itself.
            if response.status not in (202, 422):
                raise aiohttp.ClientError(f"answered {response.status}")
            return msgspec.json.decode(await read_answer(response, ANSWER_BYTES), type=Progress)

    def _take(self, way: Way, answer: Progress) -> None:
        """Give back what institutions have promised."""
        names = {key.hex() for key in self._intake.validators}
        for promise in {one.validator: one for one in reversed(answer.promises) if one.validator in names}.values():
            if way.stage is not Stage.KEPT:
                return  # enough have promised it
            hear(self._intake, self._ledger, way, promise)


def _is_on_its_way(way: Way) -> bool:
    """Whether it may still come into a block."""
    return way.number is None and way.stage is not Stage.REFUSED
