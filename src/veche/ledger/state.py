"""What the rules remember: the state that the log's entries lead to, in SQLite. All SQL of the rules is here.

The state is derived: it can be thrown away and rebuilt from the log. The node keeps it beside the log and writes it in the
same transaction as the log's tail; a verifier builds its own in memory. What rules change (:class:`PollState`,
:class:`CommitteeState`) is loaded once; :meth:`State.flush` at the end of a block writes down what is not yet; after a
transaction that is taken back :meth:`State.forget` drops all of it, so that the next block starts from what is on disk.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from veche.ledger.codec import decode
from veche.ledger.entries import parse_item
from veche.ledger.entries.address import Address
from veche.ledger.entries.charter import Charter, PollClass, find_class, read_charter
from veche.ledger.entries.committee import CertificateStep, Complaint, KeyStep, SharesStep, Step
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.engine import COMETBFT, Validator, ValidatorRow
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.entries.permit_key import GroupIssuance, GroupPermitKey, Issuance, PermitKeys
from veche.ledger.entries.result import Result
from veche.ledger.entries.statements import Contest
from veche.ledger.entries.tally import Tally
from veche.ledger.entries.validators import Validators
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.group_sums import GroupSums, RowSums, accepted_row, counted_row
from veche.ledger.heads import Succession
from veche.ledger.life import CommitteePhase, Phase, Stage, stage
from veche.ledger.opening import Opening
from veche.ledger.poll_state import CommitteeState, LastBallot, PollState, Wrong
from veche.texts import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS body (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS office (
  key BLOB PRIMARY KEY, institution TEXT, role TEXT, active INTEGER, origin INTEGER, suspended INTEGER, votes BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS office_change (
  number INTEGER PRIMARY KEY, id BLOB, action TEXT, institution TEXT, role TEXT, key BLOB, due INTEGER, votes BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS validators (number INTEGER PRIMARY KEY, entry BLOB) STRICT;
CREATE TABLE IF NOT EXISTS class (number INTEGER PRIMARY KEY, entry BLOB, since INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS address (institution TEXT PRIMARY KEY, url TEXT, peer TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS double_signing (votes BLOB, height INTEGER, PRIMARY KEY (votes, height)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS validator_change (number INTEGER PRIMARY KEY, time INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS kept_key (number INTEGER, place INTEGER, key BLOB, PRIMARY KEY (number, place)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by ON kept_key (key);
CREATE TABLE IF NOT EXISTS version (version INTEGER PRIMARY KEY, since INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS committee (
  id BLOB PRIMARY KEY, number INTEGER, class TEXT, mode TEXT, last INTEGER, phase TEXT, finished INTEGER, reason TEXT, key BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (
  committee BLOB, kind TEXT, member INTEGER, entry BLOB, PRIMARY KEY (committee, kind, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS poll (
  id BLOB PRIMARY KEY, number INTEGER, entry BLOB, key BLOB, version INTEGER, opens INTEGER, closing INTEGER, phase TEXT,
  tally BLOB, openers BLOB, result BLOB, decided INTEGER, awaits INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS poll_due ON poll (phase, closing);
CREATE TABLE IF NOT EXISTS modulus (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permit_key (
  poll INTEGER, registrar INTEGER, grp INTEGER, modulus BLOB, people INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credential (
  poll INTEGER, credential BLOB, grp INTEGER, turn INTEGER, number INTEGER, PRIMARY KEY (poll, credential)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ballot (
  poll INTEGER, number INTEGER, tracker BLOB, replaced INTEGER, PRIMARY KEY (poll, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (
  poll INTEGER, grp INTEGER, counted INTEGER, sums BLOB, rows BLOB, accepted BLOB, PRIMARY KEY (poll, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recount (
  poll INTEGER, grp INTEGER, counted INTEGER, sums BLOB, rows BLOB, PRIMARY KEY (poll, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS admission (
  poll INTEGER, registrar INTEGER, grp INTEGER, people INTEGER, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS share (
  poll INTEGER, member INTEGER, part INTEGER, entry BLOB, PRIMARY KEY (poll, member, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issuance (
  poll INTEGER, registrar INTEGER, grp INTEGER, issued INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement (poll BLOB, kind TEXT, number INTEGER, PRIMARY KEY (poll, kind, number)) STRICT, WITHOUT ROWID;
"""


