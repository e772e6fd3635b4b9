"""``veche verify``: check a ledger or an archive from its first byte, and say what it says."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from veche.audit import archive as archives
from veche.audit import binding, ledger
from veche.audit.binding import verify_binding
from veche.audit.ledger import open_ledger
from veche.audit.page.page import archive_page, page
from veche.audit.promise import LIMIT as PROMISES
from veche.audit.promise import judge, read_promises
from veche.audit.receipt import check_receipt
from veche.audit.report import find_poll, report_ledger
from veche.audit.votes import judge_votes
from veche.ballot.archive.archive import Archive, archives_in
from veche.cli.answer import OPTION, emit_error
from veche.cli.language import Command
from veche.cli.note_file import read_receipt
from veche.cli.options import ANY_PATH, LEDGER_PATH, emit, read_file
from veche.cli.reading import verified_ledger
from veche.cli.verify_show import MEANINGS, archive_values, show_archive, show_ledger, show_refusal
from veche.clock import system
from veche.collector import relax
from veche.durable import replace
from veche.engine.cometbft.votes import LIMIT as VOTES
from veche.errors import DoesNotHold, UserError, because
from veche.handed import what_else
from veche.ledger.codec import MAX_ENTRY
from veche.ledger.entries.charter import Charter
from veche.log.source import Export
from veche.terminal.say import say, spoken
from veche.texts import Localizable, Message, Said, Verbatim, Words

MOST = 1000
"""So many names in a folder are looked at for ledgers."""
PINNED = 16
"""The fewest digits of an id that pin a ledger."""


@click.command(cls=Command)
@click.argument("path", type=LEDGER_PATH)
@click.option(
    "--poll", "poll_id", metavar="ID", help="Of a ledger, show this poll only (the first digits of its id will do)."
)
@click.option(
    "--id",
    "wanted_id",
    metavar="HEX",
    help=f"Of a ledger: it must be the one with this id, or it is refused. The first {PINNED} digits will do.",
)
@click.option(
    "--charter",
    "words",
    metavar="WORDS",
    help="Of a ledger: these words must all stand in its charter (its name, its operator, its institutions). Anybody can write such "
    "a charter, so this helps against mistakes and --id against deceit.",
)
@click.option("--receipt", type=ANY_PATH, metavar="FILE", help="Look for a voter's receipt in the ledger.")
@click.option(
    "--promise", "promise", type=ANY_PATH, nargs=2, metavar="FILE ENTRY",
    help="Judge the promises in FILE, which a node answered, of the ENTRY that was handed in.",
)  # fmt: skip
@click.option(
    "--votes", "votes", type=ANY_PATH, metavar="FILE",
    help="Check a validator's two votes for two blocks of one height, as nodes keep them: evidence/votes-KEY.json.",
)  # fmt: skip
@click.option(
    "--bound",
    "beside",
    type=ANY_PATH,
    metavar="FILE",
    help="With an archive: the .bound.json file beside it.",
)
@click.option("--report", type=ANY_PATH, metavar="FILE", help="Write the report to FILE.html and FILE.json.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
def verify(
    path: Path, poll_id: str | None, wanted_id: str | None, words: str | None, receipt: Path | None, promise: tuple[Path, Path] | None,
    votes: Path | None, beside: Path | None, report: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Check a ledger or an archive, from its first byte to its results.

    PATH is a ledger (its folder, or a file made with "veche export") or a Belenios archive of one poll (.bel); what it is,
    is told from its content. Everything is recomputed: no other program's verdict is used, and nothing is sent anywhere.

    Exit codes: 0 everything holds; 1 something does not, and the step, the place and the reason are named; 2 there is nothing to
    check at PATH; 3 this program cannot check it.

    \b
    Example:
      veche verify build/demo/ledger
      veche verify voykovskaya.bel --bound voykovskaya.bound.json --report report
    """
    try:
        if kind_of(path) == "archive":
            _reject(
                {
                    "--poll": poll_id,
                    "--id": wanted_id,
                    "--charter": words,
                    "--receipt": receipt,
                    "--promise": promise,
                    "--votes": votes,
                },
                Message("an archive"),
            )
            _verify_archive(path, beside, report, as_json)
        else:
            _reject({"--bound": beside}, Message("a ledger"))
            pin = Pin(wanted_id, words)
            _verify_ledger(path, poll_id, pin, receipt, promise, votes, report, as_json)
    except DoesNotHold as error:
        show_refusal(error)
        emit_error(error, error.exit_code, [OPTION] if as_json else [], MEANINGS.get(error.step, ""))
        return error.exit_code
    return 0


