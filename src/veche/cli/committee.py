"""``veche committee``: the trustees' common keys."""

from pathlib import Path

import click

from veche.audit.entry_words import STEPS, committee_status, short
from veche.cli import options, signing
from veche.cli.entry_file import hand_in_or_keep, say_where
from veche.cli.language import CommandGroup
from veche.cli.reading import read_ledger
from veche.cli.signing import consider
from veche.ledger.codec import digest
from veche.ledger.entries.committee import CommitteeCall
from veche.ledger.entries.office import Role
from veche.ledger.poll_state import CommitteeState
from veche.terminal.say import say, spoken
from veche.texts import Listed, Message, Verbatim


@click.group(cls=CommandGroup, short_help="Ask the trustees for a common key.")
def committee() -> None:
    """Ask the trustees for a common key, and see how far they are.

    A poll needs a committee whose key is finished. Forming one takes three steps of each trustee ("veche trustee act"), and
    one committee can serve many polls, for a quarter.

    \b
    Example:
      veche committee form --class pilot --key office.key
      veche committee list
    """


@committee.command()
@options.ledger
@click.option(
    "--class", "class_name", required=True, metavar="NAME", help="The class of poll whose trustees are meant."
)
@click.option("--mode", type=click.Choice(["pedersen", "single"]), default="pedersen", show_default=True,
              help="pedersen: t of the n trustees decrypt. single: all of them have to.")  # fmt: skip
@options.key("organiser")
@options.entry_output
@signing.yes
@options.json
def form(folder: Path, class_name: str, mode: str, key: Path, output: Path | None, yes: bool, as_json: bool) -> None:
    """Ask the trustees of a class for a new key. Prints the committee's id.

    \b
    Example:
      veche committee form --class pilot --key office.key
    """
    signer = options.load_key(key)
    with read_ledger(folder) as reading:
        reading.office(signer.public, Role.ORGANISER)
        reading.state.poll_class(class_name)  # before anything is shown of a class that is not there
        call = CommitteeCall(class_name, mode, len(reading.state.committees()))
        consider(call, reading, [signer.public], yes, err=as_json)
        entry = call.sign(reading.id, [signer])
    number = hand_in_or_keep(folder, entry, output)
    if as_json:
        options.emit({"committee": digest(entry).hex(), "entry": number})
    else:
        say_where(number, output, Message("The request for a key"))
        say(Message("Committee {entry}", entry=digest(entry).hex()))
        say(Message("Each trustee now runs: veche trustee act FOLDER --wait"))


@committee.command("list")
@options.skimmed_ledger
@options.json
def list_(folder: Path, as_json: bool) -> None:
    """List the committees and where they stand.

    \b
    Example:
      veche committee list
    """
    with read_ledger(folder, skim=True) as reading:
        found = reading.state.committees()
        if as_json:
            options.emit([_json(one) for one in found])
            return
        for one in found:
            say(Message("{id}  {name}, {mode}: {status}", id=short(one.id), name=one.poll_class.name, mode=one.mode, status=committee_status(one)))  # fmt: skip
        if not found:
            say(Message("There is no committee yet. Ask for one: veche committee form"))


@committee.command()
@click.argument("name", metavar="COMMITTEE")
@options.skimmed_ledger
@options.json
def show(name: str, folder: Path, as_json: bool) -> None:
    """Show one committee: its trustees, what each has done, and its public key. The id may be abbreviated.

    \b
    Example:
      veche committee show 3fa9
    """
    with read_ledger(folder, skim=True) as reading:
        one = reading.committee(name)
        if as_json:
            options.emit(_json(one))
            return
        say(Message("Committee {id}", id=one.id.hex()))
        say(
            Message(
                "Class {name}, {mode}, {t} of {size} decrypt: {status}",
                name=one.poll_class.name,
                mode=one.mode,
                t=one.poll_class.t,
                size=one.size,
                status=committee_status(one),
            )
        )
        for index, institution in enumerate(one.poll_class.trustees, 1):
            done = tuple(Message(STEPS[kind]) for kind, trustees in one.steps.items() if index in trustees)
            said = Listed(done) if done else Message("nothing yet")
            say(Verbatim(f"  {index}  {institution}: {spoken(said)}"))
        if one.key is not None and one.finished is not None:
            say(Message("Key {key}", key=one.key.hex()))


def _json(one: CommitteeState) -> dict[str, object]:
    return {
        "committee": one.id.hex(),
        "entry": one.number,
        "class": one.poll_class.name,
        "mode": one.mode,
        "trustees": list(one.poll_class.trustees),
        "threshold": one.threshold,
        "steps": one.steps,
        "finished": one.finished,
        "void": one.reason or None,
        "key": one.key.hex() if one.key is not None and one.finished is not None else None,
    }
