"""Ledgers for the stranger's verifier, made by the project's own program, and doctored by one who has the log's key."""

from dataclasses import dataclass, field
from pathlib import Path

from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.permit.permit import Permit
from veche.world import DAY, Citizen, World

Q = 2**252 + 27742317777372353535851937790883648493
SPEED = Choice(
    Text('Speed limit "inside" the Garden Ring? C:\\city', "Скорость внутри Садового кольца?"),
    (Text("60 km/h", "60 км/ч"), Text("50 km/h", "50 км/ч"), Text("40 km/h", "40 км/ч")),
    1,
    1,
    False,
)
YARD = Choice(
    Text("Which courtyard works first?", "С чего начать ремонт двора?"),
    (Text("Playground", "Детская площадка"), Text("Lighting", "Освещение"), Text("Trees", "Деревья")),
    0,
    2,
    True,
)


@dataclass
class City:
    """A ledger, its entries, the key of its log, the keys of its offices and its polls by name."""

    folder: Path
    id: bytes
    entries: list[bytes]
    log_key: SigningKey
    organisers: list[SigningKey]
    trustees: list[SigningKey]
    polls: dict[str, bytes]
    spare: dict[str, bytes] = field(default_factory=dict)  # entries that were never handed in


def cancel(world: World, poll: PollState) -> None:
    world.say("cancel", [poll.id, ["Built already.", "Уже построено."]], *world.organisers, world.trustees[0].key)


def complain(world: World) -> None:
    """A committee in which a trustee complains about a dealer."""
    number = len(world.ledger.state.committees())
    committee = digest(world.ledger.entry(world.say("committee", ["city", "pedersen", number], world.organisers[0])))
    for _ in range(2):
        world.engine.tick()
        view = world.view()
        for entry in [entry for trustee in world.trustees for entry in trustee.due(view)]:
            world.submit(entry)
    world.say("committee-complaint", [committee, 2, 1, ["It does not fit.", "Не подходит."]], world.trustees[1].key)


def threshold(folder: Path) -> City:
    """A committee of which two of three are enough, and all that can happen to a poll."""
    folder.mkdir()
    with World(folder, citizens={"Centre": 3, "North": 2, "South": 2}, registrars=(3, 2, 0)) as world:
        complain(world)
        committee = world.form_committee()
        world.form_committee(absent=[world.trustees[2]])  # void after a week
        polls = {
            "speed": world.poll([SPEED], committee=committee),
            "yard": world.poll(
                [YARD, SPEED], committee=committee, districts=[("Centre", 5), ("North", 1), ("South", 3)]
            ),
            "few": world.poll([SPEED], committee=committee, days=6),
            "void": world.announce([SPEED], committee=committee, days=5),
            "cancelled": world.poll([YARD], committee=committee),
        }
        world.wait(2 * 3600)
        first = world.citizens[0]
        for i, citizen in enumerate(world.citizens):
            if i < 4:
                world.vote(citizen, polls["speed"], [[int(i % 3 == j) for j in range(3)]])
            world.vote(citizen, polls["yard"], [[1, 0, 0, 0] if i == 1 else [0, 1, i % 2, 0], [0, 1, 0]])
            world.wait(3600)
        world.vote(first, polls["speed"], [[0, 0, 1]])
        world.vote(first, polls["yard"], [[0, 0, 0, 0], [1, 0, 0]])
        second = world.citizens[1]
        twisted = _twisted(world.ballot(second, polls["speed"], [[1, 0, 0]]))
        world.submit(second.voter.cast(polls["speed"].id, 0, twisted, [], 2))
        spare = _spare(world, polls["speed"], polls["few"])
        world.vote(first, polls["few"], [[0, 1, 0]])
        world.vote(first, polls["cancelled"], [[0, 1, 0, 0]])
        cancel(world, polls["cancelled"])
        world.say("notice", [b"", ["The node moves.", "Узел переезжает."], []], world.organisers[0])
        world.wait(5 * DAY)
        world.stand_still(2 * DAY)
        world.wait(2 * 3600)
        world.trustees_act(absent=[world.trustees[1]])
        for registrar in range(len(world.registrars)):
            world.account(registrar, polls["speed"])
        world.say(
            "outcome", [polls["speed"].id, "will", ["Signs.", "Знаки."], world.now + DAY, []], world.organisers[0]
        )
        return _finished(world, polls, spare)


def _twist(point: bytes) -> bytes:
    """The point with a part of order two added: (x, y) + (0, -1) = (-x, -y). Eight times it is the same."""
    y = int.from_bytes(point, "little") % 2**255
    return (2**255 - 19 - y + ((1 - (point[31] >> 7)) << 255)).to_bytes(32, "little")


def _twisted(ballot: bytes) -> bytes:
    """The same ballot, one point of it stored in another way, which is allowed (section 1)."""
    return ballot[:32] + _twist(ballot[32:64]) + ballot[64:]


