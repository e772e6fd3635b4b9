"""What an engine promises to those who hand entries in, asked of both."""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.engine.engine import Answer, Stopped
from veche.engine.waiting import MOST_OF_ONE, Job
from veche.errors import Refused, UserError
from veche.ledger.codec import decode
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.source import Folder
from veche.world import DAY, EngineKind, World

from .conftest import run
from .stage import TRAMS, Stage, make_stage


@pytest.fixture(scope="module")
def made(kind: EngineKind, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(kind, tmp_path_factory.mktemp("city"))


def log_of(folder: Path) -> list[bytes]:
    """What everybody can read, verified."""
    verified = verify_ledger(Folder(folder))
    return list(Log(verified.source, verified.head).entries())


def test_a_city_votes_and_counts(kind: EngineKind, tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 4}, registrars=(1, 1, 0), engine=kind) as world:
        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        for number, citizen in enumerate(world.citizens):
            world.vote(citizen, poll, [[1, 0] if number else [0, 1]])
        world.vote(world.citizens[0], poll, [[1, 0]])
        world.wait_until(poll.definition.closes - 1)
        found = world.ledger.state.poll(poll.id)
        assert found is not None and found.tally is None
        world.wait(1)
        found = world.ledger.state.poll(poll.id)
        assert found is not None and found.tally is not None
        world.trustees_act()
        world.engine.tick()
        decided = world.check().state.poll(poll.id)
        assert decided is not None and decided.result is not None and decided.result.total == ((4, 0),)


def test_entries_are_in_the_log_in_the_order_in_which_they_came(stage: Stage, ledger: Ledger) -> None:
    with run(ledger, stage.key, lambda: stage.now) as engine:
        answers = [engine.submit(entry) for entry in stage.ballots]
        numbers = [answer.result(timeout=60) for answer in answers]
    assert numbers == sorted(set(numbers))
    log = log_of(stage.folder)
    assert [log[number] for number in numbers] == stage.ballots


def test_what_was_acknowledged_is_in_the_ledger_for_ever(stage: Stage, ledger: Ledger) -> None:
    with run(ledger, stage.key, lambda: stage.now) as engine:
        for entry in stage.ballots[:3]:
            number = engine.submit(entry).result(timeout=60)
            # Another connection sees what is durable, and nothing else.
            with sqlite3.connect(f"file:{stage.folder / 'veche.db'}?mode=ro", uri=True) as other:
                ((size,),) = other.execute("SELECT value FROM meta WHERE name = 'size'")
            assert size > number
            assert ledger.entry(number) == entry


def test_a_refusal_changes_nothing_and_stops_nobody(stage: Stage, ledger: Ledger) -> None:
    first, second = stage.ballots[0], stage.ballots[1]
    junk = [b"", b"\x00", first[:-1], first[:-1] + bytes([first[-1] ^ 1]), bytes(65_536)]
    size = ledger.size
    with run(ledger, stage.key, lambda: stage.now) as engine:
        refusals = [engine.submit(entry).exception(timeout=60) for entry in junk]
        assert all(isinstance(refusal, Refused) for refusal in refusals)
        assert engine.tick() == size
        again = [engine.submit(entry) for entry in (first, junk[0], first, second)]
        outcomes = [answer.exception(timeout=60) for answer in again]
        assert outcomes[0] is None and outcomes[3] is None
        assert isinstance(outcomes[1], Refused) and isinstance(outcomes[2], Refused)
        assert outcomes[2].rule in ("turn", "repeated")
    ballots = [entry for entry in log_of(stage.folder)[size:] if decode(entry)[0] == "ballot"]
    assert ballots == [first, second]


def test_no_credential_keeps_it_busy(stage: Stage, ledger: Ledger) -> None:
    entry = stage.ballots[0]
    others = [entry[:-1] + bytes([entry[-1] ^ number]) for number in range(1, 40)]
    with run(ledger, stage.key, lambda: stage.now) as engine:
        answers = [engine.submit(other) for other in others]
        rules = {refused.rule for answer in answers if isinstance(refused := answer.exception(timeout=60), Refused)}
        assert rules == {"cast", "busy"} and len(others) > MOST_OF_ONE
        assert engine.submit(entry).result(timeout=60)


def test_a_block_is_made_when_it_is_asked_for_and_has_the_time_of_then(stage: Stage, ledger: Ledger) -> None:
    now = stage.now
    with run(ledger, stage.key, lambda: now) as engine:
        for step in (0, 1, 60, 599):
            now += step
            assert engine.tick() == ledger.size
            assert ledger.time == now
        height, size = ledger.height, ledger.size
        now += 5 * DAY
        assert engine.tick() > size  # what the halt did is in the log
        assert ledger.time == now and ledger.height > height
    log_of(stage.folder)


