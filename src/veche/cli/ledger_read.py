"""The commands of ``veche ledger`` that only read: what is in a ledger, and proofs that it is."""

import hmac
from pathlib import Path

import click

from veche.audit.dangers import charter_dangers
from veche.audit.entry_words import describe, entry_json
from veche.audit.poll_words import vouching
from veche.cli import options, signing
from veche.cli.ballots import find_ballots
from veche.cli.draft_charter import charter_json
from veche.cli.language import Command
from veche.cli.note_file import read_checkpoint, read_receipt
from veche.cli.options import ANY_PATH, parse_code
from veche.cli.reading import UNWITNESSED, Reading, goes_on, read_ledger
from veche.durable import PRIVATE, write_new
from veche.engine.inbox import engine_runs
from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import decode, digest
from veche.ledger.entries import BALLOT, BY_KIND, parse_item
from veche.ledger.entries.ballot import POLL_ID, is_ballot, read_ballot
from veche.ledger.heads import check_whose, policy_of
from veche.ledger.signing import signatures
from veche.log import merkle
from veche.log.note import Verifier
from veche.log.receipt import FILE_EXTENSION
from veche.terminal.code import code_lines
from veche.terminal.say import say, spoken
from veche.terminal.written import Written
from veche.texts import SECOND, Message, Moment, Verbatim


@click.command(cls=Command)
@options.skimmed_ledger
@options.json
def show(folder: Path, as_json: bool) -> None:
    """Show what a ledger is: its name, charter, head, and the offices as they are now.

    \b
    Example:
      veche ledger show
    """
    with read_ledger(folder, verified=False, skim=True) as reading:
        charter, head = reading.charter, reading.head.checkpoint
        offices, changes = reading.state.offices, list(reading.state.office_changes.values())
        vkeys = [str(key) for key in reading.succession.policy(head.size).power]
        if as_json:
            options.emit(
                {
                    "ledger": reading.id.hex(), "size": head.size, "root": head.root.hex(), "time": reading.time,
                    "running": engine_runs(folder), "vkeys": vkeys, "charter": charter_json(charter),
                    "offices": [
                        {
                            "institution": office.institution, "role": office.role, "key": key.hex(), "active": office.active,
                            "suspended": office.suspended if office.is_suspended(reading.time) else None,
                            "votes": office.votes.hex() or None,
                        }
                        for key, office in offices.items()
                    ],
                    "changes": [
                        {
                            "action": change.action, "institution": change.institution, "role": change.role,
                            "key": change.key.hex(), "votes": change.votes.hex() or None, "entry": change.number, "due": change.due,
                        }
                        for change in changes
                    ],
                }
            )  # fmt: skip
            return
        signing.show(Written(reading.state).lines(charter))
        signing.warn(charter_dangers(charter))
        known = {key for _, _, key in charter.offices}
        for key, office in offices.items():
            said = Message(
                "{institution} ({role}), {key}", institution=office.institution, role=office.role, key=key.hex()
            )
            if key not in known:
                say(Message("Since the charter: {office}", office=said))
            if not office.active:
                say(Message("Ended: {office}", office=said))
            if office.is_suspended(reading.time):
                say(Message("Suspended until {time}: {office}", time=Moment(office.suspended), office=said))
        for change in changes:
            say(
                Message(
                    "Waiting: {action} {institution} ({role}), {key}; takes effect {time} unless somebody objects",
                    action=change.action,
                    institution=change.institution,
                    role=change.role,
                    key=change.key.hex(),
                    time=Moment(change.due),
                )
            )
        say(Message("Ledger id: {id}", id=reading.id.hex()))
        say(Message("Head:      {size} entries, root {root}", size=head.size, root=head.root.hex()))
        time = Moment(reading.time, SECOND)
        runs = engine_runs(folder)
        say(Message("Last block: {time}, and it runs", time=time) if runs else Message("Last block: {time}", time=time))
        for vkey in vkeys:
            say(Message("Key for checkpoints and receipts: {vkey}", vkey=vkey))
        for said in vouching(reading.witnesses):
            say(said)


