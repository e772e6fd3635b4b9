"""Citizens' nodes as real processes: ``veche node join``, at loopback addresses of their own, under a clock that a test moves."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cli.conftest import environment

from .conftest import Client
from .hosts import PATIENCE, free
from .proxy import Address, ports_of

JOIN = Path(__file__).with_name("join.py")
FIRST = 64
"""The last byte of the first one's address: validators' are below."""


class Citizen:
    """One citizen's machine: a folder, and the process that runs the node. ``clock``: the file that says what its clock says; ``enter``:
    what is written before its command, for a citizen that lives elsewhere than on this machine's loopback."""

    def __init__(
        self, number: int, folder: Path, clock: Path, *words: str, host: str = "", enter: Sequence[str] = ()
    ) -> None:
        """``words``: more for the command, as options."""
        self.folder, self.clock, self._words, self._enter = folder, clock, words, enter
        self.host = host or f"127.0.0.{FIRST + number}"
        self.port = free(self.host) if not enter else 8080
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder.parent / f"{folder.name}.said"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def client(self) -> Client:
        return Client((self.host, self.port), timeout=20)

    @property
    def said(self) -> str:
        """What its node has said so far, in one line."""
        return " ".join(self._log.read_text(encoding="utf-8").split()) if self._log.exists() else ""

    def start(self, *urls: str) -> None:
        """Join at these addresses, or go on at those that are known."""
        words = [
            *self._enter, sys.executable, str(JOIN), str(self.clock), "node", "join", *urls,
            "--ledger", str(self.folder), "--listen", f"{self.host}:{self.port}", *self._words,
        ]  # fmt: skip
        with self._log.open("ab") as said:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment() | {"PYTHONUNBUFFERED": "1"}
            )

    def status(self) -> Any:
        """What its door says; None if there is nobody."""
        with suppress(OSError, ValueError):
            answer = self.client.get("/status")
            return answer.json if answer.status == 200 else None
        return None

    @property
    def size(self) -> int:
        """How many entries are published here; 0 while its door is shut."""
        said = self.status()
        return int(said["final"]) if said is not None else 0

    def is_origin(self, origin: Address) -> bool:
        """Whether this is where somebody comes from."""
        return self.process is not None and origin[1] in ports_of(self.process.pid)

    def kill(self) -> None:
        """As when the power is cut."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def ends(self, seconds: float = PATIENCE) -> int:
        """Wait until its node has ended by itself; its exit code."""
        assert self.process is not None
        code, self.process = self.process.wait(seconds), None
        return code

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(PATIENCE)
            finally:
                self.process.kill()
            self.process = None
            assert code == 0, self.said[-2000:]

    def wait_for(self, size: int, seconds: float = PATIENCE) -> None:
        """Until it has published so many entries."""
        end = time.monotonic() + seconds
        while self.size < size:
            assert self.process is not None and self.process.poll() is None, self.said[-2000:]
            assert time.monotonic() < end, f"it has {self.size} of {size} entries: {self.said[-2000:]}"
            time.sleep(0.1)


@contextmanager
def stopping(*citizens: Citizen) -> Iterator[None]:
    """In the end none of them runs: if all was well, because it was told to end, and did."""
    try:
        yield
        for one in citizens:
            one.stop()
    finally:
        for one in citizens:
            if one.process is not None:
                one.kill()
