"""``veche office``: keys, and who holds which office."""

from pathlib import Path

import click

from veche.cli import options, signing
from veche.cli.entry_file import OnItsWay, entry_json, hand_in_and_tell
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.reading import Reading, read_ledger
from veche.cli.signing import consider
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.address import Address
from veche.ledger.entries.office import OBJECTION, OfficeAction, OfficeChange, Role
from veche.ledger.entries.statements import Notice
from veche.ledger.shape import Text
from veche.terminal.say import say
from veche.texts import Message, duration


@click.group(cls=CommandGroup, short_help="Make keys; add, replace, retire, suspend offices; say something.")
def office() -> None:
    """Make the key of an office; add, replace, retire or suspend offices; say something in public.

    These take as many institutions as the charter says: the first writes the entry to a file, the others sign it ("veche
    ledger sign"), the last hands it in ("veche ledger submit"). What the holder of an office does not sign takes effect after
    two weeks, unless the holder objects, or as many institutions as the charter says.

    \b
    Example:
      veche office keygen office.key
      veche office rotate --institution "Post office" --role registrar --public HEX --key office.key -o rotate.entry
      veche ledger sign rotate.entry --key other.key
      veche ledger submit rotate.entry
    """


@office.command()
@click.argument("file", type=ANY_PATH)
@options.json
def keygen(file: Path, as_json: bool) -> None:
    """Make a new key in FILE (readable by you alone), and print its public half.

    \b
    Example:
      veche office keygen office.key
    """
    key = SigningKey.generate()
    key.save(file)
    options.answer_key(key.public, as_json)


@office.command()
@click.argument("file", type=ANY_PATH)
@options.json
def public(file: Path, as_json: bool) -> None:
    """Print the public half of the key in FILE (or in a registrar's or trustee's folder).

    \b
    Example:
      veche office public office.key
    """
    options.answer_key(options.load_key(file).public, as_json)


def _change(action: OfficeAction, about: str, text: str) -> None:
    """A command that begins an entry about a seat. ``about``: what ``--public`` is; it must be given for a new key only."""
    new = action in (OfficeAction.ADD, OfficeAction.ROTATE)

    @office.command(str(action), help=text)
    @options.ledger
    @click.option("--institution", required=True, metavar="NAME", help="The institution, as the ledger spells it.")
    @click.option("--role", required=True, type=click.Choice([*map(str, Role)]), help="Which of its offices.")
    @click.option("--public", required=new, metavar="HEX", help=about)
    @click.option("--votes", metavar="HEX", help="The new consensus key of a validator, beside --public.")
    @options.key("offices", many=True)
    @click.option(
        "--output", "-o", type=ANY_PATH, required=True, metavar="FILE", help="Where the entry goes: NAME.entry"
    )
    @signing.yes
    @options.json
    def command(
        folder: Path,
        institution: str,
        role: str,
        public: str | None,
        votes: str | None,
        keys: tuple[Path, ...],
        output: Path,
        yes: bool,
        as_json: bool,
    ) -> None:
        with read_ledger(folder) as reading:
            signers = [options.load_key(key) for key in keys]
            for signer in signers:
                reading.holder(signer.public)
            given_keys = [signer.public for signer in signers]
            seat = institution, Role(role)
            given = None if public is None else options.parse_hex(public, 32, Message("a public key"))
            key = given or _key_of(reading, action, *seat)
            consensus = b"" if votes is None else options.parse_hex(votes, 32, Message("a public key"))
            way = OnItsWay(output, OfficeChange(action, *seat, key, reading.size, consensus))
            consider(way.entry, reading, given_keys, yes, err=as_json)
            entry = way.sign(reading.id, signers)
            alone = action in (OfficeAction.SUSPEND, OfficeAction.OBJECT) and reading.state.key_of(*seat) in given_keys
            needed = reading.charter.k
            waits = duration(reading.charter.lasting(OBJECTION))
        if as_json:
            options.emit(entry_json(entry, None, output))
            return
        say(
            Message(
                "Wrote {output}: {action} {institution} as {role}.",
                output=output,
                action=action,
                institution=institution,
                role=role,
            )
        )
        if alone:
            say(
                Message(
                    "The key that holds the office has signed it: hand it in.\n  veche ledger submit {output}",
                    output=output,
                )
            )
            return
        say(Message("{needed} institutions have to sign it:", needed=needed))
        say(Message("  veche ledger sign {output} --key FILE\n  veche ledger submit {output}", output=output))
        if action == OfficeAction.ADD:
            say(Message("It takes effect {waits} after it is in the ledger, if nobody objects.", waits=waits))
        elif action in (OfficeAction.ROTATE, OfficeAction.RETIRE):
            say(
                Message(
                    "If the key that holds the office signs too, it takes effect at once; if not, after {waits}.",
                    waits=waits,
                )
            )