def kind_of(path: Path) -> str:
    """``ledger`` or ``archive``, by content and not by name. Raises UserError if it is neither."""
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        if path.exists() and not path.is_file():
            raise UserError(Message("{path} is neither a file nor a folder.", path=path), Message("Check the path."))
        with path.open("rb") as file:
            whole = file.read(4096)
            head = whole[:100].rstrip(b"\0")
    except OSError as error:
        raise UserError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=because(error)),
            Message("Check the path."),
        ) from None
    if head == b"BELENIOS":
        return "archive"
    if head == b"checkpoint" or head.startswith((b"attachment/", b"tile/")):
        return "ledger"
    raise UserError(
        Message(
            "The file {path} is neither an exported ledger nor a Belenios archive. {what}",
            path=path,
            what=what_else(whole) or "",
        ),
        Message("Give a ledger's folder, a file made with veche export, or a .bel archive."),
    )


def _kind_of_folder(path: Path) -> str:
    if os.path.lexists(path / "checkpoint") or os.path.lexists(path / "tile"):
        return "ledger"
    if archives_in(path):
        return "archive"
    raise UserError(
        Message("The folder {path} holds neither a ledger nor an archive.", path=path),
        Message("A ledger has a file named checkpoint; an archive ends in .bel."),
    )


def _reject(options: dict[str, object], what: Localizable) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UserError(
            Message("{given} has no meaning for {what}.", given=given[0], what=what),
            Message("See: veche verify --help"),
        )


# Ledgers


class Pin:
    """Which ledger is wanted. ``wanted``: its id or the beginning of it; ``words``: what must stand in its charter."""

    def __init__(self, wanted: str | None, words: str | None) -> None:
        self._id = None if wanted is None else wanted.strip().lower()
        self._words = (words or "").casefold().split()
        if wanted is not None and not re.fullmatch(f"[0-9a-f]{{{PINNED},64}}", self._id or ""):
            raise UserError(
                Message("{wanted!r} is not the id of a ledger.", wanted=wanted),
                Message("Give all of its 64 hexadecimal digits, or the first {pinned} of them.", pinned=PINNED),
            )

    def check(self, ledger: bytes, charter: Charter) -> None:
        """Raises DoesNotHold (L1) if this is another ledger."""
        if self._id is not None and not ledger.hex().startswith(self._id):
            raise self._another(ledger, charter, Message("its id is {ledger}", ledger=ledger.hex()))
        institutions = [office.institution for office in charter.offices]
        said = " ".join(
            [charter.origin, charter.name.en, charter.name.ru, *charter.operators, *institutions]
        ).casefold()
        for word in self._words:
            if word not in said:
                raise self._another(ledger, charter, Message("its charter does not say {word!r}", word=word))

    def show(self, ledger: bytes, charter: Charter) -> None:
        """Say whose ledger it is, unless its id was asked for."""
        click.echo()
        if self._id is not None:
            say(Message("It is the ledger that you named by its id."))
            return
        founders = ", ".join(dict.fromkeys(office.institution for office in charter.offices))
        say(
            Message(
                "Whose ledger this is: {name} ({origin}), run by {operators}.",
                name=Words(*charter.name), origin=charter.origin, operators=", ".join(charter.operators),
            )
        )  # fmt: skip
        say(Message("Its charter was signed by: {founders}.", founders=founders))
        say(
            Message(
                "Anybody can make a ledger that says so. Compare its id with one that you have from elsewhere, and next time give it:"
            )
        )
        say(Verbatim(f"  --id {ledger.hex()}"))

    def _another(self, ledger: bytes, charter: Charter, why: Said) -> DoesNotHold:
        return DoesNotHold(
            "L1", Message("entry 0"), Message("This is another ledger than the one that you named: {why}. It is {name} ({origin}).", why=why, name=Words(*charter.name), origin=charter.origin),
            Message("Nothing else of it was checked."),
        )  # fmt: skip


