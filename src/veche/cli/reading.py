"""Reading a ledger for a command: its state, its entries, and what a person means by a name or the beginning of an id.

A ledger is verified from its bytes first, which takes as long as ``veche verify``. Only whoever runs a node, and asks it for what
decides nothing elsewhere, is answered from its database (:mod:`veche.ledger.reader`): in no command a key, a modulus or a result
that somebody relies on comes from there.
"""

import os
import time as clock_time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from veche.audit.ledger import Progress, Verification, VerifiedLedger, Wanted
from veche.audit.poll_report import PollReport
from veche.audit.report import report_with_warnings
from veche.audit.witnesses import Witnesses, read_witnesses
from veche.cli.earnest import say_if_ahead, say_if_test
from veche.cli.remote import FramedPath, look_again, say_unread, speaking_http
from veche.clock import system
from veche.errors import DoesNotHold, UserError
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.entries.office import Role
from veche.ledger.frame import FRAMED
from veche.ledger.heads import check_fresh
from veche.ledger.institutions import OfficeKey
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.reader import NotOwn, Reader, read_own
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint
from veche.log.log import Log
from veche.log.source import Export, Source, open_source
from veche.terminal.say import say
from veche.texts import Message, Moment, Plural, Said

UNWITNESSED = Message(
    "Too few witnesses have cosigned a ledger with this ballot yet. Look again in a few minutes; if it stays so, show the receipt to "
    "the observers."
)
"""What a voter is told as long as a ballot is only in the operator's copy."""
SHORTEST = 4
"""The fewest digits by which an id may be abbreviated."""


class Reading(Reader):
    """A ledger, and what is in it by the names that people use. ``verified``: what it follows from, None if a database answers."""

    verified: VerifiedLedger | None = None

    def poll(self, name: str) -> PollState:
        """The poll whose id begins with ``name``. Raises UserError if there is none, or more than one."""
        polls = {found.id.hex(): found for found in self.state.polls()}
        return polls[
            _choose(name, list(polls), Message("The ledger has no poll {name!r}.", name=name), "veche poll list")
        ]

    def report(self, poll: PollState, now: int) -> PollReport:
        """All that the ledger says of a poll, with what should be looked at, as of ``now``: for a reading that is verified."""
        assert self.verified is not None, "the caller has asked for a verified ledger"
        return report_with_warnings(self.verified, poll, now)

    def check_fresh(self) -> None:
        """Raise UserError if this is a network's, and its head too old for anything to be done under it."""
        check_fresh(self.head, self.succession.policy(self.size), system().time)

    @cached_property
    def witnesses(self) -> Witnesses:
        """Who cosigned heads of this ledger. Raises DoesNotHold (L9)."""
        return read_witnesses(self.log, self.state)

    def waits_for_witnesses(self, poll: PollState, number: int) -> bool:
        """Whether the poll's class wants witnesses to vouch for its ballots, and too few do for the entry with this number yet."""
        return poll.poll_class.witnessed and not self.witnesses.vouch(number + 1)

    def committee(self, name: str) -> CommitteeState:
        """The committee whose id begins with ``name``. Raises UserError if there is none, or more than one."""
        committees = {found.id.hex(): found for found in self.state.committees()}
        missing = Message("The ledger has no committee {name!r}.", name=name)
        return committees[_choose(name, list(committees), missing, "veche committee list")]

    def holder(self, key: bytes) -> OfficeKey:
        """The office that this key holds, whose holder is told if somebody is about to change it. Raises UserError if it holds none."""
        office = self.state.offices.get(key)
        if office is None or not office.active:
            said = Message("The key {key}… is not the key of an office in this ledger.", key=key.hex()[:16])
            if office is not None:
                said = Message(
                    "The key {key}… is not the key of an office in this ledger: it was that of {institution} as {role}.",
                    key=key.hex()[:16], institution=office.institution, role=office.role,
                )  # fmt: skip
            raise UserError(said, Message("See whose keys are: veche ledger show"))
        tell_of_change(self.state, key)
        return office

    def no_registrar(self, key: bytes) -> UserError:
        """What is said of a key with which nobody is a registrar of the poll in question. Raises UserError if it holds no office."""
        office = self.holder(key)
        return UserError(
            Message(
                "The key of {institution} as {role} is not that of a registrar of this poll.",
                institution=office.institution,
                role=office.role,
            ),
            Message("A poll keeps the keys that the registrars of its class held when it was announced."),
        )

    def office(self, key: bytes, role: Role) -> str:
        """The institution that holds this key in this role. Raises UserError, also if it is suspended."""
        office = self.holder(key)
        if office.role != role:
            raise UserError(
                Message(
                    "This is the key of {institution} as {role}; the key of another office is wanted here: {wanted}.",
                    institution=office.institution,
                    role=office.role,
                    wanted=role,
                )
            )
        if office.is_suspended(self.time):
            raise UserError(
                Message(
                    "The key of {institution} as {role} is suspended until {time}.",
                    institution=office.institution,
                    role=role,
                    time=Moment(office.suspended),
                ),
                Message("Until then it signs notices, accounts, shares and objections only."),
            )
        return office.institution


