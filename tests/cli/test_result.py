"""A poll that is decrypted and has no result yet: nobody waits for it, everybody is told, and anybody can hand it in."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche.ballot import decryption
from veche.cli import main
from veche.engine.results import Results
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.world import DAY, World

QUESTION = Choice(Text("Well?", "Ну?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


def counted(world: World) -> PollState:
    """A poll with votes, over, with a second one that is open."""
    committee = world.form_committee()
    poll = world.poll([QUESTION], committee=committee, days=1)
    world.wait_until(poll.definition.opens)
    for citizen in world.citizens:
        world.vote(citizen, poll, [[1, 0]])
    world.wait(DAY)
    return poll


def decrypt(world: World) -> None:
    view = world.view()
    for trustee in world.trustees:
        for entry in trustee.due(view):
            world.submit(entry)


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


def test_a_search_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, search = threading.Event(), decryption.find_numbers

    def slowly(points: Sequence[bytes], most: int) -> list[int]:
        assert found.wait(60)
        return search(points, most)

    with World(tmp_path, citizens={"Centre": 4}) as world:
        poll = counted(world)
        monkeypatch.setattr(decryption, "find_numbers", slowly)
        decrypt(world)
        for number in range(5):
            world.say("notice", [b"", [f"Meanwhile {number}", "Тем временем"], []], world.organisers[0])
        state = world.ledger.state.poll(poll.id)
        assert state is not None and state.openers and state.result is None
        found.set()
        world.engine.tick()
        state = world.ledger.state.poll(poll.id)
        assert state is not None and state.result is not None and state.result.total == ((4, 0),)
        world.check()


def test_an_engine_that_stops_or_starts_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Results, "search", lambda results, state: None)
        begun = int(time.time()) - 2 * DAY
        with World(tmp_path, citizens={"Centre": 4}, genesis=begun) as world:
            poll = counted(world)
            decrypt(world)
            world.wait_until(int(time.time()))  # the commands go by the clock on the wall
            short = poll.id.hex()[:8]
    folder = tmp_path / "ledger"
    code, text = run("poll", "show", short, "--ledger", folder)
    assert code == 0 and "nobody has handed in the result yet" in text
    code, text = run("verify", folder)
    assert code == 0 and "nobody has handed in the result yet" in " ".join(text.split())
    with monkeypatch.context() as patch:
        patch.setattr(Results, "search", lambda results, state: None)
        code, text = run("poll", "result", short, "--ledger", folder)
    assert code == 0 and "The result: entry" in text
    code, text = run("poll", "result", short, "--ledger", folder)
    assert code == 2 and "has its result" in text
    code, text = run("verify", folder)
    assert code == 0 and "handed in the result" not in " ".join(text.split())
