"""A node's own ledger as the explorer's pages show it: under the published head, with what the index finds in it."""

from functools import cached_property
from typing import Any, NamedTuple

from veche.audit.entry_whole import KINDS, Whole
from veche.audit.entry_words import describe, tracker
from veche.audit.framed import Framed
from veche.audit.poll_report import StatementReport, statement
from veche.audit.poll_view import PollView, stage_of, view_poll
from veche.audit.receipt import SENTENCES, report_entry
from veche.audit.witnesses import Witnesses, read_witnesses
from veche.errors import DoesNotHold, VecheError
from veche.ledger.codec import decode, digest
from veche.ledger.entries import (
    BlockEntry,
    CertificateStep,
    Complaint,
    KeyStep,
    OfficeChange,
    OfficeEffect,
    SharesStep,
    parse_item,
)
from veche.ledger.entries.ballot import BALLOT, is_ballot, read_ballot
from veche.ledger.entries.office import Role
from veche.ledger.heads import STALE, vouched
from veche.ledger.institutions import OfficeKey
from veche.ledger.life import Phase, Stage
from veche.ledger.poll_state import PollState
from veche.ledger.reader import Reader
from veche.ledger.signing import signatures
from veche.ledger.state import State
from veche.node.explorer.index import HASH, Block, Index
from veche.texts import N_, Localizable, Message, Verbatim, Words, duration
from veche.words import in_words, numbers_of

LISTED = 25
"""Polls, or blocks, on a page of them."""
IN_BLOCK = 200
"""Entries of a block on a page."""
STATEMENTS = 50
"""The newest statements about a poll that are shown."""
RUNNING = (Stage.OPEN, Stage.ANNOUNCED, Stage.CLOSED, Stage.COUNTING, Stage.UNOPENED)
"""Stages of polls that are not over."""
OF_NOW = {kind.kind for kind in (OfficeChange, OfficeEffect, CertificateStep, SharesStep, KeyStep, Complaint)}
"""Kinds of entries beside which it is said how things stand now: who holds the office, what key the committee has."""
_ROLES = tuple(Role)
_COUNTS = N_("This ballot is the last of its voter. It counts, unless its voter votes again.")
_REPLACED = N_("Its voter voted again later. The later ballot counts, not this one.")
_COUNTED = N_("This ballot was counted.")
_NEVER = N_("No ballot of its poll is ever opened.")


class Line(NamedTuple):
    """An entry in a list: its number, what kind it is, and what it says."""

    number: int
    kind: Localizable
    says: Localizable


class ShortPoll(NamedTuple):
    """A poll in a list."""

    number: int
    title: Words
    stage: Stage
    view: PollView


class BallotFacts(NamedTuple):
    """What everybody sees of a ballot. ``state``: what became of it, in a sentence; ``later``: the number of the one that replaced it."""

    state: Localizable
    later: int | None
    poll: ShortPoll
    group: Words
    turn: int
    code: bytes
    tracker: str
    registrars: list[str]


class EntryPage(NamedTuple):
    """An entry as its page shows it. ``whole``: all that it says, line by line; ``lasts``: whether nothing of all this will ever change."""

    number: int
    kind: Localizable
    says: Localizable
    hash: bytes
    data: bytes
    block: Block | None
    whole: list[Localizable]
    ballot: BallotFacts | None
    poll: ShortPoll | None
    lasts: bool


class CodeRow(NamedTuple):
    """A ballot in a list of codes. ``title``: of its poll; ``code``: the first bytes of it; ``check``: the number of its ninth word."""

    number: int
    title: Words
    code: bytes
    check: int
    state: Localizable

    def words(self, language: str) -> str:
        return in_words(self.code, language)


class Seat(NamedTuple):
    """A key that holds or held an office. ``entry``: by which the seat was filled, if not by the charter."""

    key: bytes
    office: OfficeKey
    suspended: bool
    url: str

    @property
    def entry(self) -> int:
        return self.office.origin


