"""The demo's city: its citizens, honest and not, and its trustees, who act as processes of their own.

Nothing here prints. Everybody acts through the code of a real city; what is simulated is time, and the citizens' will.
"""

import random
import subprocess
import sys
import threading
import time as clock_time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import veche_kernel as kernel

from veche.demo.content import EVERYONE, PEOPLE, POLLS, DemoPoll
from veche.engine.inbox import PAUSE, Inbox
from veche.errors import Refused, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Group, Poll
from veche.ledger.poll_state import PollState
from veche.ledger.signing import sign
from veche.permit.seed import Seed
from veche.texts import Message
from veche.voter.voter import Voter, seal
from veche.world import DAY, Citizen, World

SEED = 2026  # so that every demo has the same votes; keys, permits and ballots are drawn anew each time
LASTS = 3 * DAY + 7200  # of simulated time, so that the demo ends about now
AGAIN = 0.08  # the part of the voters who change their mind
HALF_DAYS = 6
SMALLEST = 20
LONGEST = 120  # seconds in which a trustee does what is due
Step = Callable[[int], None]


@dataclass(frozen=True)
class Vote:
    """Somebody's wish to vote. ``half_day``: when, counted from the opening."""

    citizen: Citizen
    poll: DemoPoll
    choices: list[int]
    half_day: int