def _verify_ledger(
    path: Path, poll_id: str | None, pin: Pin, receipt: Path | None, promise: tuple[Path, Path] | None, votes: Path | None,
    report: Path | None, as_json: bool,
) -> None:  # fmt: skip
    handed = None if receipt is None else read_receipt(receipt)
    promises = (
        None if promise is None else (read_file(promise[1], MAX_ENTRY), read_promises(read_file(promise[0], PROMISES)))
    )
    two_votes = None if votes is None else read_file(votes, VOTES)
    source = open_ledger(path)
    try:
        with progress_bar(Message("Checking entries")) as progress:
            relax()
            verified = verified_ledger(source, progress, pin.check)
        polls = None if poll_id is None else [find_poll(verified, poll_id)]
        found = None if handed is None else check_receipt(verified, handed)
        judged = () if promises is None else judge(verified, *promises)
        accused = None if two_votes is None else judge_votes(verified, two_votes)
        made = report_ledger(verified, polls, found, system().time, judged, accused)
    finally:
        if isinstance(source, Export):
            source.close()
    if as_json:
        emit(made.values())
    else:
        show_ledger(made)
        pin.show(verified.ledger, verified.state.charter)
    if report is not None:
        write_report(page(made), made.values(), report, quiet=as_json)


def write_report(html: str, values: dict[str, Any], path: Path, quiet: bool) -> None:
    """Write FILE.html and FILE.json, replacing older ones; FILE may be given with either ending."""
    stem = path.with_suffix("") if path.suffix in (".html", ".json") else path
    for ending, text in ((".html", html), (".json", json.dumps(values, ensure_ascii=False, indent=1) + "\n")):
        target = stem.with_name(stem.name + ending)
        replace(target, text.encode())
        if not quiet:
            say(Message("Report: {file}", file=target))


# Archives


def _verify_archive(path: Path, beside: Path | None, report: Path | None, as_json: bool) -> None:
    raw = None if beside is None else read_file(beside, binding.LIMIT)
    if path.is_dir():
        _say_which(path)
    with Archive.open(path) as archive:
        with progress_bar(Message("Checking ballots")) as progress:
            made = archives.verify(archive, lambda step, done, total: progress(done, total) if step == "A7" else None)
        if raw is not None:
            verify_binding(archive, raw)
    steps = {**archives.STEPS, **(binding.STEPS if raw is not None else {})}
    limits = [limit for limit in made.cannot_show if raw is None or limit != binding.COVERED]
    values = archive_values(made, steps, limits)
    if as_json:
        emit(values)
    else:
        show_archive(made, steps, limits)
    if report is not None:
        write_report(archive_page(made, steps, limits), values, report, quiet=as_json)


def _say_which(folder: Path) -> None:
    """Of a folder: which file in it is verified, and which ledgers below it are not."""
    found = archives_in(folder)
    if len(found) == 1:
        say(
            Message("Of the folder {folder} this verifies the archive {file}.", folder=folder, file=found[0].name),
            err=True,
        )
    below = [path for path in islice(folder.iterdir(), MOST) if os.path.lexists(path / "checkpoint")]
    for one in sorted(below):
        say(
            Message("Look at this: {ledger} is a ledger, and is not verified now: veche verify {ledger}", ledger=one),
            err=True,
        )


@contextmanager
def progress_bar(what: Message) -> Iterator[ledger.Progress]:
    """A bar on the standard error, nothing if that is no terminal."""
    with progress_bars(what) as (bar,):
        yield bar


@contextmanager
def progress_bars(*whats: Message) -> Iterator[list[ledger.Progress]]:
    """Several of them, one below the other, for what comes one after the other."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        tasks = [shown.add_task(spoken(what), total=None) for what in whats]
        yield [_moves(shown, task) for task in tasks]


def _moves(shown: Progress, task: TaskID) -> ledger.Progress:
    return lambda done, total: shown.update(task, completed=done, total=total)
