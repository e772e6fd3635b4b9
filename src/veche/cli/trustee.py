"""``veche trustee``: one trustee's office, which talks to nobody but the ledger."""

import time as clock_time
from pathlib import Path

import click

from veche.audit.charter_words import unwitnessed
from veche.audit.view import View
from veche.cli import options
from veche.cli.options import ANY_PATH
from veche.cli.reading import tell_of_change, verified_copies, wait_until_published
from veche.clock import system
from veche.engine.inbox import PAUSE, outcomes
from veche.errors import Refused
from veche.ledger.codec import decode
from veche.ledger.entries.charter import Charter
from veche.log.source import WITNESS, Export, open_source
from veche.log.tiles import CHECKPOINT
from veche.terminal.show import short
from veche.texts import iso_time
from veche.trustee.trustee import Trustee

office = click.argument("office", type=ANY_PATH, metavar="FOLDER")
also = click.option(
    "--also", "others", type=options.LEDGER_PATH, multiple=True, metavar="FOLDER", envvar="VECHE_ALSO", show_envvar=True,
    help="Another copy of the ledger, from somebody else: all must be one ledger, or nothing is done. Give one wherever you can; repeat it.",
)  # fmt: skip


@click.group(cls=options.CommandGroup, short_help="Make a committee's key, decrypt the tallies.")
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
def init(office: Path, institution: str) -> None:
    """Make a trustee's office in a new FOLDER, and print its public key for the charter.

    \b
    Example:
      veche trustee init trustee --institution University
    """
    click.echo(Trustee.create(office, institution).key.public.hex())


@trustee.command()
@office
def show(office: Path) -> None:
    """Show a trustee's institution and public keys, the newest last, after checking the folder.

    \b
    Example:
      veche trustee show trustee
    """
    loaded = Trustee.load(office)
    click.echo(loaded.institution)
    for key in loaded.keys:
        click.echo(f"Public key {key.public.hex()}")


@trustee.command()
@office
@click.option("--key", type=ANY_PATH, metavar="FILE", help="Keep the key in this file, instead of making a new one.")
def rekey(office: Path, key: Path | None) -> None:
    """Make the next key of a trustee's office in FOLDER, and print its public half, for "veche office rotate".

    The old key stays there, and signs as long as it holds the seat; steps and shares that were made with it are signed anew.

    \b
    Example:
      veche trustee rekey trustee
    """
    click.echo(Trustee.load(office).add_key(options.load_key(key) if key else None).public.hex())


@trustee.command()
@office
@options.ledger
@also
@click.option("--wait", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
              help="While a key is being made, wait so long for the other trustees and go on. Otherwise end at once.")  # fmt: skip
def act(office: Path, folder: Path, others: tuple[Path, ...], wait: float) -> None:
    """Verify the ledger, then do what is due: a step of key generation, or the decryption of a tally. Says if nothing is.

    Whoever runs the ledger can show you another one than everybody else. So give a copy that somebody else keeps, too (--also):
    the longest is verified, and the others must be its beginning.

    \b
    Example:
      veche trustee act trustee --ledger ledger --wait 600
    """
    loaded = Trustee.load(office)
    end = clock_time.monotonic() + wait
    refused: dict[bytes, Refused] = {}
    done = 0
    warned = False
    while True:
        shown = _shown(folder)  # before it is verified, so that nothing that comes meanwhile is missed
        verified = verified_copies([folder, *others])
        if not warned:
            _warn(loaded.institution, verified.state.charter)
            tell_of_change(verified.state, loaded.key.public)
            warned = True
        view = View(verified)
        due = loaded.due(view)
        for entry in due:
            if entry in refused:  # it is still due, so the refusal was not because others were quicker
                raise refused[entry]
        answers = outcomes(folder, due) if due else []
        for entry, answer in zip(due, answers, strict=True):
            kind, body = decode(entry)[:2]
            if isinstance(answer, Refused):
                refused[entry] = answer
            else:
                done += 1
                click.echo(f"{loaded.institution}: {kind} for {short(body[0])} is entry {answer}.")
                wait_until_published(folder, answer)
        if refused.keys() & set(due):
            continue
        making = [
            one
            for one in view.committees
            if loaded.institution in one.trustees and not one.void and len(one.keys) < len(one.trustees)
        ]
        if not making or clock_time.monotonic() > end:
            break
        if not due:
            _wait_for_more(folder, shown, end)
    quiet = not done
    for poll, time in loaded.waiting(view).items():
        click.echo(f"{loaded.institution}: {short(poll)} has closed; it is decrypted from {iso_time(time)} on, by this machine's clock.")  # fmt: skip
        quiet = False
    for seen in view.polls:
        if seen.tally is not None and not seen.witnessed:
            click.echo(
                f"{loaded.institution}: {short(seen.id)} has closed; too few witnesses have cosigned its tally yet."
            )
            quiet = False
    for one in making:
        if not one.witnessed:
            click.echo(
                f"{loaded.institution}: committee {short(one.id)} waits; too few witnesses have cosigned its last entry yet."
            )
            quiet = False
    if quiet:
        click.echo(f"{loaded.institution}: verified {view.size} entries; nothing is due.")


def _warn(institution: str, charter: Charter) -> None:
    """Say once, before anything is signed, what no witnesses means for the polls that this trustee decrypts."""
    for poll_class in charter.classes:
        if institution in poll_class.trustees and not poll_class.witnessed:
            click.echo(f"Class {poll_class.name}: {unwitnessed(charter, poll_class)}", err=True)


def _shown(folder: Path) -> list[bytes | None]:
    """The ledger's head, and what witnesses cosigned: whatever it is, more of it may make something due."""
    source = open_source(folder)
    shown = [source.get(name) for name in (CHECKPOINT, *source.names(WITNESS))]
    if isinstance(source, Export):
        source.close()
    return shown


def _wait_for_more(folder: Path, shown: list[bytes | None], end: float) -> None:
    """Wait until the ledger has another head than was ``shown``, or its witnesses cosigned another, or until ``end``."""
    while clock_time.monotonic() < end and _shown(folder) == shown:
        clock_time.sleep(PAUSE)


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
        click.confirm(f"Is it {iso_time(system().time)} now, by another clock than this machine's?", abort=True)
    loaded.confirm_clock()
    click.echo(f"{loaded.institution} goes on by this machine's clock.")


@trustee.command()
@office
@options.ledger
@also
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
        click.confirm("Is the original folder gone for good, so that it can never be used again?", abort=True)
    loaded.adopt(View(verified_copies([folder, *others])))
    click.echo(f"{loaded.institution} goes on in {office}.")
