"""Entries on their way: taken in, checked by the engine, kept on disk, in a block, under a final head.

All of it lives on one loop, but for the disk, which has a thread. The engine tells from its own thread what it finds
(:class:`Posted`). Whoever waits for an entry's next stage waits for its :class:`Way`.
"""

import asyncio
import shutil
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from typing import Any

from veche.engine.engine import Decided, Engine
from veche.errors import DoesNotHold, Refused, VecheError
from veche.ledger.heads import STALE, vouched
from veche.ledger.promise import HEIGHTS, Promise
from veche.log.checkpoint import SignedCheckpoint
from veche.node.outbox import Outbox
from veche.node.progress import Progress, Refusal, Stage
from veche.texts import Message

ROOM = 5_000
"""Entries on their way to a block; of more nobody is relieved. Less than an engine has room for, so that handing in never waits."""
ROOM_BYTES = 24 << 20
"""The same in bytes."""
DISK_FREE, DISK_SECONDS = 256 << 20, 5
"""Bytes that must be free on the disk for anything to be taken in, and seconds between two looks at that."""
ENDED = 10_000
"""Entries that have come to an end, of which it is known without looking."""
SOON = 10
"""Seconds before a poll closes from which on nothing is promised, beyond those that what waits may take."""
OPEN = 3600
"""Heads that wait to be final of which it is remembered when they came: those of an hour."""
RATE = 300
"""Entries a second that a node is taken to get rid of, when it says after how many seconds to come again."""


