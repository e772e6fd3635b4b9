"""``veche rules``: announce a version of the rules, take that back, and look who is ready for it."""

from datetime import UTC, date, datetime
from pathlib import Path

import click

from veche.cli import options, signing, together
from veche.cli.language import CommandGroup
from veche.cli.reading import read_ledger
from veche.cli.ready import ask, said_of
from veche.ledger.entries.rules import RulesVersion, RulesWithdrawal
from veche.ledger.machine import RULES_VERSION
from veche.terminal.say import say
from veche.texts import Message, Moment


@click.group(cls=CommandGroup, short_help="Announce a version of the rules, or withdraw it.")
def rules() -> None:
    """Announce from when on a version of the ledger's rules holds, take that back, and see which validators are ready.

    Whoever runs a program that does not know a version stands still from the day on which it holds. Where a third of the validators do,
    the ledger stands still.

    \b
    Example:
      veche rules ready
      veche rules announce 2 --from 2027-05-01 --key office.key -o rules.entry
      veche ledger sign rules.entry --key other.key
      veche ledger submit rules.entry
    """


@rules.command()
@click.argument("version", type=click.IntRange(2, 1000))
@options.ledger
@click.option(
    "--from",
    "since",
    type=options.Day(),
    required=True,
    metavar="DATE",
    help="The day from which it holds, as 2027-05-01 (UTC).",
)
@options.key("offices", many=True)
@together.output
@signing.yes
@options.json
def announce(
    version: int, folder: Path, since: date, keys: tuple[Path, ...], output: Path, yes: bool, as_json: bool
) -> None:
    """Begin an entry that announces VERSION of the rules, two weeks ahead at least. All validators are asked first which version they know.

    \b
    Example:
      veche rules announce 2 --from 2027-05-01 --key office.key -o rules.entry
    """
    begin = int(datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp())
    with read_ledger(folder) as reading:
        what = Message("version {version} of the rules holds from {time} on", version=version, time=Moment(begin))
        together.begin(RulesVersion(version, begin), reading, keys, output, yes, as_json, what)


@rules.command()
@click.argument("version", type=click.IntRange(2, 1000))
@options.ledger
@options.key("offices", many=True)
@together.output
@signing.yes
@options.json
def withdraw(version: int, folder: Path, keys: tuple[Path, ...], output: Path, yes: bool, as_json: bool) -> None:
    """Begin an entry that takes the announcement of VERSION back, before its day. It is never announced again: the next has a greater number.

    \b
    Example:
      veche rules withdraw 2 --key office.key -o withdraw.entry
    """
    with read_ledger(folder) as reading:
        what = Message("version {version} of the rules is withdrawn", version=version)
        together.begin(RulesWithdrawal(version), reading, keys, output, yes, as_json, what)


@rules.command()
@options.ledger
@options.json
def ready(folder: Path, as_json: bool) -> None:
    """Ask every validator's node which version of the rules it knows, and say which are announced. Nobody vouches for the answers.

    \b
    Example:
      veche rules ready
    """
    with read_ledger(folder, verified=False) as reading:
        announced = reading.state.versions()
        found = ask(reading.state)
    if as_json:
        options.emit(
            {
                "known": RULES_VERSION,
                "announced": [{"version": version, "since": since} for version, since in announced],
                "validators": [{"institution": name, "known": known} for name, known in found.items()],
            }
        )
        return
    say(Message("This program knows version {version} of the rules.", version=RULES_VERSION))
    for version, since in announced:
        say(Message("Version {version} holds from {time} on.", version=version, time=Moment(since)))
    for line in said_of(found):
        say(line)
