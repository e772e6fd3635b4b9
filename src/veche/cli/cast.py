"""``veche cast``: cast the ballot that ``veche vote`` has sealed, and keep a receipt."""

import sys
import time
from pathlib import Path

import click

from veche.audit.entry_words import short, tracker
from veche.audit.poll_view import stage_of
from veche.cli import options
from veche.cli.again import again
from veche.cli.collecting import permits_to_show
from veche.cli.entry_file import keep_entry, say_where
from veche.cli.language import Command
from veche.cli.permit_file import PermitFile
from veche.cli.reading import UNWITNESSED, Reading, read_ledger, wait_until_published
from veche.cli.sealed_file import Cast, SealedFile
from veche.durable import PRIVATE, replace
from veche.engine.inbox import hand_in
from veche.engine.waiting import BUSY
from veche.errors import DoesNotHold, Refused, UserError, VecheError, because
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Stage
from veche.ledger.poll_state import PollState
from veche.log.receipt import FILE_EXTENSION
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.terminal.code import code_lines
from veche.terminal.say import say
from veche.texts import Listed, Localizable, Message
from veche.voter.permits import Collected
from veche.voter.voter import Sealed, Voter


@click.command(cls=Command, short_help="Cast the ballot that you have sealed.")
@click.argument("name", metavar="POLL")
@options.ledger
@options.seed
@options.despite_refusal
@options.receipts
@options.entry_output
@options.json
def cast(
    name: str, folder: Path, seed: Path, despite_refusal: bool, receipts: Path, output: Path | None, as_json: bool
) -> None:
    """Cast the ballot that "veche vote" has sealed: the very ciphertexts whose code you saw.

    You get a tracker, by which anyone finds the ballot in the ledger, and a receipt, which proves that it is there. Neither
    shows what you chose.

    \b
    Example:
      veche vote 3fa9 --choose 2 --seal
      veche cast 3fa9
      veche cast 3fa9 --ledger copy.tar -o ballot.entry     (hand it in elsewhere; then again, with a newer copy, for the receipt)
    """
    cast_sealed(name, folder, seed, receipts, as_json, despite_refusal, output)


def cast_sealed(
    name: str,
    folder: Path,
    seed: Path,
    receipts: Path,
    as_json: bool,
    despite_refusal: bool,
    output: Path | None = None,
) -> None:
    """Cast what is sealed, wait until the ledger has published it, compare, and write the receipt; or write it to the file ``output``.

    Raises UserError and Refused; DoesNotHold (``code``) if what the ledger has is not what was sealed.
    """
    options.must_take_receipt(receipts)
    voter = Voter(Seed.load(seed))
    with read_ledger(folder) as reading:
        reading.check_fresh()
        poll = reading.poll(name)
        if stage_of(poll, time.time()) == Stage.ANNOUNCED:
            raise UserError(
                Message("This poll is not open yet. Your ballot stays sealed."),
                Message("Cast it when it opens: {command}", command=again("cast", short(poll.id))),
            )
        kept = SealedFile(seed, poll)
        ask = sys.stdin.isatty() and not as_json
        group, permits, turn = _right_to_vote(reading, poll, voter, PermitFile(seed, poll), ask, despite_refusal)

        def make(sealed: Sealed) -> bytes:
            return voter.cast(poll.id, group, voter.prove(poll.frozen, sealed), permits, turn)

        made = kept.cast(make)
        number = _already_there(reading, poll, made)
    if output is not None and number is not None:
        say(
            Message("Your ballot is in the ledger already: nothing was written to {path}.", path=output),
            err=as_json,
        )
    if output is not None and number is None:
        keep_entry(output, made.entry, PRIVATE)
        if as_json:
            options.emit({"entry": None, "file": str(output), "code": made.code.hex()})
        else:
            say_where(None, output, Message("Your ballot"))
            say(Message("When it is in the ledger, get your receipt: {command}", command=again("cast", short(poll.id))))
        return
    try:
        number = hand_in(folder, [made.entry])[0] if number is None else number
    except Refused as refused:
        if refused.rule == BUSY:  # nobody has looked at it
            refused.advice = Message(
                "It is kept. Cast it again in a few minutes: {command}", command=again("cast", short(poll.id))
            )
            raise
        with read_ledger(folder) as reading:
            found = _already_there(reading, poll, made)
        if found is None:
            kept.forget()
            refused.advice = Listed((refused.advice, _forgotten(poll, refused)), " ")
            raise
        number = found
    path, seen, waits = _keep_receipt(folder, number, receipts, poll, voter, made)
    kept.forget()
    turn = read_ballot(made.entry).turn
    if as_json:
        options.emit(
            {
                "entry": number, "tracker": tracker(seen), "turn": turn, "code": made.code.hex(), "receipt": str(path),
                "witnessed": not waits,
            }
        )  # fmt: skip
        return
    say(
        Message(
            "Your ballot is entry {number} of the ledger{value}.",
            number=str(number),
            value=Message(" and replaces the one before") if turn > 1 else "",
        )
    )
    say(Message("It has the code that was sealed, and bears your own credential."))
    for line in code_lines(made.code):
        say(Message("Code    {line}", line=line))
    say(Message("Tracker {seen}", seen=tracker(seen)))
    say(Message("Receipt {path}", path=path))
    if waits:
        say(
            Message(
                "{unwitnessed} veche verify {folder} --receipt {path}",
                unwitnessed=UNWITNESSED,
                folder=folder,
                path=path,
            )
        )


