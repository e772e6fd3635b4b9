"""Where somebody may ask over HTTP: a socket that knows how many it bears, and whom it leaves."""

import asyncio
import logging
import sys

from aiohttp import web

from veche.errors import UserError, because
from veche.texts import Message

SHUTDOWN = 2.0
"""Seconds for which answers under way are waited for at the end."""

BACKLOG = 128
"""How many may come at once; by so many there may be more for a moment, until they are counted."""
IDLE = 30
"""Seconds for which a connection may say nothing, or not come to the end of a request's headers, while nothing is under way on it."""

LINGER = 2.0
"""Seconds for which the rest of a request is read that was answered before its end, so that the answer is read."""


def _silent() -> logging.Logger:
    """For what aiohttp has to say: addresses of those who ask, and what they sent. What is this node's fault, its API says."""
    made = logging.Logger("veche.node")
    made.disabled = True
    return made


class Listener:
    """Where somebody may ask over HTTP. Whoever is slow is left, and whoever finds no room is hung up on."""

    def __init__(self, application: web.Application, room: int) -> None:
        """``room``: how many may be connected at a time, if so many files can be opened."""
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_silent(),
            shutdown_timeout=SHUTDOWN,
            keepalive_timeout=IDLE,
            lingering_time=LINGER,
            auto_decompress=False,
        )
        self._room = _bearable(room)
        self._server: asyncio.Server | None = None

    async def open(self, address: tuple[str, int], option: str) -> tuple[str, int]:
        """Listen there; where it is. Raises UserError if that cannot be: ``option`` gives another address."""
        await self._runner.setup()
        host, port = address
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._connect, host, port, backlog=min(BACKLOG, self._room)
            )
        except OSError as error:
            raise UserError(
                Message(
                    "Nothing can listen at {host}, port {port}: {why}.", host=host, port=str(port), why=because(error)
                ),
                Message("Look what listens there, or choose another with {option}.", option=option),
            ) from None
        found: tuple[str, int] = self._server.sockets[0].getsockname()[:2]
        return found

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _connect(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._room:
            return _NoRoom()
        return server()


def _bearable(room: int) -> int:
    """How many of so many may be connected: with half of the files that this process may open."""
    if sys.platform == "win32":  # there is no such bound
        return room
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return room if files == resource.RLIM_INFINITY else min(room, files // 2)


class _NoRoom(asyncio.Protocol):
    """Hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
