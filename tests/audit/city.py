"""Small cities whose ledgers the tests of this folder verify, export and doctor."""

from dataclasses import dataclass
from pathlib import Path

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.audit.report import find_poll
from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.ledger.store import DATABASE
from veche.log.log import Log
from veche.log.source import Folder
from veche.world import DAY, GENESIS, World

SPEED = Choice(
    Text("Speed limit inside the Garden Ring?", "Какой должна быть скорость внутри Садового кольца?"),
    (
        Text("Keep 60 km/h", "Оставить 60 км/ч"),
        Text("50 km/h", "50 км/ч"),
        Text("40 km/h", "40 км/ч"),
        Text("30 km/h near schools only", "30 км/ч только у школ"),
    ),
    1,
    1,
    False,
)
COURTYARD = Choice(
    Text("Which courtyard works first?", "С чего начать ремонт двора?"),
    (
        Text("Playground", "Детская площадка"),
        Text("Lighting", "Освещение"),
        Text("Trees & <shade>", "Деревья & «тень»"),
    ),
    1,
    2,
    True,
)
JOIN = Choice(
    Text("Join the renovation programme?", "Участвовать в программе реновации?"),
    (Text("For", "За"), Text("Against", "Против")),
    1,
    1,
    False,
)

NEW_RULES = GENESIS + 90 * DAY
"""When, in the small city, rules come into force that this program does not know."""


@dataclass
class City:
    """A finished ledger in a folder, verified, with the ids of its polls by name and the receipts of some ballots."""

    folder: Path
    verified: VerifiedLedger
    polls: dict[str, bytes]
    receipts: dict[str, bytes]
    log_key: SigningKey

    def poll(self, name: str) -> PollState:
        return find_poll(self.verified, self.polls[name].hex())

    def entries(self) -> list[bytes]:
        return list(self.verified.log.entries())


def receipt_of(world: World, number: int) -> bytes:
    """The receipt of an entry, under the head that is published now."""
    world.engine.tick()
    source = Folder(world.folder / "ledger")
    signed = source.checkpoint()
    return Log(source, signed.checkpoint).receipt(number, signed).to_bytes()


def finished(folder: Path, polls: dict[str, PollState], receipts: dict[str, bytes]) -> City:
    """Take the node's database away, then verify: that needs the public files only."""
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (folder / name).unlink(missing_ok=True)
    ids = {name: poll.id for name, poll in polls.items()}
    return City(folder, verify_ledger(Folder(folder)), ids, receipts, SigningKey.load(folder / LOG_KEY))


def account(world: World, poll: PollState) -> None:
    """Let the registrars say how many permits they issued."""
    for registrar in range(len(world.registrars)):
        world.account(registrar, poll)


def large_city(folder: Path) -> City:
    """Polls of every kind and state, a trustee who never decrypts, re-votes, weights, groups that are merged."""
    folder.mkdir()
    with World(folder, citizens={"Centre": 4, "North": 4, "South": 2}) as world:
        committee = world.form_committee()
        districts = [("Centre", 1), ("North", 1), ("South", 1)]
        polls = {
            "speed": world.poll([SPEED], committee=committee),
            "courtyard": world.poll([COURTYARD, SPEED], committee=committee, districts=districts),
            "join": world.poll([JOIN], committee=committee, districts=[("Centre", 5), ("North", 1), ("South", 3)]),
            "few": world.poll([JOIN], committee=committee),
            "none": world.poll([COURTYARD], committee=committee),
            "cancelled": world.poll([SPEED, JOIN], committee=committee),
        }
        world.wait(2 * 3600)
        first, receipts = world.citizens[0], {}
        for i, citizen in enumerate(world.citizens):
            number = world.vote(citizen, polls["speed"], [[int(i % 4 == j) for j in range(4)]])
            if citizen is first:
                receipts["superseded"] = receipt_of(world, number)
            courtyard = [1, 0, 0, 0] if i == 1 else [0, 1, i % 2, 0]
            world.vote(citizen, polls["courtyard"], [courtyard, [0, 1, 0, 0]])
            world.vote(citizen, polls["join"], [[1, 0] if i % 3 else [0, 1]])
            world.wait(DAY // 3)
        receipts["counted"] = receipt_of(world, world.vote(first, polls["speed"], [[0, 0, 1, 0]]))
        receipts["not-opened"] = receipt_of(world, world.vote(first, polls["few"], [[0, 1]]))
        world.vote(first, polls["cancelled"], [[1, 0, 0, 0], [1, 0]])
        cancel(world, polls["cancelled"])
        world.wait(5 * DAY)
        world.trustees_act(absent=[world.trustees[1]])
        account(world, polls["speed"])
        world.wait(60)
        objection = ["The post lost letters.", "Почта потеряла письма."]
        world.say("contest", [polls["courtyard"].id, objection], *world.organisers, world.trustees[0].key)
        said = ["Signs change on 1 March.", "Знаки сменят 1 марта."]
        world.say("outcome", [polls["speed"].id, "will", said, world.now + 30 * DAY, []], world.organisers[0])
        notice = ["The node moves on Sunday.", "В воскресенье узел переезжает."]
        receipts["entry"] = receipt_of(world, world.say("notice", [b"", notice, []], world.organisers[0]))
    return finished(folder / "ledger", polls, receipts)


def small_city(folder: Path) -> City:
    """Two trustees who must both decrypt, one poll with a result, one with too few ballots, one cancelled."""
    folder.mkdir()
    with World(folder, citizens={"Centre": 4}, trustees=(2, 2)) as world:
        world.say("rules", [2, NEW_RULES], *world.organisers, world.trustees[0].key)
        committee = world.form_committee("single")
        polls = {
            "poll": world.poll([JOIN], committee=committee),
            "few": world.poll([SPEED], committee=committee),
            "cancelled": world.poll([COURTYARD], committee=committee),
        }
        world.wait(2 * 3600)
        for i, citizen in enumerate(world.citizens):
            world.vote(citizen, polls["poll"], [[1, 0] if i % 2 else [0, 1]])
        world.vote(world.citizens[0], polls["poll"], [[1, 0]])
        world.vote(world.citizens[0], polls["few"], [[1, 0, 0, 0]])
        world.vote(world.citizens[0], polls["cancelled"], [[0, 1, 0, 0]])
        cancel(world, polls["cancelled"])
        world.wait(8 * DAY)
        world.trustees_act()
        account(world, polls["poll"])
    return finished(folder / "ledger", polls, {})


def cancel(world: World, poll: PollState) -> None:
    reason = ["The route was built already.", "Маршрут уже построен."]
    world.say("cancel", [poll.id, reason], *world.organisers, world.trustees[0].key)
