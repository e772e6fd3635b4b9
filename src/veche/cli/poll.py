"""``veche poll``: write a poll, publish it, see its result, answer it."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click

from veche.audit.poll_view import view_poll
from veche.audit.result_csv import result_csv
from veche.cli import options, signing
from veche.cli.draft_poll import EVERYONE, read_poll, template
from veche.cli.entry_file import (
    SUFFIX,
    OnItsWay,
    entry_json,
    hand_in_and_tell,
    is_entry,
    read_entry,
    read_on_its_way,
)
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.poll_attachments import attach, beside, keep, of_draft
from veche.cli.reading import read_ledger
from veche.cli.remote import CopyPath, hand_in
from veche.cli.signing import consider, dangers, hold_against_rules, show_consequences, warn
from veche.clock import system
from veche.durable import write_new
from veche.errors import UserError
from veche.ledger.codec import decode, digest
from veche.ledger.entries.office import Role
from veche.ledger.entries.poll import Poll
from veche.ledger.entries.statements import Cancel, Contest, Outcome, OutcomeStatus
from veche.ledger.shape import Text
from veche.terminal.definition import poll_lines
from veche.terminal.poll_text import say_list, say_registrars, say_result, say_standing
from veche.terminal.say import language, say
from veche.texts import Message, Plural


@click.group(cls=CommandGroup, short_help="Write, publish, show and answer polls.")
def poll() -> None:
    """Write a poll, sign and publish it; list polls, show results; answer what the city voted.

    \b
    Example:
      veche poll new speed.toml                     a draft: edit it
      veche poll preview speed.toml                 see it as voters will
      veche poll sign speed.toml --key one.key      makes speed.entry
      veche poll sign speed.entry --key two.key     a second person signs
      veche poll publish speed.entry
      veche poll show 3fa9                          the first digits of the id that it printed
    """


@poll.command()
@click.argument("file", type=ANY_PATH)
@click.option("--class", "class_name", default="pilot", show_default=True, metavar="NAME", help="The class of poll.")
@click.option("--committee", default="", metavar="ID", help='The trustees\' key, from "veche committee list".')
def new(file: Path, class_name: str, committee: str) -> None:
    """Write a draft of a poll to FILE, for you to edit. It opens tomorrow and closes in two weeks unless you change that.

    \b
    Example:
      veche poll new speed.toml --class pilot --committee 3fa9
    """
    opens = datetime.now(UTC).replace(microsecond=0, second=0, minute=0) + timedelta(days=1)
    closes = opens + timedelta(days=14)
    write_new(file, template(file.name, class_name, committee, opens.isoformat(), closes.isoformat()).encode())
    say(Message("Wrote the draft {file}. Edit it, then: veche poll preview {file}", file=file))


@poll.command()
@click.argument("file", type=ANY_PATH)
@options.ledger
@click.option("--roll", "rolls", type=ANY_PATH, multiple=True, metavar="PATH",
              help="A registrar's folder, or its roll as CSV: does every group of the poll have people there? Repeat it for each registrar.")  # fmt: skip
def preview(file: Path, folder: Path, rolls: tuple[Path, ...]) -> None:
    """Show the poll in a draft or an entry FILE as voters will see it, and say what is wrong with it.

    With --roll it also says which districts are in no group, and refuses a group that the roll does not have: once a poll is
    published its groups are frozen.

    \b
    Example:
      veche poll preview speed.toml
      veche poll preview speed.toml --roll roll.csv
    """
    with read_ledger(folder) as reading:
        found = read_on_its_way(file, reading.id, Poll).entry if is_entry(file) else read_poll(file, reading)[0]
        signing.show(poll_lines(found))
        show_consequences(reading.charter, reading.state.poll_class(found.class_name))
        warn(dangers(found, reading))
        hold_against_rules(found, reading, ())
    names = [group.name for group in found.groups]
    if rolls:
        from veche.cli import poll_rolls  # only now: a registrar's database takes longer to load than all the rest

        poll_rolls.hold_against(names, rolls)
    elif names != [EVERYONE]:
        click.echo()
        say(Message("The names of its groups were held against no roll: a group that a registrar's roll does not have keeps the poll from opening. See: veche poll preview {file} --roll PATH", file=file))  # fmt: skip


@poll.command("sign")
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.key("organiser", many=True)
@click.option("--output", "-o", type=ANY_PATH, metavar="FILE", help="Where the entry goes, if FILE is a draft.")
@signing.yes
@options.json
def sign_(file: Path, folder: Path, keys: tuple[Path, ...], output: Path | None, yes: bool, as_json: bool) -> None:
    """Sign a poll. FILE is a draft, of which an entry is made, or the entry, which gets one more signature.

    All that is signed is shown first, and on a terminal you are asked. What the ledger would refuse is not signed. Pass the
    entry (and the folder of its attachments, if it has any) to the next signer.

    \b
    Example:
      veche poll sign speed.toml --key one.key      makes speed.entry
      veche poll sign speed.entry --key two.key
    """
    with read_ledger(folder) as reading:
        signers = [options.load_key(key) for key in keys]
        for signer in signers:
            reading.office(signer.public, Role.ORGANISER)
        contents: dict[bytes, bytes] = {}
        if is_entry(file):
            options.only_of_draft(output, file)
            way, files = read_on_its_way(file, reading.id, Poll), beside(file, folder)
        else:
            found, contents = read_poll(file, reading)
            way, files = OnItsWay(output or file.with_suffix(SUFFIX), found), of_draft(contents)
        consider(way.entry, reading, [signer.public for signer in signers], yes, way.signed, files, err=as_json)
        entry = way.sign(reading.id, signers)
        keep(way.path, contents)
        target, needed = way.path, reading.state.poll_class(way.entry.class_name).organisers
        missing = needed - len(decode(entry)[2])
    if as_json:
        options.emit(entry_json(entry, None, target))
        return
    click.echo("")
    say(Message("Signed {target}.", target=target))
    if missing > 0:
        more = Plural("{count} more organiser must sign", "{count} more organisers must sign", missing)
        say(Message("{more}: veche poll sign {target} --key FILE", more=more, target=target))
    else:
        say(Message("Publish it: veche poll publish {target}", target=target))


@poll.command()
@click.argument("file", type=ANY_PATH)
@options.ledger
@options.json
def publish(file: Path, folder: Path, as_json: bool) -> None:
    """Publish the signed poll in FILE: from then on it is frozen. Prints its id.

    \b
    Example:
      veche poll publish speed.entry
    """
    entry, item = read_entry(file, "poll")
    found = Poll.parse(item[1])
    with read_ledger(folder) as reading:
        origin = reading.charter.origin
    (number,) = hand_in(folder, [entry])
    if not isinstance(folder, CopyPath):
        attach(file, folder, found)
    elif found.attachments:
        say(
            Message("Attachments are not sent to a node: send them to whoever runs it, with {file}.", file=file),
            err=True,
        )
    if as_json:
        options.emit({"poll": digest(entry).hex(), "entry": number})
    else:
        say(
            Message(
                "Published as entry {number} of {origin}. Poll {entry}",
                number=str(number),
                origin=origin,
                entry=digest(entry).hex(),
            )
        )
        say(Message("Before it opens, each registrar must publish its permit keys: veche registrar act FOLDER"))


@poll.command("list")
@options.skimmed_ledger
@options.json
def list_(folder: Path, as_json: bool) -> None:
    """List all polls: id, where each stands and since or until when, how many have voted, title; and what the next block will do.

    \b
    Example:
      veche poll list
    """
    with read_ledger(folder, verified=False, skim=True) as reading:
        now = max(system().time, reading.time)
        found = [view_poll(reading.state, one, now) for one in reading.state.polls()]
        if as_json:
            options.emit(found)
        elif found:
            say_list(found)
        else:
            say(Message("There is no poll yet. Write one: veche poll new"))


@poll.command()
@click.argument("name", metavar="POLL")
@options.skimmed_ledger
@click.option(
    "--csv",
    "table",
    type=ANY_PATH,
    metavar="FILE",
    help="Write the result to FILE as a table for spreadsheets, of the whole and by group: CSV in UTF-8, a row an answer. Texts stand in "
    "“quotation marks”, so that none of them becomes a formula or a date.",
)
@options.json
def show(name: str, folder: Path, table: Path | None, as_json: bool) -> None:
    """Show a poll, where it stands, who may vote and how many did, and its result when it has one. The id may be abbreviated.

    \b
    Example:
      veche poll show 3fa9
      veche poll show 3fa9 --csv speed.csv
    """  # fmt: skip
    with read_ledger(folder, skim=True) as reading:
        report = reading.report(reading.poll(name), max(system().time, reading.time))
        one = reading.poll(name)
        charter, definition, poll_class = reading.charter, one.definition, one.poll_class
    if table is not None:
        if not report.has_result:
            raise UserError(
                Message("This poll has no result yet."),
                Message("See where it stands: veche poll show {poll}", poll=report.id[:12]),
            )
        write_new(table, result_csv(report, language()))
    if as_json:
        options.emit(report)
        return
    say(Message("Poll {poll}, entry {entry}", poll=report.id, entry=str(report.entry)))
    say_standing(report)
    click.echo()
    signing.show(poll_lines(definition))
    show_consequences(charter, poll_class)
    click.echo()
    say_registrars(report)
    say_result(report)
    if table is not None:
        say(Message("Wrote {file}.", file=table))


def _together(kind: type[Cancel | Contest], said: str, help: str) -> None:
    """A command that begins a statement of k institutions about a poll; ``said`` is what its text is."""

    @poll.command(kind.kind, help=help)
    @click.argument("name", metavar="POLL")
    @options.ledger
    @click.option("--text", required=True, metavar="TEXT", help=f"The {said}, in English.")
    @click.option("--text-ru", required=True, metavar="TEXT", help=f"The {said}, in Russian.")
    @options.key("offices", many=True)
    @click.option(
        "--output", "-o", type=ANY_PATH, required=True, metavar="FILE", help="Where the entry goes: NAME.entry"
    )
    @signing.yes
    @options.json
    def command(
        name: str, folder: Path, text: str, text_ru: str, keys: tuple[Path, ...], output: Path, yes: bool, as_json: bool
    ) -> None:
        with read_ledger(folder) as reading:
            signers = [options.load_key(key) for key in keys]
            for signer in signers:
                reading.holder(signer.public)
            way = OnItsWay(output, kind(reading.poll(name).id, Text(text, text_ru)))
            consider(way.entry, reading, [signer.public for signer in signers], yes, err=as_json)
            entry = way.sign(reading.id, signers)
            needed = reading.charter.k
        if as_json:
            options.emit(entry_json(entry, None, output))
            return
        say(Message("Wrote {output}. {needed} institutions have to sign it:", output=output, needed=needed))
        say(Message("  veche ledger sign {output} --key FILE\n  veche ledger submit {output}", output=output))


_together(Cancel, "reason", """Begin an entry that stops a poll before its tally: it is never decrypted. As many institutions sign it as the charter says.

