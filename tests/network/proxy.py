"""A stretch of network between two programs on this machine, which can be cut, held up, slowed down and mended."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Address = tuple[str, int]
LOOK = 0.05
"""Seconds between two looks whether what is held up may go on."""


class Network:
    """Proxies on a thread of their own. Use it in a ``with``. ``delay``: seconds that everything is on its way, for each wire."""

    def __init__(self, delay: float = 0) -> None:
        self.delay = delay
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

    def wire(self, host: str, to: Address) -> "Wire":
        """A way to an address, by a port of this host."""
        wire = Wire(host, to, self)
        asyncio.run_coroutine_threadsafe(wire.lay(), self._loop).result()
        self._wires.append(wire)
        return wire

    def call(self, what: Callable[[], None]) -> None:
        """Have something done on the proxies' thread."""
        self._loop.call_soon_threadsafe(what)


class Wire:
    """``port``: by which it is entered."""

    def __init__(self, host: str, to: Address, network: Network) -> None:
        self.host, self.port, self._to, self._network = host, 0, to, network
        self._cut = False
        self.admits: Callable[[Address], bool] = lambda origin: True
        """Whether somebody may pass who comes from there. It is asked once, when they come."""
        self.holds: Callable[[Address], bool] = lambda origin: False
        """Whether what goes to and fro between here and somebody who came from there is on its way for as long as this is true."""
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
        self._network.call(self._break)

    def mend(self) -> None:
        self._cut = False

    def _break(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            origin = writer.get_extra_info("peername")[:2]
            if self._cut or not self.admits(origin):
                return
            there, back = await asyncio.open_connection(*self._to)
            self._open.add(back)
            try:
                await asyncio.gather(self._pass(reader, back, origin), self._pass(there, writer, origin))
            finally:
                self._open.discard(back)
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, origin: Address) -> None:
        """Everything from the one to the other, in its order, to the end."""
        way = asyncio.Queue[tuple[float, bytes]]()
        arriving = asyncio.create_task(self._arrive(way, writer, origin))
        try:
            data = b"-"
            while data and not arriving.done():
                data = await reader.read(65_536)
                way.put_nowait((asyncio.get_running_loop().time() + self._network.delay, data))
            await arriving
        except OSError:
            pass
        finally:
            arriving.cancel()

    async def _arrive(
        self, way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter, origin: Address
    ) -> None:
        with suppress(OSError):
            while True:
                due, data = await way.get()
                await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
                while self.holds(origin):
                    await asyncio.sleep(LOOK)
                if not data:
                    break
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
