"""Citizens' nodes beside four validators whose time goes by itself: away, asleep, shown an old head, on a full disk; and a ballot whose way
leads through citizens only."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import environment, inside, ok
from network.citizens import JOIN, Citizen, stopping
from network.conftest import Client
from network.hosts import copy_of, log_of

from veche.ledger.heads import STALE

from .doors import door, never_new
from .live import LiveCity, LiveHost, city_on
from .test_machines import may_mount

pytestmark = pytest.mark.long
DAY = 87
"""Seconds of a day on this test ledger."""
SMALL = 24 << 20
"""Bytes of the small disk."""


def url_of(host: LiveHost) -> str:
    """Where an institution's door is."""
    return f"http://{host.place.outside}:{host.wires[0].port}"


def status_of(citizen: Citizen) -> Any:
    """What ``veche node status`` says there, by that citizen's clock."""
    words = [sys.executable, str(JOIN), str(citizen.clock), "node", "status", "--json", "--ledger", str(citizen.folder)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def final(city: LiveCity) -> int:
    return max(int(said["final"]) for host in city.remote.running if (said := host.status()))


def same(city: LiveCity, *citizens: Citizen) -> None:
    """The end: all logs are one, byte for byte, and each citizen's copy is verified from its files."""
    logs = [log_of(copy_of(host, city.folder / f"same-{host.number + 1}")) for host in city.everybody]
    for citizen in citizens:
        ok("verify", citizen.folder, run=inside)
        logs.append(log_of(citizen.folder))
    assert all(log == logs[0] for log in logs), "the logs differ"


def test_away_asleep_and_shown_an_old_head(tmp_path: Path) -> None:
    """One citizen is killed before the poll closes and comes back after the result. One is asleep for a day of this ledger: its process is
    stopped, and all clocks go on. One knows nobody but a door that shows the same head for ever: status says how old that is, and
    with an honest address it has the rest. A ballot goes from one citizen to another and from there to the institutions, whose promises
    come back the same way."""
    with city_on(tmp_path) as city, ExitStack() as stack:
        city.open_poll(600)
        one, *_ = city.everybody
        clock = one.clock
        near, far, away, asleep, lonely = everybody = [
            Citizen(number, tmp_path / name, clock)
            for number, name in enumerate(("near", "far", "away", "asleep", "lonely"))
        ]
        stack.enter_context(stopping(*everybody))
        near.start(url_of(one))
        near.wait_for(final(city))
        for host in city.everybody:
            host.admit((*city.everybody, near, away, asleep), breaking=False)  # the others reach no institution
        far.start(near.url)
        away.start(url_of(one))
        asleep.start(url_of(one))
        for citizen in (far, away, asleep):
            citizen.wait_for(final(city))

        # A citizens-only path.
        ballot = city.ballot_of(city.reserve[0])
        answer = far.client.hand_in(ballot.entry)
        assert answer.status == 202, answer.json
        ballot.answers.append(answer.body)
        said = far.client.wait(ballot.hash, "final", seconds=240)
        ballot.answers.append(far.client.get(f"/entries/{ballot.hash}").body)
        assert len({promise["validator"] for promise in said["promises"]}) >= 2, "over a third of the institutions"
        city.remote.wait(lambda: city.is_final(ballot))

        # A head is withheld.
        client = Client((one.place.inside, one.http), timeout=20)
        old = {"/checkpoint": client.get("/checkpoint").body, "/nodes": b"[]"}
        withholding = stack.enter_context(door(client, never_new(old, lambda _, body: body)))
        lonely.start(withholding)
        lonely.wait_for(2)
        size = lonely.size

        # Two are gone, and the city goes on for more than a day: past the closing and the result.
        away.kill()
        assert asleep.process is not None
        os.kill(asleep.process.pid, signal.SIGSTOP)
        began = city.clock().time
        with city.load(rate=4):
            city.goes_on()
        city.close()
        city.wait_until(max(began + DAY, city.clock().time + 310))
        assert city.clock().time - began > DAY
        assert lonely.size == size < final(city), "it cannot know what nobody shows it"
        found = status_of(lonely)
        assert found["age"] > STALE and found["mood"] == "busy", found
        assert any("The newest head of the ledger is" in one["en"] for one in (found["says"], *found["more"])), found
        lonely.stop()
        for host in city.everybody:
            host.admit(None, breaking=False)
        lonely.start(url_of(one))
        away.start()
        os.kill(asleep.process.pid, signal.SIGCONT)
        for citizen in everybody:
            citizen.wait_for(final(city))
        city.remote.tick()
        for citizen in everybody:
            citizen.wait_for(final(city))
        city.remote.wait(lambda: status_of(lonely)["age"] < STALE)
        for citizen in everybody:
            citizen.stop()
    city.judge()
    same(city, *everybody)


def test_a_citizens_disk_that_is_full(tmp_path: Path) -> None:
    """While there is no room its node ends with a sentence, and loses nothing; with room again it goes on from where it was."""
    disk = tmp_path / "disk"
    if not may_mount(disk):
        pytest.skip("this machine does not allow a small disk to be mounted here")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "disk", str(disk)], check=True)
    try:
        with city_on(tmp_path) as city:
            city.open_poll(600)
            one, filler = city.everybody[0], disk / "filler"
            small = Citizen(0, disk, one.clock)
            with stopping(small):
                small.start(url_of(one))
                small.wait_for(final(city))
                with suppress(OSError), filler.open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
                with city.load():
                    city.goes_on(entries=50)
                    code = small.ends()
                    assert code in (1, 2) and "Traceback" not in small.said, small.said[-2000:]
                    assert "no space left" in small.said.lower(), small.said[-2000:]
                    filler.unlink()
                    small.start()
                    small.wait_for(final(city))
                    city.goes_on()
                city.close()
                end = time.monotonic() + 120
                while small.size < final(city):
                    assert time.monotonic() < end, small.said[-2000:]
                    time.sleep(0.2)
        city.judge()
        same(city, small)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
