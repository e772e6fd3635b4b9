"""The small city whose ledger is doctored: its honest log, and the secrets of all who live in it.

All that a ledger tells happens in it once: a poll with a result, one with too few ballots, one that is void, one that is
cancelled; a committee that is void; a result that is contested; a halt across a closing; an attachment; rules to come; and in the
end all that can become of an office's key.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.derive import credential_secret
from veche.permit.permit import Permit
from veche.permit.request import PermitRequest
from veche.permit.seed import Seed
from veche.voter.voter import Voter, seal
from veche.world import DAY, GENESIS, World

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
YES, NO = [[1, 0]], [[0, 1]]
DISTRICTS = [("Arbat", 1), ("Yakimanka", 2)]
"""The groups of the poll, with their weights: three people are on the roll of the first, one on that of the second."""
NEW_RULES = GENESIS + 30 * DAY
"""When rules come into force that no program of version 1 knows."""
ATTACHMENT = hashlib.sha256(b"a salt").digest() + b"The map of the lines.\n"


def seed(name: str) -> Seed:
    """A voter's seed, the same every time."""
    return Seed(hashlib.sha256(name.encode()).digest())


@dataclass
class City:
    """An honest log and who can write what into it. Polls are ``poll``, ``few``, ``void`` and ``cancelled``."""

    id: bytes
    entries: list[bytes]
    log_key: SigningKey
    log_seed: bytes
    organisers: list[SigningKey]
    registrars: list[SigningKey]
    trustees: list[SigningKey]
    polls: dict[str, PollState]
    committees: dict[str, bytes]
    voters: list[Voter]
    issuers: dict[tuple[str, int, int], IssuerKey]
    later: dict[str, SigningKey]
    """Keys that hold offices in the end: of an archive that was added, and of the third registrar, who replaced theirs."""

    @property
    def institutions(self) -> list[SigningKey]:
        """As many as the charter wants to act together."""
        return [*self.organisers, self.trustees[0]]

    def say(self, kind: str, body: list[Any], *keys: SigningKey) -> bytes:
        return sign(self.id, kind, body, list(keys))

    def secret(self, voter: Voter, poll: str = "poll") -> bytes:
        """Of the voter's credential in a poll."""
        return credential_secret(voter._seed, self.polls[poll].id)

    def permits(
        self, voter: Voter, group: int = 0, registrars: tuple[int, ...] = (0, 1, 2, 3), of: str = "poll"
    ) -> list[Permit]:
        """By registrars that sign whatever they are asked to, whoever asks."""
        poll, made = self.polls[of], []
        for registrar in registrars:
            key = self.issuers[of, registrar, group]
            request = PermitRequest(voter._seed, poll.id, group, voter.credential(poll.id), key.modulus)
            made.append(request.finish(registrar, blind_sign(key, request.blinded)))
        return made

    def ballot(self, voter: Voter, turn: int, permits: list[Permit], group: int = 0, poll: str = "poll") -> bytes:
        """For the trams."""
        frozen = self.polls[poll].frozen
        return voter.cast(frozen.id, group, voter.prove(frozen, seal(frozen, YES)), permits, turn)


