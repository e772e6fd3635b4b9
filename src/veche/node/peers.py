"""The other validators of a network, as a node speaks with them: entries that are on their way, and heads that were cosigned here.

Each has a queue of entries, of which one batch is under way at a time: whatever comes meanwhile is the next one. What cannot be passed
on stays in the queue until the entry is in a block, for this node may be the only one that has it. Of heads only the newest is passed on.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from statistics import median
from typing import Annotated

import aiohttp
import msgspec

from veche.engine.engine import Engine, Stopped
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.log.checkpoint import SignedCheckpoint
from veche.log.note import NOTE_LIMIT
from veche.log.source import head_name
from veche.log.tiles import CHECKPOINT
from veche.node import batch
from veche.node.intake import Intake, Way, hear
from veche.node.progress import Progress, Stage
from veche.node.web import FAILED, SLOWER, read_answer
from veche.texts import Message

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=3)
WATCH_SECONDS, STATUS_BYTES = 5, 65_536
"""Seconds between two looks at another's height, and bytes of its answer that are read."""
STUCK, AHEAD = 60, 5
"""Seconds for which a node may stand still while others are so many blocks ahead."""
ASK_SECONDS = 10
"""Seconds for which a validator that starts waits for what the others have of it, before it cosigns anything."""
SINGLY = 16
"""Entries that a node without a seat hands in at a time, each by itself."""
HEADS = 16
"""Kept heads that are fetched at a time."""
REFUSED = 422
"""The status with which a door says that the rules refuse an entry."""


class _Status(msgspec.Struct):
    """What is looked at of another's answer."""

    height: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    clock: Annotated[float, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    rules: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] = 0


