"""Killed at many random moments, while opening, voting, closing and decrypting: what was acknowledged is there, once, for ever."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from comet import OnCometBFT

from veche.audit.ledger import verify_ledger
from veche.audit.view import View
from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.log import Log
from veche.log.source import Folder
from veche.world import DAY, EngineKind, World

from .crash_engine import write_entries
from .stage import TRAMS

KILLS = int(os.environ.get("VECHE_KILLS", "50"))
"""How often the engine over CometBFT is killed: each time two processes begin anew. More for a night: VECHE_KILLS=200."""


@dataclass(frozen=True)
class Size:
    """How often an engine is killed in all, how often at most before it has settled what it was given, while how many small polls
    are held, and with how many ballots of each citizen beside them. ``moment``: the longest time between an answer and a kill, in
    seconds."""

    kills: int
    at_once: int
    polls: int
    turns: int
    moment: float


EMBEDDED, COMETBFT = Size(200, 6, 6, 32, 0.01), Size(KILLS, 4, 1, 32 if KILLS > 50 else 12, 0.05)


class Nursery:
    """The process that engines are forked from, and what they said."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "engine.crash_engine"]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )

    def start(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")

    def read(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the nursery died"
        return line.split()

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


class Driver:
    """Hands entries in through engines that it kills, and keeps what they acknowledged."""

    def __init__(self, world: World, nursery: Nursery, dice: random.Random, size: Size) -> None:
        self.folder, self.nursery, self.dice, self.size = world.folder / "ledger", nursery, dice, size
        self.policy = world.ledger.state.succession.policy(0)
        self.acknowledged: dict[int, bytes] = {}  # number in the log -> entry
        self.heads: list[Checkpoint] = []
        self.kills = {"opening": 0, "working": 0}

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def hand_in(self, entries: list[bytes], now: int, kills: int) -> None:
        """Until all of them are settled, at this time of the city, killing at most so many engines meanwhile."""
        path = self.folder.parent / "entries"
        write_entries(path, entries)
        settled, finished, most = 0, False, min(self.size.kills, self.killed + kills)
        while not finished:
            settled, finished = self._engine(path, entries, settled, now, self.killed < most)
            self._look()

    def _engine(self, path: Path, entries: list[bytes], first: int, now: int, kill: bool) -> tuple[int, bool]:
        """One engine's life; how many entries are settled after it, and whether it ended by itself."""
        self.nursery.start(self.folder, path, first, now, self.dice.randint(1, 6))
        _, pid = self.nursery.read()
        behind = 4 * self.kills["opening"] < self.killed  # a quick machine is often done with opening by then
        opening = kill and (behind or self.dice.random() < 0.3)
        after = self.dice.randint(0, min(12, len(entries) - first))  # answers, and then a moment
        settled, answers, opened, done = first, 0, False, False
        if opening:
            time.sleep(self.dice.uniform(0, 0.03))
            os.kill(int(pid), signal.SIGKILL)
        while True:
            match self.nursery.read():
                case ["open", size]:
                    opened = True
                    assert int(size) > max(self.acknowledged, default=0), "an acknowledged entry is gone"
                case ["ack", index, number]:
                    assert int(number) not in self.acknowledged, "two entries have one number"
                    self.acknowledged[int(number)] = entries[int(index)]
                    settled, answers = int(index) + 1, answers + 1
                case ["refused", index, rule]:
                    # It was in the ledger when the engine before was killed, and nobody had been told.
                    assert rule in ("turn", "repeated", "decryption")
                    assert answers == 0 or rule == "decryption", (
                        "refused in the middle of what was not handed in before"
                    )
                    settled = int(index) + 1
                case ["done"]:
                    done = True
                case ["ended"]:
                    break
            if kill and not opening and opened and answers >= after and not done:
                time.sleep(self.dice.uniform(0, self.size.moment))
                os.kill(int(pid), signal.SIGKILL)
                opening = True
        self.nursery.start()
        (status,) = self.nursery.read()
        assert int(status) in (0, signal.SIGKILL)
        if int(status) == signal.SIGKILL:
            self.kills["working" if opened else "opening"] += 1
        return settled, int(status) == 0

    def _look(self) -> None:
        """What everybody sees in the folder now, as the crash left it: a head with all its tiles, that extends the last one."""
        signed = SignedCheckpoint.parse((self.folder / "checkpoint").read_bytes())
        signed.verify(self.policy)
        head = signed.checkpoint
        log = Log(Folder(self.folder), head)
        if self.heads:
            old = self.heads[-1]
            merkle.verify_consistency(old.size, old.root, head.size, head.root, log.consistency_proof(old.size))
        if not self.heads or head.size != self.heads[-1].size:
            self.heads.append(head)
        assert len(list(log.entries(max(0, head.size - 300)))) == min(head.size, 300)


def prepare(world: World, polls: int) -> tuple[list[PollState], PollState]:
    """Small polls, each three days after the other; and one of a month, for the load."""
    committee = world.form_committee()
    small = [world.poll([TRAMS], committee=committee, days=3 * (i + 1)) for i in range(polls)]
    load = world.poll([TRAMS], committee=committee, days=30)
    world.wait_until(load.definition.opens)
    return small, load


def test_killed_again_and_again(kind: EngineKind, tmp_path: Path, nursery: Nursery) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)  # shown when the test fails
    dice = random.Random(seed)
    size = COMETBFT if isinstance(kind, OnCometBFT) else EMBEDDED
    world = World(tmp_path, citizens={"Centre": 70}, trustees=(3, 2), registrars=(1, 1, 0), engine=kind)
    with world:
        small, load = prepare(world, size.polls)
        votes = {
            poll.id: [world.entry(citizen, poll, [[i % 2, 1 - i % 2]]) for i, citizen in enumerate(world.citizens[:4])]
            for poll in small
        }
        votes[load.id] = [
            world.entry(citizen, load, [[(i + turn) % 2, 1 - (i + turn) % 2]])
            for turn in range(1, size.turns + 1)
            for i, citizen in enumerate(world.citizens)
        ]
        now = world.now
    driver = Driver(world, nursery, dice, size)
    for poll in small:
        driver.hand_in(votes[poll.id], now, kills=size.at_once)
        now = poll.definition.closes + 2 * DAY  # the ledger stood still: this is the latest closing that there can be
        driver.hand_in([], now, kills=size.at_once)
        driver.hand_in(decryptions(world, now), now, kills=size.at_once)
        now += 1
    before, rest = driver.killed, votes[load.id]
    assert 2 * size.polls <= before < size.kills
    while driver.killed < size.kills:
        assert len(rest) > 200, "the load is too small for so many kills"
        driver.hand_in(rest[:200], now, kills=size.kills)
        rest = rest[200:]
    now = load.definition.closes + 2 * DAY
    driver.hand_in([], now, kills=0)
    driver.hand_in(decryptions(world, now), now, kills=0)
    assert driver.killed == size.kills and min(driver.kills.values()) >= size.kills // 10, driver.kills

    verified = verify_ledger(Folder(driver.folder))
    log = Log(verified.source, verified.head)
    entries = list(log.entries())
    for number, entry in driver.acknowledged.items():
        assert entries[number] == entry
    assert len(set(entries)) == len(entries), "an entry is in the ledger twice"
    handed_in = [*(vote for poll in small for vote in votes[poll.id]), *votes[load.id][: -len(rest)]]
    ballots = [entry for entry in entries if decode(entry)[0] == "ballot"]
    assert ballots == handed_in, "a ballot is missing, or not in its order"
    for old in driver.heads:
        merkle.verify_consistency(old.size, old.root, log.size, verified.head.root, log.consistency_proof(old.size))
    for poll in [*small, load]:
        result = verified.state.poll(poll.id)
        assert result is not None and result.result is not None
        assert sum(result.result.body()[2][0]) == (70 if poll is load else 4)


def decryptions(world: World, now: int) -> list[bytes]:
    """What two trustees have to say at that time, having verified the files that the crashes left."""
    world.now = now
    view = View(verify_ledger(Folder(world.folder / "ledger")))
    return [entry for trustee in world.trustees[:2] for entry in trustee.due(view)]
