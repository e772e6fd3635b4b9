"""What a verified ledger says, as plain values: for the command line, the page (:mod:`veche.audit.page.page`) and the JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from veche.audit.dangers import poll_dangers
from veche.audit.ledger import CANNOT_SHOW, STEPS, VerifiedLedger
from veche.audit.poll_report import PollReport, StatementReport, report_poll, statement
from veche.audit.poll_warnings import poll_warnings
from veche.audit.promise import PromiseReport
from veche.audit.receipt import ReceiptReport
from veche.audit.values import values
from veche.audit.votes import VotesReport
from veche.audit.witnesses import Witnesses
from veche.clock import ahead
from veche.errors import UserError
from veche.ledger.codec import decode
from veche.ledger.entries.restart import Restart
from veche.ledger.life import Phase
from veche.ledger.machine import RULES_VERSION
from veche.ledger.poll_state import PollState
from veche.ledger.signing import signatures
from veche.texts import Listed, Localizable, Message, Moment, Words

FORMAT = "veche-report-v1"


@dataclass(frozen=True)
class RestartReport:
    """The network of this ledger was restarted, by the entry with this number, in a block of this ``time``. ``by``: the institutions
    that signed it; ``validators``: those with which it went on."""

    entry: int
    time: int
    by: list[str]
    validators: list[str]

    @property
    def said(self) -> Localizable:
        """As a sentence."""
        return Message(
            "The network was restarted on {time} (entry {entry}), because a third of its validators or more were lost. It went on with "
            "{validators}; {by} signed that. A ledger that did not go on from the same entries would be another one: compare.",
            time=Moment(self.time),
            entry=str(self.entry),
            validators=Listed(tuple(self.validators)),
            by=Listed(tuple(self.by)),
        )


@dataclass(frozen=True)
class LedgerReport:
    """A ledger that holds, and what is in it. Hashes are lowercase hexadecimal, times seconds since 1970.

    ``time`` is that of the last block. ``test``: by what a test ledger divides all times, 0 in earnest.
    ``ahead``: by how many seconds the last block is ahead of the clock of whoever made the report. ``vkeys``: whose signatures the newest head needs (C2SP). ``steps``: what was checked, by its number in docs/protocol.md, section 6; ``witnesses`` who cosigned heads.
    """

    program: str
    rules: int
    ledger: str
    name: Words
    origin: str
    size: int
    root: str
    time: int
    vkeys: list[str]
    test: int
    polls: list[PollReport]
    notices: list[StatementReport]
    restarts: list[RestartReport]
    witnesses: Witnesses
    receipt: ReceiptReport | None = None
    promises: Sequence[PromiseReport] = ()
    votes: VotesReport | None = None
    ahead: int = 0
    steps: dict[str, str] = field(default_factory=lambda: dict(STEPS))
    cannot_show: Sequence[str] = CANNOT_SHOW
    format: str = FORMAT

    def values(self) -> dict[str, Any]:
        """Everything as dictionaries, lists, strings and numbers: what the JSON has."""
        found: dict[str, Any] = values(self)
        return {"format": self.format, **found}


def report_ledger(
    verified: VerifiedLedger,
    polls: Sequence[PollState] | None = None,
    receipt: ReceiptReport | None = None,
    now: int | None = None,
    promises: Sequence[PromiseReport] = (),
    votes: VotesReport | None = None,
) -> LedgerReport:
    """The report on a verified ledger, with these polls (all by default, in the order of the log).

    ``now``: the reader's time, in seconds since 1970, against which the ledger's is held.
    """
    charter = verified.state.charter
    found = verified.state.polls() if polls is None else polls
    return LedgerReport(
        program=f"veche {version('veche')}",
        rules=RULES_VERSION,
        ledger=verified.ledger.hex(),
        name=Words(*charter.name),
        origin=charter.origin,
        size=verified.head.size,
        root=verified.head.root.hex(),
        time=verified.time,
        vkeys=[str(key) for key in verified.state.succession.policy(verified.head.size).power],
        test=charter.test,
        polls=[report_with_warnings(verified, poll) for poll in found],
        notices=[statement(verified, number) for number in verified.state.statements()],
        restarts=[_restart(verified, number - 1) for number in verified.state.succession.restarts],
        witnesses=verified.witnesses,
        receipt=receipt,
        promises=promises,
        votes=votes,
        ahead=0 if now is None else ahead(verified.time, now),
    )


def _restart(verified: VerifiedLedger, number: int) -> RestartReport:
    item = decode(verified.entry(number))
    offices = verified.state.offices
    return RestartReport(
        number,
        verified.time_of(number),
        sorted({offices[key].institution for key, _ in signatures(item)}),
        [founder.row.institution for founder in Restart.parse(item[1]).founders],
    )


def report_with_warnings(verified: VerifiedLedger, poll: PollState, now: int | None = None) -> PollReport:
    """A poll with all that should be looked at: what is dangerous in it as it was published, then what came of it.

    ``now``: in seconds since 1970; the time of the ledger's last block unless another is given.
    """
    now = verified.time if now is None else now
    made, state = report_poll(verified, poll, now), verified.state
    dangers = [] if poll.phase in (Phase.CANCELLED, Phase.VOID) else poll_dangers(poll.definition, poll.id, state)
    return replace(made, warnings=[*dangers, *poll_warnings(made, state.charter, now)])


def find_poll(verified: VerifiedLedger, name: str) -> PollState:
    """The poll with this id (64 hexadecimal digits, or the first ones) or Belenios uuid. Raises UserError."""
    polls = verified.state.polls()
    wanted = name.strip().lower()
    found = [
        poll for poll in polls if poll.frozen.uuid == name.strip() or (wanted and poll.id.hex().startswith(wanted))
    ]
    if len(found) != 1:
        many = (
            Message("{count} polls have ids that begin with {name!r}.", count=len(found), name=name)
            if found
            else Message("There is no poll {name!r} in this ledger.", name=name)
        )
        raise UserError(
            many,
            Message("List the polls with: veche poll list --ledger LEDGER"),
        )
    return found[0]
