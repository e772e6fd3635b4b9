"""Four institutions on this machine: each a home, an address, and a node that is a process of its own.

Nothing here prints. Time is real, so the ledger is a test ledger, on which days are minutes.
"""

import errno
import http.client
import json
import signal
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
from veche.errors import Refused, UserError, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.engine import Network
from veche.ledger.poll_state import PollState
from veche.log.source import Folder
from veche.texts import Localizable, Message, Words
from veche.world import CUSTOM, Homes, Ports, World, address, home, settle

INSTITUTIONS = 4
PEOPLE = 24
TEST = 1000
"""By what the ledger divides durations."""
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
class Institution:
    """One of the institutions, and the process that runs its node if there is one. ``said``: the file of what that says."""

    name: str
    home: Path
    url: str
    said: Path
    process: subprocess.Popen[bytes] | None = None
    verification: Verification = field(default_factory=Verification)

    def start(self, lang: str) -> None:
        words = ["node", "run", "--ledger", str(self.home), "--seconds", str(LIFE), "--lang", lang]
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


class Town:
    """A small town whose ledger four institutions keep. ``poll`` is filled in as the story goes on. Raises UserError."""

    def __init__(self, folder: Path, lang: str) -> None:
        ports = tuple(_ports(number) for number in range(INSTITUTIONS))
        self.world = World(
            folder,
            citizens={"Centre": PEOPLE},
            trustees=(3, 2),
            genesis=int(clock_time.time()),
            test=TEST,
            engine=Homes(INSTITUTIONS, ports),
        )
        self.folder, self._lang = folder, lang
        settle(self.world)
        engine = self.world.charter.engine
        assert isinstance(engine, Network)
        self.institutions = [
            Institution(row.institution, home(folder, number), row.url, folder / f"node-{number + 1}.txt")
            for number, row in enumerate(engine.validators)
        ]
        self.poll: PollState
        self.began = clock_time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """All nodes run; in the end none does, whatever happens."""
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            for institution in self.institutions:
                self.start(institution)
            yield
        finally:
            self._stop()
            signal.signal(signal.SIGTERM, previous)
            for registrar in self.world.registrars:
                registrar.close()

    def start(self, institution: Institution) -> None:
        institution.start(self._lang)

    def _stop(self) -> None:
        running = [institution for institution in self.institutions if institution.process is not None]
        try:
            for institution in running:
                assert institution.process is not None
                institution.process.terminate()
            end = clock_time.monotonic() + PATIENCE
            for institution in running:
                assert institution.process is not None
                institution.process.wait(max(0.1, end - clock_time.monotonic()))
        except subprocess.TimeoutExpired:
            pass  # it is killed
        finally:
            for institution in running:
                institution.kill()

    def wait(self, what: Localizable, until: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """Ask again and again until there is something. Raises VecheError if that takes too long, or if a node has ended meanwhile."""
        end = clock_time.monotonic() + seconds
        while (found := until()) is None:
            for institution in self.institutions:
                institution.check()
            if clock_time.monotonic() > end:
                raise VecheError(
                    Message("In {seconds} seconds this did not happen: {what}.", seconds=int(seconds), what=what),
                    Message("Is this machine very busy? What the nodes said is in {folder}.", folder=self.folder),
                )
            clock_time.sleep(0.05)
        return found

    def agreed(self, among: Sequence[Institution]) -> int:
        """Wait until these have the same final head; its size."""

        def same() -> int | None:
            sizes = {institution.size() for institution in among}
            return sizes.pop() if len(sizes) == 1 else None

        return self.wait(Message("all nodes have the same final head"), same)

    # Entries

    def hand_in(self, entry: bytes, at: Institution) -> str:
        """Hand an entry in at a node: its hash. Raises Refused, VecheError."""
        answer = at.ask("/entries", entry)
        if answer is None or "entry" not in answer:
            raise VecheError(Message("The node of {name} did not take an entry.", name=at.name))
        _check_refusal(answer)
        return digest(entry).hex()

    def final(self, entry: str, at: Institution) -> int:
        """Wait until an entry is under a final head; its number. Raises Refused, VecheError."""

        def number() -> int | None:
            answer = at.ask(f"/entries/{entry}") or {}
            _check_refusal(answer)
            return answer["number"] if answer.get("stage") == "final" else None

        return self.wait(Message("an entry is final"), number)

    def submit(self, entry: bytes, at: Institution) -> bytes:
        """Hand an entry in, and wait until it is final; its id. Raises Refused, VecheError."""
        self.final(self.hand_in(entry, at), at)
        return digest(entry)

    def look_at_poll(self, poll: bytes, at: Institution, what: Localizable, until: Callable[[PollState], bool]) -> None:
        """``poll`` as an institution's public files have it, verified, as soon as ``until`` is true of it: ``what`` happened then."""

        def found() -> PollState | None:
            state = at.verification.look(Folder(at.home)).state.poll(poll)
            return state if state is not None and until(state) else None

        self.poll = self.wait(what, found)


def _check_refusal(answer: Any) -> None:
    if answer.get("stage") == "refused":
        refusal = answer["refusal"]
        raise Refused(refusal["rule"], Words(**refusal["message"]))


def _ports(number: int) -> Ports:
    return Ports(*(free_port(address(number), port) for port in CUSTOM))


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
