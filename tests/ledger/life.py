"""One city from its charter to a result, copied at each stage, so that tests begin where they like without waiting for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veche.keys import SigningKey
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.permit import Permit
from veche.voter.voter import Voter
from veche.world import DAY, Citizen, World

from .branch import Branch


def text(words: str) -> Text:
    return Text(words, f"{words} (по-русски)")


SPEED = Choice(text("Speed limit?"), (text("60"), text("50"), text("40")), 1, 1, False)
DISTRICTS = (("Arbat", 1), ("Yakimanka", 1))


@dataclass
class Life:
    """The stages are templates: take ``.branch()`` of them. ``poll`` is the one that they are about."""

    world: World
    founded: Branch
    formed: Branch
    keyless: Branch
    announced: Branch
    open: Branch
    voted: Branch
    counting: Branch
    decided: Branch
    poll: PollState
    committee: bytes
    permit_keys: list[bytes]
    decryptions: list[bytes]
    result: bytes

    @property
    def organisers(self) -> list[SigningKey]:
        return self.world.organisers

    @property
    def institutions(self) -> list[SigningKey]:
        """As many offices as the charter wants to act together, none of them an organiser."""
        return self.world.office_keys[2 : 2 + self.world.charter.k]

    def citizens(self, district: str) -> list[Citizen]:
        return [citizen for citizen in self.world.citizens if citizen.district == district]

    def rsa_key(self, registrar: int, group: int) -> IssuerKey:
        """The key by which a registrar signs permits of a group."""
        pem = self.world.folder / f"registrar-{registrar + 1}" / "keys" / self.poll.id.hex() / f"{group}.pem"
        return IssuerKey.from_pem(pem.read_bytes())

    def stuff(self, voter: Voter, group: int) -> list[Permit]:
        """Permits of registrars that sign whatever they are asked to, whoever asks."""
        collected = voter.collect_permits(
            self.poll.frozen,
            self.poll.permit_keys,
            group,
            lambda registrar, blinded: blind_sign(self.rsa_key(registrar, group), blinded),
        )
        return list(collected.permits.values())

    def ballot(
        self, citizen: Citizen, turn: int = 1, choices: Sequence[int] = (1, 0, 0), permits: bool = True
    ) -> bytes:
        """A ballot of this citizen as their device makes it."""
        group = self.world.group_of(citizen, self.poll)
        ballot = self.world.ballot(citizen, self.poll, [list(choices)])
        return citizen.voter.cast(self.poll.id, group, ballot, citizen.permits[self.poll.id] if permits else [], turn)

    def definition(self, branch: Branch, **changes: Any) -> Poll:
        """A poll that can be published now, but for ``changes``."""
        opens = branch.time + self.world.poll_class.notice + 60
        fields: dict[str, Any] = {
            "class_name": "city", "title": text("Another poll"), "background": Text("", ""), "questions": (SPEED,),
            "groups": (Group(text("Everyone"), 1),), "opens": opens, "closes": opens + DAY, "committee": self.committee,
        }  # fmt: skip
        return Poll(**{**fields, **changes})

    def publish(self, branch: Branch, **changes: Any) -> bytes:
        """The signed entry of such a poll."""
        return branch.sign("poll", self.definition(branch, **changes).body(), *self.organisers)


def live(folder: Path) -> Life:
    """Play it all once. Three trustees of whom two suffice, two registrars, m = 3; 4 citizens in one district, 3 in the other."""
    with World(folder, citizens={"Arbat": 4, "Yakimanka": 3, "Elsewhere": 1}) as world:
        log_key = SigningKey.load(folder / "ledger" / "log.key")

        def stage() -> Branch:
            return Branch.of(world.ledger, log_key)

        founded = stage()
        committee = world.form_committee()
        formed = stage()
        poll = world.announce([SPEED], committee=committee, districts=DISTRICTS, days=1)
        keyless = stage()
        permit_keys = [world.permit_keys(registrar, poll) for registrar in range(2)]
        for entry in permit_keys:
            world.submit(entry)
        announced = stage()
        world.wait_until(poll.definition.opens)
        opened = stage()
        for number, citizen in enumerate(world.citizens[:7]):
            world.vote(citizen, poll, [[1, 0, 0] if number % 2 else [0, 1, 0]])
        world.vote(world.citizens[0], poll, [[0, 0, 1]])
        voted = stage()
        world.wait_until(poll.definition.closes)
        counting = stage()
        decryptions = [entry for trustee in world.trustees for entry in trustee.due(world.view())]
        for entry in decryptions[:6]:  # the total and two cells, by the first two trustees
            world.submit(entry)
        world.engine.tick()  # the engine has found the result
        decided = stage()
        world.check()
        return Life(
            world, founded, formed, keyless, announced, opened, voted, counting, decided, voted.poll(poll.id),
            committee, permit_keys, decryptions, decided.entries[-1],
        )  # fmt: skip