_LOOK_UP = 512
"""Ballots that one question to the database is about."""
_MOST_LOOKED_UP = 32_768
"""Answers of the database that are kept, about 200 bytes each: some batches of the engine."""


Seat = tuple[str, Role]
"""An institution in a role. At most one key holds it."""


class OfficeKey(NamedTuple):
    """Whose key it is or was: ``active`` as long as it holds the office.

    ``origin``: the number of the ``office-effect`` by which the seat was filled or its key replaced without its holder; keys by
    which the holder replaces their own keep it. 0: all along the charter's. ``suspended``: until this time, seconds since 1970. ``votes``: a validator's consensus key.
    """

    institution: str
    role: Role
    active: bool
    origin: int = 0
    suspended: int = 0
    votes: bytes = b""

    @property
    def seat(self) -> Seat:
        return self.institution, self.role

    def is_suspended(self, time: int) -> bool:
        """Whether the key is suspended in a block of this time."""
        return time < self.suspended


class PendingChange(NamedTuple):
    """A change of a seat that takes effect in the first block with time >= ``due``, unless somebody who may objects.

    ``number`` and ``id`` (SHA-256) are those of its ``office`` entry; ``key`` is the new one, or the one that retires.
    """

    number: int
    id: bytes
    action: OfficeAction
    institution: str
    role: Role
    key: bytes
    due: int
    votes: bytes = b""

    @property
    def seat(self) -> Seat:
        return self.institution, self.role


class _Accepted(NamedTuple):
    """An accepted ballot's tracker, and the number of the one that it replaced, if it replaced one."""

    tracker: bytes
    replaced: int | None


