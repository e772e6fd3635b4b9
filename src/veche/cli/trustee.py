"""``veche trustee``: one trustee's office, which talks to nobody but the ledger."""

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path

import click

from veche.audit.charter_words import unwitnessed
from veche.audit.entry_words import short
from veche.audit.ledger import VerifiedLedger
from veche.audit.view import View
from veche.cli import acting, options
from veche.cli.acting import Awaited, Round, waiting
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.reading import tell_of_change, verified_copies
from veche.clock import system
from veche.ledger.state import State
from veche.terminal.say import agreed, say
from veche.texts import SECOND, Message, Moment
from veche.trustee.trustee import Trustee

office = click.argument("office", type=ANY_PATH, metavar="FOLDER")


@click.group(cls=CommandGroup, short_help="Make a committee's key, decrypt the tallies.")
def trustee() -> None:
    """Be a trustee: help to make a committee's key, and decrypt the one tally of each poll.

    A trustee's program verifies the whole ledger itself before it does anything. FOLDER is the trustee's own, private
    folder: never copy it, never restore it from a backup while the original lives.

    \b
    Example:
      veche trustee init trustee --institution University     prints the key for the charter
      veche trustee act trustee                               whenever there may be something to do
    """


@trustee.command()
@office
@click.option("--institution", required=True, metavar="NAME", help="The institution, as the charter spells it.")
@options.json
def init(office: Path, institution: str, as_json: bool) -> None:
    """Make a trustee's office in a new FOLDER, and print its public key for the charter.

    \b
    Example:
      veche trustee init trustee --institution University
    """
    options.answer_key(Trustee.create(office, institution).key.public, as_json)


@trustee.command()
@office
@options.json
def show(office: Path, as_json: bool) -> None:
    """Show a trustee's institution and public keys, the newest last, after checking the folder.

    \b
    Example:
      veche trustee show trustee
    """
    loaded = Trustee.load(office)
    if as_json:
        options.emit({"institution": loaded.institution, "keys": [key.public for key in loaded.keys]})
        return
    click.echo(loaded.institution)
    for key in loaded.keys:
        say(Message("Public key {public}", public=key.public.hex()))


@trustee.command()
@office
@click.option("--key", type=ANY_PATH, metavar="FILE", help="Keep the key in this file, instead of making a new one.")
@options.json
def rekey(office: Path, key: Path | None, as_json: bool) -> None:
    """Make the next key of a trustee's office in FOLDER, and print its public half, for "veche office rotate".

    The old key stays there, and signs as long as it holds the seat; steps and shares that were made with it are signed anew.

    \b
    Example:
      veche trustee rekey trustee
    """
    options.answer_key(Trustee.load(office).add_key(options.load_key(key) if key else None).public, as_json)


@trustee.command()
@office
@options.ledger
@options.also
@waiting
def act(
    office: Path, folder: Path, others: tuple[Path, ...], wait: bool, timeout: float, output: Path | None, yes: bool
) -> None:
    """Verify the ledger, then do what is due: a step of key generation, or the decryption of a tally. Says if nothing is, and what is to come.

    All that it signs is shown, and on a terminal you are asked before it is handed in, unless it is to stay (--wait).

    Whoever runs the ledger can show you another one than everybody else. So give a copy that somebody else keeps, too (--also):
    the longest is verified, and the others must be its beginning.

    \b
    Example:
      veche trustee act trustee --ledger ledger --wait
      veche trustee act trustee --ledger copy.tar -o entries      and where the ledger is: veche ledger submit entries/*
    """
    acting.act([folder, *others], Look(Trustee.load(office)), wait, timeout, output, yes)


class Look:
    """What a trustee makes of verified ledgers."""

    def __init__(self, loaded: Trustee) -> None:
        self._trustee = loaded
        self._seen: tuple[VerifiedLedger, View] | None = None

    def __call__(self, verified: VerifiedLedger) -> Round:
        loaded = self._trustee
        if self._seen is None:
            _warn(loaded.institution, verified.state)
            tell_of_change(verified.state, loaded.key.public)
        if self._seen is None or self._seen[0] is not verified:
            self._seen = verified, View(verified)
        view = self._seen[1]
        entries, waits = loaded.due(view), loaded.waiting(view)
        return Round(loaded.institution, entries, [*self._awaited(view, waits)], next=min(waits.values(), default=inf))

    def _awaited(self, view: View, waits: Mapping[bytes, int]) -> Iterator[Awaited]:
        mine = self._trustee.institution
        for one in view.committees:
            if mine in one.trustees and not one.void and len(one.keys) < len(one.trustees):
                if one.witnessed:
                    yield Awaited(Message("committee {id} waits for other trustees.", id=short(one.id)))
                else:
                    yield Awaited(
                        Message(
                            "committee {id} waits; too few witnesses have cosigned its last entry yet.",
                            id=short(one.id),
                        )
                    )
        for seen in view.polls:
            since = waits.get(seen.id)
            if since is not None and seen.closes is not None:
                said = Message(
                    "{poll} is decrypted after {time}, when it has closed.", poll=short(seen.id), time=Moment(since)
                )
                yield Awaited(said, since)
            elif since is not None:
                said = Message(
                    "{id} has closed; it is decrypted from {time} on, by this machine's clock.",
                    id=short(seen.id),
                    time=Moment(since),
                )
                yield Awaited(said, since)
            if seen.tally is not None and not seen.witnessed:
                yield Awaited(
                    Message("{id} has closed; too few witnesses have cosigned its tally yet.", id=short(seen.id))
                )


def _warn(institution: str, state: State) -> None:
    """Say once, before anything is signed, what no witnesses means for the polls that this trustee decrypts."""
    charter = state.charter
    for poll_class in state.classes():
        if institution in poll_class.trustees and not poll_class.witnessed:
            say(
                Message("Class {name}: {charter}", name=poll_class.name, charter=unwitnessed(charter, poll_class)),
                err=True,
            )


@trustee.command()
@office
@click.option("--yes", is_flag=True, help="Do not ask whether the time is right.")
def clock(office: Path, yes: bool) -> None:
    """Say that this machine's clock is right, when the program finds that it was moved and waits for a person.

    Look at another clock first: a clock that is ahead makes the program decrypt a poll while people vote.

    \b
    Example:
      veche trustee clock trustee
    """
    loaded = Trustee.load(office)
    if not yes:
        agreed(
            Message("Is it {time} now, by another clock than this machine's?", time=Moment(system().time, SECOND)),
            Message("Then set this machine's clock first: nothing was changed here."),
        )
    loaded.confirm_clock()
    say(Message("“{institution}” goes on by this machine's clock.", institution=loaded.institution))


@trustee.command()
@office
@options.ledger
@options.also
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
def adopt(office: Path, folder: Path, others: tuple[Path, ...], yes: bool) -> None:
    """Go on in a FOLDER that was moved or restored, when the original is gone for good.

    What the other copy may have decrypted is given up here: those polls are left to the other trustees.

    \b
    Example:
      veche trustee adopt trustee
    """
    loaded = Trustee.load(office)
    if not yes:
        agreed(
            Message("Is the original folder gone for good, so that it can never be used again?"),
            Message("Then go on in the original: nothing was changed here."),
        )
    loaded.adopt(View(verified_copies([folder, *others])))
    say(Message("“{institution}” goes on in {office}.", institution=loaded.institution, office=office))
