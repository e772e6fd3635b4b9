"""Entries that as many institutions sign as the charter says: the first writes one to a file, the others sign that."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from veche.cli import options
from veche.cli.entry_file import OnItsWay, entry_json
from veche.cli.reading import Reading
from veche.cli.signing import consider
from veche.ledger.entries.entry import ByOffice
from veche.terminal.say import say
from veche.texts import Message

output = click.option(
    "--output", "-o", type=options.ANY_PATH, required=True, metavar="FILE", help="Where the entry goes: NAME.entry"
)


def begin(
    entry: ByOffice,
    reading: Reading,
    keys: Sequence[Path],
    path: Path,
    yes: bool,
    as_json: bool,
    what: Message,
    agreed: Callable[[], None] = lambda: None,
) -> None:
    """Sign an entry with these key files after showing it, write it to a new file, and say how it goes on.

    ``what`` it is, as a part of a sentence: "class city"; ``agreed`` is called when the person has, before anything is signed. Raises
    Refused, UserError.
    """
    signers = [options.load_key(key) for key in keys]
    for signer in signers:
        reading.holder(signer.public)
    consider(entry, reading, [signer.public for signer in signers], yes, err=as_json)
    agreed()
    made = OnItsWay(path, entry).sign(reading.id, signers)
    if as_json:
        options.emit(entry_json(made, None, path))
        return
    say(Message("Wrote {output}: {what}.", output=path, what=what))
    say(Message("{needed} institutions have to sign it:", needed=reading.charter.k))
    say(Message("  veche ledger sign {output} --key FILE\n  veche ledger submit {output}", output=path))
