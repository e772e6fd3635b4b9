"""What a node's CometBFT knows of its own chain: asked over a socket of this machine, for those who join and lack its blocks.

Nobody reaches that socket but this process. What is handed on to others are headers with the commits that signed them, and nothing else.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import aiohttp
import msgspec

from veche.engine.cometbft.begin import COMMITS_BYTES
from veche.engine.engine import Engine
from veche.node.intake import Busy
from veche.node.web import FAILED, read_answer

SECONDS = 5
"""For which CometBFT may think about an answer."""
AT_ONCE = 4
"""Questions of strangers that it is asked at a time. The node's own come beside them: whoever floods keeps it from no peer."""
WAITING = 32
"""Strangers that wait for that at a time; whoever else comes comes again."""
KEPT = 16
"""Answers about blocks that are kept: what two thirds have signed does not change."""
NEW = 1.0
"""Seconds for which the newest two blocks are the newest."""


class _Answer(msgspec.Struct):
    """``result`` is null, or missing beside an error."""

    result: msgspec.Raw = msgspec.Raw(b"null")


class _Sync(msgspec.Struct):
    latest_block_height: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,19}$")]


class _Status(msgspec.Struct):
    sync_info: _Sync


class Chain:
    """The chain of one node. On the loop of its door."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._room, self._waiting = asyncio.Semaphore(AT_ONCE), 0
        self._kept: dict[int, bytes] = {}  # by height
        self._newest: tuple[float, bytes | None] = (-NEW, None)

    async def commits(self, height: int | None) -> bytes | None:
        """The headers of the block of this height and of the next one, with the commits that signed them, as JSON: ``at`` and ``next``.
        Without a height those of the newest two blocks. None if they are not there, or not kept any more. Raises Busy."""
        if (found := self._known(height)) is not None:
            return found
        if self._waiting >= WAITING:
            raise Busy(SECONDS)
        self._waiting += 1
        try:
            async with self._room:
                if (found := self._known(height)) is None:
                    found = await self._commits(height)
                    self._keep(height, found)
                return found
        finally:
            self._waiting -= 1

    def _known(self, height: int | None) -> bytes | None:
        if height is not None:
            return self._kept.get(height)
        when, found = self._newest
        return found if time.monotonic() - when < NEW else None

    def _keep(self, height: int | None, found: bytes | None) -> None:
        if height is None:
            self._newest = time.monotonic(), found
        elif found is not None:
            self._kept[height] = found
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]

    async def _commits(self, height: int | None) -> bytes | None:
        try:
            if height is None:
                status = msgspec.json.decode(await self._ask("status"), type=_Status)
                height = int(status.sync_info.latest_block_height) - 1
            at, following = [bytes(await self._ask("commit", height=str(one))) for one in (height, height + 1)]
        except FAILED:
            return None
        return None if b"null" in (at, following) else b'{"at":' + at + b',"next":' + following + b"}"

    async def connect(self, peers: Sequence[str]) -> None:
        """Keep connected to these (``id@host:port``) and to no others of those that were named before. What fails is tried again by
        CometBFT itself; at its next start it reads them anew."""
        try:
            await self._ask("dial_peers", persistent="true", peers=json.dumps(list(peers)))
        except FAILED:
            return

    async def _ask(self, what: str, **words: str) -> msgspec.Raw:
        socket = self._engine.questions
        if socket is None or not socket.exists():
            raise ValueError("there is nobody to ask")
        asked = f"http://cometbft/{what}"
        async with _session(socket) as session, session.get(asked, params=words) as response:
            return msgspec.json.decode(await read_answer(response, COMMITS_BYTES // 2), type=_Answer).result


def _session(socket: Path) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(str(socket)), timeout=aiohttp.ClientTimeout(total=SECONDS)
    )