@contextmanager
def read_ledger(path: Path, verified: bool = True, skim: bool = False) -> Iterator[Reading]:
    """Open a ledger's folder or an export of it, and check every byte.

    ``skim``: for who only reads. Of a copy that is not complete yet all but the ballots may be there, and is enough.

    Not ``verified``: for the commands of whoever runs a node here, whose database may answer, if this user wrote it and it is that of
    the published head. Anything else is verified all the same.

    Raises UserError if there is no ledger, DoesNotHold if it is not what it claims to be.
    """
    if isinstance(path, FramedPath):
        say_if_test(path.found.state.charter)
        say_if_ahead(path.found.time)
        yield _reading(path.found)
        return
    if not path.exists():
        raise UserError(
            Message("There is no ledger at {path}.", path=path),
            Message("Name its folder with --ledger, or set VECHE_LEDGER."),
        )
    if path.is_dir() and not os.path.lexists(path / "checkpoint"):
        if not skim and (path / FRAMED).is_dir():
            raise UserError(
                Message("The ballots of this ledger are not in {path} yet, and this takes them.", path=path),
                Message("Wait until veche node join has fetched them."),
            )
        if (path / FRAMED).is_dir():
            with speaking_http():
                from veche.node.framing import kept_frame
            kept = kept_frame(path)
            if kept is not None:
                say_if_test(kept.state.charter)
                say_unread(str(path))
                yield _reading(kept)
                return
        if not os.path.lexists(path / "checkpoint"):  # else the ballots have come meanwhile
            raise UserError(
                Message("There is no ledger in {path}.", path=path),
                Message("Name its folder with --ledger, or set VECHE_LEDGER."),
            )
    if not verified:
        with suppress(NotOwn), read_own(path) as own:
            say_if_test(own.charter)
            say_if_ahead(own.time)
            yield Reading(own.source, own.head, own.state)
            return
    yield _reading(verified_ledger(open_source(path)))


def _reading(found: VerifiedLedger) -> Reading:
    made = Reading(found.source, found.signed, found.state)
    made.verified = found
    return made


def verified_ledger(
    source: Source,
    progress: Progress | None = None,
    wanted: Wanted = lambda ledger, charter: None,
    before: Verification | None = None,
) -> VerifiedLedger:
    """As :func:`veche.audit.ledger.verify_ledger`, for a command. ``before``: of this copy, to go on from."""
    found = (before or Verification()).look(source, progress, wanted)
    say_if_test(found.state.charter)
    say_if_ahead(found.time)
    return found


