"""``veche vote``: choose, encrypt, cast, and keep a receipt. For pilots, where registrars' folders are on this machine."""

import os
import sys
from pathlib import Path

import click

from veche.cli import options
from veche.cli.ballot_file import write_spoiled
from veche.cli.choices import ask_choices, choice_lines, parse_choices
from veche.cli.collecting import collect as collect_permits
from veche.cli.collecting import open_registrars, permits_to_show
from veche.cli.options import ANY_PATH
from veche.cli.permit_file import PermitFile, erase_decided
from veche.cli.reading import read_ledger, wait_until_published
from veche.durable import write_new
from veche.engine.inbox import hand_in
from veche.errors import UserError, VecheError
from veche.ledger.poll_state import PollState
from veche.log.receipt import FILE_EXTENSION
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.terminal.show import short, tracker
from veche.voter.voter import Sealed, Voter


@click.command(short_help="Vote in a poll, or vote again.")
@click.argument("name", metavar="POLL")
@options.ledger
@click.option("--seed", type=ANY_PATH, default="voter.seed", show_default=True, metavar="FILE",
              help="Your one secret, from which everything is derived. It is made if there is none.")  # fmt: skip
@click.option("--registrar", "desks", type=ANY_PATH, multiple=True, metavar="FOLDER",
              help="A registrar's folder, to collect a permit from: repeat it for all of them. Not needed to vote again.")  # fmt: skip
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
    "--despite-refusal",
    is_flag=True,
    help="Vote though a registrar refused a permit, and though that narrows down which ballot is yours.",
)
@click.option(
    "--receipts", type=ANY_PATH, default=".", metavar="FOLDER", help="Where the receipt goes. [default: here]"
)
@options.json
def vote(
    name: str, folder: Path, seed: Path, desks: tuple[Path, ...], person: str | None, choose: tuple[str, ...],
    collect: bool, check: bool, despite_refusal: bool, receipts: Path, as_json: bool,
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
            with open_registrars(desks, reading, poll) as opened:
                group, collected = collect_permits(voter, poll, kept, opened, person)
            if not collect:
                ask = sys.stdin.isatty() and not as_json
                permits = permits_to_show(voter, poll, group, collected, kept, ask, despite_refusal)
        erase_decided(seed, reading.state.polls())
    if collect:
        if last is None:
            _say_what_is_kept(poll, kept)
        else:
            click.echo("You have voted in this poll: to vote again no permits are needed.")
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


def _say_what_is_kept(poll: PollState, kept: PermitFile) -> None:
    """After collecting: whose permits are there, and who did not give any."""
    found = kept.read()
    missing = [
        seat.institution
        for registrar, seat in enumerate(poll.poll_class.registrars)
        if registrar in poll.permit_keys and (found is None or registrar not in found[1])
    ]
    if missing:
        click.echo(f"No permit yet of: {', '.join(missing)}. Ask again: veche vote --collect")
    else:
        click.echo("Your permits for this poll are kept. Vote when it opens: veche vote")


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
