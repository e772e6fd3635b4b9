"""``veche charter``: what a ledger begins with."""

from collections.abc import Mapping
from pathlib import Path

import click

from veche.audit.dangers import charter_dangers
from veche.cli import options, signing, together
from veche.cli.draft_charter import charter_json, read_charter, read_class, template
from veche.cli.earnest import say_if_test
from veche.cli.entry_file import SUFFIX, OnItsWay, entry_json, is_entry, read_entry, read_on_its_way
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.cli.signing import consider_charter
from veche.durable import write_new
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.charter import read_charter as check_charter
from veche.ledger.entries.new_class import NewClass
from veche.terminal.say import say
from veche.terminal.written import Written
from veche.texts import Message


@click.group(cls=CommandGroup, short_help="Write and sign what a ledger begins with.")
def charter() -> None:
    """Write and sign the charter, with which a ledger begins.

    The charter names the offices and their keys, and fixes the classes of poll: how many registrars and trustees, and what
    nobody may change later. Every office in it signs it.

    \b
    Example:
      veche charter new charter.toml
      veche charter sign charter.toml --key office.key      (makes charter.entry)
      veche charter sign charter.entry --key other.key      (and so on, until all have signed)
      veche ledger init charter.entry
    """


@charter.command()
@click.argument("file", type=ANY_PATH)
@click.option("--log-key", default="", metavar="HEX", help='The log\'s public key, from "veche ledger keygen".')
def new(file: Path, log_key: str) -> None:
    """Write a draft of a charter to FILE, for you to edit.

    \b
    Example:
      veche charter new charter.toml --log-key "$(veche ledger keygen)"
    """
    if log_key:
        options.parse_hex(log_key, 32, Message("a public key"))
    write_new(file, template(file.name, log_key).encode())
    say(Message("Wrote the draft {file}. Edit it, then: veche charter sign {file} --key office.key", file=file))


@charter.command()
@click.argument("file", type=ANY_PATH)
@options.key("offices", many=True)
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE", help="Where the entry goes, if FILE is a draft.")
@signing.yes
@options.json
def sign(file: Path, keys: tuple[Path, ...], output: Path | None, yes: bool, as_json: bool) -> None:
    """Sign a charter. FILE is a draft, of which an entry is made, or the entry, which gets one more signature.

    All that is signed is shown first, and on a terminal you are asked. The time of the charter is when the entry is made. Pass the entry on until every office has signed.

    \b
    Example:
      veche charter sign charter.toml --key office.key
      veche charter sign charter.entry --key ~/registrar
    """
    if is_entry(file):
        options.only_of_draft(output, file)
        way = read_on_its_way(file, b"", Charter)
    else:
        way = OnItsWay(output or file.with_suffix(SUFFIX), read_charter(file))
    found, target, signers = way.entry, way.path, [options.load_key(key) for key in keys]
    _check_keys(found, dict(zip(keys, signers, strict=True)))
    say_if_test(found)
    consider_charter(found, yes, way.signed, err=as_json)
    entry = way.sign(b"", signers)
    if as_json:
        options.emit(entry_json(entry, None, target))
        return
    signed = {key for key, _ in decode(entry)[2]}
    missing = [f"{name} ({role})" for name, role, key in found.offices if key not in signed]
    say(Message("Signed {target}.", target=target))
    if missing:
        say(Message("Still to sign: {list}.", list=", ".join(missing)))
    else:
        check_charter(entry)
        say(
            Message("Everybody has signed. Begin the ledger: veche ledger init --ledger FOLDER {target}", target=target)
        )


@charter.command("add-class")
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.key("offices", many=True)
@together.output
@signing.yes
@options.json
def add_class(file: Path, folder: Path, keys: tuple[Path, ...], output: Path, yes: bool, as_json: bool) -> None:
    """Begin an entry that adds a class of polls to a ledger. FILE is a draft with one part [[class]], as in that of a charter.

    As many institutions sign it as the charter says. Two weeks after it is in the ledger committees and polls may be of the class. No
    class that there is ever changes.

    \b
    Example:
      veche charter add-class class.toml --key office.key -o class.entry
      veche ledger sign class.entry --key other.key
      veche ledger submit class.entry
    """
    with read_ledger(folder) as reading:
        made = NewClass(read_class(file))
        what = Message("class {name}", name=made.poll_class.name)
        together.begin(made, reading, keys, output, yes, as_json, what)


def _check_keys(charter: Charter, keys: Mapping[Path, SigningKey]) -> None:
    """Raise UserError if one of these holds no office in the charter: with its signature nobody could begin the ledger."""
    known = {office.key for office in charter.offices}
    for path, key in keys.items():
        if key.public not in known:
            raise UserError(
                Message(
                    "This charter names no office with the key {public}… of {path}.",
                    public=key.public.hex()[:16],
                    path=path,
                ),
                Message("Sign with a key that it names, or write this one into the draft first."),
            )


@charter.command()
@click.argument("file", type=ANY_PATH, required=False)
@options.ledger
@options.json
def show(file: Path | None, folder: Path, as_json: bool) -> None:
    """Show the charter of a ledger, or the one in FILE: an entry or a draft.

    \b
    Example:
      veche charter show
      veche charter show charter.toml
    """
    options.not_together("FILE", "--ledger", file is not None and options.was_given("folder"))
    if file is None:
        with read_ledger(folder) as reading:
            found = reading.charter
    elif file.suffix in (".toml", ".json"):
        found = read_charter(file)
    else:
        found = Charter.parse(read_entry(file, "charter")[1][1])
    say_if_test(found)
    if as_json:
        options.emit(charter_json(found))
    else:
        signing.show(Written(None).lines(found))
        signing.warn(charter_dangers(found))
