"""Doors that lie, each in its own way: what they answer is that of an honest node, but for the lie."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from network.conftest import Client

Lie = Callable[["Door", bytes | None], bytes | None]
"""Given who asks and what an honest node answers (None: 404), what is answered; or it answers by itself and raises Answered."""


class Answered(Exception):
    """Everything is said."""


class Door(BaseHTTPRequestHandler):
    """One question to a door that lies."""

    honest: Client
    lie: Lie

    def do_GET(self) -> None:
        with suppress(Answered, OSError):
            asked = self.honest.get(self.path)
            body = type(self).lie(self, asked.body if asked.status == 200 else None)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

    def answer(self, status: int, **headers: str) -> bytes:
        """Answer this, and nothing more."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        raise Answered

    def log_message(self, *_: object) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def door(honest: Client, lie: Lie, host: str = "127.0.0.1") -> Iterator[str]:
    """The address of a door that answers as that node does, but for the lie."""
    made = type("Made", (Door,), {"honest": honest, "lie": staticmethod(lie)})
    with _Server((host, 0), made) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def flipped(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def about(start: str, lie: Lie) -> Lie:
    """A lie about paths that begin so, and the truth about all others."""
    return lambda door, body: lie(door, body) if door.path.startswith(start) else body


def slowly(door: Door, body: bytes | None) -> bytes | None:
    """A byte a second, for ever."""
    door.send_response(200)
    door.end_headers()
    while True:
        door.wfile.write(b"-")
        door.wfile.flush()
        time.sleep(1)


def never_new(old: Mapping[str, bytes], lie: Lie) -> Lie:
    """Shows the head of some time ago for ever, and lies beside that."""
    return about("/", lambda door, body: old[door.path] if door.path in old else lie(door, body))
