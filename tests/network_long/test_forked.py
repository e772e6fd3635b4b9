"""The operator of an embedded ledger shows two histories to two citizens, who meet."""

import time
from pathlib import Path

import pytest
from cli.conftest import fails, inside
from engine.stage import make_stage
from network.citizens import Citizen, stopping
from network.conftest import running
from network.test_following import url_of
from network.test_node import log_of

from veche.log.evidence import read_fork
from veche.world import EMBEDDED

pytestmark = pytest.mark.long
PATIENCE = 120


def is_red(citizen: Citizen) -> None:
    """Wait until it says that there are two histories and follows no more."""
    end = time.monotonic() + PATIENCE
    while "There are two histories" not in citizen.said:
        assert time.monotonic() < end, citizen.said
        time.sleep(0.1)
    assert citizen.ends() == 1


def test_two_citizens_who_were_shown_two_histories_meet(tmp_path: Path) -> None:
    """Each follows one history and sees nothing wrong. As soon as one hears of the other both heads are kept, it stops, and it stays so when it
    is started again; ``node status`` and ``compare`` say it. The other finds it too, once it hears of the first."""
    stage = make_stage(EMBEDDED, tmp_path / "city")
    other = stage.copy(tmp_path / "other")
    clock = tmp_path / "clock"
    clock.write_text(str(stage.now))
    one, two = (Citizen(number, tmp_path / name, clock, "--no-page") for number, name in enumerate(("one", "two")))
    with running(stage) as client, running(other) as forked, stopping(one, two):
        one.start(url_of(client.address))
        two.start(url_of(forked.address))
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        forked.wait(forked.hand_in(stage.ballots[1]).json["entry"], "final")
        one.wait_for(client.get("/status").json["final"])
        two.wait_for(forked.get("/status").json["final"])
        assert "two histories" not in one.said + two.said
        fails(1, "contradict", "compare", one.folder, two.folder, run=inside)
        one.stop()
        one.start(two.url)
        is_red(one)
        kept = read_fork(one.folder)
        assert kept is not None
        kept.check()
        roots = {client.get("/checkpoint").body.splitlines()[2], forked.get("/checkpoint").body.splitlines()[2]}
        assert {head.to_bytes().splitlines()[2] for head in (kept.shorter, kept.longer)} == roots
        fails(1, "There are two histories", "node", "status", "-l", one.folder, run=inside)
        for _ in range(2):  # it is kept over restarts, also when nobody is asked
            one.start()
            is_red(one)
        assert read_fork(one.folder) == kept
        two.stop()
        two.start(url_of(client.address))
        is_red(two)
        fails(1, "There are two histories", "node", "status", "-l", two.folder, run=inside)
    assert log_of(one.folder) == log_of(stage.folder) and log_of(two.folder) == log_of(other.folder)
