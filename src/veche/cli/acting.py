"""How an office acts: verify the ledger, do what is due, and stay if it was asked to.

A trustee and a registrar differ in what they make of a verified ledger (a :class:`Round`); when they look again, how entries are handed
in or written to files, and what is said meanwhile is the same, and here.
"""

import time as clock_time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import click

from veche.audit.entry_words import short
from veche.audit.ledger import Verification, VerifiedLedger
from veche.cli import signing
from veche.cli.entry_file import SUFFIX, keep_entry
from veche.cli.options import ANY_PATH, Command
from veche.cli.reading import verified_copies, wait_until_published
from veche.cli.remote import look_again, outcomes
from veche.clock import system
from veche.engine.inbox import PAUSE, Unanswered
from veche.errors import Refused, UserError, VecheError
from veche.ledger.codec import decode
from veche.ledger.entries.decryption import Decryption
from veche.log.source import WITNESS, Export, open_source
from veche.log.tiles import CHECKPOINT
from veche.terminal.say import say
from veche.texts import Localizable, Message

SLOWEST = 2.0
"""Seconds between two looks at a ledger in which nothing has happened for long."""
SLOWEST_RETRY = 30.0
"""Seconds until what nobody took is handed in again, at most."""
REST = 4.0
"""For how many times as long as the last verification took there is no other, if nothing was done here."""


@dataclass(frozen=True)
class Awaited:
    """What may be due later, in words; ``since``: not before this time, in seconds since 1970, if that is known."""

    said: Localizable
    since: float = -inf


@dataclass
class Round:
    """What an office, ``who``, makes of a verified ledger: ``entries`` are due now, ``awaited`` may be due later, and ``next`` says when by the
    clock alone (seconds since 1970). ``troubles`` keep it from something that is due; the rest is done all the same."""

    who: str
    entries: list[bytes] = field(default_factory=list)
    awaited: list[Awaited] = field(default_factory=list)
    troubles: list[VecheError] = field(default_factory=list)
    next: float = inf


def waiting(command: Command) -> Command:
    """``--wait``, ``--timeout``, ``--output`` and ``--yes`` of a command that acts."""
    for option in (
        signing.yes,
        click.option("--output", "-o", type=ANY_PATH, metavar="FOLDER",
                     help="Write each entry to a file in this folder, and hand nothing in: for a machine that has only a copy of the ledger."),
        click.option("--timeout", type=click.FloatRange(0), default=0.0, metavar="SECONDS",
                     help="Wait so long at most for what is still to come, and end as soon as nothing is that can come in this time."),
        click.option("--wait", is_flag=True, help="Stay and do what becomes due, until Ctrl-C."),
    ):  # fmt: skip
        command = option(command)
    return command


def act(
    copies: Sequence[Path],
    look: Callable[[VerifiedLedger], Round],
    wait: bool = False,
    timeout: float = 0.0,
    output: Path | None = None,
    yes: bool = False,
) -> None:
    """Do what is due of an office, once or for as long as it is to wait. The first of ``copies`` is the ledger in which it is done.

    Entries are shown whole before they leave the office. On a terminal a person is asked, unless they said ``yes`` or it stays.

    What is refused, and is due all the same, is raised in the end (Refused), and so is the first trouble. While it waits these are said and
    the rest goes on, and so it does while nobody takes entries; what ``look`` raises ends it in any case.
    """
    if wait and timeout:
        raise UserError(Message("--wait has no end, and --timeout is one."), Message("Give one of the two."))
    try:
        _Office(copies, look, output, stays=wait, yes=yes).act(inf if wait else clock_time.monotonic() + timeout)
    except KeyboardInterrupt:
        if not wait:
            raise
        say(Message("Stopped."))


