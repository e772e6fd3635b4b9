"""Random lives of a city: whatever happens, the auditor agrees with the node, and the log alone leads to the node's state."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Choice
from veche.ledger.ledger import Ledger
from veche.ledger.poll_state import PollState
from veche.ledger.signing import sign
from veche.world import DAY, World

from .branch import dump
from .life import text

QUESTIONS = [
    Choice(text("Which?"), (text("A"), text("B"), text("C")), 1, 1, False),
    Choice(text("Which ones?"), (text("A"), text("B"), text("C")), 0, 2, True),
]
CHOICES = {
    QUESTIONS[0]: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    QUESTIONS[1]: [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]],
}
STEPS = 70


class Walk:
    """A city, and everything that may happen in it next. What is refused is part of life."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world, self.dice = world, dice
        self.committees: list[bytes] = []
        self.said = [world.ledger.entry(0)]
        self.done: dict[str, int] = {}
        self.refused = 0
        self.acts: list[tuple[int, Callable[[], object]]] = [
            (2, self.announce), (3, self.publish_keys), (20, self.vote), (4, self.vote_with_any_turn), (3, self.say_again),
            (4, self.wait), (2, self.stand_still), (1, self.stand_still_for_long), (1, self.ask_for_a_committee), (4, self.trustees),
            (1, self.cancel), (1, self.contest), (2, self.account), (1, self.outcome), (1, self.notice), (1, self.office), (3, self.together),
        ]  # fmt: skip

    def step(self) -> None:
        act = self.dice.choices([act for _, act in self.acts], [weight for weight, _ in self.acts])[0]
        self.attempt(act)

    def attempt(self, act: Callable[[], object]) -> None:
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
        try:
            act()
        except Refused:
            self.refused += 1

    def submit(self, entry: bytes) -> None:
        self.said.append(entry)
        self.world.submit(entry)

    def say(self, kind: str, body: list[object], *keys: SigningKey) -> None:
        self.submit(sign(self.world.id, kind, body, list(keys)))

    def polls(self) -> list[PollState]:
        return self.world.ledger.state.polls()

    def poll(self) -> PollState:
        """Any poll, those that are open rather than not."""
        polls = [poll for poll in self.polls() if poll.open_at(self.world.now) or self.dice.random() < 0.2]
        if not polls:
            raise Refused("walk", "There is no poll yet.")
        return self.dice.choice(polls)

    # What may happen

    def announce(self) -> None:
        question = self.dice.choice(QUESTIONS)
        districts = self.dice.choice([(), (("Arbat", 1), ("Yakimanka", 3))])
        poll = self.world.announce([question], committee=self.dice.choice(self.committees), districts=districts, days=1)
        if self.dice.random() < 0.8:
            self.submit(self.world.permit_keys(0, poll))

    def publish_keys(self) -> None:
        self.submit(self.world.permit_keys(0, self.poll()))

    def ballot(self, turn: int | None = None) -> bytes:
        citizen, poll = self.dice.choice(self.world.citizens), self.poll()
        if not poll.permit_keys:
            raise Refused("walk", "Nobody has permits for this poll.")
        choice = [self.dice.choice(CHOICES[poll.definition.questions[0]])]
        if turn is None:
            return self.world.entry(citizen, poll, choice)
        permits = self.world.collect(citizen, poll) if self.dice.random() < 0.5 else []
        return citizen.voter.cast(
            poll.id, self.world.group_of(citizen, poll), self.world.ballot(citizen, poll, choice), permits, turn
        )

    def vote(self) -> None:
        self.submit(self.ballot())

    def vote_with_any_turn(self) -> None:
        self.submit(self.ballot(self.dice.randint(1, 6)))

    def say_again(self) -> None:
        self.submit(self.dice.choice(self.said))

    def together(self) -> None:
        """Many entries in one block, good ones and bad ones."""
        entries = [self.ballot() for _ in range(4)] + self.dice.sample(self.said, min(3, len(self.said)))
        self.dice.shuffle(entries)
        futures = [self.world.engine.submit(entry) for entry in entries]
        for future in futures:
            error = future.exception()
            assert error is None or isinstance(error, Refused)

    def wait(self) -> None:
        self.world.wait(self.dice.choice([60, 3600, 7200, DAY // 2]))

    def stand_still(self) -> None:
        self.world.stand_still(self.dice.choice([590, 601, 4000]))

    def stand_still_for_long(self) -> None:
        self.world.stand_still(self.dice.choice([DAY, 8 * DAY]))

    def ask_for_a_committee(self) -> None:
        body = ["city", "pedersen", self.dice.randrange(1000)]
        self.say("committee", body, self.world.organisers[0])
        self.committees.append(digest(self.said[-1]))

    def trustees(self) -> None:
        """One of them, or both, look and act."""
        view = self.world.view()
        for trustee in self.dice.sample(self.world.trustees, self.dice.randint(1, 2)):
            for entry in trustee.due(view):
                self.submit(entry)

    def cancel(self) -> None:
        self.say("cancel", [self.poll().id, ["Why", "Почему"]], *self.world.office_keys[:3])

    def contest(self) -> None:
        self.say("contest", [self.poll().id, [f"{self.dice.random()}", "Почему"]], *self.world.office_keys[:3])

    def account(self) -> None:
        poll = self.poll()
        rows = self.world.registrars[0].issuance(poll.id)
        self.say("issuance", [poll.id, [[row.issued, row.root] for row in rows]], self.world.registrars[0].office)

    def outcome(self) -> None:
        self.say("outcome", [self.poll().id, "will", ["A", "А"], self.dice.randrange(99), []], self.world.organisers[0])

    def notice(self) -> None:
        self.say("notice", [b"", [f"{self.dice.random()}", "А"], []], self.world.organisers[1])

    def office(self) -> None:
        name = self.dice.choice(["Newspaper", "Radio"])
        key = SigningKey.generate().public
        self.say("office", [self.dice.choice(["add", "rotate"]), name, "observer", key], *self.world.office_keys[:3])


@pytest.mark.parametrize("walk", range(3))
def test_the_log_leads_to_the_nodes_state(walk: int, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # shown when the test fails
    citizens = {"Arbat": 3, "Yakimanka": 2}
    with World(tmp_path, citizens=citizens, trustees=(2, 2), registrars=(1, 1, 0), smallest=2) as world:
        life = Walk(world, random.Random(seed))
        life.committees.append(world.form_committee())
        for number in range(3):
            life.attempt(life.announce)
            world.wait_until(max((poll.definition.opens for poll in life.polls()), default=0))
            for _ in range(STEPS // 3):
                life.step()
            verified = world.check()
            assert dump(verified.state.db) == dump(world.ledger.state.db), f"after {number + 1} thirds"
            assert verified.head.root == world.ledger.head.root
        world.wait(2 * DAY)
        life.attempt(life.trustees)
        verified = world.check()
        known = dump(world.ledger.state.db)
        assert dump(verified.state.db) == known
        assert life.refused and len(life.done) > 8
    with Ledger(tmp_path / "ledger") as again:
        assert dump(again.state.db) == known
