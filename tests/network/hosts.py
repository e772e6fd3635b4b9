"""A network of validators as real processes on this machine, under clocks that are moved by hand, and a city on it."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from veche.audit.ledger import verify_ledger
from veche.clock import Clock
from veche.engine.cometbft.home import make_keys
from veche.engine.engine import Answer, Listener, Watcher
from veche.engine.engine import Engine as RunningEngine
from veche.engine.publishing import LOG_KEY, create_ledger
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.entries.engine import Engine, Network, ValidatorRow
from veche.ledger.ledger import Ledger
from veche.ledger.reader import read_own
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.source import Folder
from veche.world import VALIDATORS, World

from . import proxy
from .conftest import Client
from .proxy import Address, ports_of

HOST = Path(__file__).with_name("host.py")
PATIENCE = 180
"""Seconds for which anything is waited for that should come at once."""


def free(host: str) -> int:
    """A port that is free at this address."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


class Place:
    """Where a host is: an address of this machine's loopback. Others reach it by wires from ``outside``; ``enter``: what is
    written before a command that is to run there."""

    enter: Sequence[str] = ()

    def __init__(self, number: int) -> None:
        self.inside = self.outside = f"127.0.0.{number + 2}"

    def port(self) -> int:
        """One at which the host can listen."""
        return free(self.inside)

    def is_origin(self, origin: Address, process: int) -> bool:
        """Whether this is where somebody comes from: this host's process, or one that it has started."""
        return origin[1] in ports_of(process)


class Somebody(Protocol):
    """Who has a machine of their own."""

    def is_origin(self, origin: Address) -> bool:
        """Whether this is where somebody comes from."""


class Host:
    """One institution's machine: its folder, and the process that runs its node."""

    program: tuple[str | Path, ...] = (HOST,)

    def __init__(self, number: int, folder: Path, clock: Path, network: "proxy.Network", place: Place) -> None:
        """``clock``: the file that says what its clock says."""
        self.number, self.folder, self.clock, self.place = number, folder, clock, place
        self.http, self.p2p = place.port(), place.port()
        self.wires = [network.wire(place.outside, (place.inside, port)) for port in (self.http, self.p2p)]
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder.parent / f"said-{number + 1}"

    @property
    def client(self) -> Client:
        return Client((self.place.inside, self.http))

    def row(self, institution: str) -> ValidatorRow:
        """What the charter says of it: others reach it by wires that can be cut. Makes CometBFT's keys."""
        keys, (http, p2p) = make_keys(self.folder), self.wires
        url = f"http://{self.place.outside}:{http.port}"
        return ValidatorRow(institution, keys.votes, url, f"{keys.node}@{self.place.outside}:{p2p.port}")

    def start(self) -> None:
        listen = [f"{self.place.inside}:{port}" for port in (self.http, self.p2p)]
        with self._log.open("ab") as said:
            words = [
                *self.place.enter,
                sys.executable,
                *map(str, self.program),
                str(self.folder),
                str(self.clock),
                *listen,
            ]
            self.process = subprocess.Popen(words, stdout=said, stderr=said)

    @property
    def said(self) -> str:
        """What its node has said so far."""
        return self._log.read_text()

    def cut(self) -> None:
        """Cut it off from the others, in both directions if all are."""
        for wire in self.wires:
            wire.cut()

    def mend(self) -> None:
        for wire in self.wires:
            wire.mend()

    def is_origin(self, origin: Address) -> bool:
        """Whether this host is where somebody comes from."""
        return self.process is not None and self.place.is_origin(origin, self.process.pid)

    def admit(self, others: "Sequence[Somebody] | None", breaking: bool = True) -> None:
        """Only these others may reach it from now on; None: all. ``breaking``: what is open breaks."""
        for wire in self.wires:
            wire.admits = lambda origin: others is None or any(other.is_origin(origin) for other in others)
            if breaking:
                wire.cut()
                wire.mend()

    def kill(self) -> None:
        """As when the power is cut: CometBFT ends, too, when its standard input closes."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                code = self.process.wait(PATIENCE)
            finally:
                self.process.kill()
            self.process = None
            assert code == 0, self.said[-2000:]

    def status(self) -> Any:
        """What its door says; None if there is nobody."""
        with suppress(OSError, ValueError):
            answer = self.client.get("/status")
            return answer.json if answer.status == 200 else None
        return None


class Hosts:
    """The engine of a world that is a network of real processes (:class:`veche.world.EngineKind`)."""

    def __init__(self, network: proxy.Network, validators: int = 4) -> None:
        self.network, self.validators = network, validators
        self.all: list[Host] = []

    def host(self, number: int, folder: Path) -> Host:
        """One of them, whose folder this is: all have one clock."""
        return Host(number, folder, folder.parent / "clock", self.network, Place(number))

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        homes = [folder, *(folder.parent / f"validator-{number + 1}" for number in range(1, self.validators))]
        self.all = [self.host(number, home) for number, home in enumerate(homes)]
        for host in self.all:
            host.folder.mkdir(exist_ok=True)
        return Network(seconds, tuple(host.row(name) for host, name in zip(self.all, VALIDATORS, strict=False)))

    def make(self, ledger: Ledger, keys: Sequence[SigningKey], clock: Clock) -> RunningEngine:
        charter, folder = ledger.entry(0), ledger.folder
        ledger.close()
        for host, key in zip(self.all[1:], keys[1:], strict=True):
            key.save(host.folder / LOG_KEY)
            others = [other for other in keys if other is not key]
            create_ledger(host.folder, charter, key, clock, others).close()
        return self.remote(folder, clock)

    def remote(self, folder: Path, clock: Clock) -> "Remote":
        return Remote(self, folder, clock)


class View:
    """A ledger that another process writes, as far as a :class:`World` looks at one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: list[Any] = []

    @property
    def state(self) -> "_State":
        return _State(self._read)

    def entry(self, number: int) -> bytes:
        return bytes(self._read().entry(number))

    def _read(self) -> Any:
        opened = read_own(self.folder)
        reader = opened.__enter__()
        self._opened.append(opened)
        return reader

    def close(self) -> None:
        for opened in self._opened:
            opened.__exit__(None, None, None)


