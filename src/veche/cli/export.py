"""``veche export``: a ledger as one file, or one of its polls as a Belenios archive."""

from pathlib import Path

import click

from veche.audit.export import write_archive
from veche.audit.ledger import open_ledger
from veche.audit.poll_words import ballots, entries
from veche.audit.report import find_poll
from veche.cli import options
from veche.cli.language import Command
from veche.cli.options import ANY_PATH
from veche.cli.reading import published_charter, verified_ledger
from veche.cli.verify import progress_bar
from veche.cli.verify_show import show_refusal
from veche.durable import must_be_new
from veche.errors import DoesNotHold
from veche.log.log import export as write_export
from veche.log.source import Export, Source
from veche.terminal.say import say
from veche.texts import Message, Number


@click.command(cls=Command)
@click.argument("file", type=ANY_PATH)
@options.ledger
@click.option(
    "--poll",
    "poll_id",
    metavar="ID",
    help="Write a Belenios archive of this poll (the first digits of its id will do).",
)
@options.json
def export(file: Path, folder: Path, poll_id: str | None, as_json: bool) -> int:
    """Write a ledger into one FILE, or one of its finished polls as a Belenios archive.

    Without --poll the FILE is a plain tar of all that the ledger has
    published, to be sent to anyone; "veche verify FILE" checks it. With --poll the ledger is verified first; beside the archive,
    which belenios-tool can check, a file FILE.bound.json keeps the proofs that Belenios archives have no place for.

    A file that exists is never replaced, and there is never half a file.

    \b
    Example:
      veche export city.tar --ledger build/demo/ledger
      veche export station.bel --poll 3f9a --ledger build/demo/ledger
    """
    must_be_new(file)
    try:
        source = open_ledger(folder)
        try:
            if poll_id is None:
                _export_ledger(source, file, as_json)
            else:
                _export_poll(source, file, poll_id, as_json)
        finally:
            if isinstance(source, Export):
                source.close()
    except DoesNotHold as error:
        if as_json:
            raise
        show_refusal(error)
        return error.exit_code
    return 0


def _export_ledger(source: Source, file: Path, as_json: bool) -> None:
    published_charter(source)
    write_export(source, file)
    with Export(file) as written:
        size = written.checkpoint().checkpoint.size
    if as_json:
        options.emit({"file": str(file), "entries": size})
        return
    say(Message("{file}: a ledger of {size}. Check it with: veche verify {file}", file=file, size=entries(size)))


def _export_poll(source: Source, file: Path, poll_id: str, as_json: bool) -> None:
    with progress_bar("entries") as progress:
        verified = verified_ledger(source, progress)
    poll = find_poll(verified, poll_id)
    with progress_bar("ballots") as progress:
        made = write_archive(verified, poll, file, progress)
    if as_json:
        binding = None if made.binding is None else str(made.binding)
        options.emit({"file": str(made.archive), "binding": binding, "ballots": made.ballots, "counted": made.counted})
        return
    say(
        Message(
            "{archive}: {ballots}, {counted} of them counted.",
            archive=made.archive,
            ballots=ballots(made.ballots),
            counted=Number(made.counted),
        )
    )
    if made.binding is None:
        say(Message("Too few ballots were counted, so nothing is ever decrypted: the archive ends with the ballots."))
        say(Message("belenios-tool accepts it; veche verify says that it has no result."))
    else:
        say(Message("{binding}: the proofs that an archive has no place for.", binding=made.binding))
        say(
            Message(
                "Check both with: veche verify {archive} --bound {binding}", archive=made.archive, binding=made.binding
            )
        )
