"""What a running ledger shows to the person who runs it."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text as Styled

from veche.audit.poll_words import stage_name
from veche.ledger.life import Stage
from veche.texts import Listed, Localizable, Message, Moment, Number, Plural

SHOWN = (Stage.OPEN, Stage.ANNOUNCED, Stage.UNOPENED, Stage.CLOSED, Stage.COUNTING)
"""The stages of polls that are named: those in which something is still to come."""


@dataclass(frozen=True)
class Running:
    """A ledger that runs, at one moment. Times are seconds since 1970; ``root`` is the Merkle root under ``size`` entries.

    ``handed_in``: entries that came in by the inbox since ``since``; ``waiting``: those that lie there now. ``polls``: how many are in
    each stage; ``committees``: how many keys are being made. ``witnesses``: how many vouch for the newest head, and of how many, if the
    charter asks for any. ``trouble``: what a person should look at.
    """

    origin: str
    since: int
    height: int
    time: int
    size: int
    root: bytes
    handed_in: int
    waiting: int
    polls: Mapping[Stage, int]
    committees: int
    witnesses: tuple[int, int] | None
    trouble: Localizable | None = None


def rows(seen: Running) -> list[tuple[Localizable, Localizable]]:
    """Labels and what stands beside them."""
    found: list[tuple[Localizable, Localizable]] = [
        (Message("Ledger"), Message("{origin}, runs since {time}", origin=seen.origin, time=Moment(seen.since))),
        (Message("Block"), Message("{height}, {time}", height=seen.height, time=Moment(seen.time))),
        (Message("Entries"), Message("{size}, root {root}…", size=Number(seen.size), root=seen.root.hex()[:16])),
        (
            Message("Inbox"),
            Message(
                "{handed_in} handed in since it runs, {waiting} waiting", handed_in=seen.handed_in, waiting=seen.waiting
            ),
        ),
        (Message("Polls"), _polls(seen)),
    ]
    if seen.committees:
        found.append((Message("Keys"), Plural("{count} is being made", "{count} are being made", seen.committees)))
    if seen.witnesses is not None:
        done, all_ = seen.witnesses
        found.append(
            (Message("Witnesses"), Message("{done} of {all} have cosigned the newest head", done=done, all=all_))
        )
    if seen.trouble is not None:
        found.append((Message("Look at this"), seen.trouble))
    return found


def table(seen: Running, language: str) -> Table:
    """The same for a terminal."""
    made = Table.grid(padding=(0, 2))
    for label, said in rows(seen):
        made.add_row(Styled(label.text(language), style="bold"), Styled(said.text(language)))
    return made


def _polls(seen: Running) -> Localizable:
    numbers = [(stage, seen.polls.get(stage, 0)) for stage in SHOWN]
    return Listed(tuple(Message("{stage}: {count}", stage=stage_name(stage), count=count) for stage, count in numbers))
