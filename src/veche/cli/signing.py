"""What a person signs: shown whole, held against the rules, and asked about, before anything is signed.

Every command by which a person signs an entry goes through :func:`consider`; what a registrar's or trustee's program has signed by
itself is shown by :func:`show_signed` before it leaves. What is asked of the rules there is what the engine
asks when the entry is handed in, but for signatures that are still to come (:meth:`veche.ledger.reader.Reader.rehearse`).
"""

import sys
from collections.abc import Iterable, Sequence

import click

from veche import clock
from veche.audit.charter_words import consequences
from veche.audit.dangers import charter_dangers, night, poll_dangers
from veche.audit.entry_whole import Files
from veche.cli.reading import Reading
from veche.cli.ready import dangers as not_ready
from veche.errors import UserError
from veche.ledger.codec import decode
from veche.ledger.entries import parse_item
from veche.ledger.entries.charter import Charter, PollClass
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.poll import Poll
from veche.ledger.entries.rules import RulesVersion
from veche.ledger.signing import signatures
from veche.ledger.state import State
from veche.terminal.say import confirm, say
from veche.terminal.written import Written
from veche.texts import Localizable, Message

yes = click.option(
    "--yes",
    is_flag=True,
    help="Do not ask before signing. Where the standard input is no terminal, nothing is asked either: it shows and signs.",
)


def consider(
    entry: ByOffice,
    reading: Reading,
    keys: Sequence[bytes],
    yes: bool,
    signed: Sequence[bytes] = (),
    files: Files | None = None,
    err: bool = False,
) -> None:
    """Show an entry to whoever is about to sign it with these ``keys``, say what is dangerous in it, and ask.

    ``signed``: whose signatures it bears. ``err``: show it on the standard error. Raises Refused if the ledger would refuse it, with
    all the signatures that it takes, and UserError if the person does not want to sign.
    """
    whole = Written(reading.state, files)
    show([*whole.lines(entry), *whole.signers(signed)], err)
    if isinstance(entry, Poll):
        show_consequences(reading.charter, reading.state.poll_class(entry.class_name), err)
        warn(dangers(entry, reading), err)
    if isinstance(entry, RulesVersion):
        warn(not_ready(reading.state, entry.version), err)
    hold_against_rules(entry, reading, [*signed, *(key for key in keys if key not in signed)])
    agree(yes)


def consider_charter(charter: Charter, yes: bool, signed: Sequence[bytes] = (), err: bool = False) -> None:
    """The same for a charter, which is of no ledger yet."""
    whole = Written(None)
    show([*whole.lines(charter), *whole.signers(signed, charter)], err)
    warn(charter_dangers(charter), err)
    agree(yes)


def hold_against_rules(entry: ByOffice, reading: Reading, keys: Sequence[bytes]) -> None:
    """Raise Refused if the ledger would refuse this entry now, signed with these keys and by further offices if it takes more."""
    reading.rehearse(entry, keys, clock.system().time)


def dangers(poll: Poll, reading: Reading) -> Iterable[Localizable]:
    """What is allowed and may go wrong with a poll that is not published yet. Raises Refused if the charter has no such class."""
    return [*poll_dangers(poll, None, reading.state), *night(poll, reading.charter)]


def show_consequences(charter: Charter, guards: PollClass, err: bool = False) -> None:
    """What follows from the numbers of a poll's class."""
    said = consequences(charter, guards)
    click.echo("", err=err)
    say(Message("Who could read votes, and who may be absent:"), err)
    for one in said:
        say(Message("  · {said}", said=one), err)


def show(lines: Iterable[Localizable], err: bool = False) -> None:
    for line in lines:
        say(line, err)


def warn(said: Iterable[Localizable], err: bool = False) -> None:
    """Say each of these as something to look at."""
    for number, one in enumerate(said):
        if not number:
            click.echo("", err=err)
        say(Message("Look at this: {said}", said=one), err)


def show_signed(entry: bytes, state: State, err: bool = False) -> None:
    """Write out an entry that a registrar's or trustee's program has computed and signed, before it leaves the office."""
    item, whole = decode(entry), Written(state)
    show([*whole.lines(parse_item(item)), *whole.signers([key for key, _ in signatures(item)])], err)


def agree(yes: bool) -> None:
    """Ask whether to sign, where there is somebody to ask. Raises UserError for no."""
    if not _says_yes(Message("Sign this?"), yes):
        raise UserError(Message("Nothing was signed."))


def agree_to_hand_in(yes: bool) -> None:
    """The same of what a program has signed: it stays in the office for no."""
    if not _says_yes(Message("Hand this in?"), yes):
        raise UserError(Message("Nothing was handed in."))


def _says_yes(question: Message, yes: bool) -> bool:
    return yes or not sys.stdin.isatty() or confirm(question, err=True)
