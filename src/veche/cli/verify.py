"""``veche verify``: check a ledger or an archive from its first byte, and say what it says."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from veche.audit import archive as archives
from veche.audit import bound, ledger, receipt_report
from veche.audit.archive import ArchiveReport
from veche.audit.bound import verify_bound
from veche.audit.html import page
from veche.audit.html_words import percent, percents
from veche.audit.ledger import open_ledger, verify_ledger
from veche.audit.poll_report import PollReport, Question
from veche.audit.receipt_report import ReceiptReport, check_receipt
from veche.audit.report import LedgerReport, find_poll, report_ledger
from veche.audit.whole_file import whole_file
from veche.ballot.archive import Archive
from veche.errors import DoesNotHold, UserError
from veche.ledger.source import Export

MEANINGS = {**ledger.STEPS, **archives.STEPS, **bound.STEPS, receipt_report.STEP: receipt_report.MEANING}
"""What each step checks, whatever is verified."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--poll", "poll_id", metavar="ID", help="Of a ledger, show this poll only (the first digits of its id will do)."
)
@click.option(
    "--receipt", type=click.Path(path_type=Path), metavar="FILE", help="Look for a voter's receipt in the ledger."
)
@click.option(
    "--bound",
    "beside",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With an archive: the .bound.json file beside it.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to FILE.html and FILE.json."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
def verify(
    path: Path, poll_id: str | None, receipt: Path | None, beside: Path | None, report: Path | None, as_json: bool
) -> int:
    """Check a ledger or an archive, from its first byte to its results.

    PATH is a ledger (its folder, or a file made with "veche export") or a Belenios archive of one poll (.bel); what it is,
    is told from its content. Everything is recomputed: no other program's verdict is used, and nothing is sent anywhere.

    Exit codes: 0 everything holds; 1 something does not, and the step, the place and the reason are named; 2 there is nothing to
    check at PATH; 3 this program cannot check it.
    """
    out = Console(quiet=as_json, highlight=False, markup=False, soft_wrap=True)
    try:
        if kind_of(path) == "archive":
            _reject({"--poll": poll_id, "--receipt": receipt, "--report": report}, "an archive")
            _verify_archive(path, beside, out, as_json)
        else:
            _reject({"--bound": beside}, "a ledger")
            _verify_ledger(path, poll_id, receipt, report, out, as_json)
    except DoesNotHold as error:
        print_refusal(error, as_json)
        return error.exit_code
    return 0


def kind_of(path: Path) -> str:
    """``ledger`` or ``archive``, by content and not by name. Raises UserError if it is neither."""
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        with path.open("rb") as file:
            head = file.read(100).rstrip(b"\0")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None
    except ValueError:
        raise UserError(f"{str(path)!r} is not a path.") from None
    if head == b"BELENIOS":
        return "archive"
    if head == b"checkpoint" or head.startswith((b"attachment/", b"tile/")):
        return "ledger"
    what = "is neither an exported ledger nor a Belenios archive" if head else "holds nothing"
    raise UserError(
        f"The file {path} {what}.", "Give a ledger's folder, a file made with veche export, or a .bel archive."
    )


def _kind_of_folder(path: Path) -> str:
    if (path / "checkpoint").exists() or (path / "tile").exists():
        return "ledger"
    if any(path.glob("*.bel")):
        return "archive"
    raise UserError(
        f"The folder {path} holds neither a ledger nor an archive.",
        "A ledger has a file named checkpoint; an archive ends in .bel.",
    )


def _reject(options: dict[str, object], what: str) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UserError(f"{given[0]} has no meaning for {what}.", "See: veche verify --help")


# Ledgers


def _verify_ledger(
    path: Path, poll_id: str | None, receipt: Path | None, report: Path | None, out: Console, as_json: bool
) -> None:
    source = open_ledger(path)
    try:
        with progress_bar("entries") as progress:
            verified = verify_ledger(source, progress)
        polls = None if poll_id is None else [find_poll(verified, poll_id)]
        found = None if receipt is None else check_receipt(verified, read_small(receipt, 1 << 16))
        made = report_ledger(verified, polls, found)
    finally:
        if isinstance(source, Export):
            source.close()
    if as_json:
        print(json.dumps(made.values(), ensure_ascii=False, indent=1))
    else:
        _print_ledger(made, out)
    if report is not None:
        for written in write_report(made, report):
            out.print(f"Report: {written}")


def write_report(made: LedgerReport, path: Path) -> list[Path]:
    """Write FILE.html and FILE.json, replacing older ones; FILE may be given with either ending."""
    stem = path.with_suffix("") if path.suffix in (".html", ".json") else path
    texts = {".html": page(made), ".json": json.dumps(made.values(), ensure_ascii=False, indent=1) + "\n"}
    written = []
    for ending, text in texts.items():
        target = stem.with_name(stem.name + ending)
        with whole_file(target) as file:
            file.write(text.encode())
        written.append(target)
    return written


def _print_ledger(made: LedgerReport, out: Console) -> None:
    _print_steps(made.steps, out)
    out.print()
    out.print(f"{made.name.en}, {made.size:,} entries, last block {moment(made.time)}")
    out.print(f"  origin  {made.origin}")
    out.print(f"  size    {made.size}")
    out.print(f"  root    {made.root}")
    out.print(f"  ledger  {made.ledger}")
    for poll in made.polls:
        _print_poll(poll, out)
    for notice in made.notices:
        out.print(f"\nNotice of {moment(notice.time)} (entry {notice.entry}): ", end="")
        out.print(Text(notice.text.en))
    if made.receipt is not None:
        _print_receipt(made.receipt, out)
    out.print("\nEverything that is in this ledger holds. What no ledger can show:")
    for limit in made.cannot_show:
        out.print(f"  · {limit}")


def _print_steps(steps: dict[str, str], out: Console) -> None:
    for step, meaning in steps.items():
        out.print(Text.assemble(("✓", "green"), f" {step:<3} {meaning}"))


def _print_poll(poll: PollReport, out: Console) -> None:
    out.print()
    out.print(Text(poll.title.en, "bold"))
    out.print(f"  poll {poll.id}, entry {poll.entry}")
    out.print(f"  {summary(poll)}")
    for question in poll.questions:
        _print_question(poll, question, out)
    for said in poll.statements:
        out.print(f"  {said.kind} {said.status} (entry {said.entry}): ", end="")
        out.print(Text(said.text.en))
    for warning in poll.warnings:
        out.print(Text(f"  Look at this: {warning.en}", "yellow"))


def _print_question(poll: PollReport, question: Question, out: Console) -> None:
    rows = [(answer.text.en, answer.votes) for answer in question.answers]
    if question.blank_allowed:
        rows.append(("(left blank)", question.blank))
    if poll.status != "decided":
        out.print(f"  {question.text.en} {' / '.join(text for text, _ in rows)}")
        return
    table = Table("answer", title=Text(question.text.en), title_justify="left", title_style="")
    table.add_column("votes", justify="right")
    table.add_column("share", justify="right")
    votes = [number or 0 for _, number in rows]
    for (text, _), number, tenths in zip(rows, votes, percents(votes, poll.weight), strict=True):
        table.add_row(Text(text), f"{number:,}", percent(tenths).en)
    out.print(table)


def summary(poll: PollReport) -> str:
    """How the poll stands, in one sentence."""
    turnout = f"{poll.counted:,} ballots counted" + (
        f", {100 * poll.counted / poll.people:.1f} % of the roll" if poll.people else ""
    )
    shares = sum(trustee.shared for trustee in poll.trustees)
    return {
        "announced": f"Announced; opens {moment(poll.opens)}.",
        "open": f"Open until {moment(poll.closing)}; {poll.counted:,} voters so far.",
        "counting": f"Closed, {turnout}; {shares} of the {poll.threshold} trustees that are needed have decrypted.",
        "decided": f"Decided: {turnout}; decrypted by {poll.threshold} of {len(poll.trustees)} trustees.",
        "too-few": f"Too few ballots ({poll.counted} counted, {poll.smallest} needed): nothing is ever decrypted.",
        "void": "Void: it never opened, because a registrar's permit keys were missing.",
        "cancelled": f"Cancelled; {turnout}, and never decrypted.",
    }[poll.status]


def _print_receipt(found: ReceiptReport, out: Console) -> None:
    out.print()
    _print_steps({receipt_report.STEP: receipt_report.MEANING}, out)
    out.print(f"  Entry {found.entry}, in the ledger since {moment(found.time)}.")
    if found.tracker:
        out.print(f"  Tracker {found.tracker}")
    out.print(f"  {receipt_report.SENTENCES[found.state].format(by=found.by)}")


# Archives


def _verify_archive(path: Path, beside: Path | None, out: Console, as_json: bool) -> None:
    raw = None if beside is None else read_small(beside, bound.LIMIT)
    with Archive.open(path) as archive:
        with progress_bar("ballots") as progress:
            made = archives.verify(archive, lambda step, done, total: progress(done, total) if step == "A7" else None)
        if raw is not None:
            verify_bound(archive, raw)
    steps = {**archives.STEPS, **(bound.STEPS if raw is not None else {})}
    limits = [limit for limit in made.cannot_show if raw is None or limit != bound.COVERED]
    if as_json:
        print(json.dumps(_archive_values(made, steps, limits), ensure_ascii=False, indent=1))
        return
    _print_steps(steps, out)
    _print_archive(made, limits, out)


def _archive_values(made: ArchiveReport, steps: dict[str, str], limits: list[str]) -> dict[str, Any]:
    names = (
        "name",
        "uuid",
        "election_fingerprint",
        "trustees_fingerprint",
        "credentials_fingerprint",
        "trustees",
        "credentials",
    )
    numbers = ("ballots", "counted", "total_weight", "shares")
    return {
        "format": "veche-archive-report-v1",
        **{name: getattr(made, name) for name in (*names, *numbers)},
        "result": json.loads(made.result)["result"],
        "steps": steps,
        "cannot_show": limits,
    }


def _print_archive(made: ArchiveReport, limits: list[str], out: Console) -> None:
    out.print()
    out.print(Text(made.name, "bold"))
    out.print(f"  uuid {made.uuid}")
    out.print(
        f"  election {made.election_fingerprint}, trustees {made.trustees_fingerprint}, credentials {made.credentials_fingerprint}"
    )
    out.print(
        f"  {made.ballots:,} ballots, {made.counted:,} of them counted, weight {made.total_weight:,}; "
        f"{made.credentials:,} credentials; trustees: {made.trustees}, {made.shares} decrypted"
    )
    result = json.loads(made.result)["result"]
    for question, numbers in zip(made.election.questions, result, strict=True):
        table = Table(title=Text(question.question), title_justify="left", title_style="")
        table.add_column("answer")
        table.add_column("votes", justify="right")
        for text, votes in zip(
            [*(["(left blank)"] if question.blank else []), *question.answers], numbers, strict=True
        ):
            table.add_row(Text(text), f"{int(votes):,}")
        out.print(table)
    out.print("\nEverything that is in this archive holds. What an archive alone cannot show:")
    for limit in limits:
        out.print(f"  · {limit}")


# Both


def print_refusal(error: DoesNotHold, as_json: bool = False) -> None:
    """The step that does not hold: what was found, where, and what it means."""
    meaning = MEANINGS.get(error.step, "")
    if as_json:
        values = {
            "holds": False,
            "step": error.step,
            "where": error.where,
            "message": error.message,
            "meaning": meaning,
        }
        print(json.dumps(values, ensure_ascii=False, indent=1))
        return
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(Text(f"✗ {error.step}  {error.message}", "bold red"))
    if meaning:
        console.print(Text(f"  This step checks: {meaning}"))
    console.print(Text(f"  Where: {error.where}"))
    if error.hint:
        console.print(Text(f"  {error.hint}"))


def read_small(path: Path, limit: int) -> bytes:
    """A file of at most ``limit`` bytes. Raises UserError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.", "Check the path."
        ) from None
    if len(data) > limit:
        raise UserError(f"{path} is too large to be what it should be.", "Check the path.")
    return data


@contextmanager
def progress_bar(what: str) -> Iterator[ledger.Progress]:
    """A bar on the standard error, nothing if that is no terminal."""
    columns = TextColumn("Checking {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def moment(time: int) -> str:
    """A time in UTC, for people."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"