class DemoCity:
    """A :class:`World` with the demo's polls. ``you`` is the citizen who is left to whoever watches: they do nothing.

    ``committee`` and ``tracker`` (of a ballot that the story shows) are filled in as the story goes on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(
            folder,
            citizens={name.en: count for name, count in PEOPLE.items()},
            trustees=(4, 3),
            smallest=SMALLEST,
            genesis=int(clock_time.time()) - LASTS,
        )
        self.you = self.world.citizens[0]
        self.committee = b""
        self.tracker = ""
        self.polls: dict[DemoPoll, PollState] = {}
        self._random = random.Random(SEED)
        self.votes = self._wishes()
        self._stop = threading.Event()

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @contextmanager
    def running(self) -> Iterator[None]:
        """The engine runs, and takes in what other processes hand in."""
        with self.world:
            thread = threading.Thread(target=self._serve, name="veche-demo-inbox")
            thread.start()
            try:
                yield
            finally:
                self._stop.set()
                thread.join()

    def _serve(self) -> None:
        inbox = Inbox(self.ledger)
        while not self._stop.is_set():
            try:
                if not inbox.serve(self.world.engine):
                    self._stop.wait(PAUSE)
            except VecheError:  # the engine broke: whoever waits for it is told by the engine itself
                return

    # Trustees

    def ask_for_key(self) -> bytes:
        """The organisers ask the trustees for a key: the committee's id."""
        world = self.world
        return digest(world.ledger.entry(world.say("committee", ["city", "pedersen", 0], world.organisers[0])))

    def trustees_act(self, numbers: Sequence[int], wait: int = 0) -> Iterator[tuple[str, int]]:
        """Let these trustees act: see :func:`act`."""
        self.world.engine.tick()
        return act([Acting.of(self.world, number, self.ledger) for number in numbers], wait)

    # Polls

    def publish(self, committee: bytes, step: Callable[[], None]) -> None:
        """Publish all polls; then each registrar its keys and rolls. ``step`` is called for each registrar and poll."""
        world = self.world
        opens = world.now + world.poll_class.notice + 60
        for demo in POLLS:
            groups = demo.groups or (Group(EVERYONE, 1),)
            closes = opens + demo.days * DAY
            self.polls[demo] = world.publish(
                Poll("city", demo.title, demo.background, (demo.question,), groups, opens, closes, committee)
            )

        def keys(registrar: int) -> None:
            for poll in self.polls.values():
                world.submit(world.permit_keys(registrar, poll))
                step()

        with ThreadPoolExecutor() as pool:
            list(pool.map(keys, range(len(world.registrars))))
        world.engine.tick()

    def entitled(self, demo: DemoPoll) -> list[Citizen]:
        names = {group.name.en for group in demo.groups}
        return [citizen for citizen in self.world.citizens if not names or citizen.district in names]

    def _wishes(self) -> list[Vote]:
        """Who wants to vote, where, what and when; the last wish of each counts."""
        votes = []
        for demo in POLLS:
            entitled = [citizen for citizen in self.entitled(demo) if citizen is not self.you]
            for citizen in self._random.sample(entitled, round(demo.turnout * len(entitled))):
                first = self._random.randrange(HALF_DAYS)
                votes.append(Vote(citizen, demo, self._choices(demo), first))
                if first + 1 < HALF_DAYS and self._random.random() < AGAIN:
                    later = self._random.randrange(first + 1, HALF_DAYS)
                    votes.append(Vote(citizen, demo, self._choices(demo), later))
        self._random.shuffle(votes)
        return votes

    def _choices(self, demo: DemoPoll) -> list[int]:
        question = demo.question
        flags = [0] * len(question.answers)
        if question.blank and self._random.random() < demo.blank:
            return [1, *flags]
        liked = list(demo.leanings)
        for _ in range(self._random.randint(question.least, question.most)):
            (answer,) = self._random.choices(range(len(flags)), liked)
            flags[answer], liked[answer] = 1, 0
        return [0, *flags] if question.blank else flags

    # Citizens

    def collect(self, step: Callable[[], None]) -> None:
        """Everyone who will vote collects permits, from every registrar, for every poll of theirs."""
        wanted = {(id(vote.citizen), vote.poll): vote for vote in self.votes}

        def one(vote: Vote) -> None:
            self.world.collect(vote.citizen, self.polls[vote.poll])
            step()

        with ThreadPoolExecutor(4) as pool:  # while one waits for the registrar's disk, another computes
            list(pool.map(one, wanted.values()))

    def vote(self, half_day: int, step: Callable[[], None]) -> int:
        """Everyone who wants to vote in this half of a day does. How many ballots the ledger accepted."""
        votes = [vote for vote in self.votes if vote.half_day == half_day]
        with ThreadPoolExecutor() as pool:
            sealed = pool.map(lambda v: self.world.entry(v.citizen, self.polls[v.poll], [v.choices]), votes)
            waiting = [self.world.engine.submit(entry) for entry in sealed]
        for answer in waiting:
            answer.result()
            step()
        return len(votes)

    def bystanders(self, demo: DemoPoll, count: int) -> list[Citizen]:
        """Some who are entitled in a poll and do not want to vote in it."""
        busy = {id(vote.citizen) for vote in self.votes if vote.poll is demo} | {id(self.you)}
        return [citizen for citizen in self.entitled(demo) if id(citizen) not in busy][:count]

    # Those who cheat. Each answers with the refusal, and it would be a defect of the program if there were none.

    def thousand_votes(self, cheat: Citizen, demo: DemoPoll) -> Refused:
        """Makes a thousand of one vote, inside the encryption: beta times g^999. The proofs do not fit any more."""
        poll = self.polls[demo]
        honest = self.world.ballot(cheat, poll, [[1, *[0] * (len(demo.question.answers) - 1)]])
        eighth = pow(8, -1, kernel.ORDER)  # points are divided by eight in a ballot
        more = kernel.base_mul((999 * eighth % kernel.ORDER).to_bytes(32, "little"))
        beta = slice(64, 96)  # after the credential and the first alpha
        forged = honest[:64] + kernel.point_add(honest[beta], more) + honest[96:]
        group = self.world.group_of(cheat, poll)
        return self._refused(cheat.voter.cast(poll.id, group, forged, self.world.collect(cheat, poll), 1))

    def stolen_permit(self, victim: Citizen, demo: DemoPoll) -> Refused:
        """A thief has got hold of the victim's permits, and puts them on a ballot of another credential."""
        poll = self.polls[demo]
        thief = Voter(Seed.generate())
        flags = [1, *[0] * (len(demo.question.answers) - 1)]
        ballot = thief.prove(poll.frozen, seal(poll.frozen, [flags]))
        group = self.world.group_of(victim, poll)
        return self._refused(thief.cast(poll.id, group, ballot, self.world.collect(victim, poll), 1))

    def second_permit(self, cheat: Citizen, demo: DemoPoll) -> Refused:
        """Makes a second credential and asks the registrars for permits for that one too."""
        self.world.collect(cheat, self.polls[demo])
        twin = Citizen(cheat.person, cheat.district, Voter(Seed.generate()))
        try:
            self.world.collect(twin, self.polls[demo])
        except Refused as refused:
            return refused
        raise AssertionError("a registrar signed twice for one person")

    def released_later(self, voter: Citizen, demo: DemoPoll) -> Refused:
        """Somebody on the wire keeps back the voter's second ballot; the voter votes a third time; then the second is released."""
        poll, answers = self.polls[demo], len(demo.question.answers)
        flags = [[int(i == choice) for i in range(answers)] for choice in range(3)]
        self.world.vote(voter, poll, [flags[0]])
        kept_back = self.world.entry(voter, poll, [flags[1]])
        self.world.vote(voter, poll, [flags[2]])
        return self._refused(kept_back)

    def twice_the_same(self, voter: Citizen, demo: DemoPoll) -> Refused:
        """Somebody copies a ballot out of the ledger and hands it in again."""
        poll = self.polls[demo]
        last = self.world.ledger.state.last_ballot(poll, voter.voter.credential(poll.id))
        assert last is not None
        return self._refused(self.world.ledger.entry(last[2]))

    def too_late(self, voter: Citizen, demo: DemoPoll) -> Refused:
        """A ballot after closing."""
        return self._refused(self.world.entry(voter, self.polls[demo], [[1, *[0] * (len(demo.question.answers) - 1)]]))

    def by_the_city(self, demo: DemoPoll) -> Refused:
        """The city itself hands in a result of its own making."""
        world = self.world
        body: list[Any] = [self.polls[demo].id, [1, 2], [[999, 0, 0]], []]
        return self._refused(sign(world.id, "result", body, list(world.organisers)))

    def _refused(self, entry: bytes) -> Refused:
        try:
            self.world.submit(entry)
        except Refused as refused:
            return refused
        raise AssertionError("the ledger accepted what it must refuse")

    # Accounts

    def account(self) -> None:
        """Each registrar accounts for the permits of the polls that have closed."""
        world = self.world
        for registrar in range(len(world.registrars)):
            for poll in self.polls.values():
                if poll.phase != "announced":
                    world.account(registrar, poll)
        world.engine.tick()


