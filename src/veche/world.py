"""A small city in one folder: offices, registrars, trustees, citizens and a ledger on either engine, under a clock that is moved by hand.

For the demo, the scenarios and the tests. Everybody acts through the same code as in a real city; what is simulated is time
and that all are in one process. :meth:`World.check` runs the auditor, which knows nothing but the public files.
"""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.audit.view import View
from veche.clock import Clock, Reading, by_hand
from veche.durable import make_folder
from veche.engine.block_clock import BlockClock
from veche.engine.cometbft.home import P2P_PORT, make_keys
from veche.engine.embedded import LOG_KEY, EmbeddedEngine, create_ledger
from veche.engine.engine import Engine as RunningEngine
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat
from veche.ledger.entries.engine import COMETBFT, Embedded, Engine, Network, ValidatorRow
from veche.ledger.entries.office import Role
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.ledger import Ledger
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.log.source import Folder
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.registrar.registrar import Registrar
from veche.trustee.trustee import Trustee
from veche.voter.voter import Voter, seal
from veche.witness.witness import Witness, put_cosigned

DAY = 86_400
GENESIS = 1_779_448_000  # 2026-05-22, 11:06 UTC: nothing that a test lets happen is still to come
PAUSE = 60  # seconds for which an engine waits for something to happen
STEP = 540  # seconds between two blocks while time passes: less than a halt

ORGANISERS = ("City hall: polls office", "City hall: legal office")
TRUSTEES = ("University", "Bar association", "Journalists' union", "Chamber of engineers", "Library")
OPERATOR = "City hall: computing"
VALIDATORS = (
    "Academy of sciences",
    "Bank",
    "City hall: computing",
    "District court",
    *(f"Node {number:02}" for number in range(5, 65)),
)
"""As many as a network can have, in ascending order."""
WITNESSES = ("Election observers", "Press council", "Law school", "City archive")
REGISTRARS = (
    "Civil registry", "Post office", "Savings bank", "Tax office", "Housing office", "Pension fund",
    *(f"Registry {number}" for number in range(7, 33)),
)  # fmt: skip
"""As many as a class can have."""


@dataclass
class Citizen:
    """A resident with a device. ``turn`` counts the ballots that they cast in a poll."""

    person: str
    district: str
    voter: Voter
    permits: dict[bytes, list[Permit]] = field(default_factory=dict)
    turns: dict[bytes, int] = field(default_factory=dict)


class EngineKind(Protocol):
    """An engine on which a world can run."""

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        """What the charter says of it, before there is a ledger in the folder. ``keys``: see ``validators``."""

    def make(self, ledger: Ledger, keys: Sequence[SigningKey], clock: Clock) -> RunningEngine:
        """The engine, with pauses so long that only what happens makes a block."""

    @property
    def validators(self) -> int:
        """How many keys sign heads: those of so many validators, in the order of ``VALIDATORS``; with none, the log's key alone."""


class _Embedded:
    validators = 0

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        return Embedded(seconds, OPERATOR, keys[0].public)

    def make(self, ledger: Ledger, keys: Sequence[SigningKey], clock: Clock) -> RunningEngine:
        return EmbeddedEngine(ledger, keys[0], BlockClock(ledger, clock), PAUSE)


EMBEDDED = _Embedded()


class _PlayedEngine(EmbeddedEngine):
    NAME = COMETBFT


@dataclass(frozen=True)
class Played:
    """A network that is played: its blocks come as on the embedded engine, and all its validators sign the heads."""

    validators: int = 4

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        votes = [SigningKey.generate().public for _ in keys]
        rows = zip(VALIDATORS, votes, range(len(keys)), strict=False)
        return Network(seconds, tuple(validator_row(name, key, number) for name, key, number in rows))

    def make(self, ledger: Ledger, keys: Sequence[SigningKey], clock: Clock) -> RunningEngine:
        return _PlayedEngine(ledger, keys[0], BlockClock(ledger, clock), PAUSE, keys[1:])


class Ports(NamedTuple):
    """Where a validator's node is found at its address: its door over HTTP, and CometBFT."""

    http: int = 8080
    peer: int = P2P_PORT


CUSTOM = Ports()


