"""What ``veche verify`` prints: what holds, or what does not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Group
from rich.padding import Padding

from veche.audit import archive as archives
from veche.audit import binding, ledger
from veche.audit import receipt as receipt_report
from veche.audit.archive import ArchiveReport
from veche.audit.charter_words import named_test
from veche.audit.poll_report import PollReport
from veche.audit.poll_words import ballots, entries, rows, vouched, vouching
from veche.audit.receipt import ReceiptReport
from veche.audit.report import LedgerReport
from veche.audit.values import values
from veche.errors import DoesNotHold
from veche.terminal.foreign import marked
from veche.terminal.poll_text import say_result, say_standing
from veche.terminal.results import answer_bars, asked, put
from veche.terminal.say import language, say, spoken, wrapped
from veche.texts import Localizable, Message, Moment, Plural, Verbatim

MEANINGS = {**ledger.STEPS, **archives.STEPS, **binding.STEPS, receipt_report.STEP: receipt_report.MEANING}
"""What each step checks, whatever is verified."""


def show_ledger(made: LedgerReport) -> None:
    """A ledger that holds, poll by poll."""
    _say_steps(made.steps)
    click.echo()
    if made.test:
        say(named_test(made.test))
    say(Message("Ledger of {entries}, last block {time}:", entries=entries(made.size), time=Moment(made.time)))
    click.echo(marked(spoken(made.name)))
    say(Message("  origin     {origin}", origin=made.origin))
    say(Message("  size       {size}", size=str(made.size)))
    say(Message("  root       {root}", root=made.root))
    say(Message("  ledger     {ledger}", ledger=made.ledger))
    say(Message("  witnesses  {witnesses}", witnesses=vouched(made.witnesses)))
    for said in vouching(made.witnesses):
        say(said)
    for restart in made.restarts:
        say(Message("Look at this: {said}", said=restart.said))
    for poll in made.polls:
        _say_poll(poll)
    for notice in made.notices:
        say(Message("\nNotice of {time} (entry {entry}):", time=Moment(notice.time), entry=str(notice.entry)))
        click.echo(marked(spoken(notice.text)))
    if made.receipt is not None:
        _say_receipt(made.receipt)
    for promise in made.promises:
        say(promise.said)
    if made.votes is not None:
        say(made.votes.said)
    say(Message("\nEverything that is in this ledger holds. What no ledger can show:"))
    _say_points(Message(limit) for limit in made.cannot_show)


def _say_steps(steps: Mapping[str, str]) -> None:
    for step, meaning in steps.items():
        say(Verbatim(f"✓ {step:<3} {spoken(Message(meaning))}"))


def _say_points(points: Iterable[Localizable]) -> None:
    for point in points:
        say(Verbatim(f"  · {spoken(point)}"))


def _say_poll(poll: PollReport) -> None:
    click.echo()
    say(Message("Poll {poll}, entry {entry}", poll=poll.id, entry=str(poll.entry)))
    click.echo(marked(spoken(poll.title)))
    say_standing(poll)
    if not poll.has_result:
        for number, question in enumerate(poll.questions, 1):
            answers = [f"   {place}. {spoken(one.text)}" for place, one in enumerate(question.answers, 1)]
            click.echo(marked("\n".join([f"{number}. {spoken(question.text)}", *answers])))
    say_result(poll)
    _say_points(poll.consequences)


def _say_receipt(found: ReceiptReport) -> None:
    click.echo()
    _say_steps({receipt_report.STEP: receipt_report.MEANING})
    say(Message("  Entry {entry}, in the ledger since {time}.", entry=str(found.entry), time=Moment(found.time)))
    if found.tracker:
        say(Message("  Tracker {tracker}", tracker=found.tracker))
    said = Message(receipt_report.SENTENCES[found.state], by=str(found.by))
    say(Verbatim(f"  {spoken(said)}"))


def show_archive(made: ArchiveReport, steps: Mapping[str, str], limits: Sequence[str]) -> None:
    """An archive that holds, with what it cannot show."""
    _say_steps(steps)
    say(Message("\nArchive of the poll {uuid}:", uuid=made.uuid))
    click.echo(marked(made.name))
    for name, fingerprint in (
        (Message("election"), made.election_fingerprint),
        (Message("trustees"), made.trustees_fingerprint),
        (Message("credentials"), made.credentials_fingerprint),
    ):
        say(Message("  fingerprint of the {document}: {fingerprint}", document=name, fingerprint=fingerprint))
    say(
        Message(
            "  {ballots}, {counted} of them counted, weight {weight}; {credentials}; trustees: {trustees}, {shares} decrypted",
            ballots=ballots(made.ballots), counted=made.counted, weight=made.total_weight,
            credentials=Plural("{count} credential", "{count} credentials", made.credentials), trustees=made.trustees, shares=made.shares,
        )
    )  # fmt: skip
    whole = max(1, made.total_weight)
    for number, question in enumerate(made.questions, 1):
        table = answer_bars(question.answers, rows(question.answers, whole), whole, language())
        put(Padding(Group(asked(number, question.text, language()), table), (1, 0, 0, 2)))
    say(Message("\nEverything that is in this archive holds. What an archive alone cannot show:"))
    _say_points(Message(limit) for limit in limits)


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
        "questions": values(made.questions),
        "steps": steps,
        "cannot_show": limits,
    }


def show_refusal(error: DoesNotHold) -> None:
    """The step that does not hold: what was found, where, and what it means."""
    click.secho(wrapped(f"✗ {error.step}  {spoken(error.said)}", err=True), fg="red", bold=True, err=True)
    if meaning := MEANINGS.get(error.step):
        say(Message("  This step checks: {meaning}", meaning=Message(meaning)), err=True)
    say(Message("  Where: {place}", place=error.place), err=True)
    if spoken(error.advice):
        say(error.advice, err=True)