def _spare(world: World, poll: PollState, elsewhere: PollState) -> dict[str, bytes]:
    """Ballots that break one rule each, but for the one that is good and was never handed in."""
    first, new, other = world.citizens[0], world.citizens[5], world.citizens[6]
    permits = world.collect(new, poll)

    ballot = world.ballot(first, poll, [[1, 0, 0]])

    def cast(citizen: Citizen, permits: list[Permit], turn: int) -> bytes:
        return citizen.voter.cast(poll.id, 0, world.ballot(citizen, poll, [[1, 0, 0]]), permits, turn)

    def forged(at: int, change: int) -> bytes:
        """With 32 bytes of the ballot, a number, changed, and all of it cast."""
        number = (int.from_bytes(ballot[at : at + 32], "little") + change) % 2**256
        bad = ballot[:at] + number.to_bytes(32, "little") + ballot[at + 32 :]
        return first.voter.cast(poll.id, 0, bad, [], 3)

    good = cast(first, [], 3)
    return {
        "a twisted cast": encode([*decode(good)[:6], _twist(good[-64:-32]) + good[-32:]]),
        "a response": forged(len(ballot) - 32, 1),
        "not reduced": forged(len(ballot) - 32, Q),
        "a challenge": forged(32 + 6 * 32 + 4 * 32, 1),
        "a commitment": forged(32 + 6 * 32, 1 << 255),
        "elsewhere": first.voter.cast(poll.id, 0, world.ballot(first, elsewhere, [[1, 0, 0]]), [], 3),
        "good": good,
        "old turn": cast(first, [], 2),
        "turn 33": cast(first, [], 33),
        "permits again": cast(first, world.collect(first, poll), 3),
        "no permits": cast(new, [], 1),
        "one permit": cast(new, permits[:1], 1),
        "one permit twice": cast(new, [permits[0], permits[0]], 1),
        "another's permits": cast(other, permits, 1),
    }


ORGANISER = ("City hall: legal office", "organiser")


def single(folder: Path) -> City:
    """Two trustees who must both decrypt; offices that change."""
    folder.mkdir()
    with World(folder, citizens={"Centre": 3}, trustees=(2, 2)) as world:
        committee = world.form_committee("single")
        archive = _change_offices(world)
        poll = world.poll([YARD], committee=committee)
        world.say("notice", [poll.id, ["We watch.", "Мы следим."], []], archive)
        world.say("rules", [2, world.now + 60 * DAY], *world.organisers, world.trustees[0].key)
        world.wait(2 * 3600)
        for i, citizen in enumerate(world.citizens):
            world.vote(citizen, poll, [[0, int(i == 0), 1, 0]])
        world.wait(8 * DAY)
        world.trustees_act()
        return _finished(world, {"yard": poll})


def _change_offices(world: World) -> SigningKey:
    """All that can become of a seat. The key of an archive that became an observer, and is to be one no more."""
    three = [*world.organisers, world.trustees[0].key]
    archive, legal, bar = (SigningKey.generate() for _ in range(3))
    seat = ["Archive", "observer", archive.public]
    world.say("office", ["add", *seat, 0], *three)
    world.say("office", ["rotate", "Civil registry", "registrar", legal.public, 0], *three)
    world.say("office", ["object", "Civil registry", "registrar", legal.public, 0], world.registrars[0].office)
    world.say("office", ["rotate", "Post office", "registrar", legal.public, 0], *three)
    world.say("office", ["object", "Post office", "registrar", legal.public, 0], *three)
    # A trustee of a committee that is there replaces their key, which is suspended later, and decrypts all the same.
    world.say("office", ["rotate", "Bar association", "trustee", bar.public, 0], *three[:2], world.trustees[1].key)
    world.trustees[1].add_key(bar)
    world.wait(DAY)
    world.stand_still(2 * DAY)
    world.wait(13 * DAY + 600)
    world.say("office", ["rotate", *ORGANISER, legal.public, 0], *three[:1], world.trustees[0].key, archive)
    world.wait(14 * DAY)
    world.organisers[1] = legal
    world.say("office", ["suspend", "Bar association", "trustee", bar.public, 0], *three[:1], legal, archive)
    world.say("office", ["retire", *seat, 0], *three[:1], legal, world.trustees[0].key)
    return archive


def _finished(world: World, polls: dict[str, PollState], spare: dict[str, bytes] | None = None) -> City:
    entries = list(world.check().log.entries())
    folder = world.folder / "ledger"
    ids = {name: poll.id for name, poll in polls.items()}
    log_key, trustees = SigningKey.load(folder / LOG_KEY), [trustee.key for trustee in world.trustees]
    return City(folder, world.id, entries, log_key, world.organisers, trustees, ids, spare or {})
