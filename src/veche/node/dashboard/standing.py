"""How a node stands, judged from facts: right, busy or in alarm, and the sentences that say so. The terminal and the page both say these.

Filled red is for a proof that fails or signed heads that contradict each other, and for nothing else: a machine that slept, a full disk,
or nobody who answers is *busy*.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from veche.audit.poll_words import vouched, vouching
from veche.ledger.heads import STALE
from veche.log.evidence import FAILURE, FOLDER, FORK
from veche.node.dashboard.facts import Facts, Sight, Task, Work
from veche.texts import Localizable, Message, Moment, Number, Plural, duration

DAY, LONELY = 86_400, 120
"""Seconds: nodes that agreed within the first are said to have done so today; without any for the second, a node that runs is lonely."""
DISK_LOW = 1 << 30
"""Bytes: less room than that on the ledger's disk is said."""


class Mood(StrEnum):
    RIGHT = "right"
    BUSY = "busy"
    ALARM = "alarm"


@dataclass(frozen=True)
class Alarm:
    """What a person has to know of it: since when, and what to do; ``file``: the evidence, in the ledger's folder."""

    since: int
    todo: tuple[Localizable, ...]
    file: Path


@dataclass(frozen=True)
class Standing:
    """``says``: the one sentence; ``more``: further things that are not as they should be."""

    mood: Mood
    says: Localizable
    more: tuple[Localizable, ...] = ()
    alarm: Alarm | None = None


def judge(facts: Facts) -> Standing:
    """The mood that follows from these facts, and why."""
    reasons = tuple(_reasons(facts))
    also = tuple(_accused(facts))
    if facts.fork is not None and not facts.decided:
        says = Message(
            "Two different histories of this ledger are signed by those whose signatures count. Different people are shown different ledgers. Both heads are saved as evidence."
        )
        return Standing(Mood.ALARM, says, also, Alarm(facts.fork.since, _FORKED, Path(FOLDER) / FORK))
    if facts.broken is not None:
        says = Message(
            "Something that the ledger's keepers have signed does not hold: {why} This node goes no further and keeps the evidence.",
            why=facts.broken.said,
        )
        return Standing(Mood.ALARM, says, also, Alarm(facts.broken.since, _BROKEN, Path(FOLDER) / FAILURE))
    if reasons:
        return Standing(Mood.BUSY, reasons[0], reasons[1:])
    return Standing(Mood.RIGHT, Message("Everything this node has checked is right."))


_FORKED = (
    Message("Save the evidence, and show it to the institutions, to the press, to whoever runs another node."),
    Message("Ask people whom you trust which of the two heads they see. Do not vote through this node until that is settled."),
    Message("When people have decided, and this copy is the right one, start it with: veche node join --despite-fork. If it is the other one, begin anew in another folder."),
)  # fmt: skip
_BROKEN = (
    Message("Save the evidence, and show it to the institutions and to whoever runs another node."),
    Message("Begin anew in another folder, from another node: veche node join URL --ledger FOLDER. If the same does not hold there, it is not this machine's disk."),
)  # fmt: skip


def _reasons(facts: Facts) -> Iterator[Localizable]:
    """Everything for which a node is busy, the most important first."""
    if not facts.running:
        yield Message("The node does not run. This copy is as it was left, and nobody compares it.")
    elif facts.work is not None:
        yield _working(facts.work)
    elif not facts.follows:
        pass  # whoever makes blocks hears of others by other ways, and this knows nothing of them
    elif not facts.nodes:
        yield Message("No other node is known. Your copy is safe, but nobody confirms it.")
    elif facts.woke:
        yield Message("This machine was asleep. The node asks others now what has come since.")
    elif not facts.checked:
        yield Message("No other node has answered yet. Your copy is safe, but nobody has confirmed it.")
    elif facts.now - facts.checked > LONELY:
        yield Message(
            "No other node answers. Your copy is safe, but nobody has confirmed it since {time}.",
            time=Moment(facts.checked),
        )
    if facts.framed:
        yield Message(
            "All but the ballots is here and checked: polls can be read. Their ballots are not re-checked yet."
        )
    if facts.age is not None and facts.age > STALE:
        yield Message(
            "The newest head of the ledger is {time} old: what has come since is not known here.",
            time=about(facts.age),
        )
    if facts.free < DISK_LOW:
        yield Message("The disk is nearly full: {free} are free.", free=size_of(facts.free))
    if facts.unchecked and facts.work is None:
        yield Plural(
            "{count} entry has not been re-checked here.",
            "{count} entries have not been re-checked here.",
            count=facts.unchecked,
        )
    yield from _accused(facts)