class Peer:
    """One of them, at this address."""

    def __init__(self, url: str, key: bytes, own: SigningKey, intake: Intake, engine: Engine) -> None:
        """``key``: its ledger key; ``own``: this validator's."""
        self.url, self.key, self._own, self._ledger = url, key, own, engine.ledger.id
        self._intake, self._engine = intake, engine
        self._queue: dict[bytes, Way] = {}
        self._head: bytes | None = None
        self._entries, self._heads = asyncio.Event(), asyncio.Event()
        self.reached = False
        self.height = 0
        self.rules = 0  # the newest version of the rules that it knows, as it last said; 0 if it did not
        self.offset: float | None = None  # seconds by which this machine's clock is ahead of its, when it last answered

    @property
    def name(self) -> str:
        """Its ledger key, in hexadecimal digits."""
        return self.key.hex()

    @property
    def waiting(self) -> Iterable[Way]:
        """What has not been passed on to it."""
        return self._queue.values()

    def pass_on(self, way: Way) -> None:
        self._queue[way.hash] = way
        self._entries.set()

    def tell(self, head: bytes) -> None:
        self._head = head
        self._heads.set()

    async def pass_entries(self, session: aiohttp.ClientSession, seated: Callable[[], bool]) -> None:
        """Pass entries on, for ever: together, or as any client does while this node is not ``seated``, for nobody takes its batches."""
        pause = SLOWER[0]
        while True:
            await self._entries.wait()
            ways = self._next()
            if not ways:
                self._entries.clear()
                continue
            try:
                await (self._pass_together if seated() else self._hand_in)(session, ways)
            except FAILED:
                self.reached = False
                await asyncio.sleep(pause)
                pause = min(2 * pause, SLOWER[1])
                continue
            self.reached, pause = True, SLOWER[0]

    async def _pass_together(self, session: aiohttp.ClientSession, ways: Sequence[Way]) -> None:
        sent = batch.sign(batch.write([way.entry for way in ways]), self._ledger, self.key, self._own)
        answers = await self._post(session, "/batch", sent, "application/cbor")
        self._take(ways, msgspec.json.decode(answers, type=list[Progress]))

    async def _hand_in(self, session: aiohttp.ClientSession, ways: Sequence[Way]) -> None:
        async def one(way: Way) -> Progress:
            answer = await self._post(session, "/entries", way.entry, "application/octet-stream", REFUSED)
            said = msgspec.json.decode(answer, type=Progress) if answer else Progress(way.hash.hex(), Stage.REFUSED)
            if said.entry != way.hash.hex():
                raise ValueError(said.entry)
            return said

        answers = await asyncio.gather(*map(one, ways[:SINGLY]), return_exceptions=True)
        self._take(ways, [answer for answer in answers if isinstance(answer, Progress)])
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    def _next(self) -> list[Way]:
        """The first that are still on their way."""
        for gone in [way.hash for way in self._queue.values() if way.stage is Stage.REFUSED or way.number is not None]:
            del self._queue[gone]
        ways, room = list[Way](), batch.MOST_BYTES - batch.SIGNED - 8
        for way in islice(self._queue.values(), batch.MOST):
            room -= len(way.entry) + 8
            if room < 0:
                break
            ways.append(way)
        return ways

    def _take(self, ways: Sequence[Way], answers: Sequence[Progress]) -> None:
        """What the other said of each: it has it now, or refuses it; where it has no room, it is asked again."""
        said = {one.entry: one for one in answers}
        for way in ways:
            answer = said.get(way.hash.hex())
            if answer is not None:
                self._queue.pop(way.hash, None)
                own = next((one for one in answer.promises if one.validator == self.name), None)
                if own is not None and way.stage is Stage.KEPT:  # else enough have promised it
                    hear(self._intake, self._ledger, way, own)

    async def pass_heads(self, session: aiohttp.ClientSession) -> None:
        """Pass the newest head on whenever there is one, for ever."""
        pause = SLOWER[0]
        while True:
            await self._heads.wait()
            self._heads.clear()
            head = self._head
            assert head is not None
            try:
                await self._post(session, "/heads", head, "text/plain")
                pause = SLOWER[0]
            except FAILED:
                self._heads.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, SLOWER[1])

    async def ask(self, session: aiohttp.ClientSession, own: bytes) -> None:
        """Ask which heads it has that this validator, whose ledger key is ``own``, has signed; again until it says."""
        for name in (f"heads/{own.hex()}", CHECKPOINT):
            while not await self._fetch(session, name):
                await asyncio.sleep(SLOWER[0])

    async def _fetch(self, session: aiohttp.ClientSession, name: str) -> bool:
        """Have a head that it has gathered, as if it had passed it on; whether it answered, if only that it has none. What it gives is
        worth as much as the signatures are."""
        try:
            async with session.get(f"{self.url}/{name}", allow_redirects=False) as response:
                if response.status == 404:
                    return True
                if response.status != 200:
                    return False
                body = await read_answer(response, NOTE_LIMIT)
            return self._engine.gather(SignedCheckpoint.parse(body))
        except (*FAILED, DoesNotHold):
            return False

    async def watch(self, session: aiohttp.ClientSession, untold: Callable[[], bool]) -> None:
        """Ask now and then for its height, its clock, and heads that were kept while this node was away, for ever; and for its newest
        head as long as this node is ``untold`` of them."""
        while True:
            offset = None
            with suppress(*FAILED):
                asked = time.time()
                async with session.get(f"{self.url}/status", allow_redirects=False) as response:
                    status = msgspec.json.decode(await read_answer(response, STATUS_BYTES), type=_Status)
                self.height, self.rules = status.height, status.rules
                offset = (asked + time.time()) / 2 - status.clock if status.clock else None
            self.offset = offset
            if untold():
                await self._fetch(session, CHECKPOINT)
            for size in self._engine.lacks[:HEADS]:
                await self._fetch(session, head_name(size))
            await asyncio.sleep(WATCH_SECONDS)

    async def _post(
        self, session: aiohttp.ClientSession, path: str, body: bytes, kind: str, empty: int | None = None
    ) -> bytes:
        """What it answers; nothing if that has the status ``empty``."""
        headers = {"Content-Type": kind}
        async with session.post(f"{self.url}{path}", data=body, headers=headers, allow_redirects=False) as response:
            if response.status == empty:
                return b""
            if response.status >= 300:
                raise aiohttp.ClientError(f"answered {response.status}")
            return await read_answer(response, batch.MOST_BYTES)


