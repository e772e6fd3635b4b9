"""What the rules remember of who keeps the ledger: its charter, the versions of its rules, offices, classes and validators.

The lower half of :class:`veche.ledger.state.State`, on the same connection and with the same promises.
"""

import sqlite3
from typing import NamedTuple

from veche.ledger.codec import decode
from veche.ledger.entries.address import Address
from veche.ledger.entries.charter import Charter, PollClass, find_class, read_charter
from veche.ledger.entries.engine import COMETBFT, Validator, ValidatorRow
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.entries.validators import Validators
from veche.ledger.heads import Succession

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS body (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS office (
  key BLOB PRIMARY KEY, institution TEXT, role TEXT, active INTEGER, origin INTEGER, suspended INTEGER, votes BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS office_change (
  number INTEGER PRIMARY KEY, id BLOB, action TEXT, institution TEXT, role TEXT, key BLOB, due INTEGER, votes BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS validators (number INTEGER PRIMARY KEY, entry BLOB, restart INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS class (number INTEGER PRIMARY KEY, entry BLOB, since INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS address (institution TEXT PRIMARY KEY, url TEXT, peer TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS double_signing (votes BLOB, height INTEGER, PRIMARY KEY (votes, height)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS validator_change (number INTEGER PRIMARY KEY, time INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS version (version INTEGER PRIMARY KEY, since INTEGER) STRICT;
"""


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


def make_tables(connection: sqlite3.Connection, schema: str) -> None:
    """Those of this schema that are missing."""
    for statement in schema.split(";"):
        connection.execute(statement)


class Institutions:
    """Who keeps the ledger, over one SQLite connection, which its owner opens, commits and rolls back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.db = connection
        self.forget()

    def prepare(self) -> None:
        """Make the tables that are missing: by whoever writes them."""
        make_tables(self.db, SCHEMA)

    def forget(self) -> None:
        """Drop everything loaded."""
        self._offices: dict[bytes, OfficeKey] | None = None
        self._changes: dict[Seat, PendingChange] | None = None
        self._charter: Charter | None = None
        self._succession: Succession | None = None
        self._classes: list[tuple[PollClass, int]] | None = None

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
            rows = self.db.execute("SELECT number, entry, restart FROM validators ORDER BY number").fetchall()
            changes = tuple((number, Validators.parse(decode(data)[1])) for number, data, _ in rows)
            restarts = tuple(number for number, _, restart in rows if restart)
            self._succession = Succession(self.charter, changes, restarts)
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

    def versions(self) -> list[tuple[int, int]]:
        """The versions that were announced and not withdrawn, each with the time from which it holds."""
        rows = self.db.execute("SELECT version, since FROM version WHERE since IS NOT NULL ORDER BY version")
        return [(version, since) for version, since in rows]

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

    def add_validators(self, number: int, entry: Validators, restart: bool = False) -> None:
        """The ``validators`` entry with this number. ``restart``: it follows one."""
        succession = self.succession.after(number, entry, restart)
        self.db.execute("INSERT INTO validators VALUES (?, ?, ?)", (number, entry.encode(), restart))
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