class State:
    """The rules' memory over one SQLite connection, which its owner opens, commits and rolls back."""

    def __init__(self, connection: sqlite3.Connection, twice: bool = True) -> None:
        """``twice``: whether ballots are added up a second time at once, as they are admitted. A node has a recount of its own."""
        self.db = connection
        self._twice = twice
        self.forget()

    def prepare(self) -> None:
        """Make the tables that are missing: by whoever writes them."""
        for statement in SCHEMA.split(";"):
            self.db.execute(statement)

    def copy(self) -> "State":
        """The same as it was written down last, in a private database: for trying out what would happen. Whoever asks closes it."""
        other = sqlite3.connect("", isolation_level=None)
        self.db.backup(other)
        return State(other, self._twice)

    def forget(self) -> None:
        """Drop everything loaded: after a rollback, memory must not know more than the disk."""
        self._polls: dict[bytes, PollState] = {}
        self._committees: dict[bytes, CommitteeState] = {}
        self._openings: dict[bytes, Opening] = {}
        self._offices: dict[bytes, OfficeKey] | None = None
        self._changes: dict[Seat, PendingChange] | None = None
        self._charter: Charter | None = None
        self._succession: Succession | None = None
        self._classes: list[tuple[PollClass, int]] | None = None
        self._ballots: dict[tuple[int, bytes], LastBallot] = {}  # by poll and credential: not written down yet
        self._accepted: dict[tuple[int, int], _Accepted] = {}  # by poll and number: not written down yet
        self._looked_up: dict[tuple[int, bytes], LastBallot | None] = {}

    def flush(self) -> None:
        """Write down the ballots of this block, and the sums that they changed."""
        self._flush_ballots()
        for poll in self._polls.values():
            if not poll.changed:
                continue
            self.db.executemany(
                "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (poll.number, g, found.counted, found.to_bytes(), *found.rows.to_bytes())
                    for g, found in ((g, poll.groups[g]) for g in sorted(poll.changed))
                ],
            )
            self.db.executemany(
                "INSERT OR REPLACE INTO admission VALUES (?, ?, ?, ?)",
                [(poll.number, r, g, n) for (r, g), n in poll.admitted.items() if g in poll.changed],
            )
            poll.changed.clear()

    # Small facts

    def get(self, name: str, default: int = 0) -> int:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else row[0]

    def get_bytes(self, name: str) -> bytes:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return b"" if row is None else bytes(row[0])

    def put(self, name: str, value: int | bytes) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def charter(self) -> Charter:
        if self._charter is None:
            self._charter = read_charter(self.get_bytes("charter"))
        return self._charter

    @property
    def succession(self) -> Succession:
        """Whose signatures the heads of this ledger need."""
        if self._succession is None:
            rows = self.db.execute("SELECT number, entry FROM validators ORDER BY number")
            changes = tuple((number, Validators.parse(decode(data)[1])) for number, data in rows)
            self._succession = Succession(self.charter, changes)
        return self._succession

    def set_charter(self, data: bytes) -> None:
        """The charter's entry, with which the ledger begins."""
        self.put("charter", data)

    @property
    def has_charter(self) -> bool:
        """Whether the ledger has a charter."""
        return self._charter is not None or bool(self.get_bytes("charter"))

    def is_new_body(self, digest: bytes) -> bool:
        return self.db.execute("SELECT 1 FROM body WHERE hash = ?", (digest,)).fetchone() is None

    def remember_body(self, digest: bytes) -> None:
        self.db.execute("INSERT INTO body VALUES (?)", (digest,))

    # Versions of the rules

    def version_at(self, time: int) -> int:
        """The version of the rules that is in force at this time."""
        row = self.db.execute("SELECT max(version) FROM version WHERE since <= ?", (time,)).fetchone()
        return int(row[0] or 1)

    @property
    def last_version(self) -> int:
        """The greatest version that was announced."""
        return int(self.db.execute("SELECT max(version) FROM version").fetchone()[0] or 1)

    def version_since(self, version: int) -> int | None:
        """From when on this version holds; None if it was not announced, or was withdrawn."""
        row = self.db.execute("SELECT since FROM version WHERE version = ?", (version,)).fetchone()
        return None if row is None else row[0]

    def withdraw_version(self, version: int) -> None:
        """It is not to hold. It stays known, so that no other bears its number."""
        self.db.execute("UPDATE version SET since = NULL WHERE version = ?", (version,))

    def add_version(self, version: int, since: int) -> None:
        self.db.execute("INSERT INTO version VALUES (?, ?)", (version, since))

    # Offices

    @property
    def offices(self) -> dict[bytes, OfficeKey]:
        """Every key that is or was an office's."""
        if self._offices is None:
            rows = self.db.execute("SELECT key, institution, role, active, origin, suspended, votes FROM office")
            self._offices = {
                key: OfficeKey(name, Role(role), bool(active), origin, suspended, votes)
                for key, name, role, active, origin, suspended, votes in rows
            }
        return self._offices

    def set_office(self, key: bytes, office: OfficeKey) -> None:
        offices = self.offices
        self.db.execute("INSERT OR REPLACE INTO office VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *office))
        offices[key] = office

    def institutions(self) -> set[str]:
        """All that are known by name: from the charter, and those that hold a seat, held one or are to hold one."""
        seats = (*(office.seat for office in self.offices.values()), *self.office_changes)
        listed = {name for one in self.classes() for name in one.institutions}
        return self.charter.institutions | listed | {institution for institution, _ in seats}

    def key_of(self, institution: str, role: Role) -> bytes | None:
        """The active key of an office, suspended or not, if it has one."""
        for key, office in self.offices.items():
            if office.active and office.seat == (institution, role):
                return key
        return None

    def witnesses(self) -> dict[bytes, str]:
        """The keys and institutions of the observers who witness, suspended ones too: all but those of who runs the engine."""
        running = self.operators()
        return {
            key: office.institution
            for key, office in self.offices.items()
            if office.active and office.role is Role.OBSERVER and office.institution not in running
        }

    # Classes

    def classes(self, time: int | None = None) -> list[PollClass]:
        """Those of the charter, then those that were added and are in force at this time; all if none is given."""
        if self._classes is None:
            rows = self.db.execute("SELECT entry, since FROM class ORDER BY number").fetchall()
            self._classes = [(PollClass.parse(decode(entry)[1]), since) for entry, since in rows]
        added = [found for found, since in self._classes if time is None or since <= time]
        return [*self.charter.classes, *added]

    def poll_class(self, name: str, time: int | None = None) -> PollClass:
        """The class of this name, if it is in force at this time. Raises Refused("class", ...)."""
        return find_class(self.classes(time), name)

    def add_class(self, number: int, data: bytes, since: int) -> None:
        """The class of the entry with this number."""
        self.db.execute("INSERT INTO class VALUES (?, ?, ?)", (number, data, since))
        self._classes = None

    # Validators

    def validators(self) -> tuple[Validator, ...]:
        """Those who hold a seat as validator now, in the order of their institutions."""
        found = [
            Validator(office.institution, key, office.votes)
            for key, office in self.offices.items()
            if office.active and office.role is Role.VALIDATOR
        ]
        return tuple(sorted(found))

    def validator_rows(self) -> list[ValidatorRow]:
        """Where those who are validators now are found, as far as that is known: from the charter, or as they said since."""
        known = {row.institution: (row.url, row.peer) for row in self.charter.engine.validators}
        known |= {
            name: (url, peer) for name, url, peer in self.db.execute("SELECT institution, url, peer FROM address")
        }
        return [
            ValidatorRow(one.institution, one.votes, *known[one.institution])
            for one in self.validators()
            if one.institution in known
        ]

    def set_address(self, institution: str, said: Address) -> None:
        """Where a validator is found from now on."""
        self.db.execute("INSERT OR REPLACE INTO address VALUES (?, ?, ?)", (institution, said.url, said.peer))

    @property
    def engine_name(self) -> str:
        """Of the engine that runs the ledger now."""
        return COMETBFT if self.validators() else self.charter.engine.name

    def operators(self) -> set[str]:
        """The institutions that run the engine now."""
        running = {validator.institution for validator in self.validators()}
        return running or set(self.charter.operators)

    def add_validators(self, number: int, entry: Validators) -> None:
        """The ``validators`` entry with this number."""
        succession = self.succession.after(number, entry)
        self.db.execute("INSERT INTO validators VALUES (?, ?)", (number, entry.encode()))
        self._succession = succession

    def validator_changed(self, number: int, time: int) -> None:
        """A change of a validator took effect, by the entry with this number, in a block of this time."""
        self.db.execute("INSERT INTO validator_change VALUES (?, ?)", (number, time))

    def add_double_signing(self, votes: bytes, height: int) -> bool:
        """The validator with this consensus key has signed two blocks of a height; False if that was said already."""
        found = self.db.execute("INSERT OR IGNORE INTO double_signing VALUES (?, ?)", (votes, height))
        return found.rowcount == 1

    def has_double_signed(self, votes: bytes) -> bool:
        """Whether that was said of this consensus key."""
        return self.db.execute("SELECT 1 FROM double_signing WHERE votes = ?", (votes,)).fetchone() is not None

    def validators_changed_since(self, time: int) -> int:
        """How many changes of validators took effect in blocks after this time."""
        row = self.db.execute("SELECT count(*) FROM validator_change WHERE time > ?", (time,)).fetchone()
        return int(row[0])

    @property
    def office_changes(self) -> dict[Seat, PendingChange]:
        """The changes that wait for their time, one a seat at most, in the order of the log."""
        if self._changes is None:
            rows = self.db.execute("SELECT * FROM office_change ORDER BY number")
            changes = [
                PendingChange(number, id_, OfficeAction(action), name, Role(role), key, due, votes)
                for number, id_, action, name, role, key, due, votes in rows
            ]
            self._changes = {change.seat: change for change in changes}
        return self._changes

    def office_changes_due(self, time: int) -> list[PendingChange]:
        """Those that take effect in a block of this time."""
        return [change for change in self.office_changes.values() if change.due <= time]

    def set_office_change(self, change: PendingChange) -> None:
        changes = self.office_changes
        self.db.execute("INSERT OR REPLACE INTO office_change VALUES (?, ?, ?, ?, ?, ?, ?, ?)", change)
        changes[change.seat] = change

    def drop_office_change(self, seat: Seat) -> None:
        """It took effect, or somebody objected, or the holder made another at once. Nothing happens if there is none."""
        change = self.office_changes.pop(seat, None)
        if change is not None:
            self.db.execute("DELETE FROM office_change WHERE number = ?", (change.number,))

    # Keys that polls and committees keep

    def keep_keys(self, number: int, keys: Mapping[int, bytes]) -> None:
        """The keys of the registrars or trustees (by their place) from now on in the poll or committee with this number."""
        self.db.executemany(
            "INSERT INTO kept_key VALUES (?, ?, ?)", [(number, place, key) for place, key in keys.items()]
        )

    def _kept_keys(self, number: int) -> dict[int, bytes]:
        rows = self.db.execute("SELECT place, key FROM kept_key WHERE number = ? ORDER BY place", (number,))
        return dict(rows.fetchall())

    def exchange_kept_key(self, old: bytes, new: bytes) -> None:
        """The holder of a key replaced it themselves: polls and committees that keep it go on with the new one."""
        self.db.execute("UPDATE kept_key SET key = ? WHERE key = ?", (new, old))
        kept = [poll.registrar_keys for poll in self._polls.values()]
        kept += [committee.trustee_keys for committee in self._committees.values()]
        for keys in kept:
            keys.update((place, new) for place, key in keys.items() if key == old)

    # Committees

    def committee(self, committee_id: bytes) -> CommitteeState | None:
        found = self._committees.get(committee_id)
        if found is None:
            row = self.db.execute(
                "SELECT number, class, mode, last, phase, finished, reason, key FROM committee WHERE id = ?",
                (committee_id,),
            ).fetchone()
            if row is None:
                return None
            number, name, mode, last, phase, finished, reason, key = row
            poll_class = self.poll_class(name)
            found = CommitteeState(
                committee_id, number, poll_class, mode, last, CommitteePhase(phase), finished, reason, key
            )
            found.trustee_keys = self._kept_keys(number)
            for (entry,) in self.db.execute("SELECT entry FROM step WHERE committee = ?", (committee_id,)):
                step = parse_item(decode(entry))
                assert isinstance(step, CertificateStep | SharesStep | KeyStep | Complaint)
                found.take(step)
            self._committees[committee_id] = found
        return found

    def add_committee(self, committee: CommitteeState) -> None:
        """A committee that was asked for, with the keys of its trustees."""
        self.save_committee(committee)
        self.keep_keys(committee.number, committee.trustee_keys)

    def save_committee(self, committee: CommitteeState) -> None:
        self._committees[committee.id] = committee
        self.db.execute(
            "INSERT OR REPLACE INTO committee VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (committee.id, committee.number, committee.poll_class.name, committee.mode, committee.last, committee.phase,
             committee.finished, committee.reason, committee.key),
        )  # fmt: skip

    def add_step(self, committee: CommitteeState, step: Step, data: bytes) -> None:
        committee.take(step)
        self.db.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (committee.id, step.kind, step.index, data))

    def forming_committees(self) -> list[CommitteeState]:
        """Key generations that are neither finished nor void, in the order of the log."""
        rows = self.db.execute("SELECT id FROM committee WHERE phase = ? ORDER BY number", (CommitteePhase.FORMING,))
        return self._committees_of(rows.fetchall())

    def committees(self) -> list[CommitteeState]:
        """All of them, in the order of the log."""
        return self._committees_of(self.db.execute("SELECT id FROM committee ORDER BY number").fetchall())

    def _committees_of(self, rows: Sequence[tuple[bytes]]) -> list[CommitteeState]:
        return [found for (committee_id,) in rows if (found := self.committee(committee_id)) is not None]

    # Polls

    def poll(self, poll_id: bytes) -> PollState | None:
        found = self._polls.get(poll_id)
        if found is None:
            found = self._load_poll(poll_id)
            if found is not None:
                self._polls[poll_id] = found
        return found

    def _load_poll(self, poll_id: bytes) -> PollState | None:
        row = self.db.execute(
            "SELECT number, entry, key, version, closing, phase, tally, openers, result, decided FROM poll WHERE id = ?",
            (poll_id,),
        ).fetchone()
        if row is None:
            return None
        number, entry, key, version, closing, phase, tally, openers, result, decided = row
        frozen = self._frozen(entry, key)
        found = PollState(frozen, number, version, closing, Phase(phase), decided=decided)
        found.tally = None if tally is None else Tally.parse(decode(tally)[1])
        found.openers = tuple(openers)
        found.result = None if result is None else Result.parse(decode(result)[1])
        keys: dict[int, list[GroupPermitKey]] = {}
        for registrar, *group in self.db.execute(
            "SELECT registrar, modulus, people, root FROM permit_key WHERE poll = ? ORDER BY registrar, grp", (number,)
        ):
            keys.setdefault(registrar, []).append(GroupPermitKey(*group))
        for registrar, groups in keys.items():
            found.publish(registrar, PermitKeys(poll_id, tuple(groups)))
        found.registrar_keys = self._kept_keys(number)
        found.groups = self._empty_groups(frozen)
        for group, counted, sums, *rows in self.db.execute(
            "SELECT grp, counted, sums, rows, accepted FROM sums WHERE poll = ?", (number,)
        ):
            found.groups[group] = GroupSums.from_bytes(counted, sums, RowSums.from_bytes(*rows), self._twice)
        for registrar, group, people in self.db.execute(
            "SELECT registrar, grp, people FROM admission WHERE poll = ?", (number,)
        ):
            found.admitted[registrar, group] = people
        for (data,) in self.db.execute("SELECT entry FROM share WHERE poll = ? ORDER BY member, part", (number,)):
            share = Decryption.parse(decode(data)[1])
            found.shares.setdefault(share.index, {})[share.part] = share
        found.contests = self.statements(poll_id, Contest.kind)
        return found

    def _frozen(self, entry: bytes, key: bytes) -> FrozenPoll:
        item = decode(entry)
        return FrozenPoll.of_entry(entry, self.poll_class(item[1][0]), key)

    def _empty_groups(self, frozen: FrozenPoll) -> list[GroupSums]:
        return [GroupSums(frozen.definition.ciphertexts, self._twice) for _ in frozen.definition.groups]

    def add_poll(
        self, frozen: FrozenPoll, entry: bytes, number: int, version: int, registrar_keys: Mapping[int, bytes]
    ) -> PollState:
        """A poll that was published with this entry, under this version of the rules, with the keys of its registrars."""
        poll = PollState(frozen, number, version, frozen.definition.closes, groups=self._empty_groups(frozen))
        poll.registrar_keys.update(registrar_keys)
        self.keep_keys(number, registrar_keys)
        self._polls[poll.id] = poll
        self.db.execute(
            "INSERT INTO poll VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, x'', NULL, NULL, 1)",
            (poll.id, number, entry, frozen.key, version, frozen.definition.opens, poll.closing, poll.phase),
        )
        return poll

    def save_poll(self, poll: PollState) -> None:
        """Write what the rules change in a poll, but for its ballots."""
        self.db.execute(
            "UPDATE poll SET closing = ?, phase = ?, tally = ?, openers = ?, result = ?, decided = ?, awaits = ? WHERE id = ?",
            (
                poll.closing,
                poll.phase,
                None if poll.tally is None else poll.tally.encode(),
                bytes(poll.openers),
                None if poll.result is None else poll.result.encode(),
                poll.decided,
                int(poll.phase == Phase.ANNOUNCED and not poll.has_enough_keys),
                poll.id,
            ),
        )

    def polls(self) -> list[PollState]:
        """All polls, in the order of the log."""
        return self._polls_where("1")

    def poll_stages(self, time: int) -> list[Stage]:
        """Where every poll stands at this time; nothing else of them is loaded."""
        rows = self.db.execute("SELECT phase, opens, closing, awaits FROM poll ORDER BY number").fetchall()
        return [stage(Phase(phase), opens, closing, time, not awaits) for phase, opens, closing, awaits in rows]

    def polls_announced(self) -> list[PollState]:
        """Polls that are open or to be opened: those that may be tallied."""
        return self._polls_where("phase = ?", Phase.ANNOUNCED)

    def polls_opened(self) -> list[PollState]:
        """Polls that enough trustees have decrypted, and of which nobody has handed in the result yet."""
        return self._polls_where("phase = ? AND openers != x''", Phase.COUNTING)

    def polls_closing(self, time: int) -> list[PollState]:
        """Polls to be tallied in a block of this time."""
        return self._polls_where("phase = ? AND closing <= ?", Phase.ANNOUNCED, time)

    def polls_running(self, time: int) -> list[PollState]:
        """Polls that were to be open, or to open, after this time."""
        return self._polls_where("phase = ? AND closing > ?", Phase.ANNOUNCED, time)

    def polls_without_keys(self, time: int) -> list[PollState]:
        """Polls that open by this time and lack permit keys of too many registrars."""
        return self._polls_where("phase = ? AND awaits AND opens <= ?", Phase.ANNOUNCED, time)

    def _polls_where(self, where: str, *parameters: int | str) -> list[PollState]:
        rows = self.db.execute(f"SELECT id FROM poll WHERE {where} ORDER BY number", parameters).fetchall()
        return [found for (poll_id,) in rows if (found := self.poll(poll_id)) is not None]

    # What registrars say

    def is_known_modulus(self, digest: bytes) -> bool:
        """Whether a permit key with this hash of its modulus was ever published."""
        return self.db.execute("SELECT 1 FROM modulus WHERE hash = ?", (digest,)).fetchone() is not None

    def add_permit_keys(self, poll: PollState, registrar: int, keys: PermitKeys, hashes: Sequence[bytes]) -> None:
        """``hashes``: SHA-256 of each modulus."""
        self.db.executemany("INSERT INTO modulus VALUES (?)", [(h,) for h in hashes])
        self.db.executemany(
            "INSERT INTO permit_key VALUES (?, ?, ?, ?, ?, ?)",
            [(poll.number, registrar, g, row.modulus, row.people, row.root) for g, row in enumerate(keys.groups)],
        )
        poll.publish(registrar, keys)
        self.save_poll(poll)

    def add_issuance(self, poll: PollState, registrar: int, account: Issuance) -> None:
        self.db.executemany(
            "INSERT INTO issuance VALUES (?, ?, ?, ?, ?)",
            [(poll.number, registrar, group, row.issued, row.root) for group, row in enumerate(account.groups)],
        )

    def issuances(self, poll: PollState) -> dict[int, Issuance]:
        """What registrars (by their index in the class) have accounted for."""
        found: dict[int, list[GroupIssuance]] = {}
        for registrar, issued, root in self.db.execute(
            "SELECT registrar, issued, root FROM issuance WHERE poll = ? ORDER BY registrar, grp", (poll.number,)
        ):
            found.setdefault(registrar, []).append(GroupIssuance(issued, root))
        return {registrar: Issuance(poll.id, tuple(groups)) for registrar, groups in found.items()}

    # What offices say in words

    def add_statement(self, poll: bytes, kind: str, number: int) -> None:
        """``poll``: its id, or empty if the statement is about none."""
        self.db.execute("INSERT INTO statement VALUES (?, ?, ?)", (poll, kind, number))

    def statements(self, poll: bytes = b"", kind: str | None = None) -> list[int]:
        """The numbers of the statements about a poll (of one kind: notice, outcome, ...), in the order of the log."""
        rows = self.db.execute(
            "SELECT number FROM statement WHERE poll = ? AND kind = coalesce(?, kind) ORDER BY number", (poll, kind)
        )
        return [number for (number,) in rows]

    # Ballots

    def look_up(self, poll: PollState, credentials: Sequence[bytes]) -> None:
        """Find at once what :meth:`last_ballot` will be asked about these. It is kept, and kept up to date."""
        if len(self._looked_up) > _MOST_LOOKED_UP:
            self._looked_up.clear()
        known = self._looked_up
        unknown = [credential for credential in credentials if (poll.number, credential) not in known]
        for start in range(0, len(unknown), _LOOK_UP):
            asked = unknown[start : start + _LOOK_UP]
            marks = ", ".join("?" * len(asked))
            rows = self.db.execute(
                f"SELECT credential, grp, turn, number FROM credential WHERE poll = ? AND credential IN ({marks})",
                (poll.number, *asked),
            ).fetchall()
            self._looked_up.update(((poll.number, credential), None) for credential in asked)
            self._looked_up.update(((poll.number, credential), LastBallot(*row)) for credential, *row in rows)

    def last_ballot(self, poll: PollState, credential: bytes) -> LastBallot | None:
        """The credential's last accepted ballot in this poll."""
        key = poll.number, credential
        for known in (self._ballots, self._looked_up):
            if key in known:
                return known[key]
        row = self.db.execute(
            "SELECT grp, turn, number FROM credential WHERE poll = ? AND credential = ?", key
        ).fetchone()
        return None if row is None else LastBallot(*row)

    def has_cast(self, poll: PollState, last: LastBallot, tracker: bytes) -> bool:
        """Whether a credential, of which this is the last ballot, cast the ballot with this tracker before.

        Nobody else can have: the tracker is a hash over the credential, too. So the way back through the ballots that
        this one replaced, of which there are as many as turns at most, is all that has to be looked at.
        """
        number: int | None = last.number
        while number is not None:
            accepted = self._accepted_at(poll, number)
            if accepted.tracker == tracker:
                return True
            number = accepted.replaced
        return False

    def _accepted_at(self, poll: PollState, number: int) -> _Accepted:
        key = poll.number, number
        if key in self._accepted:
            return self._accepted[key]
        row = self.db.execute("SELECT tracker, replaced FROM ballot WHERE poll = ? AND number = ?", key).fetchone()
        if row is None or (row[1] is not None and row[1] >= number):
            raise Wrong(
                Message(
                    "ballot {number} of poll {number2} is not remembered as it was accepted",
                    number=number,
                    number2=poll.number,
                )
            )
        return _Accepted(*row)

    def find_tracker(self, poll: PollState, tracker: bytes) -> int | None:
        """The number of the accepted ballot with this tracker. It looks through all of the poll: no rule asks this, and an
        index would cost each ballot a row at a random place."""
        self._flush_ballots()
        key = poll.number, tracker
        row = self.db.execute("SELECT number FROM ballot WHERE poll = ? AND tracker = ?", key).fetchone()
        return None if row is None else int(row[0])

    def set_ballot(
        self, poll: PollState, credential: bytes, ballot: LastBallot, tracker: bytes, replaced: LastBallot | None
    ) -> None:
        """Remember an accepted ballot, in the place of the credential's last one, ``replaced``, if it has one."""
        accepted = _Accepted(tracker, None if replaced is None else replaced.number)
        self._ballots[poll.number, credential] = ballot
        self._accepted[poll.number, ballot.number] = accepted
        poll.groups[ballot.group].note(
            counted_row(credential, *ballot),
            None if replaced is None else counted_row(credential, *replaced),
            accepted_row(ballot.number, *accepted),
        )

    def _flush_ballots(self) -> None:
        if self._accepted:
            rows = [(*place, *accepted) for place, accepted in self._accepted.items()]
            self.db.executemany("INSERT INTO ballot VALUES (?, ?, ?, ?)", rows)
            last = [(poll, credential, *ballot) for (poll, credential), ballot in self._ballots.items()]
            self.db.executemany("INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?)", last)
            self._looked_up.update(self._ballots)
            self._ballots, self._accepted = {}, {}

    def replaced_by(self, poll: int, number: int) -> int | None:
        """The number of the ballot that this one replaced, if it replaced one. ``poll``: the number of its entry. Raises Wrong."""
        row = self.db.execute("SELECT replaced FROM ballot WHERE poll = ? AND number = ?", (poll, number)).fetchone()
        if row is None:
            raise Wrong(Message("ballot {number} of poll {poll} is not remembered", number=number, poll=poll))
        return None if row[0] is None else int(row[0])

    def recount(self) -> list[tuple[int, int, int, bytes, bytes]]:
        """What :meth:`set_recount` has written."""
        return self.db.execute("SELECT poll, grp, counted, sums, rows FROM recount").fetchall()

    def set_recount(self, position: int, rows: Sequence[tuple[int, int, int, bytes, bytes]]) -> None:
        """Remember what was counted a second time of the entries before ``position``, and nothing else."""
        self.db.execute("DELETE FROM recount")
        self.db.executemany("INSERT INTO recount VALUES (?, ?, ?, ?, ?)", rows)
        self.put("recounted", position)

    def counted_ballots(self, poll: PollState) -> list[int]:
        """The numbers of the ballots that count, ascending."""
        self._flush_ballots()
        rows = self.db.execute("SELECT number FROM credential WHERE poll = ? ORDER BY number", (poll.number,))
        return [number for (number,) in rows]

    def accepted_ballots(self, poll: PollState) -> list[int]:
        """The numbers of all accepted ballots, replaced ones too, ascending."""
        self._flush_ballots()
        rows = self.db.execute("SELECT number FROM ballot WHERE poll = ? ORDER BY number", (poll.number,))
        return [number for (number,) in rows]

    def credentials(self, poll: PollState) -> Iterator[tuple[bytes, int]]:
        """The credentials that voted, ascending, each with its group."""
        self._flush_ballots()
        yield from self.db.execute(
            "SELECT credential, grp FROM credential WHERE poll = ? ORDER BY credential", (poll.number,)
        )

    # Decryption

    def opening(self, poll: PollState) -> Opening:
        """What the shares open of a poll that has ``openers``; made once."""
        found = self._openings.get(poll.id)
        if found is None:
            committee = self.committee(poll.definition.committee)
            assert committee is not None, "a poll has a committee"
            found = self._openings[poll.id] = Opening.of(poll, committee)
        return found

    def add_share(self, poll: PollState, share: Decryption, data: bytes) -> None:
        poll.shares.setdefault(share.index, {})[share.part] = share
        self.db.execute("INSERT INTO share VALUES (?, ?, ?, ?)", (poll.number, share.index, share.part, data))
