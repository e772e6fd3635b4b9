"""``veche ledger``: begin a ledger, run its engine, hand entries in, and look at what is in it."""

from pathlib import Path

import click

from veche import logs
from veche.audit.rebuild import end_taking
from veche.audit.rebuild import rebuild as rebuild_database
from veche.cli import options, signing
from veche.cli.earnest import say_if_test
from veche.cli.entry_file import entry_json, read_entry, read_on_its_way
from veche.cli.language import CommandGroup
from veche.cli.ledger_read import READERS
from veche.cli.newest import newest, said_by_a_person
from veche.cli.options import ANY_PATH
from veche.cli.outside import outside_witnesses, witnessed
from veche.cli.poll_attachments import beside
from veche.cli.reading import published_charter, read_ledger
from veche.cli.remote import must_be_folder, outcomes
from veche.cli.restarting import sign_restart, submit_restart
from veche.cli.running import Display, serve, until_told
from veche.cli.signing import consider
from veche.cli.verify import progress_bar
from veche.collector import relax
from veche.durable import make_folder
from veche.engine.block_clock import BlockClock
from veche.engine.embedded import LOG_KEY, create_ledger
from veche.engine.inbox import PATIENCE, Inbox, open_ledger
from veche.engine.running import engine_of
from veche.errors import Refused, UserError, VecheError
from veche.keys import SigningKey
from veche.ledger.entries import ByOffice, Restart
from veche.ledger.entries.engine import url_address
from veche.log.source import open_source
from veche.terminal.say import say
from veche.texts import Localizable, Message


@click.group(cls=CommandGroup, short_help="Begin a ledger, run it, read it.")
def ledger() -> None:
    """Begin a ledger, run it, hand entries in, and look at what is in it.

    Everything but init, run, rebuild, sign and submit only reads, and works on copies and exports too.

    \b
    Example:
      veche ledger keygen            make the log's key, for the charter
      veche ledger init charter.entry
      veche ledger run               until Ctrl-C
      veche ledger show
    """


for command in READERS:
    ledger.add_command(command)


@ledger.command()
@options.own_ledger
@options.json
def keygen(folder: Path, as_json: bool) -> None:
    """Make the key that signs the checkpoints of a new ledger, and print its public half for the charter. The folder of --ledger becomes the ledger.

    \b
    Example:
      veche ledger keygen
    """
    key = SigningKey.generate()
    make_folder(folder)  # it will hold what everybody may read, so it is not as private as the key
    key.save(folder / LOG_KEY)
    options.answer_key(key.public, as_json)


@ledger.command()
@options.own_ledger
@click.argument("charter", type=ANY_PATH)
def init(folder: Path, charter: Path) -> None:
    """Begin a ledger, in the folder of --ledger, with the CHARTER that all offices signed. Its key is there already ("keygen").

    \b
    Example:
      veche ledger init charter.entry
    """
    entry, _ = read_entry(charter, "charter")
    if not (folder / LOG_KEY).exists():
        raise UserError(
            Message("There is no log key in {folder}.", folder=folder),
            Message("Make it first: veche ledger keygen --ledger {folder}", folder=folder),
        )
    with create_ledger(folder, entry, SigningKey.load(folder / LOG_KEY)) as made:
        say_if_test(made.state.charter)
        say(Message("The ledger {origin} begins in {folder}.", origin=made.state.charter.origin, folder=folder))
        say(Message("Its id is {id}.", id=made.id.hex()))
        several = len(made.state.charter.validators) > 1
    if several:
        say(Message("Run its node: veche node run --ledger {folder}", folder=folder))
    else:
        say(Message("Let it run: veche ledger run --ledger {folder}", folder=folder))


@ledger.command()
@options.own_ledger
@click.option("--once", is_flag=True, help="Make one block of what waits, publish it, and end.")
@click.option("--seconds", type=click.FloatRange(0), metavar="N", help="End after so many seconds.")
@click.option(
    "--after-outage", is_flag=True, help="Go on although the last block is long ago: this machine's clock is right."
)
@click.option(
    "--from", "nodes", multiple=True, metavar="URL",
    help="A node that follows this ledger: before anything is signed it is asked whether it has more. Kept for the next time. May be repeated.",
)  # fmt: skip
@said_by_a_person
@outside_witnesses
@click.option("--verbose", is_flag=True, help="Say more on the standard error: JSON, or plain lines on a terminal.")
def run(
    folder: Path,
    once: bool,
    seconds: float | None,
    after_outage: bool,
    nodes: tuple[str, ...],
    is_newest: bool,
    despite_fork: bool,
    witnesses: tuple[str, ...],
    verbose: bool,
) -> None:
    """Run the engine of a ledger: make blocks, take what is handed in, publish. Until Ctrl-C.

    Other commands hand entries in through the folder's inbox. While no engine runs, time stands still for the ledger, and
    polls that were open close later.

    The times of blocks are this machine's. If its clock is moved, or is far beyond the last block when the engine starts, the
    engine stops and waits for a person: look at another clock, then start it again with --after-outage.

    Before it signs anything, the engine asks the nodes that it knows for the newest head under its key, and takes back what a restored
    backup lacks. If nobody answers who could know, a person looks, and says so: --is-newest.

    On a terminal a few lines show what goes on: the last block, entries, polls, what waits. Elsewhere it is silent, or (--verbose) says
    so much in a line of JSON whenever the ledger has grown. docs/veche-ledger.service runs it as a service of systemd.

    \b
    Example:
      veche ledger run
    """
    options.not_together("--once", "--seconds", once and seconds is not None)
    if verbose:
        logs.verbose()
    relax()
    for url in nodes:
        url_address(url)
    end_taking(folder)
    written, key = open_ledger(folder, PATIENCE)
    try:
        written = newest(written, nodes, is_newest, despite_fork)
        with until_told() as told, written, witnessed(folder, key, witnesses):
            say_if_test(written.state.charter)
            inbox = Inbox(folder)
            inbox.recover(written)
            pause = written.state.charter.engine.seconds
            clock = BlockClock(written, after_outage=after_outage)
            with engine_of(written, key, clock, pause) as engine, Display(folder, verbose) as display:
                size = engine.tick()
                say(Message("The ledger in {folder} runs, with {size} entries.", folder=folder, size=size))
                logs.log().info("the engine runs", folder=str(folder), size=size)
                if not once:
                    serve(inbox, engine, engine.check, display, told, seconds)
                served = inbox.serve(engine)
                size = engine.tick()
                display.look(served, last=True)
        logs.log().info("the engine ended", folder=str(folder), size=size)
    except VecheError as error:
        logs.log().error("the engine broke", folder=str(folder), reason=error.message)
        raise
    say(Message("Stopped, with {size} entries, all of them published.", size=size))