class Busy(VecheError):
    """Too much is on its way. ``seconds``: after how many to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            Message("This node has more on its way than it can take in now."),
            Message("Hand in again in a moment, or to another node."),
        )
        self.seconds = seconds


class NoRoom(VecheError):
    """The disk is nearly full: what is promised must fit on it."""

    def __init__(self) -> None:
        super().__init__(
            Message("This node's disk is nearly full, and it takes nothing in."), Message("Hand in to another node.")
        )


class Posted:
    """What other threads have to say to a loop, in their order: waking it costs a system call, so it is woken once for however many."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._awake = False

    def post(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have something called on the loop. On any thread; once the loop has ended, nothing comes of it."""
        self._waiting.append((call, arguments))
        if not self._awake:
            self._awake = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._awake = False  # first: what is posted from here on wakes it again, or is found below
        while self._waiting:
            call, arguments = self._waiting.popleft()
            call(*arguments)


class Way:
    """One entry on its way. ``stage`` is None until it is kept. The engine's listener (:class:`veche.engine.engine.Listener`)."""

    __slots__ = ("_intake", "_waiting", "closing", "entry", "hash", "number", "own", "promises", "refusal", "stage")

    def __init__(self, intake: "Intake", entry: bytes, own: bool = True) -> None:
        """``own``: whether this node is to pass it on."""
        self._intake, self.own = intake, own
        self.promises: dict[str, Promise] = {}  # by validator
        self.closing: int | None = None  # of its poll, if it is a ballot
        self.entry, self.hash = entry, sha256(entry).digest()
        self.stage: Stage | None = None
        self.number: int | None = None
        self.refusal: Refusal | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def progress(self) -> Progress:
        """As it is said. Only once there is a stage."""
        assert self.stage is not None
        return Progress(self.hash.hex(), self.stage, self.number, self.refusal, list(self.promises.values()))

    async def changed(self) -> None:
        """Until the next stage."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        finally:
            with suppress(ValueError):
                self._waiting.remove(future)

    def come(self, stage: Stage) -> None:
        """It has come so far; whoever waits goes on."""
        self.stage = stage
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    # What the engine says, on its thread

    def looked(self, refused: Refused | None, closing: int | None) -> None:
        if refused is None:
            self.closing = closing
            self._intake.posted.post(self._intake.hold, self)

    def answered(self, outcome: int | BaseException) -> None:
        if isinstance(outcome, Refused):
            self._intake.posted.post(self._intake.refuse, self, outcome)


class Intake:
    """The entries of one node. ``broken`` is what its disk refused, if anything: then nothing more is taken in."""

    def __init__(
        self, engine: Engine, outbox: Outbox, head: SignedCheckpoint | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        """``head``: the newest final one. ``loop``: on which all methods are called. Neither it nor the engine has begun."""
        self._engine, self._outbox, self._folder = engine, outbox, engine.ledger.folder
        self._room, self._look_again = True, 0.0
        self.posted = Posted(loop)
        self.broken: BaseException | None = None
        self.validators = frozenset(one.key for one in engine.ledger.state.validators())
        """Their ledger keys, as of the last block."""
        self.held: Callable[[Way], None] = lambda way: None
        """Is called, on the loop, with each entry that is kept."""
        self.spread: Callable[[bytes], None] = lambda head: None
        """Is called, on the loop, with each head that was cosigned here."""
        self.final = 0 if head is None else head.checkpoint.size
        self.vouched = 0 if head is None else vouched(head, engine.ledger.state.succession.policy(self.final))
        """When over two thirds last vouched for the newest final head, in seconds since 1970; 0 if they say no times."""
        self.refused: Counter[str] = Counter()
        """How many entries were refused, by the rule."""
        self._final_since: float | None = (
            None  # when the newest final head was published or cosigned anew, by the steady clock
        )
        self.height, self.time, self.size = engine.ledger.height, engine.ledger.time, engine.ledger.size
        self._open: deque[tuple[int, float]] = deque(
            maxlen=OPEN
        )  # heads that are not final, with when they came: the oldest first
        self._note_open()
        self._ways: dict[bytes, Way] = {}  # on their way to a block
        self._bytes = 0
        self._placed: list[Way] = []  # in the ledger, and not final yet
        self._ended: OrderedDict[bytes, Way] = OrderedDict()
        self._to_keep: list[Way] = []
        self._to_settle: list[Decided] = []
        self._to_drop: list[bytes] = []
        self._disk = ThreadPoolExecutor(1, "veche-outbox")
        self._writing: asyncio.Task[None] | None = None
        engine.watch(self)

    def offer_again(self) -> None:
        """Hand in what was kept when the node ended. Once, when the engine runs."""
        for entry in self._outbox.kept():
            way = self._begin(entry)
            self._hold(way)
            self._engine.submit(entry, way)

    async def close(self) -> None:
        """Write down what is still to be written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        self._disk.shutdown()

    @property
    def waiting(self) -> int:
        """How many entries are on their way to a block."""
        return len(self._ways)

    @property
    def behind(self) -> float:
        """For how many seconds something has been in the ledger here that is under no final head; 0 if all is final."""
        return time.monotonic() - self._open[0][1] if self._open else 0.0

    def begin(self, entry: bytes, own: bool = True) -> Way:
        """Begin to take an entry in. The same one twice is one. ``own``: see :class:`Way`. Raises Busy, Stopped, and UserError if the
        disk is full."""
        digest = sha256(entry).digest()
        found = self._ways.get(digest) or self._ended.get(digest)
        if found is not None and found.stage is not Stage.REFUSED:  # things may have changed since a refusal
            if own and not found.own:  # whoever passed it on may have done so to nobody else
                found.own = True
                if found.stage in (Stage.KEPT, Stage.SENT):
                    self.held(found)
            return found
        if self.broken is not None:
            raise self.broken
        if not self._disk_has_room():
            raise NoRoom
        if len(self._ways) >= ROOM or self._bytes + len(entry) > ROOM_BYTES:
            raise Busy(1 + len(self._ways) // RATE)
        way = self._begin(entry, own)
        try:
            self._engine.submit(entry, way)
        except BaseException:
            self._end(way)
            raise
        return way

    def _disk_has_room(self) -> bool:
        now = time.monotonic()
        if now >= self._look_again:
            self._look_again = now + DISK_SECONDS
            self._room = shutil.disk_usage(self._folder).free >= DISK_FREE
        return self._room

    async def taken(self, way: Way) -> Way:
        """Wait until an entry is kept, or refused. What is refused may be in the log already, and that for long: then it is that.

        Raises UserError if the disk is full.
        """
        while way.stage is None:
            await way.changed()
            if self.broken is not None:
                raise self.broken
        if way.stage is Stage.REFUSED:
            return await self._placed_before(way.hash) or way
        return way

    async def find(self, entry: bytes) -> Way | None:
        """The entry with this hash, if this node knows of it."""
        return self._ways.get(entry) or self._ended.get(entry) or await self._placed_before(entry)

    async def _placed_before(self, entry: bytes) -> Way | None:
        """The entry with this hash, if it came into the log before it was asked for."""
        number = await asyncio.get_running_loop().run_in_executor(self._disk, self._outbox.number_of, entry)
        if number is None:
            return None
        found = Way(self, b"")
        found.hash, found.number = entry, number
        found.come(Stage.FINAL if number < self.final else Stage.LEDGER)
        if found.stage is Stage.LEDGER:
            self._placed.append(found)
        self._remember(found)
        return found

    def _begin(self, entry: bytes, own: bool = True) -> Way:
        way = Way(self, entry, own)
        self._ended.pop(way.hash, None)
        self._ways[way.hash] = way
        self._bytes += len(entry)
        return way

    def _end(self, way: Way) -> None:
        if self._ways.pop(way.hash, None) is not None:
            self._bytes -= len(way.entry)

    def _remember(self, way: Way) -> None:
        way.entry = b""
        self._ended[way.hash] = way
        while len(self._ended) > ENDED:
            self._ended.popitem(last=False)

    # What the engine says, on its thread

    def decided(self, decided: Decided) -> None:
        self.posted.post(self._decided, decided)

    def published(self, size: int, vouched: int) -> None:
        self.posted.post(self._final, size, vouched)

    def cosigned(self, signed: SignedCheckpoint) -> None:
        self.posted.post(self.spread, signed.to_bytes())

    # The same on the loop

    def hold(self, way: Way) -> None:
        """It has a chance: keep it."""
        if way.stage is None:
            self._to_keep.append(way)
            self._write()

    def _hold(self, way: Way) -> None:
        way.come(Stage.KEPT)
        self.held(way)

    def may_promise(self, way: Way) -> bool:
        """Whether it can be promised that this entry will be in a block: a ballot of a poll that stays open for longer than those before
        it may take, while heads become final."""
        if way.closing is None or self._final_since is None or time.monotonic() - self._final_since > STALE:
            return False
        return self.time + SOON + len(self._ways) // RATE < way.closing

    def promised(self, way: Way, promise: Promise) -> None:
        """A validator has promised that this entry will be in a block; the promise holds."""
        way.promises[promise.validator] = promise
        if way.stage is Stage.KEPT and 3 * len(way.promises) > len(self.validators):
            way.come(Stage.SENT)

    def refuse(self, way: Way, refused: Refused) -> None:
        """The rules refuse it, unless it has come into the log in the meantime: then that is what they refuse it for."""
        if way.number is None and self._ways.get(way.hash) is way:
            self._end(way)
            way.refusal = Refusal.of(refused)
            self.refused[refused.rule] += 1
            if way.stage is not None:
                self._to_drop.append(way.hash)
                self._write()
            way.come(Stage.REFUSED)
            self._remember(way)

    def _decided(self, decided: Decided) -> None:
        self.height, self.time, self.size = decided.height, decided.time, decided.size
        self.validators = decided.validators
        self._note_open()
        if not decided.entries:
            return
        self._to_settle.append(decided)
        for entry, number in decided.entries:
            way = self._ways.get(sha256(entry).digest())
            if way is not None:
                self._end(way)
                way.number = number
                self._placed.append(way)
                self._remember(way)
                way.come(Stage.LEDGER)
        self._write()

    def _final(self, size: int, vouched: int) -> None:
        self.final, self.vouched, self._final_since = size, vouched, time.monotonic()
        while self._open and self._open[0][0] <= size:
            self._open.popleft()
        before, self._placed = self._placed, []
        for way in before:
            if way.number is not None and way.number < size:
                way.come(Stage.FINAL)
            else:
                self._placed.append(way)

    def _note_open(self) -> None:
        """Remember since when there is a head of this size, if it is not final: those of a second as one, which its last one ends."""
        now = time.monotonic()
        if self.size <= (self._open[-1][0] if self._open else self.final):
            return
        if self._open and now < self._open[-1][1] + 1:
            self._open[-1] = (self.size, self._open[-1][1])
        else:
            self._open.append((self.size, now))

    # The disk

    def _write(self) -> None:
        if self._writing is None and self.broken is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._to_keep or self._to_settle or self._to_drop:
                keep, self._to_keep = self._to_keep, []
                settle, self._to_settle = self._to_settle, []
                drop, self._to_drop = self._to_drop, []
                keep = [way for way in keep if way.stage is None]  # some came into the log in the meantime
                await loop.run_in_executor(self._disk, self._save, [way.entry for way in keep], settle, drop)
                for way in keep:
                    if way.stage is None:
                        self._hold(way)
        except Exception as error:
            self.broken = error
            for way in self._ways.values():
                way.wake()
        finally:
            self._writing = None

    def _save(self, keep: Sequence[bytes], settle: Sequence[Decided], drop: Sequence[bytes]) -> None:
        if keep:
            self._outbox.keep(keep)
        if settle:
            placed = [(sha256(entry).digest(), number) for decided in settle for entry, number in decided.entries]
            self._outbox.settle(placed, settle[-1].time, settle[-1].size)
        if drop:
            self._outbox.drop(drop)


def hear(intake: Intake, ledger: bytes, way: Way, promise: Promise) -> None:
    """A validator's promise, as somebody gave it back: it counts if it is of this entry, holds for this ledger, and is of no height from
    which no reader could judge it for long. One for each validator is looked at: that bounds what an answer costs."""
    if promise.entry != way.hash.hex() or promise.height > intake.height + HEIGHTS:
        return
    try:
        promise.check(ledger)
    except DoesNotHold:
        return
    intake.promised(way, promise)
