"""``veche check``: is what another device opened the ballot that it had sealed? For another device than that one."""

import sys
from pathlib import Path

import click

from veche.audit.entry_words import both, short
from veche.cli import options
from veche.cli.choices import choice_lines, choices_json
from veche.cli.language import Command
from veche.cli.opened_file import read_opened
from veche.cli.options import ANY_PATH, parse_code
from veche.cli.reading import read_ledger
from veche.errors import UserError
from veche.terminal.code import code_lines
from veche.terminal.say import prompt, say, spoken
from veche.texts import Message, Verbatim
from veche.voter.voter import check_opened
from veche.words import WORDS


@click.command(cls=Command, short_help="Check another device by a ballot that it opened.")
@click.argument("text", metavar="CODE")
@click.argument("file", type=ANY_PATH, required=False)
@options.ledger
@options.json
def check(text: str, file: Path | None, folder: Path, as_json: bool) -> None:
    """Check another device: is what it opened the ballot whose CODE it showed before?

    First give this device the code, as 64 digits or as a file that holds them, before the other device is told that it is
    checked. Then tell the other device "check", and bring FILE here, which it has written. This device takes the poll and its
    key from a ledger that it verifies itself, encrypts the choices again and compares the whole code. Without FILE you are
    asked for it when the code is here.

    Read what it shows: if that is not what you chose, or the code is another, do not trust the other device. If all is well you
    know that it sealed this ballot as you said, when it did not know whether you would check it. Check as often as you like:
    a device that cheats in one ballot of ten is caught by ten checks in two cases of three.

    \b
    Example:
      veche check "1f0a9c3e …" opened-3fa9….json --ledger ledger
    """
    if len(text.split()) == WORDS:
        raise UserError(
            Message("These are the nine words, which stand for the beginning of a code only: a device that cheats could seal two "
                    "ballots with the same ones."),
            Message("Give the whole code: the 64 digits that stand above the words, or a file that holds them."),
        )  # fmt: skip
    code = parse_code(text)
    if file is None:
        if not sys.stdin.isatty():
            raise UserError(
                Message("What is to be checked?"),
                Message("Name the file that the other device has written: veche check CODE FILE"),
            )
        say(Message("This device has the code:"))
        for line in code_lines(code):
            click.echo(f"  {line}")
        file = prompt(Message('Now tell the other device "check". The file that it writes'), type=ANY_PATH)
    poll_id, choices, randomness = read_opened(file)
    with read_ledger(folder) as reading:
        poll = reading.poll(poll_id.hex())
    check_opened(poll.frozen, code, choices, randomness)
    if as_json:
        options.emit({"poll": poll.id.hex(), "code": code.hex(), "questions": choices_json(poll.definition, choices)})
        return
    say(
        Message(
            "The code fits. In poll {id}, {title}, the other device had sealed:",
            id=short(poll.id),
            title=both(poll.definition.title),
        )
    )
    for chosen in choice_lines(poll.definition, choices):
        say(Verbatim(f"  {spoken(chosen)}"))
    say(Message("If this is not what you chose, do not vote with that device, and report it."))