class Peers:
    """All of them. On the intake's loop."""

    def __init__(self, own: SigningKey, others: Iterable[tuple[bytes, str]], intake: Intake, engine: Engine) -> None:
        """``own``: this validator's ledger key; ``others``: the ledger key and the address of each."""
        self._all = [Peer(url, key, own, intake, engine) for key, url in others]
        self._own, self._intake, self._engine = own, intake, engine
        self.untold = False
        """Whether the others do not know where this node is, so that none tells it of heads."""
        self.seated = True
        """Whether this node has a seat, so that the others take batches of it."""
        self._begun = False
        self._tasks: list[asyncio.Task[None]] = []
        self._by_peer: dict[Peer, list[asyncio.Task[None]]] = {}
        self._head: bytes | None = None
        self._moved, self._height = time.monotonic(), intake.height

    def check(self) -> None:
        """Raise Stopped if the others go on and this node does not. CometBFT ends its part in consensus when its clock is off by a
        minute, and stays as a process that does nothing."""
        now = time.monotonic()
        if self._intake.height != self._height:
            self._moved, self._height = now, self._intake.height
        ahead = [peer.height for peer in self._all if peer.height > self._height + AHEAD]
        if now - self._moved > STUCK and 3 * len(ahead) > len(self._all) + 1:
            raise Stopped(
                Message(
                    "The other validators are at block {others}, and this node has stood at block {own} for {seconds} seconds.",
                    others=str(max(ahead)),
                    own=str(self._height),
                    seconds=int(now - self._moved),
                ),
                Message(
                    "Look at this machine's clock first: by a minute it must not be off. Then start the node again."
                ),
            )

    @property
    def rules(self) -> dict[str, int]:
        """The newest version of the rules that each of the others last said to know, by its ledger key; 0 of one that said nothing."""
        return {peer.name: peer.rules for peer in self._all}

    @property
    def offset(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the others', half of which may be wrong; None if none of them answers."""
        known = [peer.offset for peer in self._all if peer.offset is not None]
        return median(known) if known else None

    async def begin(self) -> None:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        self._begun = True
        self._tasks.append(asyncio.create_task(self._ask()))
        for peer in self._all:
            self._begin(peer)

    def _begin(self, peer: Peer) -> None:
        session = self._session
        ways = (
            peer.pass_entries(session, lambda: self.seated),
            peer.pass_heads(session),
            peer.watch(session, lambda: self.untold),
        )
        self._by_peer[peer] = [asyncio.create_task(way) for way in ways]

    def renew(self, others: Iterable[tuple[bytes, str]]) -> None:
        """The validators or their addresses are others from now on: what is on its way goes to the new ones, too."""
        wanted = set(others)
        gone = [peer for peer in self._all if (peer.key, peer.url) not in wanted]
        ways = {way.hash: way for peer in self._all for way in peer.waiting}
        for peer in gone:
            self._all.remove(peer)
            for task in self._by_peer.pop(peer, ()):
                task.cancel()
        for key, url in sorted(wanted - {(peer.key, peer.url) for peer in self._all}):
            peer = Peer(url, key, self._own, self._intake, self._engine)
            self._all.append(peer)
            if self._begun:  # else it begins with all others
                self._begin(peer)
            for way in ways.values():
                peer.pass_on(way)
            if self._head is not None:
                peer.tell(self._head)

    async def _ask(self) -> None:
        """Hear what the others have of this validator, all who answer in time; then it may cosign."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await asyncio.gather(*(peer.ask(self._session, self._own.public) for peer in self._all))
        self._engine.speak()

    async def end(self) -> None:
        self._begun = False
        tasks = [*self._tasks, *(task for tasks in self._by_peer.values() for task in tasks)]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self._session.close()

    def pass_on(self, way: Way) -> None:
        for peer in self._all:
            peer.pass_on(way)

    def tell(self, head: bytes) -> None:
        self._head = head
        for peer in self._all:
            peer.tell(head)
