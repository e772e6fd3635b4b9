"""``veche vote``: choose, encrypt, cast, and keep a receipt. For pilots, where registrars' folders are on this machine."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veche.cli import options
from veche.cli.ballot_file import write_spoiled
from veche.cli.choices import ask_choices, choice_lines, parse_choices
from veche.cli.options import ANY_PATH
from veche.cli.permit_file import PermitFile
from veche.cli.reading import Reading, read_ledger, wait_until_published
from veche.durable import write_new
from veche.engine.inbox import hand_in
from veche.errors import UserError, VecheError
from veche.ledger.poll_state import PollState
from veche.log.receipt import FILE_EXTENSION
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.terminal.show import short, tracker
from veche.voter.voter import Sealed, Voter

if TYPE_CHECKING:
    from veche.registrar.registrar import Registrar


@click.command(short_help="Vote in a poll, or vote again.")
@click.argument("name", metavar="POLL")
@options.ledger
@click.option("--seed", type=ANY_PATH, default="voter.seed", show_default=True, metavar="FILE",
              help="Your one secret, from which everything is derived. It is made if there is none.")  # fmt: skip
@click.option("--registrar", "desks", type=ANY_PATH, multiple=True, metavar="FOLDER",
              help="A registrar's folder, to collect a permit from: repeat it. Not needed to vote again.")  # fmt: skip
@click.option("--person", metavar="ID", help="Who you are on the registrars' rolls.")
@click.option("--choose", "-c", multiple=True, metavar="NUMBERS",
              help="Your choice: 2, or 1,3,5, or blank, or 0 for none. Repeat it for each question. Otherwise you are asked.")  # fmt: skip
@click.option(
    "--collect", is_flag=True, help="Only collect the permits and keep them beside the seed, before the poll opens."
)
@click.option(
    "--check", is_flag=True, help="Seal the ballot, open it to check this program, and spoil it instead of casting."
)
@click.option(
    "--receipts", type=ANY_PATH, default=".", metavar="FOLDER", help="Where the receipt goes. [default: here]"
)
@options.json
def vote(
    name: str, folder: Path, seed: Path, desks: tuple[Path, ...], person: str | None, choose: tuple[str, ...],
    collect: bool, check: bool, receipts: Path, as_json: bool,
) -> None:  # fmt: skip
    """Vote in a poll, or vote again: the last ballot counts.

    The ballot is encrypted here, and nobody ever decrypts it by itself. You get a tracker, by which anyone finds the ballot
    in the ledger, and a receipt, which proves that it is there. Neither shows what you chose.

    \b
    Example:
      veche vote 3fa9 --person 1234 --registrar registry --registrar post
      veche vote 3fa9 --choose 2                      (again, from the same seed)
      veche vote 3fa9 --choose 2 --check              (does this program encrypt what I choose?)
    """
    if not check and not collect and not (receipts.is_dir() and os.access(receipts, os.W_OK)):
        raise UserError(
            f"The receipt cannot be written to {receipts}, so nothing was cast.", "Name a folder: --receipts"
        )
    with read_ledger(folder) as reading:
        poll = reading.poll(name)
        voter = Voter(_seed(seed, as_json))
        last = reading.state.last_ballot(poll, voter.credential(poll.id))
        kept = PermitFile(seed, poll)
        choices = [] if collect else _choices(poll, choose)
        group = last.group if last is not None else 0
        permits: list[Permit] = []
        if last is None and not check:
            with _open_registrars(desks, reading, poll) as opened:
                group, permits = _collect(voter, poll, kept, opened, person)
    if collect:
        if last is None:
            kept.write(group, permits)
        click.echo("Your permits for this poll are kept. Vote when it opens: veche vote")
        return
    sealed = voter.seal(poll.frozen, group, choices)
    if check:
        path = write_spoiled(receipts, poll, sealed)
        click.echo(f"Sealed and spoiled: tracker {tracker(sealed.tracker)}. It can never be cast.")
        click.echo(f"Wrote {path}. Open it on another device: veche check-ballot {path}")
        return
    turn = last.turn + 1 if last is not None else 1
    (number,) = hand_in(folder, [voter.cast(sealed, permits, turn)])
    files = _keep_receipt(folder, number, receipts, sealed)
    if as_json:
        options.emit({"entry": number, "tracker": tracker(sealed.tracker), "turn": turn, "receipt": str(files)})
    else:
        click.echo(f"Your ballot is entry {number} of the ledger{' and replaces the one before' if turn > 1 else ''}.")
        click.echo(f"Tracker {tracker(sealed.tracker)}")
        click.echo(f"Receipt {files}")


def _seed(path: Path, quiet: bool) -> Seed:
    if path.exists():
        return Seed.load(path)
    made = Seed.generate()
    made.save(path)
    click.echo(f"Made your seed in {path}. Keep it to yourself: whoever has it votes in your place.", err=quiet)
    return made


def _choices(poll: PollState, choose: tuple[str, ...]) -> list[list[int]]:
    """What the voter chooses: from the command line, or asked for and confirmed."""
    if choose:
        return parse_choices(poll.definition, choose)
    if not sys.stdin.isatty():
        raise UserError("Nothing was chosen.", 'Say what: --choose NUMBERS for each question. See "veche poll show".')
    choices = ask_choices(poll.definition)
    click.echo("\nYou chose:")
    for line in choice_lines(poll.definition, choices):
        click.echo(f"  {line}")
    click.confirm("\nCast this ballot?", abort=True)
    return choices


@contextmanager
def _open_registrars(desks: tuple[Path, ...], reading: Reading, poll: PollState) -> Iterator[dict[int, "Registrar"]]:
    """Registrars' folders, by their place in the poll's class; those that are not in it are left out."""
    registrars: dict[int, Registrar] = {}
    with ExitStack() as stack:
        if desks:
            from veche.registrar import registrar  # only now: its database takes longer to load than all the rest
        for desk in desks:
            opened = stack.enter_context(registrar.Registrar(desk))
            place = poll.registrar(opened.office.public)
            if place is not None:
                registrars[place] = opened
            else:
                reading.holder(opened.office.public)
        yield registrars


def _collect(
    voter: Voter, poll: PollState, kept: PermitFile, opened: dict[int, "Registrar"], person: str | None
) -> tuple[int, list[Permit]]:
    """The voter's group and permits: those that were kept, or new ones from the registrars."""
    before = kept.read()
    if before is not None:
        return before
    if not poll.has_enough_keys:
        raise UserError("Too few registrars have published permit keys for this poll yet.", "Try again later.")
    if person is None or len(opened) < poll.poll_class.k:
        raise UserError(
            f"A first ballot in this poll needs permits of {poll.poll_class.k} registrars.",
            "Say who you are and where they are: --person ID --registrar FOLDER --registrar FOLDER",
        )
    group = next(iter(opened.values())).group_of(person, poll.id)

    def ask(registrar: int, blinded: bytes) -> bytes:
        if registrar not in opened:
            name = poll.poll_class.registrars[registrar].institution
            raise UserError(f"A permit of {name} is needed too.", "Name its folder with --registrar.")
        return opened[registrar].issue(person, poll.id, blinded, group)

    keys = {registrar: poll.permit_keys[registrar] for registrar in poll.available(group)}
    return group, voter.collect_permits(poll.frozen, keys, group, ask)


def _keep_receipt(folder: Path, number: int, receipts: Path, sealed: Sealed) -> Path:
    """Write the receipt and the entry that it is about. The ballot is cast already: say so whatever happens."""
    base = receipts / f"vote-{short(sealed.poll)}-{sealed.tracker.hex()[:8]}"
    path = base.with_name(base.name + FILE_EXTENSION)
    try:
        wait_until_published(folder, number)
        with read_ledger(folder) as reading:
            entry, made = reading.entry(number), reading.log.receipt(number, reading.head)
        write_new(base.with_name(base.name + ".entry"), entry)
        write_new(path, made.to_bytes())
    except (VecheError, OSError) as error:
        raise UserError(
            f"Your ballot is cast: it is entry {number} of the ledger, tracker {tracker(sealed.tracker)}. "
            f"But the receipt was not written: {error}",
            f"Get it with: veche ledger receipt {folder} {number} -o FILE",
        ) from None
    return path