@office.command()
@options.ledger
@click.option("--poll", "name", metavar="POLL", help="Which poll it is about; without it, it is about none.")
@click.option("--text", required=True, metavar="TEXT", help="What it says, in English.")
@click.option("--text-ru", required=True, metavar="TEXT", help="What it says, in Russian.")
@options.key("office")
@options.entry_output
@signing.yes
@options.json
def notice(
    folder: Path, name: str | None, text: str, text_ru: str, key: Path, output: Path | None, yes: bool, as_json: bool
) -> None:
    """Say something in public, as an office: an incident, a fork that was seen. It changes nothing, and stands in reports for good.

    \b
    Example:
      veche office notice --text "Our desk was closed on Monday." --text-ru "В понедельник окно не работало." --key office.key
      veche office notice --poll 3fa9 --text "A line was cut." --text-ru "Пропущена строка." --key office.key
    """
    signer = options.load_key(key)
    with read_ledger(folder) as reading:
        reading.holder(signer.public)
        said = Notice(b"" if name is None else reading.poll(name).id, Text(text, text_ru))
        consider(said, reading, [signer.public], yes, err=as_json)
        entry = said.sign(reading.id, [signer])
    hand_in_and_tell(folder, entry, output, Message("A notice"), as_json)


@office.command()
@options.ledger
@click.option("--url", required=True, metavar="URL", help="The public address of the node: https://node.example")
@click.option("--peer", required=True, metavar="PEER", help="Where other validators find it: ID@node.example:26656")
@options.key("validator")
@options.entry_output
@signing.yes
@options.json
def address(folder: Path, url: str, peer: str, key: Path, output: Path | None, yes: bool, as_json: bool) -> None:
    """Say where a validator of a network is found from now on. The others look there when they start the next time.

    \b
    Example:
      veche office address --url https://node.example --peer "$NODE@node.example:26656" --key ledger/log.key
    """
    signer = options.load_key(key)
    with read_ledger(folder) as reading:
        reading.office(signer.public, Role.VALIDATOR)
        said = Address.parse([url, peer, reading.size])
        consider(said, reading, [signer.public], yes, err=as_json)
        entry = said.sign(reading.id, [signer])
    hand_in_and_tell(folder, entry, output, Message("The address"), as_json)


def _key_of(reading: Reading, action: OfficeAction, institution: str, role: Role) -> bytes:
    """The key that is meant where none is named. Raises UserError if there is none."""
    if action == OfficeAction.OBJECT:
        change = reading.state.office_changes.get((institution, role))
        if change is None:
            raise UserError(
                Message("No change of {institution} as {role} is waiting.", institution=institution, role=role),
                Message("See what is: veche ledger show"),
            )
        return change.key
    key = reading.state.key_of(institution, role)
    if key is None:
        raise UserError(
            Message("{institution} holds no office as {role}.", institution=institution, role=role),
            Message("See who does: veche ledger show"),
        )
    return key


_change(OfficeAction.ADD, "The public key that it is to have.", """Begin an entry that gives an institution an office that it does not have.

\b
Example:
  veche office add --institution "Tax office" --role registrar --public HEX --key office.key -o add.entry
""")  # fmt: skip
_change(OfficeAction.ROTATE, "The new public key.", """Begin an entry that replaces an office's key by a new one. The old key never returns.

If the old key signs too, the new one takes its place at once, in running polls and committees too.

\b
Example:
  veche office rotate --institution "Post office" --role registrar --public HEX --key office.key -o rotate.entry
""")  # fmt: skip
_change(OfficeAction.RETIRE, "The public key that it holds now, which is meant anyway.", """Begin an entry that ends an office. In running polls and committees its key still does what it has to.

\b
Example:
  veche office retire --institution "Post office" --role registrar --key office.key -o retire.entry
""")  # fmt: skip
_change(OfficeAction.SUSPEND, "The public key, if it is not the one that it holds now.", """Begin an entry that silences a stolen key for 30 days. Nobody gets the office by it.

It is signed by as many institutions as the charter says, or by the key itself alone.

\b
Example:
  veche office suspend --institution "Post office" --role registrar --key office.key -o suspend.entry
""")  # fmt: skip
_change(OfficeAction.OBJECT, "The public key that the change is about, which is meant anyway.", """Begin an entry that stops a change of an office that is waiting.

It is signed by as many institutions as the charter says, or by the key that holds the office alone.

\b
Example:
  veche office object --institution "Post office" --role registrar --key office.key -o object.entry
""")  # fmt: skip
