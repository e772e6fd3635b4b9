"""One validator's application, asked by a consensus of the test's own."""

import asyncio
from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message as Asked

from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.application import Application
from veche.engine.cometbft.finality import Finality
from veche.engine.cometbft.home import MOST_BYTES
from veche.engine.engine import Answer
from veche.engine.publishing import Publishing
from veche.engine.results import Results
from veche.engine.waiting import Waiting
from veche.log.checkpoint import SignedCheckpoint

from ..stage import Stage

ACCEPT = abci.ResponseProcessProposal.ACCEPT


class Node:
    """One validator's application, and what its consensus asks of it."""

    def __init__(self, stage: Stage, late: int = 1) -> None:
        self.ledger = stage.open()
        self.now = stage.now
        self.waiting, self.failures = Waiting(), list[BaseException]()
        self.results = Results(self.waiting.put_found)
        self.publishing = Publishing(self.ledger, [stage.key])
        self.application = Application(
            self.ledger,
            Finality(self.ledger, self.publishing),
            self.waiting,
            self.results,
            lambda: self.now,
            late,
            lambda executed, entries: None,
            self.failures.append,
        )

    def close(self) -> None:
        self.application.close()
        self.results.close()
        self.waiting.end(None, self.application.behind())
        self.ledger.close()

    @property
    def height(self) -> int:
        return self.ledger.height + 1

    async def ask(self, asked: Asked, time: int | None = None) -> Any:
        if time is not None:
            asked.time.seconds = time  # type: ignore[attr-defined]
        return await self.application.answer(asked)

    async def hand_in(self, *entries: bytes) -> list[Answer]:
        """Hand in, and wait until all are checked."""
        answers = [self.waiting.put(entry) for entry in entries]
        self.application.look()
        while self.application._checking:
            await asyncio.sleep(0.001)
        return answers

    async def propose(self, time: int | None = None, room: int = MOST_BYTES) -> list[bytes]:
        made = await self.ask(abci.RequestPrepareProposal(height=self.height, max_tx_bytes=room), time or self.now)
        return list(made.txs)

    async def accepts(self, entries: Sequence[bytes], time: int | None = None) -> bool:
        asked = abci.RequestProcessProposal(height=self.height, txs=entries)
        return bool((await self.ask(asked, time or self.now)).status == ACCEPT)

    async def decide(self, entries: Sequence[bytes], time: int | None = None) -> abci.ResponseFinalizeBlock:
        asked = abci.RequestFinalizeBlock(height=self.height, txs=entries)
        return await self.ask(asked, time or self.now)  # type: ignore[no-any-return]

    async def commit(self) -> None:
        await self.ask(abci.RequestCommit())

    async def block(
        self, entries: Sequence[bytes] | None = None, time: int | None = None
    ) -> abci.ResponseFinalizeBlock:
        """A round in which nothing goes wrong: of these entries, or of what this node proposes."""
        proposed = await self.propose(time) if entries is None else list(entries)
        assert await self.accepts(proposed, time)
        decided = await self.decide(proposed, time)
        await self.commit()
        return decided

    @property
    def published(self) -> int:
        """How many entries everybody can read."""
        return SignedCheckpoint.parse((self.ledger.folder / "checkpoint").read_bytes()).checkpoint.size
