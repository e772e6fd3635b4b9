"""The engine of a ledger whose charter names CometBFT: two processes that live as one program.

Entries are taken in here, checked, and proposed; CometBFT says which block comes next and when. An entry is acknowledged when its
block is durable and the head over it agreed and published, never before. After a crash both are simply started again.
"""

import asyncio
import math
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from google.protobuf.message import Message as Asked

from veche.clock import about
from veche.engine.cometbft.application import Application
from veche.engine.cometbft.begin import must_begin
from veche.engine.cometbft.finality import Finality
from veche.engine.cometbft.home import prepare, questions
from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.cometbft.process import Process
from veche.engine.cometbft.server import Server
from veche.engine.cometbft.votes import votes_in
from veche.engine.engine import Stopped
from veche.engine.loops import new_loop
from veche.engine.threaded import ThreadedEngine
from veche.engine.waiting import Job
from veche.keys import SigningKey
from veche.ledger.entries.engine import COMETBFT
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import SignedCheckpoint
from veche.log.evidence import keep_block, keep_votes, votes_awaited
from veche.texts import Message

LATE = 5
"""Seconds beyond the pause by which a block's time may be behind the clock of whoever proposes it. When it is more, there was a halt."""
STALL = 60
"""Seconds beyond the longest pause without a block, after which one validator alone can only have stopped."""

HEADS = 256
"""Heads of others that lie here at a time until the engine's thread looks at them."""