def play(folder: Path) -> City:
    """Let the city live. Two trustees, both of whom must decrypt; six registrars, of whom four do and one may cheat; m = 2.

    For the poll with too few ballots the fifth registrar has a roll of one person and the sixth publishes no keys; for the one that
    is void two publish none.
    """
    with World(
        folder,
        citizens={"Arbat": 3, "Yakimanka": 1},
        trustees=(2, 2),
        registrars=(6, 4, 1),
        sources=("state", "bank", "state", "state", "state", "bank"),
        smallest=2,
    ) as world:
        for citizen in world.citizens:
            citizen.voter = Voter(seed(citizen.person))
        world.say("rules", [2, NEW_RULES], *world.organisers, world.trustees[0].key)
        committees = {"void": _complain(world), "city": world.form_committee("single")}
        polls = {
            "poll": world.poll([TRAMS], committee=committees["city"], districts=DISTRICTS, days=1),
            "few": world.announce([TRAMS], committee=committees["city"], days=1),
            "void": world.announce([TRAMS], committee=committees["city"], days=2),
            "cancelled": world.announce([TRAMS], committee=committees["city"], days=3),
        }
        for number in range(4):
            world.submit(world.permit_keys(number, polls["few"]))
            world.submit(world.permit_keys(number, polls["void"]))
        ((modulus, _, root),) = decode(world.permit_keys(4, polls["few"]))[1][1]
        world.say("permit-key", [polls["few"].id, [[modulus, 1, root]]], world.registrars[4].office)
        _vote(world, polls)
        objection = ["The post lost the letters.", "Почта потеряла письма."]
        world.say("contest", [polls["poll"].id, objection], *world.organisers, world.trustees[0].key)
        said = ["In May.", "В мае."]
        world.say("outcome", [polls["poll"].id, "will", said, world.now + DAY, []], world.organisers[0])
        world.account(0, polls["poll"])
        later = _change_offices(world)
        entries = list(world.check().log.entries())
        log_key = folder / "ledger" / LOG_KEY
        keys = {
            (name, number, group): IssuerKey.from_pem(_pem(folder, number, polls[name], group).read_bytes())
            for name, registrars, groups in (("poll", 6, 2), ("few", 5, 1))
            for number in range(registrars)
            for group in range(groups)
        }
        return City(
            world.id, entries, SigningKey.load(log_key), bytes.fromhex(log_key.read_text()), world.organisers,
            [registrar.office for registrar in world.registrars], [trustee.key for trustee in world.trustees],
            polls, committees, [citizen.voter for citizen in world.citizens], keys, later,
        )  # fmt: skip


def _pem(folder: Path, registrar: int, poll: PollState, group: int) -> Path:
    return folder / f"registrar-{registrar + 1}" / "keys" / poll.id.hex() / f"{group}.pem"


def _complain(world: World) -> bytes:
    """A committee in which a trustee complains about a dealer. Its id."""
    committee = digest(world.ledger.entry(world.say("committee", ["city", "pedersen", 0], world.organisers[0])))
    for _ in range(2):
        world.engine.tick()
        view = world.view()
        for entry in [entry for trustee in world.trustees for entry in trustee.due(view)]:
            world.submit(entry)
    world.say("committee-complaint", [committee, 2, 1, ["It does not fit.", "Не подходит."]], world.trustees[1].key)
    return committee


def _change_offices(world: World) -> dict[str, SigningKey]:
    """An office is added and waits; a key is replaced by its holder, another suspended; a third would be, but its holder objects."""
    later = {name: SigningKey.generate() for name in ("archive", "bank", "thief")}
    three = [*world.organisers, world.trustees[0].key]
    civil, post, bank = (registrar.office for registrar in world.registrars[:3])
    world.say("office", ["add", "Archive", "observer", later["archive"].public, 0], *three)
    world.say("office", ["rotate", "Savings bank", "registrar", later["bank"].public, 0], *three[:2], bank)
    world.say("office", ["suspend", "Post office", "registrar", post.public, 0], *three)
    world.say("office", ["rotate", "Civil registry", "registrar", later["thief"].public, 0], *three)
    world.say("office", ["object", "Civil registry", "registrar", later["thief"].public, 0], civil)
    world.wait(14 * DAY)
    world.say("notice", [b"", ["We watch.", "Мы следим."], []], later["archive"])
    return later


def _vote(world: World, polls: dict[str, PollState]) -> None:
    """From the opening to the result: the ledger halts before the closing, and so there is time for one more re-vote."""
    first, second, _, fourth = world.citizens
    said = ["The map.", "Карта."]
    world.say("notice", [polls["poll"].id, said, [["map.txt", digest(ATTACHMENT)]]], world.organisers[0])
    reason = ["They are built.", "Уже построено."]
    world.say("cancel", [polls["cancelled"].id, reason], *world.organisers, world.trustees[0].key)
    world.wait_until(polls["poll"].definition.opens)
    world.wait(60)
    world.vote(first, polls["poll"], YES)
    world.vote(second, polls["poll"], YES)
    world.vote(second, polls["few"], YES)
    world.vote(fourth, polls["poll"], NO)
    world.wait_until(polls["poll"].definition.closes - 600)
    world.stand_still(2000)
    world.vote(first, polls["poll"], NO)
    world.wait_until(polls["poll"].closing)
    world.trustees_act()
