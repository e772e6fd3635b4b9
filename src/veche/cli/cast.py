"""``veche cast``: cast the ballot that ``veche vote`` has sealed, and keep a receipt."""

import sys
import time
from pathlib import Path

import click
import msgspec

from veche.audit.entry_words import short, tracker
from veche.audit.poll_view import stage_of
from veche.cli import options
from veche.cli.again import again
from veche.cli.collecting import permits_to_show
from veche.cli.entry_file import keep_entry, say_where
from veche.cli.language import Command
from veche.cli.permit_file import PermitFile
from veche.cli.reading import UNWITNESSED, Reading, read_ledger, wait_until_published
from veche.cli.remote import CopyPath, hand_in, look_again, named
from veche.cli.sealed_file import Cast, SealedFile
from veche.clock import system
from veche.durable import PRIVATE, replace
from veche.engine.inbox import Unanswered
from veche.engine.waiting import BUSY
from veche.errors import DoesNotHold, Refused, UserError, VecheError, because
from veche.ledger.codec import digest
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Stage
from veche.ledger.poll_state import PollState
from veche.ledger.promise import Promise
from veche.log.receipt import FILE_EXTENSION
from veche.node.progress import Progress
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.terminal.code import code_lines
from veche.terminal.say import say
from veche.texts import Listed, Localizable, Message
from veche.voter.permits import Collected
from veche.voter.voter import Sealed, Voter

ENTRY, PROMISE = ".entry", ".promises"
"""How the files of a ballot, and of what was promised of it, end."""


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
        promises = Promises(receipts, reading, poll, made)
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
        number = hand_in(folder, [made.entry], promises.heard)[0] if number is None else number
    except Unanswered:
        if promises.path is not None:
            say(_promised(promises.path), err=True)
        raise
    except Refused as refused:
        if refused.rule == BUSY:  # nobody has looked at it
            refused.advice = Message(
                "It is kept. Cast it again in a few minutes: {command}", command=again("cast", short(poll.id))
            )
            raise
        look_again(folder)
        with read_ledger(folder) as reading:
            found = _already_there(reading, poll, made)
            hearsay = isinstance(folder, CopyPath) and found is None and _admits(reading, made)
        if hearsay:
            refused.advice = Message(
                "It is kept, for the ledger itself knows no reason. Cast it at another node: {command}",
                command=again("cast", short(poll.id)),
            )
            raise
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
                "promises": None if promises.path is None else str(promises.path), "witnessed": not waits,
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
    if promises.path is not None:
        say(_promised(promises.path))
    if waits:
        say(
            Message(
                "{unwitnessed} veche verify {folder} --receipt {path}",
                unwitnessed=UNWITNESSED,
                folder=named(folder),
                path=path,
            )
        )


class Promises:
    """What validators promise of a ballot on its way, in a file beside its receipt: "veche verify --promise" says what became of it."""

    def __init__(self, receipts: Path, reading: Reading, poll: PollState, made: Cast) -> None:
        self._ledger, self._validators = reading.id, {one.key.hex() for one in reading.state.validators()}
        self._made, self._stem = made, receipts / _stem(poll, made.entry)
        self.path: Path | None = None

    def heard(self, progress: Progress) -> None:
        """Keep the promises in a node's answer that hold, with the ballot that they are of."""
        promises = [promise for promise in progress.promises if self._holds(promise)]
        if promises:
            path = self._stem.with_name(self._stem.name + PROMISE)
            replace(self._stem.with_name(self._stem.name + ENTRY), self._made.entry, PRIVATE)
            replace(path, msgspec.json.encode({"promises": promises}) + b"\n", PRIVATE)
            self.path = path

    def _holds(self, promise: Promise) -> bool:
        try:
            promise.check(self._ledger)
        except DoesNotHold:
            return False
        return promise.entry == digest(self._made.entry).hex() and promise.validator in self._validators


def _promised(path: Path) -> Message:
    ballot = path.with_name(path.name.removesuffix(PROMISE) + ENTRY)
    return Message(
        "What validators promised of your ballot: {path}\nWhat became of it: veche verify LEDGER --promise {path} {ballot}",
        path=path, ballot=ballot,
    )  # fmt: skip


def _stem(poll: PollState, entry: bytes) -> str:
    """How the files are called that a voter keeps of a ballot."""
    return f"vote-{short(poll.id)}-{poll.frozen.kernel.load(read_ballot(entry).ballot).tracker.hex()[:8]}"


def _admits(reading: Reading, made: Cast) -> bool:
    """Whether the ledger, as far as it is known here, has nothing against this ballot."""
    try:
        reading.check_ballot(made.entry, system().time)
    except Refused:
        return False
    return True


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
    path = receipts / f"{_stem(poll, made.entry)}{FILE_EXTENSION}"
    try:
        wait_until_published(folder, number)
        with read_ledger(folder) as reading:
            entry, receipt = reading.entry(number), reading.receipt(number)
            waits = reading.waits_for_witnesses(poll, number)
        own = loaded.credential == voter.credential(poll.id)
        if not own or entry != made.entry or poll.frozen.kernel.codes([ballot]) != [made.code]:
            raise DoesNotHold(
                "code", Message("entry {number}", number=str(number)), Message("What the ledger has is not what was sealed on this device."),
                Message("Keep the folder beside your seed as evidence, vote again, and raise the alarm."),
            )  # fmt: skip
        # Both files say the same each time, so that a second try after a crash may write them again.
        replace(path.with_name(path.name.removesuffix(FILE_EXTENSION) + ENTRY), entry, PRIVATE)
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
