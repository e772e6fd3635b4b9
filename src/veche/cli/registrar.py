"""``veche registrar``: who may vote. The registrar's desk, from its side."""

import sys
import time as clock_time
from collections.abc import Sequence
from pathlib import Path

import click

from veche.audit.entry_words import short
from veche.cli import acting, options, signing
from veche.cli.acting import waiting
from veche.cli.desk import Look, account, check_keys, permit_keys
from veche.cli.entry_file import hand_in_or_keep, keep_entry, say_where
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.permit_mail import read_request, serve, show_request
from veche.cli.reading import Reading, read_ledger, tell_of_change
from veche.cli.registrar_compare import compare, compare_file, compare_key
from veche.durable import PRIVATE, write_new
from veche.errors import DoesNotHold, Refused, UserError
from veche.ledger.entries.permit_key import Issuance, PermitKeys
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.permit.mail import RequestFile
from veche.permit.row_proof import RowProof
from veche.registrar.registrar import Registrar
from veche.registrar.roll_import import RollReport, beyond_doubt
from veche.terminal.say import agreed, confirm, say, spoken
from veche.texts import Message, Moment, Plural, Verbatim, Words
from veche.words import WORDS, from_words

desk = click.argument("desk", type=ANY_PATH, metavar="FOLDER")
poll_argument = click.argument("name", metavar="POLL")

_LINES_SHOWN = 100
"""Bad lines of a roll that are shown one by one: of a file that is wrong throughout more would help nobody."""


@click.group(cls=CommandGroup, short_help="Keep the roll, sign permits, account for them.")
def registrar() -> None:
    """Run a registrar's office: the roll, the permits, the account of them.

    A registrar knows the residents, and signs one permit per person and poll without seeing what it signs. FOLDER is the
    registrar's own, private folder.

    \b
    Example:
      veche registrar init registrar                 prints the key for the charter
      veche registrar import registrar roll.csv
      veche registrar compare registrar post.comparison --key rolls.key
      veche registrar act registrar --wait           keys before a poll opens, the account after it has closed
      veche registrar proof registrar 3fa9 --person 1234 -o row.json
    """


@registrar.command()
@desk
@click.option(
    "--database", metavar="URL", help="An SQLAlchemy URL, such as that of a PostgreSQL. Otherwise SQLite in FOLDER."
)
@options.json
def init(desk: Path, database: str | None, as_json: bool) -> None:
    """Make a registrar in FOLDER, and print its public key for the charter.

    \b
    Example:
      veche registrar init registrar
    """
    with Registrar.create(desk, database) as made:
        options.answer_key(made.office.public, as_json)


