"""CometBFT's process: started, watched and ended by ours, so that the two live as one program."""

import asyncio
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from filelock import lock_descriptor

from veche.durable import PRIVATE
from veche.engine.engine import Stopped
from veche.errors import UserError
from veche.texts import Message

PATIENCE = 15
"""Seconds for an end: CometBFT's own after it was asked to, and that of one which a crash of ours left behind."""
_LAST = 8192
"""Bytes of what it said last that are kept."""
_LINE = 1 << 16
"""Bytes of a line of it that are looked at."""
_LOCK = "running"
_GIVEN_UP, _SYNC = "CONSENSUS FAILURE!!!", "Error in validation"
"""What CometBFT says when it ends its part in consensus and stays as a process that does nothing; and of a block that it fetched, whose
signatures it has checked before."""
_PANIC = b"panic: "
_CONTRADICTS = re.compile(
    r"(\+2/3 .*invalid block|Error in validation).*wrong Block\.Header\.(AppHash|LastResultsHash)"
)
"""What it says when over two thirds have signed a block over another state than the application's."""
_NO_SIGNER = re.compile("private validator socket client|SignerListener")
_CLOCK = "is too far in the future"
"""What it says of a block that is a minute or more ahead of this machine's clock."""
_NO_HEADER = re.compile(r"(\+2/3 .*invalid block|Error in validation).*don't have header #[0-9]")
"""What it says when over two thirds have signed a block with the proof that somebody voted twice, before its own first block."""
_SETTINGS = {"GOGC": "400"}
"""Its memory is gone through when it has grown to five times what is in use, not twice: a third less work, some 100 MB more."""


class Process:
    """One run of CometBFT from its folder ``home``. It ends when this process does: the other end of its standard input is here."""

    def __init__(self, home: Path, command: Sequence[str | Path], environment: Mapping[str, str] = {}) -> None:
        """``command``: the program, with what comes before its own arguments; ``environment``: beside this process's."""
        self._home, self._command, self._environment = home, command, environment
        self._said = self._line = b""
        self._given_up, self._reason = asyncio.Event(), ""

    async def start(self) -> None:
        """Start it. Raises UserError if that cannot be, or if another one runs from this folder and does not end."""
        lock = os.open(self._home / _LOCK, os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            await self._take(lock)
            self._process = await asyncio.create_subprocess_exec(
                *self._command, "start", "--home", self._home,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                pass_fds=(lock,), start_new_session=True, env={**_SETTINGS, **os.environ, **self._environment},
            )  # fmt: skip
        except OSError as error:
            raise UserError(Message("CometBFT could not be started: {reason}", reason=error.strerror or "")) from None
        finally:
            os.close(lock)  # held on by CometBFT, which does not know of it, until it ends
        self._listening = asyncio.create_task(self._listen())

    @staticmethod
    async def _take(lock: int) -> None:
        end = time.monotonic() + PATIENCE
        while not lock_descriptor(lock, blocking=False):
            if time.monotonic() > end:
                raise UserError(
                    Message("Another CometBFT runs from this ledger's folder, and does not end."),
                    Message("Look who has started it, and end it."),
                )
            await asyncio.sleep(0.02)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while said := await self._process.stdout.read(_LAST):
            self._said = (self._said + said)[-_LAST:]
            *lines, rest = (self._line + said).split(b"\n")
            self._line = rest[-_LINE:]
            for line in lines:
                if words := why_given_up(line):
                    self._reason = words
                    self._given_up.set()

    @property
    def contradicted(self) -> bool:
        """Whether it gave up because over two thirds have signed a block over another state than its application has."""
        return _CONTRADICTS.search(self._reason) is not None

    @property
    def lacks_header(self) -> bool:
        """Whether it gave up because it cannot check what over two thirds have: that somebody voted twice, before its own first block."""
        return _NO_HEADER.search(self._reason) is not None

    async def given_up(self) -> Stopped:
        """Until it has ended its part in consensus, and stays as a process; the sentence that says so."""
        await self._given_up.wait()
        if _CLOCK in self._reason:
            return Stopped(
                Message(
                    "This machine's clock is a minute or more behind the other validators': their blocks are of the future here."
                ),
                Message("Set this clock, then start the node again."),
            )
        return Stopped(
            Message("CometBFT decides nothing any more: {reason}", reason=self.last_words()),
            Message("Look whether this machine's clock is right and its disk has room; then start the engine again."),
        )

    async def wait(self) -> Stopped:
        """Until it has ended; the sentence that says so."""
        code = await self._process.wait()
        await self._listening
        if _NO_SIGNER.search(self.last_words()):
            return Stopped(
                Message("The remote signer has not come: CometBFT waited for it for some seconds."),
                Message("Start the signer, look that it reaches the address of --signer, then start the node again."),
            )
        return Stopped(
            Message("CometBFT has ended ({code}): {reason}", code=code, reason=self.last_words()),
            Message("Nothing that was answered is lost. Start the engine again; if this comes again, ask for help with what it said."),
        )  # fmt: skip

    def last_words(self) -> str:
        """What a person should read of what it said last: why it gave up, its last error, or its last line."""
        return self._reason or last_words(self._said)

    async def block(self, height: int) -> bytes:
        """A block of its own and the votes that decided it, as it writes them in JSON; empty if it has none. Only once it has ended."""
        asked = await asyncio.create_subprocess_exec(
            *self._command, "block", str(height), "--home", self._home,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **self._environment},
        )  # fmt: skip
        said, _ = await asked.communicate()
        return said if asked.returncode == 0 else b""

    async def stop(self, orderly: bool) -> None:
        """End it. ``orderly``: let it finish what it does, if it can."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), PATIENCE if orderly else 0)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening


def why_given_up(line: bytes) -> str:
    """Why CometBFT decides nothing any more, if this line of it says that; else empty.

    What another validator wrote into a block may stand in any line, so only what the line is about counts.
    """
    if line.startswith(_PANIC):
        return line.removeprefix(_PANIC).decode(errors="replace")[:500]
    about, words = _read(line).get("_msg"), last_words(line)
    if about == _GIVEN_UP or (
        about == _SYNC and (_CLOCK in words or _CONTRADICTS.search(words) or _NO_HEADER.search(words))
    ):
        return words
    return ""


def last_words(said: bytes) -> str:
    """The last line of JSON that CometBFT wrote, as a sentence; or its last line, if that is none."""
    found = ""
    for line in said.splitlines():
        event = _read(line)
        sentence = " ".join(str(event[name]) for name in ("_msg", "err", "error") if name in event)
        found = sentence or line.decode(errors="replace").strip() or found
    return found[:500]


def _read(line: bytes) -> dict[str, object]:
    """A line of JSON; empty if it is none."""
    try:
        return dict(json.loads(line))
    except (ValueError, RecursionError, TypeError):
        return {}