class _Office:
    """One run of :func:`act`."""

    def __init__(
        self,
        copies: Sequence[Path],
        look: Callable[[VerifiedLedger], Round],
        output: Path | None,
        stays: bool,
        yes: bool,
    ) -> None:
        self._copies, self._look, self._output, self._stays = copies, look, output, stays
        self._yes = yes or stays
        self._considered: set[bytes] = set()
        self._who = ""
        self._seen: list[bytes | None] = []
        self._verified: VerifiedLedger | None = None
        self._verifications: dict[Path, Verification] = {}
        self._rests_until = 0.0
        self._refused: dict[bytes, Refused] = {}
        self._written: set[bytes] = set()
        self._told: set[str] = set()
        self._retry = inf  # seconds until what nobody took is handed in again

    def act(self, end: float) -> None:
        """Until the monotonic time ``end``, or until nothing is awaited."""
        pause = PAUSE
        while True:
            verified = self._verify()
            found = self._found(verified)
            self._who = found.who
            found.troubles += [self._refused[entry] for entry in found.entries if entry in self._refused]
            entries = [entry for entry in found.entries if entry not in self._refused]
            self._consider(verified, entries)
            if self._do(entries):
                pause, self._rests_until = PAUSE, 0.0
                continue
            self._tell(found, verified.head.size)
            left = end - clock_time.monotonic()
            if not self._stays and (left <= 0 or not _can_come(found, left)):
                break
            pause = self._sleep(pause, min(end, _monotonic(found.next), clock_time.monotonic() + self._retry))
        if not self._told and not found.troubles:
            say(Message("“{who}”: verified {size} entries; nothing is due.", who=self._who, size=verified.head.size))
        for trouble in found.troubles[1:]:
            say(Message("“{who}”: {trouble}", who=self._who, trouble=trouble.said), err=True)
        if found.troubles:
            raise found.troubles[0]

    def _found(self, verified: VerifiedLedger) -> Round:
        """What the office makes of it: nothing of a network's copy that is too old, which is a trouble."""
        try:
            verified.check_fresh(system().time)
        except UserError as error:
            return Round(self._who or str(self._copies[0]), troubles=[error])
        return self._look(verified)

    def _verify(self) -> VerifiedLedger:
        """The ledger, verified on from the last look, if it or what witnesses cosigned has changed."""
        shown = self._shown()  # first: what comes meanwhile is not missed
        if self._verified is None or (shown != self._seen and clock_time.monotonic() >= self._rests_until):
            began = clock_time.monotonic()
            before, self._verified = self._verified, verified_copies(self._copies, self._verifications)
            self._seen = shown
            self._rests_until = clock_time.monotonic() + REST * (clock_time.monotonic() - began)
            if before is not None and isinstance(before.source, Export):
                before.source.close()
        return self._verified

    def _shown(self) -> list[bytes | None]:
        """What all copies show: whatever it is, more of it may make something due."""
        return [one for path in self._copies for one in _shown(path)]

    def _consider(self, verified: VerifiedLedger, entries: Sequence[bytes]) -> None:
        """Show what is about to leave the office, once. Raises UserError if a person who was asked does not want it to."""
        new = [entry for entry in entries if entry not in self._considered]
        for entry in new:
            signing.show_signed(entry, verified.state)
            self._considered.add(entry)
        if new:
            signing.agree_to_hand_in(self._yes)

    def _do(self, entries: Sequence[bytes]) -> bool:
        """Hand in, or write to files; whether the ledger has changed by it, or has to be looked at again."""
        if self._output is not None:
            self._write([entry for entry in entries if entry not in self._written])
            return False
        if not entries:
            return False
        try:
            answers = outcomes(self._copies[0], entries)
        except Unanswered as nobody:
            if not self._stays:
                raise
            self._once(Message("“{who}”: {why} It waits for the engine.", who=self._who, why=nobody.said))
            self._retry = 1.0 if self._retry == inf else min(SLOWEST_RETRY, 2 * self._retry)
            return False
        self._retry = inf
        for entry, answer in zip(entries, answers, strict=True):
            if isinstance(
                answer, Refused
            ):  # if it is due when the ledger is looked at again, it was not because others were quicker
                self._refused[entry] = answer
                continue
            kind, body = decode(entry)[:2]
            self._once(
                Message(
                    "“{who}”: {kind} for {id} is entry {number}.",
                    who=self._who,
                    kind=kind,
                    id=short(body[0]),
                    number=str(answer),
                )
            )
            try:
                wait_until_published(self._copies[0], answer)
            except UserError:
                if not self._stays:
                    raise
        self._seen = []
        return True

    def _write(self, entries: Sequence[bytes]) -> None:
        assert self._output is not None, "the caller has looked"
        for entry in entries:
            path = self._output / file_name(entry)
            keep_entry(path, entry)
            self._written.add(entry)
            self._once(Message("Wrote {path}. Hand it in: veche ledger submit {path}", path=path))

    def _tell(self, found: Round, size: int) -> None:
        """Say what is awaited, and, of somebody who stays, what is in the way; each once."""
        for one in found.awaited:
            self._once(Message("“{who}”: {said}", who=self._who, said=one.said))
        if self._stays:
            for trouble in found.troubles:
                self._once(Message("“{who}”: {trouble}", who=self._who, trouble=trouble.said), err=True)
            if not self._told:
                self._once(
                    Message(
                        "“{who}”: verified {size} entries; nothing is due. It waits; Ctrl-C ends it.",
                        who=self._who,
                        size=size,
                    )
                )

    def _once(self, said: Localizable, err: bool = False) -> None:
        if str(said) not in self._told:
            self._told.add(str(said))
            say(said, err)

    def _sleep(self, pause: float, until: float) -> float:
        """Wait until the ledger shows something else, or until the monotonic time ``until``; how long to wait between two looks next."""
        while clock_time.monotonic() < until:
            clock_time.sleep(max(0.0, min(pause, until - clock_time.monotonic())))
            if self._shown() != self._seen:
                clock_time.sleep(max(0.0, min(self._rests_until, until) - clock_time.monotonic()))
                return PAUSE
            pause = min(SLOWEST, 1.5 * pause)
        return pause


def _can_come(found: Round, seconds: float) -> bool:
    """Whether something that is awaited can come within so many seconds, by this machine's clock."""
    return any(one.since <= system().time + seconds for one in found.awaited)


def _monotonic(moment: float) -> float:
    """The monotonic time of a moment by this machine's clock, which may be moved: so it is looked at anew within a minute."""
    return inf if moment == inf else clock_time.monotonic() + min(60.0, max(PAUSE, moment - system().time))


def file_name(entry: bytes) -> str:
    """What the file of an entry is called: its kind, and what it is about."""
    kind, body = decode(entry)[:2]
    part = f"-{Decryption.parse(body).part}" if kind == Decryption.kind else ""
    return f"{kind}-{short(body[0])}{part}{SUFFIX}"


def _shown(path: Path) -> list[bytes | None]:
    """A copy's head, and what witnesses cosigned."""
    look_again(path, patient=True)
    source = open_source(path)
    shown = [source.get(name) for name in (CHECKPOINT, *source.names(WITNESS))]
    if isinstance(source, Export):
        source.close()
    return shown
