"""``veche due``: what is due in a ledger, of whom, and until when."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from veche.audit.due import Due, Duty
from veche.audit.due import due as what_is_due
from veche.audit.entry_words import short
from veche.audit.ledger import VerifiedLedger
from veche.audit.poll_warnings import ROLES
from veche.cli import options
from veche.cli.earnest import say_if_ahead
from veche.cli.language import Command
from veche.cli.options import ANY_PATH
from veche.cli.reading import verified_copies
from veche.clock import system
from veche.errors import UserError
from veche.terminal.say import say, spoken
from veche.texts import DATE, N_, Localizable, Message, Moment, Plural, Words

WHAT = {
    Duty.PERMIT_KEY: N_("publish permit keys"),
    Duty.CERTIFICATE: N_("first step of key generation: the certificate"),
    Duty.SHARES: N_("second step of key generation: the encrypted shares"),
    Duty.KEY: N_("last step of key generation: the key"),
    Duty.DECRYPTION: N_("decrypt the tally"),
    Duty.ISSUANCE: N_("account for the permits"),
    Duty.RESULT: N_("hand in the result"),
    Duty.ANSWER: N_("say what the city will do"),
    Duty.PROMISE: N_("do what was promised, and say so"),
    Duty.OBJECTION: N_("object to a change of the office, or let it happen"),
    Duty.COSIGNATURE: N_("cosign the newest head"),
    Duty.BLOCK: N_("run the engine: something follows by time alone, and no block has brought it"),
    Duty.CHALLENGE: N_("ask a registrar for one's own row"),
}
WIDE = 1000
"""Columns of a table that goes to no terminal: nothing in it is broken then."""


@click.command("due", cls=Command, short_help="What is due in a ledger, of whom, until when.")
@options.ledger
@click.option("--institution", metavar="NAME", help="Only what is due of this institution, as the charter spells it.")
@click.option("--key", type=ANY_PATH, metavar="FILE", help="Only what is due of the office with this key (a key file, or the folder of a "
              "trustee, registrar or witness).")  # fmt: skip
@options.json
def due(folder: Path, institution: str | None, key: Path | None, as_json: bool) -> None:
    """Show what is due in the ledger, of whom, and until when: what is late first, then by its deadline.

    The ledger is verified first. "veche trustee act", "veche registrar act" and "veche witness cosign" do what is due of them.

    \b
    Example:
      veche due
      veche due --institution "Post office"
      veche due --key registrar
    """
    verified = verified_copies([folder])
    now = system().time
    say_if_ahead(verified.time)
    found = what_is_due(verified, now)
    if institution is not None:
        if institution not in verified.state.institutions():
            raise UserError(
                Message("No institution in this ledger is called {institution!r}.", institution=institution),
                Message("See how they are spelled: veche ledger show"),
            )
        found = [one for one in found if one.of(institution)]
    if key is not None:
        public = options.load_key(key).public
        if public not in verified.state.offices:
            raise UserError(
                Message("The key {public}… was never that of an office in this ledger.", public=public.hex()[:16]),
                Message("See whose keys are: veche ledger show"),
            )
        office = verified.state.offices[public]
        if institution not in (None, office.institution):
            raise UserError(
                Message("The key is that of {institution} as {role}, not of {other}.", institution=office.institution, role=office.role,
                        other=institution or ""),
                Message("Give --institution or --key."),
            )  # fmt: skip
        found = [one for one in found if one.of_key(public, verified.state)]
    if as_json:
        options.emit([due_json(one, now) for one in found])
    elif found:
        Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(_table(verified, found, now))
    else:
        say(Message("Nothing is due."))


def due_json(one: Due, now: int) -> dict[str, object]:
    """One row for scripts. ``since``, ``until``: seconds since 1970; ``institution``, ``role``: null where anybody may."""
    return {
        "duty": str(one.duty),
        "institution": one.institution or None,
        "role": None if one.role is None else str(one.role),
        "about": one.about.hex() or None,
        "since": one.since,
        "until": one.until,
        "late": one.is_late(now),
        "possible": one.can_be_done(now),
    }


def _table(verified: VerifiedLedger, found: Sequence[Due], now: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in (Message("When"), Message("Who"), Message("What"), Message("About")):
        table.add_column(spoken(heading), overflow="fold")
    for one in found:
        late = one.is_late(now)
        cells = (when(one, now), who(one), Message(WHAT[one.duty]), _about(verified, one))
        table.add_row(
            *(Styled(spoken(cell), style="bold red" if late and not place else "") for place, cell in enumerate(cells))
        )
    return table


def when(one: Due, now: int) -> Localizable:
    """Until when something is to be done, and from when on, if that is still to come."""
    if one.until is not None and one.is_late(now):
        return Message("LATE since {time}", time=_at(one, one.until))
    if one.waits:
        since: Localizable = Message("as soon as witnesses have cosigned")
    elif now < one.since:
        since = Message("from {time}", time=Moment(one.since))
    elif one.until is not None:
        return Message("until {time}", time=_last(one, one.until))
    else:
        return Message("since {time}", time=Moment(one.since))
    return since if one.until is None else Message("{since}, until {time}", since=since, time=_last(one, one.until))


def _at(one: Due, time: int) -> Moment:
    """A promise names days, everything else moments."""
    return Moment(time, DATE) if one.duty is Duty.PROMISE else Moment(time)


def _last(one: Due, until: int) -> Moment:
    """A promise names the last day on which it can be kept, as an outcome does wherever it is shown."""
    return Moment(until - 1, DATE) if one.duty is Duty.PROMISE else Moment(until)


def who(one: Due) -> Localizable:
    """An institution in its role, or who may."""
    role = None if one.role is None else Message(ROLES[one.role])
    if one.duty is Duty.BLOCK:
        return Message("{institution} (operator)", institution=one.institution)
    if role is None:
        return Message("several institutions") if one.duty is Duty.OBJECTION else Message("anybody")
    if not one.institution:
        return Message("any {role}", role=role)
    return Message("{institution} ({role})", institution=one.institution, role=role)


def _about(verified: VerifiedLedger, one: Due) -> Localizable:
    state = verified.state
    if (poll := state.poll(one.about)) is not None:
        return Message("poll {id}, {title}", id=short(poll.id), title=Words(*poll.definition.title))
    if (committee := state.committee(one.about)) is not None:
        return Message("committee {id}, class {name}", id=short(committee.id), name=committee.poll_class.name)
    for change in state.office_changes.values():
        if change.id == one.about:
            return Message(
                "{action} {institution} as {role}: entry {entry}",
                action=change.action, institution=change.institution, role=change.role, entry=str(change.number),
            )  # fmt: skip
    return Plural("{count} entry", "{count} entries", verified.head.size)
