"""Four institutions on this machine: each a home, an address, and a node that is a process of its own.

Nothing here prints. Time is real, so the ledger is a test ledger, on which days are minutes.
"""

import signal
import time as clock_time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from veche.demo.citizen import Citizen, Liar, lying, make_citizen
from veche.demo.nodes import PATIENCE, Found, Node, ending, free_port, wait
from veche.errors import Refused, VecheError
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


class Town:
    """A small town whose ledger four institutions keep. ``poll`` and ``citizen`` are filled in as the story goes on. Raises UserError."""

    citizen: Citizen | None = None

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
        self._charter = settle(self.world)
        engine = self.world.charter.engine
        assert isinstance(engine, Network)
        self.institutions = [
            Node(row.institution, home(folder, number), row.url, folder / f"node-{number + 1}.txt")
            for number, row in enumerate(engine.validators)
        ]
        self.poll: PollState
        self.began = clock_time.monotonic()

    @contextmanager
    def running(self) -> Iterator[None]:
        """All nodes run; in the end none does, whatever happens."""
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with ending(lambda: self.nodes), ExitStack() as self._doors:
                for institution in self.institutions:
                    self.start(institution)
                yield
        finally:
            signal.signal(signal.SIGTERM, previous)
            for registrar in self.world.registrars:
                registrar.close()

    @property
    def nodes(self) -> list[Node]:
        """Those of the institutions, and the citizen's if there is one."""
        return [*self.institutions, *([self.citizen] if self.citizen is not None else [])]

    def start(self, node: Node) -> None:
        node.start(self._lang)

    def join(self, at: Node) -> tuple[Citizen, Liar]:
        """A citizen's node, begun at two addresses: of an institution, and of a door that lies and is there until the end."""
        liar = self._doors.enter_context(lying(self.folder / "lie", at.home))
        self.citizen = make_citizen(self.folder, self._charter, (liar.url, at.url), self._lang)
        self.start(self.citizen)
        return self.citizen, liar

    def wait(self, what: Localizable, until: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """See :func:`veche.demo.nodes.wait`."""
        return wait(self.nodes, what, until, self.folder, seconds)

    def agreed(self, among: Sequence[Node]) -> int:
        """Wait until these have the same final head; its size."""

        def same() -> int | None:
            sizes = {institution.size() for institution in among}
            return sizes.pop() if len(sizes) == 1 else None

        return self.wait(Message("all nodes have the same final head"), same)

    # Entries

    def hand_in(self, entry: bytes, at: Node) -> str:
        """Hand an entry in at a node: its hash. Raises Refused, VecheError."""
        answer = at.ask("/entries", entry)
        if answer is None or "entry" not in answer:
            raise VecheError(Message("The node of {name} did not take an entry.", name=at.name))
        _check_refusal(answer)
        return digest(entry).hex()

    def final(self, entry: str, at: Node) -> int:
        """Wait until an entry is under a final head; its number. Raises Refused, VecheError."""

        def number() -> int | None:
            answer = at.ask(f"/entries/{entry}") or {}
            _check_refusal(answer)
            return answer["number"] if answer.get("stage") == "final" else None

        return self.wait(Message("an entry is final"), number)

    def submit(self, entry: bytes, at: Node) -> bytes:
        """Hand an entry in, and wait until it is final; its id. Raises Refused, VecheError."""
        self.final(self.hand_in(entry, at), at)
        return digest(entry)

    def look_at_poll(self, poll: bytes, at: Node, what: Localizable, until: Callable[[PollState], bool]) -> None:
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