\b
Example:
  veche poll cancel 3fa9 --text "Two options were mixed up." --text-ru "Перепутаны варианты." --key one.key -o cancel.entry
  veche ledger sign cancel.entry --key two.key
  veche ledger submit cancel.entry
""")  # fmt: skip
_together(Contest, "objection", """Begin an entry that objects to a poll after its tally. It stops nothing: it stands above the result. As many institutions sign
it as the charter says.

\b
Example:
  veche poll contest 3fa9 --text "A registrar's key was stolen." --text-ru "Украден ключ регистратора." --key one.key -o contest.entry
  veche ledger sign contest.entry --key two.key
  veche ledger submit contest.entry
""")  # fmt: skip


@poll.command()
@click.argument("name", metavar="POLL")
@options.ledger
@options.entry_output
@options.json
def result(name: str, folder: Path, output: Path | None, as_json: bool) -> None:
    """Find the result of a poll that enough trustees have decrypted, and hand it in. Anybody may; a running engine does it by itself.

    \b
    Example:
      veche poll result 3fa9
    """
    with read_ledger(folder) as reading:
        one = reading.poll(name)
        if one.result is not None:
            raise UserError(
                Message("This poll has its result."), Message("See it with: veche poll show {id}", id=one.id.hex()[:8])
            )
        if not one.openers:
            raise UserError(
                Message("Not enough trustees have decrypted this poll yet."),
                Message("See who has: veche poll show {id}", id=one.id.hex()[:8]),
            )
        entry = reading.state.opening(one).find().encode()
    hand_in_and_tell(folder, entry, output, Message("The result"), as_json)


@poll.command()
@click.argument("name", metavar="POLL")
@click.argument("status", type=click.Choice([*map(str, OutcomeStatus)]))
@options.ledger
@click.option("--text", required=True, metavar="TEXT", help="What was decided, in English.")
@click.option("--text-ru", required=True, metavar="TEXT", help="What was decided, in Russian.")
@click.option("--due", type=options.Day(), metavar="DATE", help="By when, such as 2027-05-01.")
@options.key("organiser")
@options.entry_output
@signing.yes
@options.json
def outcome(
    name: str,
    status: str,
    folder: Path,
    text: str,
    text_ru: str,
    due: date | None,
    key: Path,
    output: Path | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what the city will do about the result of a poll, has done, or will not do ("not") and why.

    \b
    Example:
      veche poll outcome 3fa9 will --text "50 km/h from May." --text-ru "50 км/ч с мая." --due 2027-05-01 --key office.key
    """
    options.not_together("--due", status, due is not None and status != OutcomeStatus.WILL)
    signer = options.load_key(key)
    seconds = int(datetime.combine(due, time(), UTC).timestamp()) if due is not None else 0
    if seconds < 0:
        raise UserError(Message("The date is before 1970."), Message("Give the day by which it will be done."))
    with read_ledger(folder) as reading:
        reading.office(signer.public, Role.ORGANISER)
        said = Outcome(reading.poll(name).id, OutcomeStatus(status), Text(text, text_ru), seconds)
        consider(said, reading, [signer.public], yes, err=as_json)
        entry = said.sign(reading.id, [signer])
    hand_in_and_tell(folder, entry, output, Message("The outcome"), as_json)
