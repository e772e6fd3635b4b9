"""``veche office``: keys, and who holds which office."""

from pathlib import Path

import click

from veche.cli import options
from veche.cli.entry_file import make_entry
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.keys import SigningKey
from veche.ledger.entries.office import OfficeAction, OfficeChange, Role


@click.group(cls=options.CommandGroup, short_help="Make keys; add, replace, retire offices.")
def office() -> None:
    """Make the key of an office; add, replace or retire offices.

    Adding, rotating and retiring take as many institutions as the charter says: the first writes the entry to a file, the
    others sign it ("veche ledger sign"), the last hands it in ("veche ledger submit").

    \b
    Example:
      veche office keygen office.key
      veche office rotate --institution "Post office" --role registrar --public HEX --key office.key -o rotate.entry
      veche ledger sign rotate.entry --key other.key
      veche ledger submit rotate.entry
    """


@office.command()
@click.argument("file", type=ANY_PATH)
def keygen(file: Path) -> None:
    """Make a new key in FILE (readable by you alone), and print its public half.

    \b
    Example:
      veche office keygen office.key
    """
    key = SigningKey.generate()
    key.save(file)
    click.echo(key.public.hex())


@office.command()
@click.argument("file", type=ANY_PATH)
def public(file: Path) -> None:
    """Print the public half of the key in FILE (or in a registrar's or trustee's folder).

    \b
    Example:
      veche office public office.key
    """
    click.echo(options.load_key(file).public.hex())


def _change(action: str, text: str) -> None:
    @office.command(action, help=text)
    @options.ledger
    @click.option("--institution", required=True, metavar="NAME", help="The institution, as the ledger spells it.")
    @click.option("--role", required=True, type=click.Choice([*map(str, Role)]), help="Which of its offices.")
    @click.option("--public", required=True, metavar="HEX", help="The public key that this is about.")
    @options.key("offices", many=True)
    @click.option(
        "--output", "-o", type=ANY_PATH, required=True, metavar="FILE", help="Where the entry goes: NAME.entry"
    )
    def command(folder: Path, institution: str, role: str, public: str, keys: tuple[Path, ...], output: Path) -> None:
        key = options.parse_hex(public, 32, "a public key")
        with read_ledger(folder) as reading:
            make_entry(output, reading.id, OfficeChange(OfficeAction(action), institution, Role(role), key), keys)
            needed = reading.charter.k
        click.echo(f"Wrote {output}: {action} {institution} as {role}. {needed} institutions have to sign it:")
        click.echo(f"  veche ledger sign {output} --key FILE\n  veche ledger submit {output}")


_change("add", """Begin an entry that gives an institution an office that it does not have yet.

\b
Example:
  veche office add --institution "Tax office" --role registrar --public HEX --key office.key -o add.entry
""")  # fmt: skip
_change("rotate", """Begin an entry that replaces an office's key by a new one. The old key never returns.

\b
Example:
  veche office rotate --institution "Post office" --role registrar --public HEX --key office.key -o rotate.entry
""")  # fmt: skip
_change("retire", """Begin an entry that ends an office. --public is the key that it holds now.

\b
Example:
  veche office retire --institution "Post office" --role registrar --public HEX --key office.key -o retire.entry
""")  # fmt: skip
