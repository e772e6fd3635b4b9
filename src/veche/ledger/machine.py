"""The deterministic state machine: which entries may be appended, and what follows from them. docs/protocol.md, sections 2 and 3.

It does no input or output besides its :class:`State`. A node drives it forward with new entries; a verifier drives it with
the entries of a log and compares. Both see in ``block.appended`` everything that the current block puts into the log.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from veche.errors import Refused, Unsupported
from veche.ledger import rules
from veche.ledger.block import UNREAD, Block
from veche.ledger.checks import Check, Checked, Verdict, Verdicts, check_ballot, identify_ballot
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries import kind_of
from veche.ledger.entries.ballot import BALLOT, is_ballot, read_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.charter import read_charter
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.entries.entry import ByOffice, Derived
from veche.ledger.entries.restart import Restart
from veche.ledger.entries.result import Result
from veche.ledger.entries.tally import Tally, TooFew
from veche.ledger.entries.validators import Validators
from veche.ledger.frame import Item, frame_leaf
from veche.ledger.institutions import OfficeKey
from veche.ledger.rules.ballot import admit_ballot, check_open, check_standing
from veche.ledger.rules.double_signing import note_double_signing
from veche.ledger.rules.due import check_previous, derive_due
from veche.ledger.rules.result import admit_result, check_awaited
from veche.ledger.rules.rule import Rule
from veche.ledger.rules.validators import derive_validators
from veche.ledger.shape import MAX_NUMBER
from veche.ledger.signed_entry import SignedEntry, SigningOffice
from veche.ledger.signing import Unread, check_signatures, signed_message
from veche.ledger.state import State
from veche.log.merkle import Frontier, leaf_hash
from veche.texts import Message

RULES_VERSION = 1
TALLIES: Mapping[str, type[Tally | TooFew]] = {Tally.kind: Tally, TooFew.kind: TooFew}


class Written(NamedTuple):
    """An entry of which it is known who wrote it: ``signers`` under this ``rule``; or, without a rule, anybody, for it is a result."""

    unread: Unread
    rule: Rule[Any] | None = None
    signers: tuple[SigningOffice, ...] = ()
    body_hash: bytes = b""


class Machine:
    """``ledger`` is the ledger's id; ``size``, ``height``, ``time`` are those of the log with the current (or last) block.

    ``read(number)`` gives an entry of a block before the current one.
    """

    def __init__(self, state: State, read: Callable[[int], bytes], root: Callable[[int], bytes] | None = None) -> None:
        """``root`` gives the root of the log by its size; without it it is computed from all entries, for the few who ask."""
        self.state = state
        self._read, self._root = read, root or self._root_of_entries
        self.load()

    def _root_of_entries(self, size: int) -> bytes:
        frontier = Frontier()
        for number in range(size):
            frontier.append(leaf_hash(self._read(number)))
        return frontier.root()

    def load(self) -> None:
        """Take size, height and time from the state: at the start, and after a rollback."""
        size, self.height, self.time = (self.state.get(name) for name in ("size", "height", "time"))
        founded = self.state.has_charter
        self.block = Block(self.height, self.time, self.time, size, self.state.charter.halt if founded else 0)
        self.ledger = digest(self.state.get_bytes("charter")) if founded else b""
        known = self.state.get_bytes("frame")
        self._frame = Frontier.from_bytes(known) if known else Frontier()

    @property
    def size(self) -> int:
        return self.block.size

    # Blocks

    def genesis(self, data: bytes) -> None:
        """Begin a ledger: the charter and block 0. Raises Refused."""
        if self.state.has_charter:
            raise Refused("charter", Message("This ledger has a charter already."))
        charter = read_charter(data)
        self.state.set_charter(data)
        votes = {validator.key: validator.votes for validator in charter.validators}
        for office in charter.offices:
            key = OfficeKey(office.institution, office.role, True, votes=votes.get(office.key, b""))
            self.state.set_office(office.key, key)
        self.height, self.time = 0, charter.time
        self.block = Block(0, charter.time, charter.time, 0, charter.halt)
        self.block.append(data)
        founding = Frontier()
        founding.append(frame_leaf(0, leaf_hash(data)))
        self.block.derive(BlockEntry(0, charter.time, charter.time, founding.size, founding.root()))
        self.ledger = digest(data)

    def begin(self, height: int, time: int, previous: int, told: Mapping[bytes, Derived] | None = None) -> None:
        """Begin a block: its entry, then everything that falls due by its time. ``told``: see :class:`Block`. Raises Refused, Unsupported."""
        if not self.height < height <= MAX_NUMBER or not self.time <= previous <= time <= MAX_NUMBER:
            raise Refused(
                "block",
                Message(
                    "Block {height} at {time} after {previous} does not follow block {height2} at {time2}.",
                    height=height,
                    time=time,
                    previous=previous,
                    height2=self.height,
                    time2=self.time,
                ),
            )
        self._check_version(time)
        check_previous(self.state, previous)
        self.height, self.time = height, time
        awaited = bool(self.state.succession.changes) and self.state.succession.changes[-1][0] == self.block.size - 1
        size, halt = self.block.size, self.state.charter.halt
        self.block = Block(height, time, previous, size, halt, awaited, partial(self._root, size), told)
        self.block.derive(BlockEntry(height, time, previous, self._frame.size, self._frame.root()))
        derive_due(self.state, self.block)

    def _check_version(self, time: int) -> None:
        version = self.state.version_at(time)
        if version > RULES_VERSION:
            raise Unsupported(
                Message(
                    "This ledger follows rules version {version} now, and this program knows version {rules_version}.",
                    version=version,
                    rules_version=RULES_VERSION,
                ),
                Message("Install a newer Veche; this one stops here so as not to decide wrongly."),
            )

    def complete(self) -> None:
        """Append what stands at the end of the block: nothing is admitted to it any more."""
        if not self.block.complete:
            self.block.complete = True
            derive_validators(self.state, self.block)

    def end(self) -> None:
        """End the block: what it changed goes to the state (not yet committed). Once more changes nothing."""
        self.state.flush()
        for name, value in (("size", self.size), ("height", self.height), ("time", self.time)):
            self.state.put(name, value)
        if not self.block.ended and (framed := self.block.framed()):
            for number, data in framed:
                self._frame.append(frame_leaf(number, leaf_hash(data)))
            self.state.put("frame", self._frame.to_bytes())
        self.block.ended = True

    def follow(self, entries: Sequence[bytes]) -> None:
        """Make a block of which all entries are known, from its own on, up to but not with :meth:`end`. Raises Refused if it is not what
        the rules make of what was handed in."""
        item = decode(entries[0])
        if item[0] != BlockEntry.kind or len(item) != 2:
            raise Refused("block", Message("What is to follow does not begin with a block."))
        said = BlockEntry.parse(item[1])
        self.begin(said.height, said.time, said.previous)
        for position, data in enumerate(entries[1:], 1):
            if position < len(self.block.appended):
                continue  # derived: all of it is compared in the end
            kind = kind_of(data)
            if kind == DoubleSigning.kind:
                self.note(DoubleSigning.parse(decode(data)[1]))
            elif kind == Validators.kind:
                break
            else:
                self.admit(data)
        self.complete()
        if self.block.appended != list(entries):
            raise Refused("block", Message("The rules make another block of what was handed in."))

    def follow_frame(self, items: Sequence[Item], end: int = 0) -> None:
        """Make the next block of which the frame holds these items, up to but not with :meth:`end`; ballots between them, and blocks of
        ballots alone before them, are passed over. ``end``: the size of the log with it, if that is known. Once that is done, :meth:`follow` and :meth:`admit` must not be used any more.

        Raises Refused if the block is not what the rules make of what was handed in, with the tallies as they stand there.
        """
        if self.block.size > items[0].number:
            raise Refused("block", Message("An entry of the frame stands where another one was."))
        self.block = Block(self.height, self.time, self.time, items[0].number, 0)
        said = BlockEntry.parse(decode(items[0].entry)[1])
        told: dict[bytes, Derived] = {}
        for item in items[1:]:
            kind = kind_of(item.entry)
            if kind in TALLIES:
                tally = TALLIES[kind].parse(decode(item.entry)[1])
                told[tally.poll] = tally
        self.begin(said.height, said.time, said.previous, told)
        for number, data in items[1:]:
            self.block.appended += [UNREAD] * (number - self.block.size)
            if self.block.size > number:
                continue  # derived: all of it is compared in the end
            kind = kind_of(data)
            if kind == DoubleSigning.kind:
                self.note(DoubleSigning.parse(decode(data)[1]))
            elif kind == Validators.kind:
                break
            else:
                self.admit(data)
        self.complete()
        self.block.appended += [UNREAD] * (end - self.block.size)
        read = [Item(self.block.start + at, data) for at, data in enumerate(self.block.appended) if data != UNREAD]
        if read != list(items):
            raise Refused("block", Message("The rules make another block of what was handed in."))

    # Entries

    def entry_at(self, number: int) -> bytes:
        """An entry of the log, the current block's included."""
        start = self.block.start
        return self._read(number) if number < start else self.block.appended[number - start]

    def check(
        self, entries: Sequence[bytes], known: Verdicts | None = None, time: int | None = None, ask: bool = False
    ) -> Check:
        """Prepare the dear checks of the ballots among these entries; ``run()`` may go on in another thread.

        ``known``: where to remember what was found. ``time``: of the last block by the owner's count, which may know of later
        blocks that appended nothing. ``ask``: whether to check only what the state gives a chance.
        """
        return Check(self.state, self.time if time is None else time, entries, known, ask)

    def expect(self, verdicts: Sequence[Verdict]) -> None:
        """Look up at once what the state knows of these ballots, which are about to be admitted. It changes no answer."""
        by_poll: dict[bytes, list[bytes]] = {}
        for verdict in verdicts:
            if isinstance(verdict, Checked):
                by_poll.setdefault(verdict.entry.poll, []).append(verdict.credential)
        for poll_id, credentials in by_poll.items():
            poll = self.state.poll(poll_id)
            if poll is not None:
                self.state.look_up(poll, credentials)

    def note(self, said: DoubleSigning) -> int:
        """Append what consensus says of a validator, before anything that was handed in; its number. Raises Refused and changes nothing."""
        if self.block.handed_in:
            raise Refused(
                "double-signing", Message("What consensus says of validators comes before what was handed in.")
            )
        return note_double_signing(self.state, self.block, said)

    def admit(self, data: bytes, verdict: Verdict = None) -> int:
        """Admit an entry with all that follows from it; the answer is its number. Raises Refused and changes nothing.

        ``verdict``: what :meth:`check` found of this entry, if it was asked before.
        """
        self.block.handed_in = True
        if self.block.restarts:
            raise Refused("restart", Message("Nothing is in a block behind a restart."))
        if is_ballot(data):
            return self._admit_ballot(data, verdict)
        written = self.check_written(data)
        if written.rule is None:
            return admit_result(self.state, self.block, Result.parse(written.unread.body()), data)
        signed = SignedEntry(data, written.rule.entry.parse(written.unread.body()), written.signers)
        written.rule.admit(self.state, self.block, signed)
        number = self.block.append(data)
        self.state.remember_body(written.body_hash)
        written.rule.then(self.state, self.block, signed)
        return number

    def check_written(self, data: bytes) -> Written:
        """Whoever may has written this entry, which is no ballot: offices whose signatures hold, or it is a result that is awaited.

        What is cheap comes first, and nothing is made of the body before it is known who wrote it. Raises Refused.
        """
        unread = Unread(data)
        kind = unread.kind
        if kind == BALLOT:
            raise Refused("shape", Message("A ballot entry is an array of seven."))
        if kind == Result.kind:
            unread.check_unsigned()
            check_awaited(self.state, data)
            return Written(unread)
        rule = rules.BY_KIND.get(kind)
        if rule is None:
            raise Refused("kind", Message("Nobody can hand in an entry of kind {kind!r}.", kind=kind[:40]))
        pairs = unread.pairs()
        signers = tuple(self._signer(key, rule) for key, _ in pairs)
        message = unread.message(self.ledger)
        body_hash = digest(message)
        if not self.state.is_new_body(body_hash):
            raise _repeated(kind)
        check_signatures(message, pairs)
        return Written(unread, rule, signers, body_hash)

    def rehearse(self, entry: ByOffice, keys: Sequence[bytes], time: int) -> None:
        """Raise Refused if this entry, signed with these keys and by further offices if it takes more, would not be admitted in a
        block at ``time``. It changes the state: for a machine on a copy, which is thrown away (:meth:`State.copy`).
        """
        if isinstance(entry, Restart):  # it is of one block, whenever it is signed
            self.begin(entry.height, entry.time, self.time)
        else:
            time = max(time, self.time)
            self.begin(self.height + 1, time, self._quiet_until(time))
        rule = rules.BY_KIND[entry.kind]
        signers = tuple(self._signer(key, rule) for key in keys)
        body = entry.body()
        if not self.state.is_new_body(digest(signed_message(self.ledger, entry.kind, body))):
            raise _repeated(entry.kind)
        most = max(len(keys), self.state.charter.k, *(one.organisers for one in self.state.classes()))
        data = encode([entry.kind, body, [[bytes(32), bytes(64)]] * most])  # as long as it will be
        rule.admit(self.state, self.block, SignedEntry(data, rule.entry.parse(body), signers, unfinished=True))

    def _quiet_until(self, time: int) -> int:
        """When the block before one at ``time`` may have been: blocks in which nothing happens are not in the log. As late as it can
        be, so that there was no halt; if more was due since than an engine takes a moment for, there was one.
        """
        for previous in (time, time - self.state.charter.halt):
            try:
                check_previous(self.state, previous)
            except Refused:
                continue
            return max(previous, self.time)
        return self.time

    def _admit_ballot(self, data: bytes, verdict: Verdict) -> int:
        """The state is asked at the ballot's place, and whatever is dear comes after it, unless it was found before."""
        if isinstance(verdict, Refused):
            raise Refused(verdict.rule, verdict.said, verdict.advice)  # a new one each time: it is remembered
        entry = read_ballot(data) if verdict is None else verdict.entry
        poll = check_open(self.state, self.block.time, entry.poll)
        if verdict is None:
            verdict = identify_ballot(poll, entry)
        last = self.state.last_ballot(poll, verdict.credential)
        check_standing(poll, entry, last)
        if not isinstance(verdict, Checked):
            verdict = check_ballot(poll, verdict)
        return admit_ballot(self.state, self.block, poll, last, entry, verdict.ballot, self.entry_at)

    def _signer(self, key: bytes, rule: Rule[Any]) -> SigningOffice:
        """Whose key it is, if keys that stand as it does may sign entries of this rule. Raises Refused("authority", ...)."""
        office = self.state.offices.get(key)
        if office is None or not (office.active or rule.by_former):
            raise Refused("authority", Message("Key {key}… is not the key of an active office.", key=key.hex()[:16]))
        suspended = office.is_suspended(self.time)
        if suspended and not rule.by_suspended:
            raise Refused(
                "authority",
                Message(
                    "The key of {institution} as {role} is suspended: it signs no {kind} entry now.",
                    institution=office.institution,
                    role=office.role,
                    kind=rule.entry.kind,
                ),
            )
        return SigningOffice(key, office.institution, office.role, suspended)


def _repeated(kind: str) -> Refused:
    return Refused("repeated", Message("This {kind} entry is in the ledger already.", kind=kind))
