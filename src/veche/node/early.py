"""The door of a citizen's node whose ballots are still on their way: pages of polls, offices and entries, read from the frame. docs/adr/0028.

To programs it says that it comes: a head whose tiles are not here would look like a lie, and so would none.
"""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Self

from aiohttp import web

from veche.engine.loops import new_loop
from veche.errors import UserError
from veche.ledger.frame import FRAMED
from veche.node.api import allow_all, answer_mistakes, failure
from veche.node.expecting import expected
from veche.node.explorer.door import Explorer, answer_in_pages
from veche.node.explorer.view import Coming
from veche.node.framing import kept_frame
from veche.node.listener import Listener
from veche.node.node import listening
from veche.texts import Message

CONNECTIONS = 200
"""How many may be connected at a time."""
AFTER = 60
"""Seconds after which a program may ask again."""


class EarlyDoor:
    """Open in a ``with``, of the folder in which a frame is kept. ``address``: where it listens."""

    def __init__(self, folder: Path, listen: str) -> None:
        """Raises UserError, and DoesNotHold if what is kept does not hold."""
        found = kept_frame(folder)
        if found is None:
            raise UserError(
                Message("There is no ledger in {path}.", path=folder), Message("Start again: veche node join")
            )
        self._founding = found.entry(0)
        size = found.head.size
        application = web.Application(middlewares=[answer_mistakes, answer_in_pages], client_max_size=1)
        application.on_response_prepare.append(allow_all)
        get = partial(application.router.add_get, expect_handler=expected)
        get("/charter", self._charter)
        Explorer(folder / FRAMED, lambda: size, _send, found).add_to(application)
        application.router.add_route("*", "/{any:.*}", _comes, expect_handler=expected)
        self._loop = new_loop()
        self._listener = Listener(application, CONNECTIONS)
        self._thread = threading.Thread(target=self._loop.run_forever, name="veche-early")
        self.address = listening(listen)

    def __enter__(self) -> Self:
        """Listen. Raises UserError if that cannot be."""
        self._thread.start()
        try:
            opened = self._listener.open(self.address, "--listen")
            self.address = asyncio.run_coroutine_threadsafe(opened, self._loop).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._listener.close(), self._loop).result()
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _charter(self, _: web.Request) -> web.Response:
        return web.Response(body=self._founding, content_type="application/octet-stream")


async def _comes(_: web.Request) -> web.Response:
    return failure(Coming(), 503, {"Retry-After": str(AFTER)})


async def _send(_: web.Request, data: bytes, headers: dict[str, str]) -> web.StreamResponse:
    return web.Response(body=data, headers=headers)
