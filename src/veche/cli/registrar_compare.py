"""``veche registrar compare`` and what belongs to it: two registrars' rolls, before a poll opens."""

from pathlib import Path

import click

from veche.cli import options
from veche.cli.language import Command
from veche.cli.options import ANY_PATH
from veche.durable import PRIVATE, must_be_new, write_new
from veche.registrar.comparison import MOST_BYTES, Differences, load_key, make_key
from veche.registrar.registrar import Registrar
from veche.terminal.say import say, spoken
from veche.texts import Listed, Message, Plural

_SHOWN = 100
"""Persons that are shown one by one."""

_desk = click.argument("desk", type=ANY_PATH, metavar="FOLDER")
_key = click.option("--key", "-k", type=ANY_PATH, required=True, metavar="FILE",
                    help='The key file that the registrars who compare have in common: "veche registrar compare-key".')  # fmt: skip


@click.command("compare-key", cls=Command, short_help="Make a key with which registrars compare their rolls.")
@click.argument("file", type=ANY_PATH)
def compare_key(file: Path) -> None:
    """Make a key in FILE with which registrars compare their rolls. One makes it, and hands it to the others: in person, and to
    nobody else.

    \b
    Example:
      veche registrar compare-key rolls.key
    """
    make_key(file)
    say(Message("Wrote {path}. Hand it to the other registrars in person: whoever has it and a comparison can try whether "
                       "somebody is on the roll.", path=str(file)))  # fmt: skip


@click.command("compare-file", cls=Command, short_help="Write what another registrar needs to compare rolls.")
@_desk
@_key
@click.option("--output", "-o", type=ANY_PATH, required=True, metavar="FILE", help="Where to write the comparison.")
def compare_file(desk: Path, key: Path, output: Path) -> None:
    """Write a comparison of the roll as it stands, for another registrar to hold theirs against. The roll itself is not in it.

    It is encrypted with the key that both have; and with the key it says of a person only to who knows their id whether they are
    on the roll and in which district. Erase it when you have compared.

    \b
    Example:
      veche registrar compare-file registry --key rolls.key -o registry.comparison
    """
    must_be_new(output)
    secret = load_key(key)
    with Registrar(desk) as opened:
        write_new(output, opened.write_comparison(secret), PRIVATE)
    say(
        Message(
            "Wrote {path}. The other registrar compares: veche registrar compare FOLDER {path} --key FILE",
            path=str(output),
        )
    )


@click.command("compare", cls=Command, short_help="Compare the roll with another registrar's.")
@_desk
@click.argument("file", type=ANY_PATH)
@_key
@options.json
def compare(desk: Path, file: Path, key: Path, as_json: bool) -> None:
    """Compare the roll as it stands with another registrar's, of which FILE is a comparison ("veche registrar compare-file").

    Says how many people live in each district on either roll, who is on yours only, who lives in another district on theirs, and how
    many are on theirs only: who these are, the other registrar sees, with your comparison. Do it before a poll opens: from then
    on its roll stays. Exit code 0 if the rolls are the same, 1 if they are not.

    \b
    Example:
      veche registrar compare post registry.comparison --key rolls.key
    """
    secret = load_key(key)
    content = options.read_file(file, MOST_BYTES)
    with Registrar(desk) as opened, options.naming(file):
        found = opened.compare(secret, content)
    if as_json:
        options.emit(
            {
                "equal": found.equal,
                "districts": {name: {"ours": ours, "theirs": theirs} for name, (ours, theirs) in found.districts.items()},
                "only_ours": [{"person": person, "district": district, "respelt": person in found.respelt}
                              for person, district in found.only_ours.items()],
                "only_theirs": found.only_theirs,
                "moved": [{"person": moved.person, "ours": moved.ours, "theirs": moved.theirs} for moved in found.moved],
                "alike": [list(pair) for pair in found.alike],
            }
        )  # fmt: skip
    else:
        _show(found)
    if not found.equal:
        raise click.exceptions.Exit(1)


def _show(found: Differences) -> None:
    width = max(map(len, found.districts))
    say(Message("People on either roll, ours and theirs:"))
    for name, (ours, theirs) in found.districts.items():
        click.echo(f"  {name:<{width}}  {ours:>8}  {theirs:>8}{'' if ours == theirs else '  !'}")
    for pair in found.alike:
        say(Message("Districts look alike: {ours} on ours, {theirs} on theirs.", ours=pair[0], theirs=pair[1]))
    if found.equal:
        say(Message("The rolls are the same. Erase the comparison, and the key if you need it no more."))
        return
    if found.only_ours:
        say(Plural("{count} person is on our roll only:", "{count} people are on our roll only:", len(found.only_ours)))
        _show_some([
            Message("{person}, {district}; theirs has one who looks like them", person=person, district=district)
            if person in found.respelt else Message("{person}, {district}", person=person, district=district)
            for person, district in list(found.only_ours.items())[:_SHOWN]
        ], len(found.only_ours))  # fmt: skip
    if found.moved:
        say(Plural("{count} person lives in another district on theirs:",
                          "{count} people live in another district on theirs:", len(found.moved)))  # fmt: skip
        _show_some([
            Message("{person}: {ours} on ours, {theirs} on theirs", person=moved.person, ours=moved.ours, theirs=moved.theirs)
            for moved in found.moved[:_SHOWN]
        ], len(found.moved))  # fmt: skip
    if found.only_theirs:
        where = [
            Message("{district} {count}", district=name, count=people) for name, people in found.only_theirs.items()
        ]
        say(Plural("{count} person is on their roll only ({where}). Who, they see with your comparison.",
                          "{count} people are on their roll only ({where}). Who, they see with your comparison.",
                          sum(found.only_theirs.values()), where=Listed(tuple(where))))  # fmt: skip
    say(Message("The rolls are not the same."))


def _show_some(lines: list[Message], count: int) -> None:
    for line in lines:
        click.echo(f"  {spoken(line)}")
    if count > len(lines):
        say(Message("and {count} more: --json names them all", count=count - len(lines)))
