"""What holds in a poll and should be looked at all the same: what is missing, late or odd.

Nothing here is a proof of anything: a warning says where an auditor should ask. ``now`` is always the time of the ledger's
last block, so that two auditors of one ledger read the same warnings.
"""

from collections.abc import Iterator

from veche.audit.poll_report import DAY, PollReport, promised_until
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.office import Role
from veche.texts import DATE, N_, Localizable, Message, Moment, Plural, duration

ANSWER = 14 * DAY
"""Within this time after closing the city says what it will do, on a test ledger within a part of it."""
ROLES = {
    Role.ORGANISER: N_("organiser"),
    Role.REGISTRAR: N_("registrar"),
    Role.TRUSTEE: N_("trustee"),
    Role.VALIDATOR: N_("validator"),
    Role.OBSERVER: N_("observer"),
}
COUNT = 7 * DAY
"""Trustees who take longer than this are late, on a test ledger than a part of it."""


def poll_warnings(poll: PollReport, charter: Charter, now: int) -> list[Localizable]:
    """The warnings of one poll, as of the time ``now`` (seconds since 1970)."""
    count, answer = charter.lasting(COUNT), charter.lasting(ANSWER)
    return [
        *_filled(poll),
        *_keys(poll, now),
        *_issuance(poll),
        *_rolls(poll),
        *_closing(poll),
        *_count(poll, count, now),
        *_answer(poll, answer, now),
    ]


def _filled(poll: PollReport) -> Iterator[Message]:
    """k institutions can fill a seat whose holder does not object within two weeks. Those who were replaced may know nothing of it."""
    for seat in poll.filled:
        yield Message(
            "{institution} ({role}) was given its key without the holder of the office, by other institutions: entry {entry}, "
            "{time}. Ask there whose key it is.",
            institution=seat.institution, role=Message(ROLES[seat.role]), entry=seat.entry, time=Moment(seat.time),
        )  # fmt: skip


def _keys(poll: PollReport, now: int) -> Iterator[Message]:
    """From the opening on it is settled which registrars count."""
    if now < poll.opens or poll.status == "cancelled":
        return
    for name in poll.missing:
        yield Message(
            "{registrar} published no permit keys before the poll opened: nobody could ask it for a permit.",
            registrar=name,
        )


def _issuance(poll: PollReport) -> Iterator[Message]:
    """After closing every registrar accounts for its permits; until then counted <= issued <= roll is not known."""
    if poll.closed is None:
        return
    silent = {account.registrar: None for group in poll.groups for account in group.accounts if account.issued is None}
    for name in silent:
        yield Message(
            "{registrar} has not said how many permits it issued: nobody can compare them with the ballots and the roll yet.",
            registrar=name,
        )


def _rolls(poll: PollReport) -> Iterator[Message]:
    for group in poll.groups:
        if len({account.people for account in group.accounts}) > 1:
            numbers = "; ".join(f"{account.registrar}: {account.people}" for account in group.accounts)
            yield Message(
                "The registrars have rolls of different lengths for “{group}” ({numbers}).",
                group=group.name,
                numbers=numbers,
            )
        for account in group.accounts:
            if not account.counts:
                yield Message(
                    "The roll of {registrar} for “{group}” has less than half the people of the others': its permits are not "
                    "taken there.",
                    registrar=account.registrar,
                    group=group.name,
                )


def _closing(poll: PollReport) -> Iterator[Message]:
    if poll.closing != poll.closes:
        yield Plural(
            "The ledger halted, so the poll closed {count} minute later than published.",
            "The ledger halted, so the poll closed {count} minutes later than published.",
            (poll.closing - poll.closes) // 60,
        )


def _count(poll: PollReport, allowed: int, now: int) -> Iterator[Message]:
    if poll.result_missing:
        yield Message("Enough trustees have decrypted it, and nobody has handed in the result yet: veche poll result.")
    elif poll.status == "counting" and poll.closed is not None and now > poll.closed + allowed:
        yield Message(
            "The count is late: the poll closed over {allowed} ago, and {done} of the {threshold} trustees that are needed "
            "have added their share.",
            allowed=duration(allowed),
            done=sum(trustee.shared for trustee in poll.trustees),
            threshold=poll.threshold,
        )


def _answer(poll: PollReport, allowed: int, now: int) -> Iterator[Message]:
    said = [statement for statement in poll.statements if statement.kind == "outcome"]
    if poll.closed is not None and poll.status != "cancelled" and not said and now > poll.closed + allowed:
        yield Message(
            "The city's answer is late: the poll closed over {allowed} ago, and nobody has said what will be done.",
            allowed=duration(allowed),
        )
    last = said[-1] if said else None
    if last is not None and last.status == "will" and now >= (promised_until(last.due) or now + 1):
        yield Message("What the city promised is late: it was to be done by {day}.", day=Moment(last.due, DATE))
