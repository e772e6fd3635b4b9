"""What ``veche verify`` prints: what holds, or what does not."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from veche.audit import archive as archives
from veche.audit import binding, ledger
from veche.audit import receipt as receipt_report
from veche.audit.archive import ArchiveReport
from veche.audit.charter_words import named_test
from veche.audit.page.words import ballots, entries, heading, no_share, rows_until, vouched
from veche.audit.percents import percents
from veche.audit.poll_report import PollReport, QuestionReport
from veche.audit.receipt import ReceiptReport
from veche.audit.report import LedgerReport
from veche.errors import DoesNotHold
from veche.texts import Message, Moment, Number, Percent, Plural

MEANINGS = {**ledger.STEPS, **archives.STEPS, **binding.STEPS, receipt_report.STEP: receipt_report.MEANING}
"""What each step checks, whatever is verified."""


def show_ledger(made: LedgerReport, out: Console) -> None:
    """A ledger that holds, poll by poll."""
    _print_steps(made.steps, out)
    out.print()
    if made.test:
        out.print(Text(str(named_test(made.test)), "bold yellow"))
    out.print(f"{made.name.en}, {entries(made.size)}, last block {Moment(made.time)}")
    out.print(f"  origin  {made.origin}")
    out.print(f"  size    {made.size}")
    out.print(f"  root    {made.root}")
    out.print(f"  ledger  {made.ledger}")
    out.print(f"  witnesses  {vouched(made.witnesses)}")
    for poll in made.polls:
        _print_poll(poll, out)
    for notice in made.notices:
        out.print(f"\nNotice of {Moment(notice.time)} (entry {notice.entry}): ", end="")
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
    if poll.without_share:
        out.print(Text(f"  {no_share(poll)}"))
    for said in poll.contests:
        out.print(Text(f"  {heading(said)} (entry {said.entry}): {said.text.en}", "bold"))
    for question in poll.questions:
        _print_question(poll, question, out)
    if poll.challenge is not None:
        out.print(f"  {rows_until(poll.challenge)}")
    for said in poll.answers:
        out.print(f"  {said.kind} {said.status} (entry {said.entry}): ", end="")
        out.print(Text(said.text.en))
    for consequence in poll.consequences:
        out.print(Text(f"  · {consequence}", "dim"))
    for warning in poll.warnings:
        out.print(Text(f"  Look at this: {warning}", "yellow"))


def _print_question(poll: PollReport, question: QuestionReport, out: Console) -> None:
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
        table.add_row(Text(text), str(Number(number)), str(Percent(tenths)))
    out.print(table)


def summary(poll: PollReport) -> Message:
    """How the poll stands, in one sentence."""
    turnout = Message("{ballots} counted", ballots=ballots(poll.counted))
    if poll.people:
        share = Percent(percents([poll.counted], poll.people)[0])
        turnout = Message("{turnout}, {share} of the roll", turnout=turnout, share=share)
    match poll.status:
        case "announced":
            return Message("Announced; opens {time}.", time=Moment(poll.opens))
        case "open":
            return Plural(
                "Open until {time}; {count} voter so far.", "Open until {time}; {count} voters so far.",
                poll.counted, time=Moment(poll.closing),
            )  # fmt: skip
        case "counting":
            return Message(
                "Closed: {turnout}; {shares} of the {threshold} trustees that are needed have decrypted.",
                turnout=turnout, shares=sum(trustee.shared for trustee in poll.trustees), threshold=poll.threshold,
            )  # fmt: skip
        case "decided":
            return Message(
                "Decided: {turnout}; decrypted by {threshold} of {size} trustees.",
                turnout=turnout, threshold=poll.threshold, size=len(poll.trustees),
            )  # fmt: skip
        case "too-few":
            return Message(
                "Too few ballots ({counted} counted, {smallest} needed): nothing is ever decrypted.",
                counted=poll.counted, smallest=poll.smallest,
            )  # fmt: skip
        case "void":
            return Message("Void: it never opened, because too few registrars published permit keys.")
    return Message("Cancelled: {turnout}, and never decrypted.", turnout=turnout)


def _print_receipt(found: ReceiptReport, out: Console) -> None:
    out.print()
    _print_steps({receipt_report.STEP: receipt_report.MEANING}, out)
    out.print(f"  Entry {found.entry}, in the ledger since {Moment(found.time)}.")
    if found.tracker:
        out.print(f"  Tracker {found.tracker}")
    out.print(f"  {Message(receipt_report.SENTENCES[found.state], by=str(found.by))}")


def show_archive(made: ArchiveReport, steps: dict[str, str], limits: list[str], out: Console) -> None:
    """An archive that holds, with what it cannot show."""
    _print_steps(steps, out)
    out.print()
    out.print(Text(plain(made.name), "bold"))
    out.print(f"  uuid {made.uuid}")
    out.print(
        f"  election {made.election_fingerprint}, trustees {made.trustees_fingerprint}, credentials {made.credentials_fingerprint}"
    )
    credentials = Plural("{count} credential", "{count} credentials", made.credentials)
    out.print(
        f"  {ballots(made.ballots)}, {Number(made.counted)} of them counted, weight {Number(made.total_weight)}; "
        f"{credentials}; trustees: {made.trustees}, {made.shares} decrypted"
    )
    result = json.loads(made.result)["result"]
    for question, numbers in zip(made.election.questions, result, strict=True):
        table = Table(title=Text(plain(question.question)), title_justify="left", title_style="")
        table.add_column("answer")
        table.add_column("votes", justify="right")
        for text, votes in zip(
            [*(["(left blank)"] if question.blank else []), *question.answers], numbers, strict=True
        ):
            table.add_row(Text(plain(text)), str(Number(int(votes))))
        out.print(table)
    out.print("\nEverything that is in this archive holds. What an archive alone cannot show:")
    for limit in limits:
        out.print(f"  · {limit}")


def archive_values(made: ArchiveReport, steps: dict[str, str], limits: list[str]) -> dict[str, Any]:
    """An archive that holds, as JSON."""
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


def show_refusal(error: DoesNotHold, as_json: bool = False) -> None:
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
    console.print(Text(plain(f"✗ {error.step}  {error.message}"), "bold red"))
    if meaning:
        console.print(Text(f"  This step checks: {meaning}"))
    console.print(Text(f"  Where: {error.where}"))
    if error.hint:
        console.print(Text(f"  {error.hint}"))


def plain(text: str) -> str:
    """A text from somewhere else, without what could steer a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