@click.command(cls=Command)
@options.ledger
@click.option("--from", "start", type=click.IntRange(0), metavar="N", help="Begin at this entry.")
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last so many (20 unless --from is given).")
@click.option("--kind", metavar="KIND", help="Only entries of this kind: poll, ballot, tally, ...")
@options.json
def log(folder: Path, start: int | None, last: int | None, kind: str | None, as_json: bool) -> None:
    """List entries, one a line: number, kind, and what it says.

    \b
    Example:
      veche ledger log --last 50
      veche ledger log --from 0 --kind poll
    """
    known = (BALLOT, *BY_KIND)
    if kind is not None and kind not in known:
        raise UserError(
            Message("There is no entry of kind {item!r}.", item=kind[:40]),
            Message("Say one of: {kinds}", kinds=", ".join(known)),
        )
    with read_ledger(folder, verified=False) as reading:
        if start is not None and start > reading.size:
            raise UserError(
                Message(
                    "There is no entry {number}: the ledger has {size}.", number=str(start), size=str(reading.size)
                ),
                Message("They are numbered from 0."),
            )
        if start is None:
            start = 0 if kind else max(0, reading.size - (last or 20))
        rows = []
        for number, data in enumerate(reading.log.entries(min(start, reading.size)), start):
            item = decode(data)
            if kind is None or item[0] == kind:
                rows.append((number, item, data))
        rows = rows[-last:] if last else rows
        if as_json:
            options.emit([entry_json(number, data, reading.state) for number, _, data in rows])
            return
        for number, item, _ in rows:
            say(Verbatim(f"{number:>8}  {item[0]:<22} {spoken(describe(item, reading.state))}"))


@click.command(cls=Command)
@options.ledger
@click.argument("number", type=click.IntRange(0))
@click.option("--raw", is_flag=True, help="Write the bytes of the entry and nothing else.")
@options.json
def entry(folder: Path, number: int, raw: bool, as_json: bool) -> None:
    """Show one entry: its hash, all that it says, and who signed it.

    \b
    Example:
      veche ledger entry 0
      veche ledger entry 17 --raw > 17.entry
    """
    options.not_together("--raw", "--json", raw and as_json)
    with read_ledger(folder, verified=False) as reading:
        data = reading.entry(number)
        item = decode(data)
        if raw:
            click.echo(data, nl=False)
        elif as_json:
            options.emit(entry_json(number, data, reading.state))
        else:
            say(
                Message(
                    "Entry {number}, {size} bytes, SHA-256 {hash}",
                    number=str(number),
                    size=len(data),
                    hash=digest(data).hex(),
                )
            )
            whole = Written(reading.state)
            if is_ballot(data):
                signing.show(whole.ballot(item))
            else:
                signing.show(whole.lines(parse_item(item)))
                signing.show(whole.signers([key for key, _ in signatures(item)]) if len(item) == 3 else ())


@click.command(cls=Command)
@options.ledger
@click.argument("words", metavar="NUMBER | CODE | NINE WORDS | TRACKER", nargs=-1, required=True)
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE", help="Where to write it; otherwise it is printed.")
def receipt(folder: Path, words: tuple[str, ...], output: Path | None) -> None:
    """Make the receipt of an entry: the proof that it is in the ledger (a C2SP tlog-proof), with the signed checkpoint.

    The entry is named by its number, or a ballot by its code (all of it, or the nine words) or its tracker.

    \b
    Example:
      veche ledger receipt 17 -o 17.tlog-proof
      veche ledger receipt abbey anchor angel ankle antenna apple apricot archer arena
    """
    with read_ledger(folder, verified=False) as reading:
        number = _number(reading, " ".join(words))
        reading.entry(number)
        made = reading.receipt(number).to_bytes()
    if output is None:
        click.echo(made, nl=False)  # the bytes: a terminal's encoding is no receipt's
    else:
        write_new(output, made, PRIVATE)
        say(Message("Wrote {output}.", output=output))