class View:
    """What one look at the ledger shows. ``now``: seconds since 1970. A :class:`~veche.audit.known.Known` ledger."""

    def __init__(self, reader: Reader, index: Index, now: int) -> None:
        self._reader, self.index, self.now = reader, index, now
        self.head, self.size, self.charter = reader.head, reader.size, reader.charter
        self.name = Words(*self.charter.name)
        self._polls: dict[int, ShortPoll] = {}

    @property
    def state(self) -> State:
        return self._reader.state

    @cached_property
    def witnesses(self) -> Witnesses:
        return read_witnesses(self._reader.log, self.state)

    def entry(self, number: int) -> bytes:
        return self._reader.log.entry(number)

    def time_of(self, number: int) -> int:
        """The time of the block in which an entry stands; that of the newest one, where the index has not come so far."""
        block = self.index.block_of(number)
        return self._reader.time if block is None else block.time

    @property
    def ledger(self) -> bytes:
        return self._reader.id

    @property
    def indexed(self) -> bool:
        """Whether the index has all that is published."""
        return self.index.size >= self.size

    @property
    def signed(self) -> int:
        """When over two thirds of a network's validators last vouched for the head; 0 where one institution keeps the ledger."""
        return vouched(self.head, self.state.succession.policy(self.size))

    @property
    def old(self) -> Localizable | None:
        """How old the newest head is, if that is more than it should be: then heads become final no more, or do not come here."""
        seconds = max(0, self.now - self.signed) if self.signed else 0
        return duration(seconds // 60 * 60) if seconds > STALE else None

    @property
    def operators(self) -> list[str]:
        return sorted(self.state.operators())

    def receipt(self, number: int) -> bytes | None:
        """The receipt of the entry with this number; None if there is no such entry."""
        return self._reader.receipt(number).to_bytes() if number < self.size else None

    # Blocks

    def newest(self, count: int) -> list[Block]:
        return self.index.blocks(1 << 62, count)

    def lines(self, block: Block, first: int) -> list[Line]:
        """The entries of a block from its ``first``-th on, as many as a page has."""
        start = block.number + first
        end = min(block.number + block.entries, start + IN_BLOCK)
        return [self._line(number, data) for number, data in enumerate(self._reader.log.entries(start, end), start)]

    def lines_at(self, number: int) -> list[Line]:
        """The entry with this number, as a list has it."""
        return [self._line(number, self.entry(number))]

    def _line(self, number: int, data: bytes) -> Line:
        item = decode(data)
        return Line(number, kind_of(item), self._says(item))

    def _says(self, item: list[Any]) -> Localizable:
        if item[0] == BALLOT:
            return self._titled(item[1])
        return describe(item, self.state)

    def _titled(self, poll_id: bytes) -> Localizable:
        poll = self.state.poll(poll_id)
        return (
            Message("in a poll that is not here")
            if poll is None
            else Message("“{title}”", title=Words(*poll.definition.title))
        )

    # Entries

    def entry_page(self, number: int) -> EntryPage | None:
        """The entry with this number; None if there is none."""
        if number >= self.size:
            return None
        data = self.entry(number)
        item, whole = decode(data), Whole(self.state)
        if is_ballot(data):
            says, said = [*whole.ballot(item)], self._ballot(number, data)
        else:
            says, said = [*whole.lines(parse_item(item))], None
            if len(item) == 3:
                says += whole.signers([key for key, _ in signatures(item)])
        about = said.poll if said is not None else self._about(number, item)
        block = self.index.block_of(number)
        lasts = said is None and block is not None and item[0] not in OF_NOW
        return EntryPage(number, kind_of(item), self._says(item), digest(data), data, block, says, said, about, lasts)

    def _about(self, number: int, item: list[Any]) -> ShortPoll | None:
        """The poll that an entry is, or is about."""
        found = self.state.poll_at(number)
        if found is None and item[0] != BlockEntry.kind:
            poll_id = getattr(parse_item(item), "poll", None)
            found = self.state.poll(poll_id) if isinstance(poll_id, bytes) else None
        return None if found is None else self.short(found)

    def _ballot(self, number: int, data: bytes) -> BallotFacts:
        cast = read_ballot(data)
        poll = self.state.poll(cast.poll)
        assert poll is not None, "a ballot that was admitted has a poll"
        report = report_entry(self, number, data)
        (code,) = poll.frozen.kernel.codes([cast.ballot])
        seats = poll.poll_class.registrars
        return BallotFacts(
            Message(SENTENCES[report.state], by=str(report.by))
            if report.by is not None
            else Message(SENTENCES[report.state]),
            report.by,
            self.short(poll),
            Words(*poll.definition.groups[cast.group].name),
            cast.turn,
            code,
            tracker(poll.frozen.kernel.load(cast.ballot).tracker),
            [seats[registrar].institution for registrar, _, _ in decode(data)[4]],
        )

    # Polls

    def short(self, poll: PollState) -> ShortPoll:
        """A poll as lists have it."""
        found = self._polls.get(poll.number)
        if found is None:
            view = view_poll(self.state, poll, self.now)
            found = ShortPoll(poll.number, view.title, stage_of(poll, self.now), view)
            self._polls[poll.number] = found
        return found

    def poll(self, number: int) -> PollState | None:
        """The poll that the entry with this number is, if it is published."""
        return self.state.poll_at(number) if number < self.size else None

    def polls(self, stages: tuple[Stage, ...] | None, first: int, count: int) -> tuple[list[ShortPoll], int]:
        """So many polls in these stages (in any, if none are named) from the ``first`` on, the newest first; and how many there are."""
        ids = [
            poll_id
            for poll_id, stage in reversed(self.state.stages(self.now).items())
            if stages is None or stage in stages
        ]
        found = [self.state.poll(poll_id) for poll_id in ids[first : first + count]]
        return [self.short(poll) for poll in found if poll is not None and poll.number < self.size], len(ids)

    def statements(self, poll: PollState) -> list[StatementReport]:
        """What offices said about a poll, the newest so many."""
        numbers = [number for number in self.state.statements(poll.id) if number < self.size]
        return [statement(self, number) for number in numbers[-STATEMENTS:]]

    # Ballots by their codes

    def codes(self, bits: int, place: int) -> list[CodeRow]:
        """The ballots whose codes begin with these bits."""
        found = [one for one in self.index.coded(bits, place) if one.number < self.size]
        polls = self.state.titles({one.poll for one in found})
        return [
            CodeRow(number, Words(*title), code, numbers_of(code)[-1], _became(phase, later))
            for number, poll, code, later in found
            for title, phase in [polls[poll]]
        ]

    # Who keeps it

    def seats(self) -> list[Seat]:
        """Every key that is or was an office's: those in force first, by role and institution."""
        urls = {row.institution: row.url for row in self.state.validator_rows()}
        found = [
            Seat(
                key,
                office,
                office.is_suspended(self._reader.time),
                urls.get(office.institution, "") if office.votes else "",
            )
            for key, office in self.state.offices.items()
        ]
        return sorted(
            found,
            key=lambda seat: (
                not seat.office.active,
                _ROLES.index(seat.office.role),
                seat.office.institution,
            ),
        )

    # Search

    def find(self, beginning: str) -> list[Line]:
        """Entries, ballots left out, whose hash begins with these hexadecimal digits."""
        numbers = self.index.by_hash(bytes.fromhex(beginning[: len(beginning) // 2 * 2])[:HASH])
        found = [(number, self.entry(number)) for number in numbers if number < self.size]
        return [self._line(number, data) for number, data in found if digest(data).hex().startswith(beginning)]


class Coming(VecheError):
    """What is asked for takes the ballots, which are on their way to this node."""

    def __init__(self) -> None:
        super().__init__(
            Message("The ballots are still on their way to this node, and this takes them."),
            Message("Polls and offices are here already. Come again later, or look at another node."),
        )


class FramedView(View):
    """The same of a ledger whose ballots are not here yet: polls, offices, and every entry but ballots. Raises Coming for what takes them."""

    def __init__(self, found: Framed, index: Index, now: int) -> None:
        """``index``: an empty one."""
        super().__init__(Reader(found.source, found.signed, found.state), index, now)
        self._found = found

    @cached_property
    def witnesses(self) -> Witnesses:
        return self._found.witnesses

    @property
    def ledger(self) -> bytes:
        return self._found.ledger

    def entry(self, number: int) -> bytes:
        try:
            data = self._found.entry(number)
        except DoesNotHold:  # its tile is not here
            raise Coming from None
        if is_ballot(data):  # what became of it, other ballots say
            raise Coming
        return data

    def time_of(self, number: int) -> int:
        return self._found.time_of(number)

    def receipt(self, number: int) -> bytes | None:
        raise Coming

    def codes(self, bits: int, place: int) -> list[CodeRow]:
        raise Coming


def kind_of(item: list[Any]) -> Localizable:
    """What kind of entry it is, in words."""
    if item[0] == BALLOT:
        return Message("A sealed ballot")
    return Message(KINDS[item[0]]) if item[0] in KINDS else Verbatim(str(item[0]))


def _became(phase: Phase, later: int | None) -> Localizable:
    """What became of a ballot, where it is one of many."""
    if later is not None:
        return Message(_REPLACED)
    match phase:
        case Phase.ANNOUNCED:
            return Message(_COUNTS)
        case Phase.COUNTING | Phase.DECIDED:
            return Message(_COUNTED)
    return Message(_NEVER)