@registrar.command("import")
@desk
@click.argument("roll", type=ANY_PATH, metavar="CSV")
@click.option(
    "--dry-run", is_flag=True, help="Say what would change, and change nothing: the exit code is that of the import."
)
@click.option("--yes", is_flag=True, help="The roll is right, whatever looks wrong in it. Otherwise you are asked.")
@options.json
def import_(desk: Path, roll: Path, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Replace the roll by a CSV file, for all polls that are opened from now on. Its columns: person, district (and name);
    or житель, район (and имя).

    What cannot be right is refused with the lines in which it stands. What may be wrong is asked about: districts or persons
    that look alike, numbers that seem to have lost their zeros, a roll that replaces most of the people.

    \b
    Example:
      veche registrar import registrar roll.csv --dry-run
    """

    def decide(report: RollReport) -> None:
        if as_json:
            options.emit(
                {
                    "people": report.people, "added": report.added, "removed": report.removed, "moved": report.moved,
                    "districts": report.districts, "bad": [{"line": bad.line, "reason": str(bad.reason)} for bad in report.bad],
                    "doubts": [str(doubt) for doubt in report.doubts],
                }
            )  # fmt: skip
        else:
            for bad in report.bad[:_LINES_SHOWN]:
                say(Message("line {line}: {reason}", line=str(bad.line), reason=bad.reason))
            if len(report.bad) > _LINES_SHOWN:
                say(Message("and {bad} lines more: --json names them all", bad=len(report.bad) - _LINES_SHOWN))
            for doubt in report.doubts:
                say(doubt)
            if dry_run:
                _show_report(report, would=True)
        report.check()
        if not report.doubts or yes:
            return
        if dry_run or as_json or not sys.stdin.isatty():
            beyond_doubt(report)
        if not confirm(Message("Is the roll right all the same?")):
            raise UserError(Message("The roll was not replaced."), Message("Correct the file, and import it again."))

    with Registrar(desk) as opened:
        report = opened.import_roll(roll, dry_run, decide)
    if dry_run:
        decide(report)
    elif not as_json:
        _show_report(report, would=False)


def _show_report(report: RollReport, would: bool) -> None:
    changes = Message(
        "{added} new, {removed} gone, {moved} moved", added=report.added, removed=report.removed, moved=report.moved
    )
    say(
        Plural("Would be on the roll: {count} person ({changes}).", "Would be on the roll: {count} people ({changes}).",
               report.people, changes=changes)
        if would else
        Plural("Now on the roll: {count} person ({changes}).", "Now on the roll: {count} people ({changes}).",
               report.people, changes=changes)
    )  # fmt: skip
    for district, people in report.districts.items():
        click.echo(f"  {people:>8}  {district}")


@registrar.command()
@desk
@options.json
def show(desk: Path, as_json: bool) -> None:
    """Show the registrar's public key, and the districts of its roll.

    \b
    Example:
      veche registrar show registrar
    """
    with Registrar(desk) as opened:
        if as_json:
            options.emit({"public": opened.office.public, "districts": opened.districts()})
            return
        say(Message("Public key {public}", public=opened.office.public.hex()))
        for district, people in opened.districts().items():
            click.echo(f"  {people:>8}  {district}")


@registrar.command()
@desk
@options.ledger
@options.also
@waiting
def act(
    desk: Path, folder: Path, others: tuple[Path, ...], wait: bool, timeout: float, output: Path | None, yes: bool
) -> None:
    """Verify the ledger, then do what is due: publish the keys of polls before they open, account for those that have closed.

    The groups of a poll are found on the roll by their English or Russian names; if its one group is "Everyone" and no district is called so, all
    on the roll vote. What cannot be done so is said, for you to do it ("veche registrar open"), and the rest is done.

    All that it signs is shown, and on a terminal you are asked before it is handed in, unless it is to stay (--wait).

    \b
    Example:
      veche registrar act registrar --wait
      veche registrar act registrar --ledger copy.tar -o entries      and where the ledger is: veche ledger submit entries/*
    """
    with Registrar(desk) as opened:
        acting.act([folder, *others], Look(opened), wait, timeout, output, yes)


@registrar.command("open")
@desk
@poll_argument
@options.ledger
@click.option("--everyone", is_flag=True, help="Everyone on the roll votes, whatever the poll's one group is called.")
@options.entry_output
@signing.yes
@options.json
def open_(desk: Path, name: str, folder: Path, everyone: bool, output: Path | None, yes: bool, as_json: bool) -> None:
    """Make the permit keys of a poll, fix its roll, and publish both. Do it before the poll opens:
    what comes later is never taken, and a poll for which too few registrars did it is void.

    The poll's groups are found on the roll by their English or Russian names. Asked again, it gives the same answer.

    \b
    Example:
      veche registrar open registrar 3fa9 --everyone
    """
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        poll = _own_poll(opened, reading, name)
        keys = permit_keys(opened, poll, everyone)
        number = _hand_in(folder, keys, reading, opened, output, yes, as_json)
    if as_json:
        options.emit({"entry": number, "groups": by_group(poll, "people", [key.people for key in keys.groups])})
    else:
        say_where(number, output, Message("The permit keys"))
        for group, key in zip(poll.definition.groups, keys.groups, strict=True):
            say(Verbatim(f"  {key.people:>8}  {spoken(Words(*group.name))}"))


@registrar.command()
@desk
@click.argument("name", metavar="[POLL]", required=False)
@options.ledger
@click.option(
    "--person", required=True, metavar="ID", help="Who asks, as the roll spells them: they have shown who they are."
)
@click.option(
    "--group",
    type=click.IntRange(0),
    metavar="N",
    help="The group for which they ask, from 0; of a request it is known.",
)
@click.option("--blinded", metavar="HEX", help="The blinded message that their device made; of a request it is known.")
@click.option(
    "--request",
    type=ANY_PATH,
    metavar="FILE",
    help='What their device wrote ("veche vote --ask"), instead of all that.',
)
@click.option("--code", metavar="WORDS", help="The code of the request, as the person says it, whole or in nine words.")
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE", help="Where the answer to a request goes.")
def issue(
    desk: Path, name: str | None, folder: Path, person: str, group: int | None, blinded: str | None, request: Path | None,
    code: str | None, output: Path | None,
) -> None:  # fmt: skip
    """Sign one blinded message for a person: once per person and poll. Print the blind signature in hexadecimal, or answer a request.

    Whoever exchanges a request on its way votes in the person's place. So let them say its code: it is asked for on a terminal, and
    compared if it is given with --code. A refusal is an answer, too, which the person's device keeps as evidence.

    \b
    Example:
      veche registrar issue registrar --person 1234 --request request.json -o answer.json
      veche registrar issue registrar 3fa9 --person 1234 --group 0 --blinded HEX
    """
    if request is None:
        if name is None or group is None or blinded is None or code is not None or output is not None:
            raise UserError(
                Message("It is not clear what is to be signed."),
                Message("Give a request (--request FILE -o FILE), or POLL, --group and --blinded."),
            )
        _issue_one(desk, name, folder, person, group, blinded)
    elif group is not None or blinded is not None or output is None:
        raise UserError(
            Message(
                "A request says by itself for which group and what is to be signed, and its answer goes to a file."
            ),
            Message("Give --request FILE and -o FILE, and leave --group and --blinded out."),
        )
    else:
        _answer_request(desk, name, folder, person, request, code, output)


def _issue_one(desk: Path, name: str, folder: Path, person: str, group: int, blinded: str) -> None:
    try:
        message = bytes.fromhex(blinded)
    except ValueError:
        raise UserError(Message("The blinded message is not hexadecimal."), Message("Copy all of it.")) from None
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        click.echo(opened.issue(person, _own_poll(opened, reading, name).id, message, group).hex())


def _answer_request(
    desk: Path, name: str | None, folder: Path, person: str, path: Path, code: str | None, output: Path
) -> None:
    """Show a request, compare its code, and answer it. Raises Refused when the answer is a refusal, which is written all the same."""
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        request = read_request(path, reading, person)
        poll = _own_poll(opened, reading, request.poll.hex())
        if name is not None and reading.poll(name).id != poll.id:
            raise UserError(
                Message("The request is for another poll: {poll}.", poll=short(poll.id)),
                Message("Leave POLL out, or name that."),
            )
        check_keys(opened, poll)
        if request.group >= len(poll.definition.groups):
            raise UserError(
                Message("The poll has no group {group}.", group=str(request.group)),
                Message("Ask the person for a new request."),
            )
        show_request(request, poll)
        _check_code(request, code)
        answer, refused = serve(opened, reading, poll, request)
    keep_entry(output, answer.to_json(), PRIVATE)
    if refused is not None:
        raise Refused(
            answer.rule,
            Message(
                "{why} The refusal is in {path}, for {person}.",
                why=refused.said,
                path=output,
                person=request.person,
            ),
        )
    say(Message("Signed. The answer is in {path}, for {person}.", path=output, person=request.person))


def _check_code(request: RequestFile, said: str | None) -> None:
    """Raise UserError if the person has said another code than the request's; on a terminal whoever serves them is asked."""
    if said is None:
        if sys.stdin.isatty():
            agreed(Message("Does {person} say the same code?", person=request.person), Message("Nothing was signed."))
        return
    words = said.split()
    wanted = from_words(said) if len(words) == WORDS else options.parse_code(said)
    if request.code[: len(wanted)] != wanted:
        raise UserError(
            Message(
                "This is not the request that {person} made: its code is another. Nothing was signed.",
                person=request.person,
            ),
            Message("Ask for the file again, and by another way."),
        )


@registrar.command()
@desk
@poll_argument
@options.ledger
@options.entry_output
@signing.yes
@options.json
def issuance(desk: Path, name: str, folder: Path, output: Path | None, yes: bool, as_json: bool) -> None:
    """After a poll has closed: account for its permits in the ledger, so that everyone can ask for their own row.

    \b
    Example:
      veche registrar issuance registrar 3fa9
    """
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        poll = _own_poll(opened, reading, name)
        if poll.phase == Phase.ANNOUNCED:
            raise UserError(
                Message("The poll has not closed yet."),
                Message("After this account no more permits are signed, so it comes last."),
            )
        made = account(opened, poll)
        number = _hand_in(folder, made, reading, opened, output, yes, as_json)
        rows = made.groups
    if as_json:
        options.emit({"entry": number, "groups": by_group(poll, "issued", [row.issued for row in rows])})
    else:
        say_where(number, output, Message("The account"))
        say(Plural("{count} permit was issued.", "{count} permits were issued.", sum(row.issued for row in rows)))


@registrar.command()
@desk
@poll_argument
@options.ledger
@click.option("--person", required=True, metavar="ID", help="Whose row. Give the proof to them alone.")
@click.option("--output", "-o", type=ANY_PATH, required=True, metavar="FILE", help="Where to write the proof.")
def proof(desk: Path, name: str, folder: Path, person: str, output: Path) -> None:
    """Write a person's proof of their own row: that they are on the roll and, after closing, whether a permit was issued to them.

    \b
    Example:
      veche registrar proof registrar 3fa9 --person 1234 -o row.json
    """
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        made = opened.proof_for(person, _own_poll(opened, reading, name).id)
    write_new(output, made.to_json())
    say(Message("Wrote {output}. The person checks it with: veche registrar check-proof {output}", output=output))


@registrar.command("check-proof")
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.json
def check_proof(file: Path, folder: Path, as_json: bool) -> None:
    """Check a proof of a row against the ledger: who was not served and reads "served" has found a permit in their name.

    \b
    Example:
      veche registrar check-proof row.json
    """
    content = options.read_file(file)
    with options.naming(file):
        row = RowProof.from_json(content)
    with read_ledger(folder) as reading:
        poll = reading.poll(row.poll.hex())
        institution, served = _check_row(row, poll, reading)
    if as_json:
        options.emit({"person": row.person, "registrar": institution, "poll": poll.id.hex(), "served": served})
        return
    say(
        Message(
            "The proof holds: {person} is on the roll of {institution} for poll {id}.",
            person=row.person,
            institution=institution,
            id=poll.id.hex()[:12],
        )
    )
    if served is None:
        say(Message("The poll has not been accounted for yet: ask again after it has closed."))
    elif served:
        say(
            Message(
                "“{institution}” says that a permit was issued to {person}.", institution=institution, person=row.person
            )
        )
    else:
        say(Message("No permit was issued to {person}.", person=row.person))


def by_group(poll: PollState, what: str, numbers: Sequence[int]) -> list[dict[str, object]]:
    """A number for each group of a poll, under its name, for scripts."""
    groups = poll.definition.groups
    return [{"name": group.name._asdict(), what: number} for group, number in zip(groups, numbers, strict=True)]


def _check_row(row: RowProof, poll: PollState, reading: Reading) -> tuple[str, bool | None]:
    """Check a row's proof; the registrar's name, and whether it says that it served this person (None: not yet)."""
    for registrar, keys in sorted(poll.permit_keys.items()):
        institution = poll.poll_class.registrars[registrar].institution
        if row.group >= len(keys.groups):
            continue
        key = keys.groups[row.group]
        try:
            row.verify_on_roll(poll.id, row.group, key.modulus, key.people, key.root)
        except DoesNotHold as wrong:
            if wrong.step == "roll":  # another registrar's key
                continue
            raise
        if row.issuance is None:
            return institution, None
        account = reading.state.issuances(poll).get(registrar)
        if account is None:
            raise DoesNotHold(
                "issuance",
                institution,
                Message("{institution} has not accounted for this poll in the ledger.", institution=institution),
            )
        row.verify_issuance(account.groups[row.group].root)
        return institution, row.issuance.served
    raise DoesNotHold(
        "roll", Message("the proof"), Message("The proof fits no registrar's key for this poll and group.")
    )


@registrar.command()
@desk
@poll_argument
@options.ledger
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
def erase(desk: Path, name: str, folder: Path, yes: bool) -> None:
    """After the challenge window: forget who asked for a permit in a poll, its salts and its keys. There is no way back.

    Refused as long as people can ask for their rows: until the poll has its result, and then for as long as its class says.

    \b
    Example:
      veche registrar erase registrar 3fa9
    """
    with Registrar(desk) as opened, read_ledger(folder, verified=False) as reading:
        poll = _own_poll(opened, reading, name)
        _check_challenge(poll, reading)
        if not yes:
            question = Message("Erase what this registrar knows of “{title}”?", title=Words(*poll.definition.title))
            agreed(question, Message("Nothing was erased."))
        opened.erase(poll.id)
    say(Message("Erased. Backups are yours to destroy."))


def _check_challenge(poll: PollState, reading: Reading) -> None:
    """Raise Refused (``not-closed``) while people can still ask for their rows, by this machine's clock. docs/protocol.md, section 2.1."""
    until = poll.challenge_until(reading.charter)
    if poll.phase == Phase.COUNTING:
        raise Refused("not-closed", Message("The poll has no result yet, and people can ask for their rows until some time after it."),
                      Message("Erase when the challenge window is over."))  # fmt: skip
    if until is not None and clock_time.time() < until:
        raise Refused("not-closed", Message("People can ask for their rows until {until}; what proves them is kept so long.", until=Moment(until)),
                      Message("Erase after that."))  # fmt: skip


def _hand_in(
    folder: Path,
    made: PermitKeys | Issuance,
    reading: Reading,
    opened: Registrar,
    output: Path | None,
    yes: bool,
    err: bool,
) -> int | None:
    """Sign, show and hand in (or keep) what this registrar says of a poll, as :func:`hand_in_or_keep`. Raises UserError if a person who is
    asked does not want it. ``err``: show it on the standard error."""
    entry = made.sign(reading.id, [opened.office])
    signing.show_signed(entry, reading.state, err)
    signing.agree_to_hand_in(yes)
    return hand_in_or_keep(folder, entry, output)


def _own_poll(opened: Registrar, reading: Reading, name: str) -> PollState:
    """A poll that this registrar guards: that kept their office's key. Raises UserError."""
    reading.check_fresh()
    key, poll = opened.office.public, reading.poll(name)
    tell_of_change(reading.state, key)
    if poll.registrar(key) is None:
        raise reading.no_registrar(key)
    return poll


for _command in (compare, compare_file, compare_key):
    registrar.add_command(_command)
