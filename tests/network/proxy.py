"""A stretch of network between two programs on this machine, which can be cut and mended."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Network:
    """Proxies on a thread of their own. Use it in a ``with``."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []

    def __enter__(self) -> "Network":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires:
            self._loop.call_soon_threadsafe(wire.take_up)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def wire(self, host: str, port: int) -> "Wire":
        """A way to this address, by another port of the same host."""
        wire = Wire(host, port, self._loop)
        asyncio.run_coroutine_threadsafe(wire.lay(), self._loop).result()
        self._wires.append(wire)
        return wire


class Wire:
    """``port``: by which it is entered."""

    def __init__(self, host: str, to: int, loop: asyncio.AbstractEventLoop) -> None:
        self.host, self.port, self._to, self._loop = host, 0, to, loop
        self._cut = False
        self.admits: Callable[[int], bool] = lambda port: True
        """Whether somebody may pass who comes from this port."""
        self._open: set[asyncio.StreamWriter] = set()

    async def lay(self) -> None:
        self._server = await asyncio.start_server(self._connected, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def take_up(self) -> None:
        self._server.close()
        self._break()

    def cut(self) -> None:
        """Nothing comes through any more, and what is open breaks."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._break)

    def mend(self) -> None:
        self._cut = False

    def _break(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._cut or not self.admits(writer.get_extra_info("peername")[1]):
                return
            there, back = await asyncio.open_connection(self.host, self._to)
            self._open.add(back)
            try:
                await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
            finally:
                self._open.discard(back)
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()


def ports_of(process: int) -> set[int]:
    """The TCP ports at which this process and those that it started have connections."""
    sockets = set[str]()
    with suppress(OSError):
        for file in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                sockets.add(str(file.readlink()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    found = {int(row[1].partition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in sockets}
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found |= ports_of(int(child))
    return found
