"""What a node asks its CometBFT: strangers' questions are bounded, and keep it from nothing of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web

from veche.node.chain import AT_ONCE, WAITING, Chain
from veche.node.intake import Busy


class Told:
    """A CometBFT that counts what it is asked; ``go``: until then it answers nothing about blocks."""

    def __init__(self) -> None:
        self.asked, self.go, self.dialled = Counter[str](), asyncio.Event(), asyncio.Event()

    async def commit(self, request: web.Request) -> web.Response:
        self.asked[request.query["height"]] += 1
        await self.go.wait()
        return web.json_response({"result": {"height": request.query["height"]}})

    async def dial(self, _: web.Request) -> web.Response:
        self.dialled.set()
        return web.json_response({"result": {}})


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[tuple[Chain, Told]]:
    told, application = Told(), web.Application()
    application.router.add_get("/commit", told.commit)
    application.router.add_get("/dial_peers", told.dial)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "socket")).start()
    try:
        yield Chain(cast(Any, SimpleNamespace(questions=folder / "socket"))), told
    finally:
        told.go.set()
        await runner.cleanup()


def test_a_flood_of_questions_keeps_it_from_no_peer(tmp_path: Path) -> None:
    async def flood() -> None:
        async with chain(tmp_path) as (asked, told):
            waiting = [asyncio.create_task(asked.commits(10 * number)) for number in range(1, WAITING + 1)]
            while sum(told.asked.values()) < AT_ONCE:
                await asyncio.sleep(0.01)
            with pytest.raises(Busy):
                await asked.commits(7)
            await asked.connect(["id@host:1"])
            assert told.dialled.is_set() and sum(told.asked.values()) == AT_ONCE
            told.go.set()
            assert all(await asyncio.gather(*waiting))

    asyncio.run(flood())


def test_what_two_thirds_signed_is_asked_for_once(tmp_path: Path) -> None:
    async def ask() -> None:
        async with chain(tmp_path) as (asked, told):
            told.go.set()
            answers = [await asked.commits(7), *await asyncio.gather(*(asked.commits(7) for _ in range(100)))]
            assert set(answers) == {b'{"at":{"height": "7"},"next":{"height": "8"}}'}
            assert told.asked == {"7": 1, "8": 1}

    asyncio.run(ask())
