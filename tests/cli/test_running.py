"""What ``veche ledger run`` shows while it runs."""

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

from veche.cli.running import Display
from veche.ledger.entries.poll import Choice
from veche.ledger.life import Stage
from veche.ledger.shape import Text
from veche.world import World

from .city import found
from .conftest import PROGRAM, environment, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


def test_on_a_terminal_it_shows_what_goes_on(tmp_path: Path) -> None:
    city = found(tmp_path, run=inside)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "ledger", "run", "--ledger", str(city.ledger)],
        stdout=slave,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    os.close(slave)
    shown = ""

    def until(pattern: str) -> None:
        nonlocal shown
        end = time.monotonic() + 60
        while not re.search(pattern, shown):
            assert time.monotonic() < end, shown
            read = os.read(master, 65_536).decode(errors="replace")
            shown += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", read)

    try:
        until(r"Entries +2, root")
        ok("committee", "form", "--class", "pilot", "-k", city.organisers[0], "-l", city.ledger, run=inside)
        until(r"Entries +4, root")
        until(r"Inbox +1 handed in since it runs, 0 waiting")
        until(r"Keys +1 is being made")
        assert "veche.example/pilot, runs since" in shown and "open: 0, announced: 0" in shown
        process.send_signal(signal.SIGINT)
        until(r"Stopped, with 4 entries")
        process.wait(30)
    finally:
        process.kill()
        _, err = process.communicate(timeout=30)
        os.close(master)
    assert process.returncode == 0 and err == b""


def test_polls_and_witnesses(tmp_path: Path) -> None:
    with World(tmp_path, citizens={"Centre": 3}, genesis=int(time.time()) - 7200, witnesses=(4, 1)) as world:
        committee = world.form_committee()
        world.poll([JOIN], committee=committee)
        world.wait_until(int(time.time()))
        world.announce([JOIN], committee=committee)
        world.cosign(absent=world.witnesses[:1])
        display = Display(tmp_path / "ledger", lines=True)
        seen = display._read()
        assert (seen.polls[Stage.OPEN], seen.polls[Stage.ANNOUNCED], seen.witnesses) == (1, 1, (3, 4))
        assert seen.size == world.ledger.size and seen.root == world.ledger.head.root and seen.trouble is None
        (tmp_path / "ledger" / "witness" / world.witnesses[1].key.public.hex()).write_bytes(b"junk")
        assert "Press council" in str(display._read().trouble), "a person should look at this"


def test_elsewhere_a_line_whenever_the_ledger_has_grown_and_none_unasked(tmp_path: Path) -> None:
    city = found(tmp_path, run=inside)
    quiet = ok("ledger", "run", "--ledger", city.ledger, "--seconds", "2.5")
    assert quiet.err == "" and len(quiet.out.splitlines()) == 2
    told = ok("ledger", "run", "--ledger", city.ledger, "--seconds", "2.5", "--verbose")
    assert [line.split('"event"')[1].split('"')[1] for line in told.err.splitlines()] == [
        "the engine runs",
        "the engine ended",
    ]
