"""``veche witness``: an observer's office, which cosigns heads of the ledger."""

import time as clock_time
from pathlib import Path

import click

from veche.audit.witnesses import identify
from veche.cli import options
from veche.cli.earnest import say_if_test
from veche.cli.language import CommandGroup
from veche.cli.note_file import read_checkpoint
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.cli.remote import CopyPath, look_again, must_be_folder
from veche.durable import replace
from veche.errors import UserError
from veche.ledger.entries.charter import read_charter
from veche.ledger.heads import AGAIN
from veche.log.log import Log
from veche.log.source import Folder, open_source
from veche.terminal.say import say
from veche.texts import SECOND, Message, Moment
from veche.witness.witness import Witness, put_cosigned

office = click.argument("office", type=ANY_PATH, metavar="FOLDER")


@click.group(cls=CommandGroup, short_help="Cosign heads of the ledger, so that all are shown one.")
def witness() -> None:
    """Be a witness: an observer who cosigns the ledger's heads, and never two that contradict each other.

    Witnesses are a ledger's observers, but for its operator's. Whoever waits for a quorum of them is not shown a ledger of their
    own. FOLDER is the witness's own, private folder: never copy it, never restore it from a backup.

    \b
    Example:
      veche witness init witness --institution "Election observers"     prints the key for the charter
      veche witness cosign witness --ledger ledger                      whenever the ledger has grown
    """


@witness.command()
@office
@click.option("--institution", required=True, metavar="NAME", help="The institution, as the charter spells it.")
@options.json
def init(office: Path, institution: str, as_json: bool) -> None:
    """Make a witness's office in a new FOLDER, and print its public key for the charter.

    \b
    Example:
      veche witness init witness --institution "Election observers"
    """
    options.answer_key(Witness.create(office, institution).key.public, as_json)


@witness.command()
@office
@options.json
def show(office: Path, as_json: bool) -> None:
    """Show a witness's institution and public key.

    \b
    Example:
      veche witness show witness
    """
    loaded = Witness.load(office)
    if as_json:
        options.emit({"institution": loaded.institution, "keys": [loaded.key.public]})
        return
    say(Message("{institution}\nPublic key {public}", institution=loaded.institution, public=loaded.key.public.hex()))


@witness.command()
@office
@options.ledger
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE",
              help="Write the cosigned head to FILE, for the operator. Otherwise it goes into the ledger's folder, or to its node.")  # fmt: skip
@click.option("--every", type=click.FloatRange(1), metavar="SECONDS", help="Go on, so often, until Ctrl-C.")
def cosign(office: Path, folder: Path, output: Path | None, every: float | None) -> None:
    """Cosign the ledger's head, if it goes on from all that this witness cosigned before.

    By the address of a node, a copy of your own is made, checked whole, and goes on; what is cosigned is handed in at that node, which
    passes it on. With --every it is so as soon as there is a new head, and once a minute if there is none.

    \b
    Example:
      veche witness cosign witness --ledger https://node.example --every 1
      veche witness cosign witness --ledger ledger --every 60
      veche witness cosign witness --ledger copy.tar -o head      (and the operator: veche witness publish head)
    """
    loaded = Witness.load(office)
    source = open_source(folder)
    if output is not None and output.is_file():  # whatever else is there is refused when it is written
        read_checkpoint(output)  # only an older head is replaced
    if output is None and not isinstance(source, Folder):
        raise UserError(
            Message("{folder} is an exported file, in which no cosignature can be put.", folder=folder),
            Message("Write it to a file: -o FILE"),
        )
    said = None
    again = 0.0
    while True:
        if said is not None and clock_time.monotonic() < again and source.checkpoint().checkpoint == said:
            clock_time.sleep(every or 0)
            look_again(folder, patient=True)
            continue
        again = clock_time.monotonic() + AGAIN
        made = loaded.cosign(source)
        say_if_test(read_charter(Log(source, made.checkpoint).entry(0)))
        if output is None and isinstance(folder, CopyPath):
            folder.remote.hand_cosigned(loaded.key.public, made, patient=every is not None)
        elif output is None:
            put_cosigned(folder, loaded.key.public, made)
        else:
            replace(output, made.to_bytes())
        if made.checkpoint != said:  # who cosigns every minute need not read the same line every minute
            said = made.checkpoint
            say(
                Message(
                    "“{institution}” cosigned {size} entries, root {root}.",
                    institution=loaded.institution,
                    size=made.checkpoint.size,
                    root=made.checkpoint.root.hex(),
                )
            )
        if every is None:
            return
        clock_time.sleep(every)
        look_again(folder, patient=True)


@witness.command()
@click.argument("file", type=ANY_PATH)
@options.ledger
def publish(file: Path, folder: Path) -> None:
    """Put a head that a witness cosigned (FILE) beside the ledger, where everybody finds it. For the ledger's operator.

    \b
    Example:
      veche witness publish head --ledger ledger
    """
    must_be_folder(folder)
    signed = read_checkpoint(file)
    with read_ledger(folder) as reading:
        key, cosigned = identify(reading.log, reading.state, signed)
        there = [one for one in reading.witnesses.cosigned if one.institution == cosigned.institution]
    if there and there[0].time > cosigned.time:
        raise UserError(
            Message("A newer head of {institution} is there already.", institution=cosigned.institution),
            Message("Nothing is to be done."),
        )
    if not isinstance(open_source(folder), Folder):
        raise UserError(
            Message("{folder} is an exported file, in which no cosignature can be put.", folder=folder),
            Message("Name the ledger's folder."),
        )
    put_cosigned(folder, key, signed)
    say(
        Message(
            "“{institution}” cosigned {size} entries at {time}.",
            institution=cosigned.institution,
            size=cosigned.size,
            time=Moment(cosigned.time, SECOND),
        )
    )
