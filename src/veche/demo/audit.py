"""The end of the demo: anybody verifies everything, a forger is found out, and whoever watches is shown around."""

import os
import shlex
import shutil
import sys
import time as clock_time
from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text as Styled

from veche.audit.entry_words import short
from veche.audit.export import write_archive
from veche.audit.ledger import STEPS, VerifiedLedger, verify_ledger
from veche.demo.city import DemoCity
from veche.demo.content import BUS, SPEED, STATION
from veche.demo.screen import Screen
from veche.errors import DoesNotHold
from veche.log.source import Folder
from veche.texts import Message, Plural

FORGED = "forged-ledger"
ARCHIVE = "voykovskaya.bel"


def verification(city: DemoCity, screen: Screen) -> VerifiedLedger:
    screen.part(Message("Anybody verifies everything"), pictured=True)
    began = clock_time.monotonic()
    with screen.progress(Message("From the first byte to the results"), 1) as bar:
        verified = verify_ledger(Folder(city.ledger), bar.reach)
    seconds = clock_time.monotonic() - began
    table = Table.grid(padding=(0, 1))
    for step, meaning in STEPS.items():
        table.add_row(Styled("✓", style="green"), Styled(step, style="bold"), Styled(screen.words(Message(meaning))))
    screen.put(table)
    screen.fact(
        Plural(
            "{count} entry, checked again, in {seconds} s.",
            "{count} entries, every one of them checked again, in {seconds} s.",
            verified.head.size,
            seconds=seconds,
        )
    )
    return verified


def forgery(city: DemoCity, screen: Screen, verified: VerifiedLedger) -> None:
    forged = city.folder / FORGED
    forged.mkdir()
    shutil.copy(city.ledger / "checkpoint", forged)
    shutil.copytree(city.ledger / "tile", forged / "tile")
    bundle = next(
        path for path in sorted((forged / "tile" / "entries").rglob("*")) if path.is_file() and path.name != "000"
    )
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    try:
        verify_ledger(Folder(forged))
    except DoesNotHold as failure:
        screen.say(
            Message(
                "In a copy of the ledger somebody has changed one bit of {bytes} bytes:",
                bytes=sum(path.stat().st_size for path in (forged / "tile").rglob("*") if path.is_file()),
            )
        )
        screen.mark("✗", "bold red", Styled.assemble((failure.step, "bold red"), f"  {screen.words(failure.said)}"))
    else:
        raise AssertionError("the auditor passed a ledger with a changed bit")
    poll = verified.state.poll(city.polls[STATION].id)
    assert poll is not None
    made = write_archive(verified, poll, city.folder / ARCHIVE)
    screen.fact(
        Message(
            "And for programs made by others: a Belenios archive with {ballots} ballots, {path}",
            ballots=made.ballots,
            path=made.archive.name,
        )
    )


def look_around(city: DemoCity, screen: Screen) -> None:
    """Commands that work as they stand, from the folder in which the demo was started."""
    screen.part(Message("Now look around yourself"))
    screen.say(
        Message(
            "The bus poll is open for another week, by the real clock, and you are {person}, who has not voted in it:",
            person=city.you.person,
        )
    )
    ledger, you = typed(city.ledger), typed(city.folder / "you.seed")
    registrars = " ".join(
        f"--registrar {typed(city.folder / f'registrar-{i + 1}')}" for i in range(len(city.world.registrars))
    )
    bus, speed = short(city.polls[BUS].id), short(city.polls[SPEED].id)
    receipts = typed(city.folder)
    commands = (
        (Message("vote"), f"vote {bus} -l {ledger} --seed {you} --receipts {receipts} --person {city.you.person} {registrars}"),
        (Message("your ballot"), f"find --seed {you} -l {ledger}"),
        (Message("somebody's"), f"find {city.tracker} -l {ledger}"),
        (Message("a result"), f"poll show {speed} -l {ledger}"),
        (Message("the log"), f"ledger log --ledger {ledger} --last 12"),
        (Message("verify it"), f"verify {ledger}"),
        (Message("the forged one"), f"verify {typed(city.folder / FORGED)}"),
        (Message("the archive"), f"verify {typed(city.folder / ARCHIVE)}"),
    )  # fmt: skip
    show_commands(screen, commands)


def show_commands(screen: Screen, commands: Iterable[tuple[Message, str]]) -> None:
    """What each is for, and how it is typed from here."""
    for what, command in commands:
        screen.show(Styled(f"  {screen.words(what)}", style="dim"))
        screen.command(f"{program()} {command}")


def program() -> str:
    """How to call this program again from here: ``veche`` if the shell finds it, otherwise its path."""
    found, own = shutil.which("veche"), Path(sys.argv[0])
    if found is not None and (own.name != "veche" or Path(found).resolve() == own.resolve()):
        return "veche"
    return typed(own) if own.name == "veche" else f"{typed(Path(sys.executable))} -m veche"


def typed(path: Path) -> str:
    """A path as it is typed from here; quoted if it has to be."""
    shown = os.path.relpath(path) if not path.is_absolute() or path.resolve().is_relative_to(Path.cwd()) else str(path)
    return shlex.quote(shown)
