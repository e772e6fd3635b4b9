"""A ledger that is driven a block at a time, as either engine drives it: for tests in which the disk fails at some operation."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from comet import OnCometBFT
from node import Node

from veche.errors import Refused
from veche.ledger.ledger import Answer, Ledger
from veche.ledger.store import READ, plainly
from veche.world import EngineKind

from .cometbft import node as cometbft
from .stage import Stage


class Driven(Protocol):
    """Opened, it has published what a crash left unpublished."""

    ledger: Ledger

    def block(self, time: int, entries: Sequence[bytes] = ()) -> list[Answer]:
        """A block of these entries, durable when this returns."""

    def publish(self) -> None:
        """What is durable becomes public."""

    def close(self) -> None: ...


class ByCometBFT:
    """The application of CometBFT, under a consensus in which nothing goes wrong: what is durable becomes public with the next block."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._node = cometbft.Node(Stage(folder, 0, []))
        self._node.results.search = lambda state: None  # type: ignore[method-assign]  # nothing comes of itself
        self.ledger = self._node.ledger
        self.publish()

    def block(self, time: int, entries: Sequence[bytes] = ()) -> list[Answer]:
        size = self.ledger.size
        with plainly(self.ledger.folder, READ):  # as around the engine's thread
            self._loop.run_until_complete(self._round(max(time, self.ledger.time), entries))
        numbers = {self.ledger.entry(number): number for number in range(size, self.ledger.size)}
        return [numbers.pop(entry, Refused("", "It is not in the block.")) for entry in entries]

    async def _round(self, time: int, entries: Sequence[bytes]) -> None:
        self._node.now = time
        await self._node.hand_in(*entries)
        if self._node.failures:
            raise self._node.failures[0]
        await self._node.block(time=time)

    def publish(self) -> None:
        self.block(self.ledger.time)

    def close(self) -> None:
        with closing(self._loop):
            self._node.close()


def drive(kind: EngineKind, folder: Path) -> Driven:
    """Open the ledger in a folder, and drive it as this engine does."""
    return ByCometBFT(folder) if isinstance(kind, OnCometBFT) else Node(folder)