def _forgotten(poll: PollState, refused: Refused) -> Localizable:
    """What a voter is told whose ballot the ledger refused: to seal anew, unless the poll takes none any more."""
    if refused.rule == "not-open" and time.time() >= poll.definition.opens:
        return Message(
            "Nothing was cast, and what was sealed is forgotten. See what became of the poll: {command}",
            command=again("poll", "show", short(poll.id), seed=False),
        )
    return Message("Nothing was cast, and what was sealed is forgotten: seal anew.")


def _right_to_vote(
    reading: Reading, poll: PollState, voter: Voter, kept: PermitFile, ask: bool, despite_refusal: bool
) -> tuple[int, list[Permit], int]:
    """The voter's group, the permits of a first ballot, and the turn."""
    last = reading.state.last_ballot(poll, voter.credential(poll.id))
    if last is not None:
        return last.group, [], last.turn + 1
    found = kept.read()
    if found is None:
        raise UserError(
            Message("A first ballot in this poll needs permits, and none are kept beside this seed."),
            Message(
                "Collect them, with --registrar FOLDER for each registrar: {command}",
                command=again("vote", short(poll.id), "--collect", "--person", "ID", "--registrar", "FOLDER"),
            ),
        )
    group, permits = found
    return group, permits_to_show(voter, poll, group, Collected(permits), kept, ask, despite_refusal), 1


def _already_there(reading: Reading, poll: PollState, made: Cast) -> int | None:
    """The number of the entry if the ledger has this very one: an earlier try was cut off after it had been handed in, or somebody
    else handed it in."""
    wanted = poll.frozen.kernel.load(read_ballot(made.entry).ballot).tracker
    number = reading.state.find_tracker(poll, wanted)
    return number if number is not None and reading.entry(number) == made.entry else None


def _keep_receipt(
    folder: Path, number: int, receipts: Path, poll: PollState, voter: Voter, made: Cast
) -> tuple[Path, bytes, bool]:
    """Compare the published entry with what was sealed; write it and its receipt; where the receipt is, the tracker, and whether
    witnesses have yet to vouch for it.

    The ballot is cast already: say so whatever happens.
    """
    ballot = read_ballot(made.entry).ballot
    loaded = poll.frozen.kernel.load(ballot)
    seen = loaded.tracker
    path = receipts / f"vote-{short(poll.id)}-{seen.hex()[:8]}{FILE_EXTENSION}"
    try:
        wait_until_published(folder, number)
        with read_ledger(folder) as reading:
            entry, receipt = reading.entry(number), reading.log.receipt(number, reading.head)
            waits = reading.waits_for_witnesses(poll, number)
        own = loaded.credential == voter.credential(poll.id)
        if not own or entry != made.entry or poll.frozen.kernel.codes([ballot]) != [made.code]:
            raise DoesNotHold(
                "code", Message("entry {number}", number=str(number)), Message("What the ledger has is not what was sealed on this device."),
                Message("Keep the folder beside your seed as evidence, vote again, and raise the alarm."),
            )  # fmt: skip
        # Both files say the same each time, so that a second try after a crash may write them again.
        replace(path.with_name(path.name.removesuffix(FILE_EXTENSION) + ".entry"), entry, PRIVATE)
        replace(path, receipt.to_bytes(), PRIVATE)
    except DoesNotHold:
        raise
    except (VecheError, OSError) as error:
        raise UserError(
            Message(
                "Your ballot is cast: it is entry {number} of the ledger, tracker {seen}. But the receipt was not written: "
                "{error}",
                number=str(number),
                seen=tracker(seen),
                error=because(error),
            ),
            Message("Get it with: {command}", command=again("cast", short(poll.id))),
        ) from None
    return path, seen, waits