class _State:
    """The state as it is when it is asked. What it answers may read later: the connection stays open as long as the view does."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._read().state, name)
        return (lambda *arguments: getattr(self._read().state, name)(*arguments)) if callable(found) else found


class Remote:
    """Hands entries in over HTTP, to one host after the other, and lets time pass on all of them. ``pause``: seconds between two looks."""

    ledger: Ledger
    pause = 0.03

    def __init__(self, hosts: Hosts, folder: Path, clock: Clock) -> None:
        self.hosts, self.folder, self._clock = hosts, folder, clock
        self._turn = 0

    def __enter__(self) -> Self:
        self.set_clock()
        for host in self.hosts.all:
            host.start()
        self.wait(lambda: all(host.status() is not None for host in self.hosts.all))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        try:
            for host in self.hosts.all:
                host.stop()
        finally:
            for host in self.running:
                host.kill()

    def set_clock(self) -> None:
        file = self.hosts.all[0].clock
        draft = file.with_suffix(".draft")
        draft.write_text(f"{self._clock().time}\n")
        draft.replace(file)

    @property
    def running(self) -> list[Host]:
        return [host for host in self.hosts.all if host.process is not None]

    @property
    def believed(self) -> list[Host]:
        """Those whose word offices take for what became of an entry."""
        return self.running

    def watch(self, watcher: Watcher) -> None:
        raise NotImplementedError

    def gather(self, signed: SignedCheckpoint) -> bool:
        raise NotImplementedError

    def speak(self) -> None:
        raise NotImplementedError

    def newest(self, key: bytes) -> SignedCheckpoint | None:
        raise NotImplementedError

    @property
    def lacks(self) -> Sequence[int]:
        raise NotImplementedError

    @property
    def questions(self) -> Path | None:
        return None

    def check(self) -> None:
        for host in self.hosts.all:
            assert host.process is None or host.process.poll() is None, host.said[-2000:]

    def submit(self, entry: bytes, listener: Listener | None = None) -> Answer:
        host = self.believed[self._turn % len(self.believed)]
        self._turn += 1
        taken = host.client.hand_in(entry)
        said = taken.json
        if taken.status == 202:
            said = host.client.wait(said["entry"], "final", refused=True)
        if said["stage"] == "refused":
            refusal = said["refusal"]
            return _answer(Refused(refusal["rule"], refusal["message"]["en"]))
        self.wait(lambda: said["number"] < Folder(self.folder).checkpoint().checkpoint.size)
        return _answer(int(said["number"]))

    def tick(self) -> int:
        """Until all hosts that run have a final head over a block of now."""
        self.set_clock()
        now = self._clock().time
        self.wait(
            lambda: all(
                (said := host.status()) and said["time"] >= now and said["final"] == said["size"]
                for host in self.running
            )
        )
        return int(self.running[0].status()["final"])

    def wait(self, until: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Ask again and again, while all hosts that should run do."""
        end = time.monotonic() + seconds
        while not until():
            self.check()
            assert time.monotonic() < end, "nothing happens"
            time.sleep(self.pause)


class City(World):
    """A world on hosts. Its ledger is what can be read of the first one's."""

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __init__(self, folder: Path, hosts: Hosts, **choices: Any) -> None:
        super().__init__(folder, engine=hosts, **choices)
        assert isinstance(self.engine, Remote)
        self.hosts, self.remote = hosts, self.engine
        self.ledger: Any = View(self.ledger.folder)


def log_of(folder: Path) -> list[bytes]:
    """What everybody can read, verified from nothing but the public files."""
    verified = verify_ledger(Folder(folder))
    return list(Log(verified.source, verified.head).entries())


def copy_of(host: Host, folder: Path) -> Path:
    """A host's public files, and nothing of CometBFT's or its database."""
    source = Folder(host.folder)
    for name in source.names():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read(name))
    return folder


def _answer(outcome: int | Refused) -> Answer:
    """What became of an entry, once it is final at the node that took it in."""
    made = Answer(threading.Condition())
    made.give(outcome)
    return made
