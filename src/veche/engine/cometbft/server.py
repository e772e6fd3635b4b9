"""ABCI's socket: what CometBFT asks, a message a frame, and what it is answered, in the order in which it asked.

A frame is the length of a message as an unsigned varint, and the message. CometBFT opens four connections to the one socket and
does not say which is for what. Whoever can open the socket is CometBFT, for its folder is this user's alone; all the same nothing
is read that is longer than a block can be, and whatever is no request ends the connection, and with it the engine.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Asked

from veche.engine.cometbft.abci_pb2 import Request, Response, ResponseException, ResponseFlush
from veche.errors import VecheError
from veche.texts import Message

CONNECTIONS = 4
"""For consensus, the mempool, questions and snapshots."""
MOST = 16 << 20
"""Bytes of a message: twice the largest block, and more than what comes with it."""
_VARINT = 5
"""Bytes of a length at most: 32 bits."""

Answer = Callable[[Asked], Awaitable[Asked]]
"""Answers one request of ABCI (a ``RequestInfo``, ...) with its response (a ``ResponseInfo``, ...)."""


class Malformed(VecheError):
    """What came over the socket is not ABCI."""


def frame(message: Asked) -> bytes:
    """A message as it goes over the socket."""
    data = message.SerializeToString()
    length, head = len(data), bytearray()
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + data


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next message's bytes; None at the end. Raises Malformed."""
    length = 0
    for at in range(_VARINT):
        try:
            (byte,) = await reader.readexactly(1)
        except asyncio.IncompleteReadError:
            if at:
                raise Malformed(Message("CometBFT stopped in the middle of a message.")) from None
            return None
        length |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            break
    else:
        raise Malformed(Message("CometBFT sent a message whose length has no end."))
    if length > MOST:
        raise Malformed(
            Message("CometBFT sent a message of {length} bytes; at most {most} are read.", length=length, most=MOST)
        )
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise Malformed(Message("CometBFT stopped in the middle of a message.")) from None


def read_request(data: bytes) -> Asked:
    """The request in a message. Raises Malformed."""
    try:
        request = Request.FromString(data)
    except DecodeError:
        raise Malformed(Message("CometBFT sent what is not a message of ABCI.")) from None
    kind = request.WhichOneof("value")
    if kind is None:
        raise Malformed(
            Message("CometBFT asked for what this program does not know."),
            Message("It needs the CometBFT that it was made with: the package veche-cometbft of the same version."),
        )
    asked: Asked = getattr(request, kind)
    return asked


def response(answer: Asked) -> Response:
    """What carries an answer: its field is named as the class is."""
    made = Response()
    name = type(answer).__name__.removeprefix("Response")
    field = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    getattr(made, field).SetInParent()
    getattr(made, field).CopyFrom(answer)
    return made


class Server:
    """Listens on a socket as long as it is used as an async context manager, and answers each connection in its order."""

    def __init__(self, path: Path, answer: Answer, failed: Callable[[BaseException], None]) -> None:
        """``path``: where the socket will be, of at most a hundred bytes. ``failed`` is told, once or more often, why the
        conversation cannot go on: what ``answer`` raised, or Malformed."""
        self._path, self._answer, self._failed = path, answer, failed
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def __aenter__(self) -> "Server":
        if sys.platform == "win32":
            raise NotImplementedError  # there is no program to be spoken to: see launch.program
        self._server = await asyncio.start_unix_server(self._connected, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._open) >= CONNECTIONS:
                return
            self._open.add(task)
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # CometBFT is gone, or we are going; whoever supervises it knows
        except Exception as error:
            self._failed(error)
        finally:
            self._open.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (data := await read_frame(reader)) is not None:
            try:
                asked = read_request(data)
                answer = ResponseFlush() if type(asked).__name__ == "RequestFlush" else await self._answer(asked)
            except Exception:
                # CometBFT ends when it reads this; the reason is for this process to say, and no text for another's log.
                writer.write(frame(response(ResponseException(error="The ledger cannot go on."))))
                await writer.drain()
                raise
            writer.write(frame(response(answer)))
            await writer.drain()