class CometEngine(ThreadedEngine):
    """Drives a ledger as CometBFT says, and cosigns its heads with ``key``, a validator's ledger key. See :class:`veche.engine.engine.Engine`.

    ``clock`` is read before each proposal: this machine's, as far as it can be believed
    (:class:`~veche.engine.block_clock.BlockClock`), if none is given. ``pause`` is the time between two blocks when there is
    nothing to say, in seconds. The ledger belongs to the engine's thread from ``with`` to ``stop``.
    """

    def __init__(
        self,
        ledger: Ledger,
        key: SigningKey,
        clock: Callable[[], int] | None = None,
        pause: float = 1.0,
        launch: Launch = INSTALLED,
    ) -> None:
        """Raises UserError if this is not the key that the charter names, its engine is another, or there is no CometBFT."""
        super().__init__(COMETBFT, ledger, (key,), clock, self._wake)
        self._key = key.public
        self._pause = pause
        self.late, self.orderly, self.patience = int(pause) + LATE, True, pause + STALL
        if len(ledger.state.validators()) > 1:
            self.patience = math.inf  # it may be the others who are not there
        self._launch, self._program = launch, launch.words
        self._questions: Path | None = None
        self._finality = Finality(ledger, self._publishing, self._cosigned, silent=not self._publishing.alone)
        self._said: deque[Callable[[], None]] = deque()  # what others had to say, and is not heard yet
        self._heads = threading.Semaphore(HEADS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fail: Callable[[BaseException], None] = lambda error: None
        self._application: Application | None = None

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self._application is not None:
            self._application.look()

    def gather(self, signed: SignedCheckpoint) -> bool:
        if not self._heads.acquire(blocking=False):
            return False
        self._say(partial(self._receive, signed))
        return True

    def _receive(self, signed: SignedCheckpoint) -> None:
        self._heads.release()
        self._finality.receive(signed)

    def speak(self) -> None:
        self._say(self._finality.speak)

    def newest(self, key: bytes) -> SignedCheckpoint | None:
        return self._finality.newest.get(key)

    @property
    def lacks(self) -> Sequence[int]:
        return self._finality.lacks

    @property
    def questions(self) -> Path | None:
        return self._questions

    def _say(self, what: Callable[[], None]) -> None:
        """Have something done on the engine's thread, after all that was said before, and as soon as that has begun."""
        self._said.append(what)
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        """One of them at a time, so that CometBFT does not wait for all."""
        try:
            if self._said:
                self._said.popleft()()
        except Exception as error:
            self._fail(error)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(self._live())

    def _taken_in(self) -> Iterable[Job]:
        return () if self._application is None else self._application.behind()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        assert self._clock is not None
        broken: asyncio.Future[None] = self._loop.create_future()

        def fail(error: BaseException) -> None:
            if not broken.done():
                broken.set_exception(error)

        self._fail = fail
        self._results.search(self.ledger.state)
        application = Application(
            self.ledger,
            self._finality,
            self._waiting,
            self._results,
            self._clock,
            self.late,
            self._tell,
            fail,
            self._launch.kept,
        )
        self._application = application
        for _ in range(len(self._said)):
            self._hear()
        folder = Path(tempfile.mkdtemp(prefix="veche-"))  # private, and its name is short enough for a socket
        self._questions = questions(folder / "abci")
        try:
            process = Process(
                prepare(self.ledger, self._key, folder / "abci", self._pause, self._launch.listen, self._launch.signer),
                self._program,
                self._launch.environment,
            )
            async with Server(folder / "abci", partial(self.answer, application), fail):
                await self._watch(application, process, broken)
        finally:
            application.close()
            self.ledger.discard()
            shutil.rmtree(folder, ignore_errors=True)

    async def _watch(self, application: Application, process: Process, broken: "asyncio.Future[None]") -> None:
        """Until everything is finished after :meth:`stop`. Raises what either process broke with."""
        await self._keep_votes(process)
        await process.start()
        died, ended = asyncio.create_task(process.wait()), asyncio.create_task(self._finished(application))
        stalled = asyncio.create_task(self._stalled(application, process))
        given_up = asyncio.create_task(process.given_up())
        running: set[asyncio.Future[Any]] = {broken, died, ended, stalled, given_up}
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():  # first: what broke here is why the other one ended
                broken.result()
            if (died.done() or given_up.done()) and process.contradicted:
                await process.stop(orderly=False)
                raise self._contradicted(await process.block(self.ledger.height))
            if (died.done() or given_up.done()) and process.lacks_header:
                raise self._begins_anew()
            if died.done():
                raise died.result()
            if given_up.done():
                raise given_up.result()
            if stalled.done():
                raise stalled.result()
            ended.result()
        finally:
            ended.cancel()
            await process.stop(self.orderly and not broken.done())
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._keep_votes(process)

    async def _keep_votes(self, process: Process) -> None:
        """Take the votes of who voted twice out of CometBFT's blocks, while it does not run."""
        for file, said in votes_awaited(self.ledger.folder):
            if votes := votes_in(await process.block(said["block"]), bytes.fromhex(said["validator"]), said["height"]):
                keep_votes(file, said, votes)

    def _begins_anew(self) -> Stopped:
        """A validator voted twice at a height before this node's first block, so CometBFT cannot go through that proof from here. The others
        did; behind their block it can begin."""
        must_begin(self.ledger.folder)
        return Stopped(
            Message("The other validators have proved that one of them voted twice, at a height before CometBFT's first block here."),
            Message("Start the node again: it takes the ledger from them, checked, and begins CometBFT anew behind that block."),
        )  # fmt: skip

    def _contradicted(self, block: bytes) -> Stopped:
        """Over two thirds have signed another state than this node's; what they decided before is kept beside the log."""
        height = self.ledger.height
        hint = Message(
            "This node goes no further and cosigns no head of theirs. Keep its folder as it is, show it to the other institutions,"
            " and verify their copies: veche verify"
        )
        if block:
            hint = Message(
                "This node goes no further and cosigns no head of theirs. Block {height} and who signed it are in {file}: show it to"
                " the other institutions, and verify their copies: veche verify",
                height=str(height),
                file=keep_block(self.ledger.folder, height, block),
            )
        return Stopped(
            Message(
                "Over two thirds of the validators have signed that after block {height} the ledger is another one than the rules"
                " make of it here. Either they broke the rules together, or this node's program or disk is at fault.",
                height=str(height),
            ),
            hint,
        )

    async def answer(self, application: Application, asked: Asked) -> Asked:
        """Answer one request of CometBFT."""
        return await application.answer(asked)

    async def _stalled(self, application: Application, process: Process) -> Stopped:
        """When no block has come for so long that none will; the sentence that says so.

        CometBFT ends its part in consensus when it finds something wrong, and goes on as a process that does nothing.
        """
        while (still := time.monotonic() - application.moved) < self.patience:
            await asyncio.sleep(min(1.0, self.patience))
        return Stopped(
            Message(
                "CometBFT has made no block for {duration}: {reason}",
                duration=about(int(still)),
                reason=process.last_words(),
            ),
            Message("Look whether this machine's clock is right and its disk has room; then start the engine again."),
        )

    async def _finished(self, application: Application) -> None:
        """Until it may end. Where others are needed for a block they may never come: what is on its way then has to be kept elsewhere."""
        alone = self._finality.alone
        while not (self._waiting.stopping and (not alone or (self._results.done() and application.idle.is_set()))):
            await asyncio.sleep(0.02)
            self._look()
