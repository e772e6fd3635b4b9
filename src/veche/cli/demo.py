"""``veche demo``: a small city, in front of your eyes."""

import shutil
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
@click.option("--svg", type=ANY_PATH, metavar="FILE", help="Also write a picture of the main parts of what was shown.")
def demo(folder: Path, svg: Path | None) -> None:
    """Play a whole city in front of your eyes: 500 citizens, five polls, some cheats. It takes less than a minute.

    It asks nothing and sends nothing anywhere. FOLDER (veche-demo unless you name another) then holds the ledger, which you can look
    around in, vote in and verify; a folder that an earlier demo left is replaced.

    \b
    Example:
      veche demo
      veche demo build/demo --lang ru
    """
    _prepare(folder)
    screen = Screen(language())
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
    if svg is not None:
        screen.save(svg)


def _prepare(folder: Path) -> None:
    """An empty folder with the demo's marker in it. Raises UserError rather than touch anything that is not a demo's."""
    if (folder / MARKER).is_file():
        if engine_runs(folder / "ledger"):
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