def verified_copies(paths: Sequence[Path], before: dict[Path, Verification] | None = None) -> VerifiedLedger:
    """The longest of several copies of one ledger, from different places, verified; the heads of the others are those of its beginning.
    ``before``: what is kept from look to look, so that the next one goes on from there.

    Raises DoesNotHold (``consistency``) for two ledgers that contradict each other, and as :func:`verify_ledger`.
    """
    sources = [open_source(path) for path in paths]
    heads = [source.checkpoint() for source in sources]
    longest = max(range(len(paths)), key=lambda number: heads[number].checkpoint.size)
    kept = Verification() if before is None else before.setdefault(paths[longest], Verification())
    found = verified_ledger(sources[longest], before=kept)
    for path, source, signed in zip(paths, sources, heads, strict=True):
        signed.verify(found.state.succession.policy(signed.checkpoint.size))
        goes_on(found.log, signed.checkpoint, str(path))
        if source is not sources[longest] and isinstance(source, Export):
            source.close()
    return found


def goes_on(log: Log, head: Checkpoint, where: Said) -> None:
    """Raise DoesNotHold unless a ledger begins with the entries of this head, which its key signed; UserError if it has fewer."""
    if head.size > log.size:
        raise UserError(
            Message(
                "This copy of the ledger has {size} entries, fewer than the checkpoint's {more}.",
                size=log.size,
                more=head.size,
            ),
            Message("Compare with a newer copy. If there is none, the ledger was cut: raise the alarm."),
        )
    if log.root(head.size) != head.root:
        raise DoesNotHold(
            "consistency",
            where,
            Message(
                "The ledger was rewritten: its first {size} entries are not those of the checkpoint that its key signed.",
                size=head.size,
            ),
            Message("Keep both as evidence, and raise the alarm."),
        )


def published_charter(source: Source) -> Charter:
    """The charter of a ledger of which nothing else is read, nor verified. Raises Refused if it begins with none."""
    charter = read_charter(Log(source, source.checkpoint().checkpoint).entry(0))
    say_if_test(charter)
    return charter


def tell_of_change(state: State, key: bytes) -> None:
    """Say on the standard error if a change waits for the office that this key holds: only who knows of it can object."""
    office = state.offices.get(key)
    change = state.office_changes.get(office.seat) if office is not None and office.active else None
    if change is not None:
        seat = f'--institution "{change.institution}" --role {change.role}'
        say(
            Message(
                "Look at this: others want to {action} the key of {institution} as {role}. It takes effect {due}, unless you "
                "object:\n  veche office object {seat} --key FILE -o object.entry",
                action=change.action,
                institution=change.institution,
                role=change.role,
                due=Moment(change.due),
                seat=seat,
            ),
            err=True,
        )


def wait_until_published(path: Path, number: int, timeout: float = 10.0) -> None:
    """Wait until the published checkpoint covers this entry: a moment after the ledger has accepted it."""
    end = clock_time.monotonic() + timeout
    while clock_time.monotonic() < end:
        look_again(path, patient=True)
        if open_source(path).checkpoint().checkpoint.size > number:
            return
        clock_time.sleep(0.02)
    raise UserError(
        Message("Entry {number} is in the ledger, but not published yet.", number=str(number)),
        Message("Ask for its receipt a little later."),
    )


def _choose(name: str, ids: list[str], missing: Message, where: str) -> str:
    text = name.lower().removesuffix("…")
    matching = [known for known in ids if known.startswith(text)]
    if len(text) < SHORTEST and matching:
        raise UserError(
            Message("{name!r} is too short: give at least {shortest} digits of the id.", name=name, shortest=SHORTEST),
            Message("See which there are: {where}", where=where),
        )
    if not matching:
        raise UserError(
            missing,
            Message("See which there are: {where}", where=where),
        )
    if len(matching) > 1:
        raise UserError(
            Plural("{count} id begins with {name!r}.", "{count} ids begin with {name!r}.", len(matching), name=name),
            Message("Give more of the id."),
        )
    return matching[0]