class Acting(NamedTuple):
    """A trustee who acts: the folder of the office, and that of the ledger in which it does so."""

    institution: str
    office: Path
    ledger: Path

    @classmethod
    def of(cls, world: World, number: int, ledger: Path) -> "Acting":
        """The trustee of this number, counted from 1."""
        return cls(world.trustees[number - 1].institution, world.folder / f"trustee-{number}", ledger)


def act(trustees: Sequence[Acting], wait: int = 0) -> Iterator[tuple[str, int]]:
    """Let trustees act, each in a process of its own: who it was, and how many entries were handed in, as it ends.

    ``wait``: for so many seconds, if something is still to come. Raises VecheError if one of them fails.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "veche", "trustee", "act", str(trustee.office),
             "--ledger", str(trustee.ledger), "--timeout", str(wait), "--lang", "en"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for trustee in trustees
    ]  # fmt: skip
    try:
        for trustee, process in zip(trustees, running, strict=True):
            try:
                out, error = process.communicate(timeout=wait + LONGEST)
            except subprocess.TimeoutExpired:
                raise VecheError(
                    Message(
                        "{name} did not act in {seconds} seconds.", name=trustee.institution, seconds=wait + LONGEST
                    )
                ) from None
            if process.returncode:
                raise VecheError(Message("A trustee's process failed: {error}", error=error.strip()))
            yield trustee.institution, out.count(" is entry ")
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()