def _number(reading: Reading, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    found = [number for _, number in find_ballots(reading, text)]
    if len(found) > 1:
        raise UserError(
            Message("{found} ballots fit: entries {list}.", found=len(found), list=", ".join(map(str, found[:20]))),
            Message("Give the number of one."),
        )
    return found[0]


@click.command("check-receipt", cls=Command)
@click.argument("file", type=ANY_PATH)
@click.option("--entry", "entry_file", type=ANY_PATH, metavar="FILE",
              help="The entry that it is about. Otherwise the file of the same name that ends in .entry is taken.")  # fmt: skip
@options.head_keys("Needs no ledger.")
@click.option(
    "--code", "code_given", metavar="CODE", help="The code that was shown before the ballot was cast, to be compared."
)
@options.ledger
@options.json
def check_receipt(
    file: Path, entry_file: Path | None, vkeys: tuple[str, ...], code_given: str | None, folder: Path, as_json: bool
) -> None:
    """Check a receipt: that the entry is in the ledger under whose final head it was made.

    With --key, no ledger is needed, and no network: the receipt proves it. With --ledger, the ledger's own copy is asked
    too, whether it goes on from that checkpoint; and of a ballot the code is computed: if it is the one that was shown before,
    what was sealed is what was cast.

    \b
    Example:
      veche ledger check-receipt vote.tlog-proof --ledger ledger
      veche ledger check-receipt vote.tlog-proof --key "veche.example/city+1a2b3c4d+Ab..."
    """
    wanted = None if code_given is None else parse_code(code_given)
    if wanted is not None and vkeys:
        raise UserError(
            Message("A ballot's code is computed with its poll."), Message("Give --ledger instead of --key.")
        )
    options.not_together("--key", "--ledger", bool(vkeys) and options.was_given("folder"))
    found = read_receipt(file)
    data = options.read_file(entry_file or file.with_name(file.name.removesuffix(FILE_EXTENSION) + ".entry"))
    head = found.checkpoint.checkpoint
    code, waits = None, False
    if vkeys:
        found.verify(merkle.leaf_hash(data), policy_of([Verifier.parse(vkey) for vkey in vkeys]))
    else:
        with read_ledger(folder) as reading:
            check_whose(found.checkpoint, reading.succession, Message("The receipt"))
            found.verify(merkle.leaf_hash(data), reading.succession.policy(head.size))
            goes_on(reading.log, head, Message("checkpoint of {size}", size=head.size))
            code = _code(reading, data)
            poll = reading.state.poll(data[POLL_ID]) if is_ballot(data) else None
            waits = poll is not None and reading.waits_for_witnesses(poll, found.index)
    if wanted is not None and (code is None or not hmac.compare_digest(wanted, code)):
        raise DoesNotHold(
            "code", Message("entry {index}", index=str(found.index)), Message("Entry {index} is in the ledger, but it has not the code that was shown: what was cast is not what was sealed.", index=str(found.index)),
            Message("Keep the receipt as evidence, vote again with another device, and report this one."),
        )  # fmt: skip
    if as_json:
        shown: dict[str, object] = {
            "entry": found.index,
            "hash": digest(data).hex(),
            "size": head.size,
            "origin": head.origin,
        }
        if not vkeys:
            shown["witnessed"] = not waits
        options.emit(shown if code is None else {**shown, "code": code.hex()})
    else:
        say(
            Message(
                "The receipt holds: this is entry {index} of {origin}, under the checkpoint of {size} entries.",
                index=str(found.index),
                origin=head.origin,
                size=head.size,
            )
        )
        if not vkeys:
            say(Message("The ledger at {folder} goes on from that checkpoint.", folder=folder))
        for line in code_lines(code) if code is not None else ():
            say(Message("Code  {line}", line=line))
        if wanted is not None:
            say(Message("That is the code that was shown: what was sealed is what was cast."))
        if waits:
            say(UNWITNESSED)


def _code(reading: Reading, data: bytes) -> bytes | None:
    """The code of an entry that is in the ledger, if it is a ballot."""
    poll = reading.state.poll(data[POLL_ID]) if is_ballot(data) else None
    return None if poll is None else poll.frozen.kernel.codes([read_ballot(data).ballot])[0]


@click.command(cls=Command)
@options.ledger
@click.argument("checkpoint", type=ANY_PATH)
@options.json
def consistency(folder: Path, checkpoint: Path, as_json: bool) -> None:
    """Check that the ledger goes on from an older CHECKPOINT that you kept: nothing was changed or taken away.

    \b
    Example:
      cp ledger/checkpoint monday
      veche ledger consistency monday
    """
    old = read_checkpoint(checkpoint)
    with read_ledger(folder) as reading:
        check_whose(old, reading.succession, Message("The checkpoint"))
        old.verify(reading.succession.policy(old.checkpoint.size))
        head, new = old.checkpoint, reading.head.checkpoint
        goes_on(reading.log, head, Message("checkpoint of {size}", size=head.size))
        proof = reading.log.consistency_proof(head.size) if head.size else []
        merkle.verify_consistency(head.size, head.root, new.size, new.root, proof)
    if as_json:
        options.emit({"old": head.size, "new": new.size, "proof": [node.hex() for node in proof]})
    else:
        say(
            Message(
                "The ledger of {size} entries begins with the {before} of the checkpoint: nothing was changed.",
                size=new.size,
                before=head.size,
            )
        )


READERS = (show, log, entry, receipt, check_receipt, consistency)
