"""``veche check-ballot``: what does a spoiled ballot hold? For another device than the one that sealed it."""

from pathlib import Path

import click

from veche.cli import options
from veche.cli.ballot_file import read_spoiled
from veche.cli.choices import choice_lines
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.errors import DoesNotHold
from veche.terminal.show import tracker


@click.command("check-ballot", short_help="Show what a spoiled ballot holds.")
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.json
def check_ballot(file: Path, folder: Path, as_json: bool) -> None:
    """Open the spoiled ballot in FILE and show what it holds. If that is not what you chose, do not trust the device.

    \b
    Example:
      veche vote 3fa9 --choose 2 --check
      veche check-ballot spoiled-3fa9….json
    """
    poll_id, ballot, opening = read_spoiled(file)
    with read_ledger(folder) as reading:
        poll = reading.poll(poll_id.hex())
    try:
        checked = poll.frozen.kernel.verify(ballot)
        choices = poll.frozen.kernel.open(ballot, opening)
    except ValueError as error:
        raise DoesNotHold("ballot", str(file), f"The ballot in {file} does not hold: {error}.",
                          "Do not vote with the device that sealed it.") from None  # fmt: skip
    if as_json:
        options.emit({"poll": poll.id.hex(), "tracker": tracker(checked.tracker), "choices": choices})
        return
    click.echo(f"Tracker {tracker(checked.tracker)}")
    for line in choice_lines(poll.definition, choices):
        click.echo(line)