@dataclass(frozen=True)
class Homes(Played):
    """A network whose validators have homes of their own beside the world's ledger, from which :func:`settle` makes theirs.

    ``ports``: of each, if they are not the ones by custom.
    """

    ports: tuple[Ports, ...] = ()

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        rows = []
        for number, name in zip(range(len(keys)), VALIDATORS, strict=False):
            made = make_keys(home(folder.parent, number))
            ports = self.ports[number] if self.ports else CUSTOM
            rows.append(validator_row(name, made.votes, number, made.node, ports))
        return Network(seconds, tuple(rows))


def home(folder: Path, number: int) -> Path:
    """The home of a validator, counted from 0, of a world in this folder."""
    return folder / f"validator-{number + 1}"


def address(number: int) -> str:
    """The address of a validator, counted from 0, on this machine."""
    return f"127.0.0.{number + 2}"


def validator_row(institution: str, votes: bytes, number: int, node: str = "", ports: Ports = CUSTOM) -> ValidatorRow:
    """What a charter says of a validator on this machine; ``node``: its id, if it has one."""
    peer = f"{node or f'{number + 1:040x}'}@{address(number)}:{ports.peer}"
    return ValidatorRow(institution, votes, f"http://{address(number)}:{ports.http}", peer)


def _corrupt(n: int, t: int) -> int:
    """The most trustees of n that a class of threshold t lets be corrupt."""
    return max(0, min(2 * t - n - 1, n - t))