@ledger.command()
@options.own_ledger
def rebuild(folder: Path) -> None:
    """Make the database of a ledger anew from its public files, after verifying them as "veche verify" does.

    For when it is missing, damaged, older than the public files, or not what follows from them. What was accepted in the last
    moments and not published yet is taken over from the old database, if that can be read. No engine may run meanwhile.

    \b
    Example:
      veche ledger rebuild
    """
    relax()
    with progress_bar(Message("Checking entries")) as progress:
        made = rebuild_database(folder, progress)
    published_charter(open_source(folder))
    say(
        Message(
            "The database in {folder} is made anew, from {size} published entries, all verified.",
            folder=folder,
            size=made.size - made.taken,
        )
    )
    if made.taken:
        say(
            Message(
                "Accepted before and not published yet: {taken}. They were taken over from the old database.",
                taken=made.taken,
            )
        )
    if made.lost is None:
        say(
            Message(
                "Nothing was taken over from an old database. If entries were accepted and not published, they are not in the "
                "ledger now: whoever has no receipt hands in again."
            ),
            err=True,
        )
    elif made.lost:
        say(
            Message(
                "Lost: {lost} entries that were accepted and not published, of which the old database had no whole copy. "
                "Whoever handed them in hands them in again.",
                lost=made.lost,
            ),
            err=True,
        )
    say(Message("Let it run: veche ledger run --ledger {folder}", folder=folder))


@ledger.command()
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.key("offices", many=True)
@signing.yes
@options.json
def sign(file: Path, folder: Path, keys: tuple[Path, ...], yes: bool, as_json: bool) -> None:
    """Add signatures to the entry in FILE, after showing all that it says and, on a terminal, asking. What the ledger would
    refuse is not signed.

    \b
    Example:
      veche ledger sign rotate.entry --key office.key
    """
    if read_entry(file)[1][0] == Restart.kind:
        must_be_folder(folder)
        entry = sign_restart(file, folder, keys, yes, as_json)
    else:
        entry = _sign(file, folder, keys, yes, as_json)
    if as_json:
        options.emit(entry_json(entry, None, file))
    else:
        say(Message("Signed {file}.", file=file))


def _sign(file: Path, folder: Path, keys: tuple[Path, ...], yes: bool, as_json: bool) -> bytes:
    with read_ledger(folder) as reading:
        signers = [options.load_key(key) for key in keys]
        for signer in signers:
            reading.holder(signer.public)
        way = read_on_its_way(file, reading.id, ByOffice)  # type: ignore[type-abstract]  # whichever offices sign
        given = [one.public for one in signers]
        consider(way.entry, reading, given, yes, way.signed, beside(file, folder), err=as_json)
        return way.sign(reading.id, signers)


@ledger.command()
@click.argument("files", type=ANY_PATH, nargs=-1, required=True, metavar="FILE...")
@options.ledger
@options.json
def submit(files: tuple[Path, ...], folder: Path, as_json: bool) -> None:
    """Hand the entry in FILE in to the ledger, or several, in this order: whatever kind they are of, and wherever they were made.

    One that is refused stops none of the others. A restart of a network is handed in alone, by each validator that goes on.

    \b
    Example:
      veche ledger submit rotate.entry
      veche ledger submit entries/*
    """
    entries = [read_entry(file) for file in files]
    with read_ledger(folder) as reading:
        origin = reading.charter.origin
    restart = [entry for entry, item in entries if item[0] == Restart.kind]
    if restart and len(entries) > 1:
        raise UserError(
            Message("A restart is handed in alone."), Message("Hand in the other entries when the network runs again.")
        )
    if restart:
        must_be_folder(folder)
    answers = [submit_restart(folder, restart[0])] if restart else outcomes(folder, [entry for entry, _ in entries])
    refusals = [answer for answer in answers if isinstance(answer, Refused)]
    if as_json and not refusals:
        rows = [{"file": str(file), "entry": answer} for file, answer in zip(files, answers, strict=True)]
        options.emit(rows if len(rows) > 1 else rows[0])
        return
    for file, (_, item), answer in zip(files, entries, answers, strict=True):
        if not isinstance(answer, Refused):
            said: Localizable = Message(
                "The {kind} entry is number {number} of the ledger {origin}.",
                kind=item[0],
                number=str(answer),
                origin=origin,
            )
        elif len(files) > 1:
            said = Message("{file} was refused: {why}", file=file, why=answer.said)
        else:
            continue
        say(said, err=isinstance(answer, Refused) or as_json)
    if refusals:
        raise refusals[0]