def test_what_was_handed_in_is_finished_before_the_end(stage: Stage, ledger: Ledger) -> None:
    engine = run(ledger, stage.key, lambda: stage.now)
    with engine:
        answers = [engine.submit(entry) for entry in stage.ballots]
    assert all(answer.done() for answer in answers)
    signed = SignedCheckpoint.parse((stage.folder / "checkpoint").read_bytes())
    assert signed.checkpoint == ledger.head and ledger.size > max(answer.result() for answer in answers)
    with pytest.raises(Stopped):
        engine.submit(stage.ballots[0])


def test_what_is_handed_in_right_before_the_end_is_finished(
    stage: Stage, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine finds nothing to do; before it asks whether it is to end, an entry is handed in, and then it is."""
    engine = run(ledger, stage.key, lambda: stage.now)
    take, answers, ender = engine._waiting.take, list[Answer](), threading.Thread(target=engine.stop)

    def take_and_be_late(pause: float = 0) -> list[Job]:
        jobs = take(0)
        if not answers:
            assert not jobs
            answers.append(engine.submit(stage.ballots[0]))
            ender.start()
            while not engine._waiting.stopping:
                time.sleep(0.001)
        return jobs

    monkeypatch.setattr(engine._waiting, "take", take_and_be_late)
    engine.__enter__()
    engine._thread.join()
    ender.join()
    assert ledger.entry(answers[0].result(timeout=0)) == stage.ballots[0]


def test_it_is_started_again_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    numbers: list[int] = []
    for at in range(0, len(stage.ballots), 6):
        with stage.open() as ledger, run(ledger, stage.key, lambda: stage.now + at) as engine:  # noqa: B023
            numbers += [engine.submit(entry).result(timeout=60) for entry in stage.ballots[at : at + 6]]
    log = log_of(stage.folder)
    assert [log[number] for number in numbers] == stage.ballots


class Full:
    """A connection whose disk is full from some moment on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self.full = connection, False

    def execute(self, *arguments: object) -> object:
        if self.full and arguments[0] != "ROLLBACK":
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(*arguments)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


def test_everybody_is_answered_when_it_breaks_and_it_can_be_started_again(stage: Stage, ledger: Ledger) -> None:
    engine = run(ledger, stage.key, lambda: stage.now)
    engine.__enter__()
    acknowledged = engine.submit(stage.ballots[0]).result(timeout=60)
    disk = Full(ledger.state.db)
    ledger._store.db = ledger._store.state.db = disk  # type: ignore[assignment]
    disk.full = True
    answers: list[Answer] = []
    with suppress(Stopped):  # some are in the block, some are being checked, some wait
        for _ in range(200):
            answers += [engine.submit(entry) for entry in stage.ballots[1:]]
    for answer in answers:
        why = answer.exception(timeout=60)
        assert isinstance(why, UserError | Stopped) or (isinstance(why, Refused) and why.rule == "busy")
    with pytest.raises(UserError, match="full"):
        engine.stop()
    with pytest.raises(UserError, match="full"):
        engine.check()
    with pytest.raises(Stopped):
        engine.submit(stage.ballots[1])
    ledger.close()
    with stage.open() as again, run(again, stage.key, lambda: stage.now) as engine:
        assert again.entry(acknowledged) == stage.ballots[0]
        assert [engine.submit(entry).result(timeout=60) for entry in stage.ballots[1:4]]


def test_whoever_goes_away_does_not_stop_it(stage: Stage, ledger: Ledger) -> None:
    with run(ledger, stage.key, lambda: stage.now) as engine:
        answers = [engine.submit(entry) for entry in stage.ballots[:4]]
        with suppress(TimeoutError):
            answers[-1].result(timeout=0)
        assert [answer.result(timeout=60) for answer in answers]


def test_many_hand_in_at_once(stage: Stage, ledger: Ledger) -> None:
    """Each has an answer, and each ballot is in the log once."""
    outcomes: list[BaseException | None] = []

    def hand_in(entries: list[bytes]) -> None:
        outcomes.extend(engine.submit(entry).exception(timeout=60) for entry in entries)

    first = stage.ballots[:8]
    with run(ledger, stage.key, lambda: stage.now) as engine:
        threads = [threading.Thread(target=hand_in, args=(first[number:] + first[:number],)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 32 and outcomes.count(None) == 8
    ballots = [entry for entry in log_of(stage.folder) if entry in first]
    assert sorted(ballots) == sorted(first)


def test_another_engine_is_not_run_on_its_ledger(stage: Stage, ledger: Ledger) -> None:
    from veche.engine.cometbft.engine import CometEngine
    from veche.engine.embedded import EmbeddedEngine

    other = EmbeddedEngine if ledger.state.charter.engine.name == "cometbft" else CometEngine
    with pytest.raises(UserError, match="run by the engine"):
        other(ledger, stage.key, lambda: stage.now)