def _accused(facts: Facts) -> Iterator[Localizable]:
    """What is wrong with others, and stops nothing here."""
    for one in facts.accused:
        yield Message(
            "{institution} has signed two histories of this ledger: {file}", institution=one.name, file=one.file
        )
    if facts.trouble is not None:
        yield Message("What a witness cosigned does not fit this ledger: {why}", why=facts.trouble)
    if facts.fork is not None and facts.decided:
        yield Message(
            "There are two histories of this ledger. This node was told that its copy is the right one, and leaves whoever shows the other."
        )


def _working(work: Work) -> Localizable:
    if work.task is Task.FRAMING:
        return Message(
            "Catching up: all but the ballots comes first, {percent}% of it is fetched.", percent=work.percent
        )
    if work.task is Task.FETCHING:
        return Message(
            "Catching up, {percent}% fetched. Until all is checked, this node vouches for nothing.",
            percent=work.percent,
        )
    return Message(
        "Catching up, {percent}% checked. Until all is, this node vouches only for what it has checked.",
        percent=work.percent,
    )


def agreement(facts: Facts) -> Localizable:
    """How many nodes told today that they agree, and what that is worth."""
    count = sum(facts.now - one.agreed < DAY for one in facts.nodes if one.agreed and one.sight is not Sight.DIFFERS)
    return Plural(
        "{count} node told this one today that it agrees; anyone can run many.",
        "{count} nodes told this one today that they agree; anyone can run many.",
        count=count,
    )


def last_check(facts: Facts) -> Localizable:
    """When this copy was last compared with somebody else's."""
    if not facts.checked:
        return Message("Not compared with another node yet")
    return Message("Last compared with another node {time} ago", time=about(max(0, facts.now - facts.checked)))


@dataclass(frozen=True)
class Row:
    """A label and what stands beside it; ``raw``: bytes for whoever wants them, folded."""

    label: Localizable
    says: Localizable
    raw: str = ""


def rows(facts: Facts) -> Iterator[Row]:
    """What is said of a node besides the sentence, but for its ledger's words."""
    if facts.size:
        yield Row(Message("Entries"), _entries(facts))
    if facts.follows:
        said = Message(
            "{agree} of {known} known agree, {differ} disagree",
            agree=facts.count(Sight.AGREES), known=len(facts.nodes), differ=facts.count(Sight.DIFFERS),
        )  # fmt: skip
        yield Row(Message("Other nodes"), said)
    yield Row(Message("Proofs left to re-check"), Number(facts.left))
    if facts.age is not None:
        yield Row(
            Message("Age of the newest head"),
            Message("over two thirds of the validators vouched for it {time} ago", time=about(facts.age)),
        )
    if facts.witnesses is not None:
        if facts.witnesses.quorum:
            yield Row(Message("Witnesses"), vouched(facts.witnesses))
        for said in vouching(facts.witnesses):
            yield Row(Message("Witnesses"), said)
    if facts.pruned:
        yield Row(Message("Entries not kept here"), Number(facts.pruned))
    if facts.missing:
        yield Row(Message("Attachments that entries name and that are not here"), Number(facts.missing))
    yield Row(
        Message("Disk"),
        Message("{used} used, {free} free", used=size_of(facts.used), free=size_of(facts.free)),
    )


def _entries(facts: Facts) -> Localizable:
    if facts.left:
        return Message("{size}, not all checked here", size=Number(facts.size))
    return Message("{size}, all checked here", size=Number(facts.size))


def about(seconds: int) -> Localizable:
    """A time that has passed, in its largest unit, rounded down: nobody needs its seconds after two minutes."""
    for unit in (86_400, 3600, 60):
        if seconds >= 2 * unit:
            return duration(seconds // unit * unit)
    return duration(seconds)


def size_of(count: int) -> Localizable:
    """Bytes, as people read them: in thousands of thousands."""
    for unit, name in ((10**9, Message("GB")), (10**6, Message("MB")), (10**3, Message("kB"))):
        if count >= unit:
            number = count / unit
            return Message("{number} {unit}", number=round(number) if number >= 10 else round(number, 1), unit=name)
    return Message("{number} {unit}", number=0, unit=Message("kB"))
