"""``veche compare``: two copies of a ledger, from different places."""

from pathlib import Path

import click

from veche.audit.compare import Copy, Relation
from veche.audit.compare import compare as compare_copies
from veche.audit.ledger import open_ledger
from veche.cli import options
from veche.cli.earnest import say_if_test
from veche.cli.language import Command
from veche.cli.note_file import read_checkpoint
from veche.cli.options import ANY_PATH, LEDGER_PATH
from veche.cli.remote import CopyPath
from veche.cli.verify import kind_of
from veche.durable import make_folder, write_new
from veche.errors import DoesNotHold, UserError
from veche.ledger.heads import policy_of
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import export
from veche.log.note import Verifier
from veche.terminal.say import say
from veche.texts import Localizable, Message


@click.command(cls=Command, short_help="Compare two copies of a ledger: equal, longer, or contradicting.")
@click.argument("first", type=LEDGER_PATH)
@click.argument("second", type=LEDGER_PATH)
@options.head_keys("Needed for two checkpoints.")
@click.option("--output", "-o", type=ANY_PATH, metavar="FOLDER",
              help="If they contradict each other, keep both in this new folder, as they are at this moment: that is the evidence.")  # fmt: skip
@options.json
def compare(first: Path, second: Path, vkeys: tuple[str, ...], output: Path | None, as_json: bool) -> int:
    """Compare two copies of a ledger: a ledger's folder, a node's address, an export, or a checkpoint that somebody kept.

    Whether they are equal, the second goes on from the first or the first from the second; or whether they contradict each other: then
    whoever holds the log's key showed different ledgers to different people. That each obeys the rules is what "veche verify" checks.

    Exit codes: 0 equal, or one goes on from the other; 1 they contradict each other, or a copy is damaged; 2 they are of two
    ledgers, or cannot be compared.

    \b
    Example:
      veche compare ledger friend.tar
      veche compare monday ledger -o evidence
      veche compare https://node.example https://other.example
    """
    policy = policy_of([Verifier.parse(vkey) for vkey in vkeys]) if vkeys else None
    copies = _read(first), _read(second)
    for copy in copies:
        if copy.charter is not None:
            say_if_test(copy.charter)
    found = compare_copies(*copies, policy)
    evidence = output if found is Relation.CONTRADICTS else None
    if evidence is not None:
        _keep(evidence, copies)
    if as_json:
        options.emit(
            {
                "relation": str(found),
                "copies": [
                    {
                        "path": copy.name, "ledger": None if copy.ledger is None else copy.ledger.hex(), "size": copy.size,
                        "root": copy.root.hex(), "checkpoint": _head(copy),
                    }
                    for copy in copies
                ],
                "evidence": None if evidence is None else str(evidence),
            }
        )  # fmt: skip
        return int(found is Relation.CONTRADICTS)
    for copy in copies:
        say(Message("{name}: {size} entries, root {root}", name=copy.name, size=copy.size, root=copy.root.hex()))
    if found is not Relation.CONTRADICTS:
        say(_verdict(found, *copies))
        return 0
    for copy in copies:
        click.echo(f"\n{_head(copy)}", nl=False)
    click.echo()
    if evidence is not None:
        where = str(evidence)
        more = Message("Both are kept in {folder}. Show them to others, and raise the alarm.", folder=evidence)
    else:
        where = f"{copies[0].name}, {copies[1].name}"
        more = Message("Keep both as they are now (again with -o FOLDER), show them to others, and raise the alarm.")
    raise DoesNotHold("consistency", where, _verdict(found, *copies), more)


def _verdict(found: Relation, first: Copy, second: Copy) -> Localizable:
    match found:
        case Relation.EQUAL:
            return Message("They are equal.")
        case Relation.LONGER:
            return Message(
                "{longer} goes on from {shorter}: nothing was changed or taken away.",
                longer=second.name,
                shorter=first.name,
            )
        case Relation.SHORTER:
            return Message(
                "{longer} goes on from {shorter}: nothing was changed or taken away.",
                longer=first.name,
                shorter=second.name,
            )
    return Message(
        "They contradict each other: one key signed both heads, and neither is the beginning of the other. Different people are shown "
        "different ledgers."
    )


def _read(path: Path) -> Copy:
    """A ledger's folder, an export, a node, or a file with a checkpoint in it. Raises UserError and DoesNotHold."""
    if isinstance(path, CopyPath):
        return Copy.of(path.url, path.remote.shown(path.url))
    if path.is_file() and not _is_ledger(path):
        return Copy(str(path), read_checkpoint(path))
    if not _is_ledger(path):
        raise UserError(
            Message("{path} is not a ledger.", path=path),
            Message("Give a ledger's folder, an export or a checkpoint."),
        )
    return Copy.of(str(path), open_ledger(path))


def _is_ledger(path: Path) -> bool:
    try:
        return kind_of(path) == "ledger"
    except UserError:
        if path.is_file():
            return False
        raise


def _head(copy: Copy) -> str:
    """The head with the log's own signature: what proves, beside another, that there are two. Lines of others prove nothing here."""
    own = [line for line in copy.signed.signatures if line.name == copy.signed.checkpoint.origin]
    return SignedCheckpoint(copy.signed.checkpoint, tuple(own)).to_bytes().decode()


def _keep(folder: Path, copies: tuple[Copy, Copy]) -> None:
    """Both heads, and of what is more than a head an export. Raises UserError if the folder has something in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(Message("{folder} is not an empty folder.", folder=folder), Message("Name a new one."))
    make_folder(folder)
    for number, copy in enumerate(copies, 1):
        write_new(folder / f"{number}.checkpoint", copy.signed.to_bytes())
        if copy.log is not None:
            export(copy.log.source, folder / f"{number}.tar")
