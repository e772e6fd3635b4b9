"""Nodes on this machine, each a process of its own at an address of its own: an institution's, or a citizen's.

Nothing here prints. Time is real.
"""

import errno
import http.client
import json
import socket
import subprocess
import sys
import time as clock_time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from veche.audit.ledger import Verification
from veche.errors import UserError, VecheError
from veche.texts import Localizable, Message

PATIENCE = 60
"""Seconds for which anything is waited for that should come at once."""
LIFE = 900
"""Seconds after which a node ends by itself: longer than any demo, and not for ever if the demo was killed."""
ANSWER = 30
"""Seconds within which a node answers."""
MOST = 1 << 20
"""Bytes of an answer that are read."""
Found = TypeVar("Found")


@dataclass
class Node:
    """Somebody's node, and the process that runs it if there is one. ``said``: the file of what that says."""

    name: str
    home: Path
    url: str
    said: Path
    process: subprocess.Popen[bytes] | None = None
    verification: Verification = field(default_factory=Verification)

    @property
    def words(self) -> Sequence[str]:
        """The command that runs it, after ``veche``, but for its folder."""
        return "node", "run"

    def start(self, lang: str) -> None:
        words = [*self.words, "--ledger", str(self.home), "--seconds", str(LIFE), "--lang", lang]
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "veche", *words], stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def kill(self) -> None:
        """As when the power is cut."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def check(self) -> None:
        """Raise VecheError if the node has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            raise VecheError(
                Message("The node of {name} has ended.", name=self.name),
                Message("What it said is in {file}.", file=self.said),
            )

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """What the node answers; None if nobody does, or not yet."""
        parts = urlsplit(self.url)
        try:
            with closing(http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=ANSWER)) as connection:
                headers = {} if body is None else {"Content-Type": "application/octet-stream"}
                connection.request("GET" if body is None else "POST", path, body, headers)
                return json.loads(connection.getresponse().read(MOST))
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def size(self) -> int | None:
        """How many entries are final here; None while the node does not answer, or has some that are not."""
        status = self.ask("/status")
        return status["final"] if status is not None and status["final"] == status["size"] else None


class Listening(Node):
    """The node of an institution that keeps its ledger alone: the charter does not say where it listens."""

    @property
    def words(self) -> Sequence[str]:
        return "node", "run", "--listen", str(urlsplit(self.url).netloc)


@contextmanager
def ending(nodes: Callable[[], Sequence[Node]]) -> Iterator[None]:
    """In the end none of these runs, whatever happens. ``nodes`` is called then."""
    try:
        yield
    finally:
        running = [node for node in nodes() if node.process is not None]
        try:
            for node in running:
                assert node.process is not None
                node.process.terminate()
            end = clock_time.monotonic() + PATIENCE
            for node in running:
                assert node.process is not None
                node.process.wait(max(0.1, end - clock_time.monotonic()))
        except subprocess.TimeoutExpired:
            pass  # it is killed
        finally:
            for node in running:
                node.kill()


def wait(
    nodes: Sequence[Node], what: Localizable, until: Callable[[], Found | None], folder: Path, seconds: float = PATIENCE
) -> Found:
    """Ask again and again until there is something. ``folder``: where the files are of what these nodes said.

    Raises VecheError if that takes too long, or if a node has ended meanwhile.
    """
    end = clock_time.monotonic() + seconds
    while (found := until()) is None:
        for node in nodes:
            node.check()
        if clock_time.monotonic() > end:
            raise VecheError(
                Message("In {seconds} seconds this did not happen: {what}.", seconds=int(seconds), what=what),
                Message("Is this machine very busy? What the nodes said is in {folder}.", folder=folder),
            )
        clock_time.sleep(0.05)
    return found


def free_port(host: str, custom: int) -> int:
    """A free port at this address: the one by custom, or any. Raises UserError."""
    for port in (custom, 0):
        with socket.socket() as found:
            try:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                found.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE and port:
                    continue
                raise UserError(
                    Message("No program can listen at {host} on this machine: {reason}.", host=host, reason=str(error.strerror)),
                    Message(
                        "On a Mac this adds the address: sudo ifconfig lo0 alias {host} up. Or play the city of one "
                        "institution: veche demo --embedded",
                        host=host,
                    ),
                ) from None  # fmt: skip
            return int(found.getsockname()[1])
    raise AssertionError("there is always some port")


def url_at(host: str, custom: int = 8080) -> str:
    """The address of a door there, at a free port; on a machine that has this one address only, at that. Raises UserError."""
    try:
        return f"http://{host}:{free_port(host, custom)}"
    except UserError:
        return f"http://127.0.0.1:{free_port('127.0.0.1', custom)}"