class World:
    """Make it, use it as a context manager, and let things happen. ``now`` is the city's time, ``moved`` by how much it is wrong."""

    def __init__(
        self,
        folder: Path,
        *,
        citizens: dict[str, int] | None = None,
        trustees: tuple[int, int] = (3, 2),
        registrars: tuple[int, int, int] = (2, 2, 0),
        sources: Sequence[str] = (),
        smallest: int = 3,
        notice: int = 3600,
        margin: int = 0,
        genesis: int = GENESIS,
        test: int = 0,
        witnesses: tuple[int, int] | None = None,
        seconds: int = 1,
        engine: EngineKind = EMBEDDED,
    ) -> None:
        """``citizens``: how many in each district. ``trustees``: (n, t). ``registrars``: (n, k, f). ``smallest``: m.
        ``witnesses``: (w, f), and then nobody acts but under heads that they cosigned.
        ``margin``: how long the trustees wait after a tally, in seconds. ``test``: by what a test ledger divides all times; then a day of a poll is so much shorter, too.

        ``seconds``: between two blocks, as the charter says.
        ``engine``: on which the ledger runs.
        ``sources``: the identity source of each registrar; if none are given, everyone has their own.
        """
        self.folder = folder
        self.now, self.moved = genesis, 0
        self.organisers = [SigningKey.generate() for _ in ORGANISERS]
        self.trustees = [
            Trustee.create(folder / f"trustee-{i + 1}", TRUSTEES[i], self.clock) for i in range(trustees[0])
        ]
        self.registrars = [Registrar.create(folder / f"registrar-{i + 1}") for i in range(registrars[0])]
        self.citizens = [
            Citizen(f"{district}-{i}", district, Voter(Seed.generate()))
            for district, count in (citizens or {"Centre": 6}).items()
            for i in range(count)
        ]
        watching, corrupt = witnesses or (0, None)
        self.witnesses = [Witness.create(folder / f"witness-{i + 1}", WITNESSES[i]) for i in range(watching)]
        self._write_roll()
        self.head_keys = [SigningKey.generate() for _ in range(engine.validators or 1)]
        make_folder(folder / "ledger")
        self.head_keys[0].save(folder / "ledger" / LOG_KEY)
        names = sources or [f"source {i + 1}" for i in range(registrars[0])]
        seats = [RegistrarSeat(name, source) for name, source in zip(REGISTRARS, names, strict=False)]
        self.poll_class = PollClass(
            "city", tuple(seats), registrars[1], registrars[2], min(2, registrars[1]), TRUSTEES[: trustees[0]], trustees[1],
            _corrupt(*trustees), smallest, notice, 30 * DAY, 2, margin=margin, witnessed=witnesses is not None,
        )  # fmt: skip
        offices = [
            *((name, Role.ORGANISER, key) for name, key in zip(ORGANISERS, self.organisers, strict=True)),
            *((trustee.institution, Role.TRUSTEE, trustee.key) for trustee in self.trustees),
            *((REGISTRARS[i], Role.REGISTRAR, registrar.office) for i, registrar in enumerate(self.registrars)),
            *((witness.institution, Role.OBSERVER, witness.key) for witness in self.witnesses),
            *((VALIDATORS[i], Role.VALIDATOR, self.head_keys[i]) for i in range(engine.validators)),
        ]
        self.office_keys: list[SigningKey] = [key for _, _, key in offices]
        self.charter = Charter(
            "veche.example/city", Text("The city's ledger", "Реестр города"), self.now,
            tuple(OfficeSeat(name, role, key.public) for name, role, key in offices), 3, (self.poll_class,),
            engine.choose(folder / "ledger", seconds, self.head_keys), corrupt, test,
        )  # fmt: skip
        signed = self.charter.sign(b"", self.office_keys)
        self.id = digest(signed)
        self.ledger = create_ledger(folder / "ledger", signed, self.head_keys[0], self.clock, self.head_keys[1:])
        # A simulated city survives no loss of power, and need not.
        self.ledger.state.db.execute("PRAGMA synchronous=OFF")
        self.engine = engine.make(self.ledger, self.head_keys, self.clock)

    def _write_roll(self) -> None:
        roll = self.folder / "roll.csv"
        with roll.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["person", "district"])
            writer.writerows([citizen.person, citizen.district] for citizen in self.citizens)
        for registrar in self.registrars:
            registrar.import_roll(roll)

    def __enter__(self) -> "World":
        self.engine.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.engine.stop()
        finally:
            self.ledger.close()
            for registrar in self.registrars:
                registrar.close()

    # Time and entries

    def clock(self) -> Reading:
        """The clocks of every machine in the city."""
        return by_hand(self.now, self.moved)

    def move_clock(self, seconds: int) -> None:
        """Set every machine's clock ahead (or back, if negative), while no time passes."""
        self.now += seconds
        self.moved += seconds

    def wait(self, seconds: int) -> None:
        """Let time pass; the ledger keeps beating."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + min(STEP, self.charter.halt))
            self.engine.tick()

    def wait_until(self, time: int) -> None:
        self.wait(max(0, time - self.now))

    def stand_still(self, seconds: int) -> None:
        """Let time pass while the ledger does not run."""
        self.now += seconds
        self.engine.tick()

    def submit(self, entry: bytes) -> int:
        """Hand an entry in and wait for its number. Raises Refused."""
        return self.engine.submit(entry).result()

    def say(self, kind: str, body: list[Any], *keys: Any) -> int:
        """Sign an entry by these offices and hand it in."""
        return self.submit(sign(self.id, kind, body, list(keys)))

    # The city

    def form_committee(self, mode: str = "pedersen", absent: Sequence[Trustee] = ()) -> bytes:
        """Ask the trustees for a key, and let all but ``absent`` do their steps. The committee's id."""
        number = len(self.ledger.state.committees())
        committee = digest(self.ledger.entry(self.say("committee", ["city", mode, number], self.organisers[0])))
        self.trustees_act(absent)
        return committee

    def trustees_act(self, absent: Sequence[Trustee] = ()) -> None:
        """Let the trustees verify the ledger and do what is due, until nothing is due any more."""
        busy = True
        while busy:
            self.cosign()
            view = self.view()
            entries = [entry for trustee in self.trustees if trustee not in absent for entry in trustee.due(view)]
            busy = bool(entries)
            for entry in entries:
                self.submit(entry)

    def poll(
        self, questions: Sequence[Choice], *, committee: bytes, districts: Sequence[tuple[str, int]] = (), days: int = 7
    ) -> PollState:
        """Publish a poll that opens when the notice is over, permit keys and all. ``districts``: names and weights; none: one group of all."""
        poll = self.announce(questions, committee=committee, districts=districts, days=days)
        for registrar in range(len(self.registrars)):
            self.submit(self.permit_keys(registrar, poll))
        return poll

    def announce(
        self, questions: Sequence[Choice], *, committee: bytes, districts: Sequence[tuple[str, int]] = (), days: int = 7
    ) -> PollState:
        """Publish a poll; the registrars have not seen it yet."""
        groups = tuple(Group(Text(name, name), weight) for name, weight in districts) or (
            Group(Text("Everyone", "Все"), 1),
        )
        opens = self.now + self.charter.lasting(self.poll_class.notice) + 60
        title = Text(f"Poll of {questions[0].text.en}", f"Голосование: {questions[0].text.ru}")
        poll = Poll(
            "city",
            title,
            Text("", ""),
            tuple(questions),
            groups,
            opens,
            opens + self.charter.lasting(days * DAY),
            committee,
        )
        return self.publish(poll)

    def publish(self, poll: Poll) -> PollState:
        """Publish a poll that somebody has written; the registrars have not seen it yet."""
        found = self.ledger.state.poll(digest(self.ledger.entry(self.say("poll", poll.body(), *self.organisers))))
        assert found is not None
        return found

    def permit_keys(self, registrar: int, poll: PollState) -> bytes:
        """The entry by which a registrar publishes its keys for a poll."""
        names = [group.name.en for group in poll.definition.groups]
        keys = self.registrars[registrar].open_poll(poll.id, names, everyone=names == ["Everyone"])
        rows = [[key.modulus, key.people, key.root] for key in keys]
        return sign(self.id, "permit-key", [poll.id, rows], [self.registrars[registrar].office])

    def account(self, registrar: int, poll: PollState) -> int:
        """Let a registrar account for the permits of a poll that has closed; the entry's number. Raises Refused."""
        rows = [[row.issued, row.root] for row in self.registrars[registrar].issuance(poll.id)]
        return self.say("issuance", [poll.id, rows], self.registrars[registrar].office)

    # Citizens

    def group_of(self, citizen: Citizen, poll: PollState) -> int:
        names = [group.name.en for group in poll.definition.groups]
        return names.index(citizen.district) if citizen.district in names else 0

    def collect(self, citizen: Citizen, poll: PollState) -> list[Permit]:
        """The permits that the citizen's first ballot in a poll shows."""
        if poll.id not in citizen.permits:
            group = self.group_of(citizen, poll)
            collected = citizen.voter.collect_permits(
                poll.frozen,
                poll.permit_keys,
                group,
                lambda registrar, blinded: self.registrars[registrar].issue(citizen.person, poll.id, blinded, group),
            )
            citizen.permits[poll.id] = citizen.voter.choose_permits(poll.frozen, poll.seen(group), collected)
        return citizen.permits[poll.id]

    def ballot(self, citizen: Citizen, poll: PollState, choices: list[list[int]]) -> bytes:
        """A packed ballot, sealed and proven."""
        return citizen.voter.prove(poll.frozen, seal(poll.frozen, choices))

    def entry(self, citizen: Citizen, poll: PollState, choices: list[list[int]]) -> bytes:
        """Seal and cast, without handing the entry in: a ballot on its way."""
        turn = citizen.turns.get(poll.id, 0) + 1
        permits = self.collect(citizen, poll) if turn == 1 else []
        entry = citizen.voter.cast(
            poll.id, self.group_of(citizen, poll), self.ballot(citizen, poll, choices), permits, turn
        )
        citizen.turns[poll.id] = turn
        return entry

    def vote(self, citizen: Citizen, poll: PollState, choices: list[list[int]]) -> int:
        """Vote; the answer is the ballot's number in the log."""
        return self.submit(self.entry(citizen, poll, choices))

    # Witnesses and auditors

    def cosign(self, absent: Sequence[Witness] = ()) -> None:
        """Let all witnesses but ``absent`` cosign the ledger's head, and put what they cosigned beside it."""
        self.engine.tick()
        for witness in self.witnesses:
            if witness not in absent:
                put_cosigned(self.folder / "ledger", witness.key.public, witness.cosign(self._public(), self.clock))

    def _public(self) -> Folder:
        return Folder(self.folder / "ledger")

    def check(self) -> VerifiedLedger:
        """Run the auditor over the public files. Raises DoesNotHold."""
        self.engine.tick()
        return verify_ledger(self._public())

    def view(self) -> View:
        return View(self.check())


def settle(world: World) -> bytes:
    """Begin the ledger of a world on :class:`Homes` in each validator's home, with its own key; the world's is removed. The charter."""
    charter = world.ledger.entry(0)
    world.ledger.close()
    shutil.rmtree(world.folder / "ledger")
    for number, key in enumerate(world.head_keys):
        own = home(world.folder, number)
        key.save(own / LOG_KEY)
        create_ledger(own, charter, key).close()
    return charter
