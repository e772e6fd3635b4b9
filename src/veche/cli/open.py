"""``veche open``: open the ballot that ``veche vote`` has sealed, so that another device can check this one."""

from pathlib import Path

import click

from veche.audit.entry_words import code_text, short
from veche.cli import options
from veche.cli.choices import choice_lines, choices_json
from veche.cli.language import Command
from veche.cli.opened_file import write_opened
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.cli.sealed_file import SealedFile
from veche.durable import must_be_new
from veche.terminal.say import say, spoken
from veche.texts import Message, Verbatim


@click.command("open", cls=Command, short_help="Open the ballot that you have sealed, to check this device.")
@click.argument("name", metavar="POLL")
@options.ledger
@options.seed
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE",
              help="Where to write what the other device needs. [default: opened-POLL-CODE.json, here]")  # fmt: skip
@options.json
def open_(name: str, folder: Path, seed: Path, output: Path | None, as_json: bool) -> None:
    """Open the ballot that "veche vote" has sealed, instead of casting it, and check this device with another one.

    Give the other device the code first: it must have had it before this device learns that it is checked. What is written
    then are your choices and the randomness of the ciphertexts, and nothing that says who you are. These ciphertexts are
    forgotten: nobody can cast them any more. You may check with any choice, and as often as you like.

    \b
    Example:
      veche vote 3fa9 --choose 2 --seal
      veche open 3fa9 --output check.json
    """
    open_sealed(name, folder, seed, output, as_json)


def open_sealed(name: str, folder: Path, seed: Path, output: Path | None, as_json: bool) -> None:
    """Forget what is sealed, and write its opening to a new file. Raises UserError."""
    with read_ledger(folder) as reading:
        poll = reading.poll(name)
    if output is not None:
        must_be_new(output)
    sealed = SealedFile(seed, poll).open()
    path = output or Path(f"opened-{short(poll.id)}-{sealed.code.hex()[:8]}.json")
    write_opened(path, sealed)
    if as_json:
        options.emit(
            {
                "poll": poll.id.hex(),
                "code": sealed.code.hex(),
                "questions": choices_json(poll.definition, sealed.choices),
                "file": str(path),
            }
        )
        return
    say(Message("Opened. This ballot is forgotten here, and nobody can cast it. It holds:"))
    for line in choice_lines(poll.definition, sealed.choices):
        say(Verbatim(f"  {spoken(line)}"))
    say(Message("Wrote {path}. On the other device, with the code that it has had from you before:", path=path))
    say(Message('  veche check "{code}" {name}', code=code_text(sealed.code), name=path.name))
