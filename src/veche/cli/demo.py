"""``veche demo``: a small city, in front of your eyes."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import click

from veche.cli.language import Command
from veche.cli.options import ANY_PATH
from veche.demo.screen import Screen
from veche.durable import make_folder, write_new
from veche.engine.inbox import engine_runs
from veche.errors import UserError
from veche.handed import is_litter
from veche.terminal.say import language
from veche.texts import Message

MARKER = "made-by-veche-demo"
"""A file that says: everything in this folder is the demo's, and may be replaced by the next one."""


@click.command(cls=Command, short_help="Play a whole city in front of your eyes.")
@click.argument("folder", type=ANY_PATH, default="veche-demo")
@click.option(
    "--embedded",
    is_flag=True,
    help="The long story of a city whose ledger one institution keeps, instead of the short one of four.",
)
@click.option("--svg", type=ANY_PATH, metavar="FILE", help="Also write a picture of the main parts of what was shown.")
def demo(folder: Path, embedded: bool, svg: Path | None) -> None:
    """Play a poll in front of your eyes: four institutions keep the ledger, one of them fails on the way, and a citizen's node joins, to
    which another lies. It takes a minute and a half.

    With --embedded a whole city: 500 citizens, five polls, some cheats, in less than a minute; it needs no CometBFT.

    It asks nothing and sends nothing anywhere. FOLDER (veche-demo unless you name another) then holds the ledger, which you can look
    around in and verify; a folder that an earlier demo left is replaced.

    \b
    Example:
      veche demo
      veche demo build/demo --embedded --lang ru
    """
    screen = Screen(language())
    (_city if embedded else _network)(folder, screen)
    if svg is not None:
        screen.save(svg)


def _city(folder: Path, screen: Screen) -> None:
    _prepare(folder)
    screen.title(
        Message("Veche: a city votes, and anyone can check it"),
        Message(
            "500 citizens, 5 polls, 2 registrars, 4 trustees, some cheats, and one ledger.\n"
            "Time is simulated: three days pass in under a minute. The rest is real: every key, proof and check."
        ),
    )
    # Only now, so that the first screen is there at once.
    from veche.demo.city import DemoCity
    from veche.demo.story import tell

    tell(DemoCity(folder), screen)


def _network(folder: Path, screen: Screen) -> None:
    must_have_cometbft()
    _prepare(folder)
    screen.title(
        Message("Veche: four institutions keep one ledger"),
        Message(
            "4 institutions, 2 registrars, 3 trustees, 24 citizens, and one ledger in four copies.\n"
            "Nothing is simulated: each node is a process of its own, and time is the real one."
        ),
    )
    from veche.demo.four import tell_of_four
    from veche.demo.network import Town

    tell_of_four(Town(folder, screen.lang), screen)


def must_have_cometbft() -> None:
    """Raise UserError unless what a network runs on is installed."""
    from veche.engine.cometbft.launch import program

    try:
        program()
        installed = find_spec("aiohttp") is not None  # a node speaks HTTP with it
    except UserError:
        installed = False
    if not installed:
        raise UserError(
            Message("Four institutions agree by CometBFT, and it is not installed."),
            Message(
                "Install it: pip install veche[network]. In a checkout of the sources: make cometbft. Or play the city of one "
                "institution, which needs nothing: veche demo --embedded"
            ),
        )


def _prepare(folder: Path) -> None:
    """An empty folder with the demo's marker in it. Raises UserError rather than touch anything that is not a demo's."""
    if (folder / MARKER).is_file():
        if any(engine_runs(path) for path in (folder / "ledger", folder / "citizen", *folder.glob("validator-*"))):
            raise UserError(
                Message("The ledger of the demo in {folder} is in use.", folder=folder),
                Message("End the program that runs it, or name another folder."),
            )
        shutil.rmtree(folder)
    elif folder.exists() and (not folder.is_dir() or not all(is_litter(path.name) for path in folder.iterdir())):
        raise UserError(
            Message("{folder} exists, and no demo made it.", folder=folder),
            Message("Name another folder: veche demo FOLDER"),
        )
    make_folder(folder)
    write_new(folder / MARKER, b"veche demo made this folder, and replaces all of it when it is run here again.\n")
