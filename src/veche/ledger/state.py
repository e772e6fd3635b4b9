"""What the rules remember: the state that the log's entries lead to, in SQLite.

The state is derived: it can be thrown away and rebuilt from the log. The node keeps it beside the log and writes it in the
same transaction as the log's tail; a verifier builds its own in memory. Objects that the rules change (:class:`PollState`,
:class:`CommitteeState`) are loaded once and written back by :meth:`State.flush` at the end of a block; after a failed
transaction :meth:`State.forget` drops them, so that the next block starts from what is on disk.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

import veche_kernel

from veche.ledger.charter import Charter, PollClass
from veche.ledger.entry import decode
from veche.ledger.poll import Ballotbox, Poll

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS body (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS office (key BLOB PRIMARY KEY, institution TEXT, role TEXT, active INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS version (version INTEGER PRIMARY KEY, since INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS committee (
  id BLOB PRIMARY KEY, entry INTEGER, class TEXT, mode TEXT, touched INTEGER, finished INTEGER, void TEXT, key BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (
  committee BLOB, kind TEXT, member INTEGER, item BLOB, PRIMARY KEY (committee, kind, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS poll (
  id BLOB PRIMARY KEY, entry INTEGER, data BLOB, key BLOB, version INTEGER, opens INTEGER, closing INTEGER, status TEXT,
  tally BLOB, result BLOB, awaits INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS poll_due ON poll (status, closing);
CREATE TABLE IF NOT EXISTS modulus (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permit_key (
  poll INTEGER, registrar INTEGER, grp INTEGER, modulus BLOB, people INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credential (
  poll INTEGER, credential BLOB, grp INTEGER, turn INTEGER, entry INTEGER, PRIMARY KEY (poll, credential)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tracker (
  poll INTEGER, tracker BLOB, entry INTEGER, PRIMARY KEY (poll, tracker)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS box (
  poll INTEGER, grp INTEGER, counted INTEGER, sums BLOB, PRIMARY KEY (poll, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS admission (
  poll INTEGER, registrar INTEGER, grp INTEGER, people INTEGER, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS share (
  poll INTEGER, member INTEGER, part INTEGER, item BLOB, PRIMARY KEY (poll, member, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issuance (
  poll INTEGER, registrar INTEGER, grp INTEGER, issued INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement (poll BLOB, kind TEXT, entry INTEGER, PRIMARY KEY (poll, kind, entry)) STRICT, WITHOUT ROWID;
"""


@dataclass
class CommitteeState:
    """A key generation. ``steps[kind][member]`` is the decoded entry of that step; members count from 1."""

    id: bytes
    entry: int
    poll_class: PollClass
    mode: str
    touched: int
    finished: int | None = None
    void: str | None = None
    key: bytes | None = None
    steps: dict[str, dict[int, list]] = field(default_factory=dict)  # type: ignore[type-arg]

    @property
    def size(self) -> int:
        return len(self.poll_class.trustees)


@dataclass
class PollState:
    """A published poll. ``status``: announced, void, cancelled, counting (tallied), too-few or decided."""

    box: Ballotbox
    entry: int
    data: bytes
    key: bytes
    poll_class: PollClass
    version: int
    closing: int
    status: str = "announced"
    tally: bytes | None = None
    result: bytes | None = None
    counted: list[int] = field(default_factory=list)
    sums: list[veche_kernel.Sums] = field(default_factory=list)
    admitted: dict[tuple[int, int], int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)

    @property
    def poll(self) -> Poll:
        return self.box.poll

    @property
    def id(self) -> bytes:
        return self.box.id

    def open_at(self, time: int) -> bool:
        return self.status == "announced" and self.poll.opens <= time < self.closing


class State:
    """The rules' memory over one SQLite connection, which its owner opens, commits and rolls back."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.db = connection
        for statement in SCHEMA.split(";"):
            self.db.execute(statement)
        self.forget()

    def forget(self) -> None:
        """Drop everything loaded: after a rollback, memory must not know more than the disk."""
        self._polls: dict[bytes, PollState] = {}
        self._committees: dict[bytes, CommitteeState] = {}
        self._offices: dict[bytes, tuple[str, str, bool]] | None = None
        self._charter: Charter | None = None

    # Small facts

    def get(self, name: str, default: int = 0) -> int:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else row[0]

    def put(self, name: str, value: int | bytes) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def charter(self) -> Charter:
        if self._charter is None:
            row = self.db.execute("SELECT value FROM meta WHERE name = 'charter'").fetchone()
            self._charter = Charter.parse(row[0])
        return self._charter

    @property
    def founded(self) -> bool:
        return self._charter is not None or bool(self.get("founded"))

    def is_new_body(self, digest: bytes) -> bool:
        return self.db.execute("SELECT 1 FROM body WHERE hash = ?", (digest,)).fetchone() is None

    def remember_body(self, digest: bytes) -> None:
        self.db.execute("INSERT INTO body VALUES (?)", (digest,))

    # Offices

    @property
    def offices(self) -> dict[bytes, tuple[str, str, bool]]:
        """key -> (institution, role, active), retired keys included."""
        if self._offices is None:
            rows = self.db.execute("SELECT key, institution, role, active FROM office")
            self._offices = {key: (institution, role, bool(active)) for key, institution, role, active in rows}
        return self._offices

    def set_office(self, key: bytes, institution: str, role: str, active: bool) -> None:
        self.db.execute("INSERT OR REPLACE INTO office VALUES (?, ?, ?, ?)", (key, institution, role, int(active)))
        self.offices[key] = (institution, role, active)

    def key_of(self, institution: str, role: str) -> bytes | None:
        """The active key of an office, if it has one."""
        for key, (name, kind, active) in self.offices.items():
            if active and name == institution and kind == role:
                return key
        return None

    # Committees

    def committee(self, committee_id: bytes) -> CommitteeState | None:
        found = self._committees.get(committee_id)
        if found is None:
            row = self.db.execute(
                "SELECT entry, class, mode, touched, finished, void, key FROM committee WHERE id = ?", (committee_id,)
            ).fetchone()
            if row is None:
                return None
            found = CommitteeState(committee_id, row[0], self.charter.poll_class(row[1]), *row[2:])
            for kind, member, item in self.db.execute(
                "SELECT kind, member, item FROM step WHERE committee = ?", (committee_id,)
            ):
                found.steps.setdefault(kind, {})[member] = decode(item)
            self._committees[committee_id] = found
        return found

    def save_committee(self, committee: CommitteeState) -> None:
        self._committees[committee.id] = committee
        self.db.execute(
            "INSERT OR REPLACE INTO committee VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (committee.id, committee.entry, committee.poll_class.name, committee.mode, committee.touched,
             committee.finished, committee.void, committee.key),
        )  # fmt: skip

    def save_step(self, committee: CommitteeState, kind: str, member: int, data: bytes) -> None:
        committee.steps.setdefault(kind, {})[member] = decode(data)
        self.db.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (committee.id, kind, member, data))

    def unfinished_committees(self) -> Iterator[CommitteeState]:
        rows = self.db.execute(
            "SELECT id FROM committee WHERE finished IS NULL AND void IS NULL ORDER BY entry"
        ).fetchall()
        for (committee_id,) in rows:
            found = self.committee(committee_id)
            assert found is not None
            yield found

    def committees(self) -> list[CommitteeState]:
        rows = self.db.execute("SELECT id FROM committee ORDER BY entry").fetchall()
        return [found for (committee_id,) in rows if (found := self.committee(committee_id)) is not None]

    # Polls

    def poll(self, poll_id: bytes) -> PollState | None:
        found = self._polls.get(poll_id)
        if found is None:
            row = self.db.execute(
                "SELECT entry, data, key, version, closing, status, tally, result FROM poll WHERE id = ?", (poll_id,)
            ).fetchone()
            if row is None:
                return None
            entry, data, key, version, closing, status, tally, result = row
            box = Ballotbox(data, key)
            found = PollState(
                box,
                entry,
                data,
                key,
                self.charter.poll_class(box.poll.class_name),
                version,
                closing,
                status,
                tally,
                result,
            )
            for registrar, modulus, people in self.db.execute(
                "SELECT registrar, modulus, people FROM permit_key WHERE poll = ? ORDER BY registrar, grp", (entry,)
            ):
                box.permit_keys.setdefault(registrar, []).append((modulus, people))
            found.counted, found.sums = [0] * len(box.poll.groups), []
            blobs: dict[int, bytes] = {}
            for group, counted, blob in self.db.execute("SELECT grp, counted, sums FROM box WHERE poll = ?", (entry,)):
                found.counted[group], blobs[group] = counted, blob
            for group in range(len(box.poll.groups)):
                blob = blobs.get(group)
                empty = veche_kernel.Sums(box.poll.ciphertexts)
                found.sums.append(empty if blob is None else veche_kernel.Sums.from_bytes(blob))
            for registrar, group, people in self.db.execute(
                "SELECT registrar, grp, people FROM admission WHERE poll = ?", (entry,)
            ):
                found.admitted[registrar, group] = people
            self._polls[poll_id] = found
        return found

    def add_poll(self, poll: PollState) -> None:
        poll.counted = [0] * len(poll.poll.groups)
        poll.sums = [veche_kernel.Sums(poll.poll.ciphertexts) for _ in poll.poll.groups]
        self._polls[poll.id] = poll
        self.save_poll(poll)

    def save_poll(self, poll: PollState) -> None:
        """Write what the rules change in a poll outside its ballot box."""
        self.db.execute(
            "INSERT OR REPLACE INTO poll VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (poll.id, poll.entry, poll.data, poll.key, poll.version, poll.poll.opens, poll.closing, poll.status,
             poll.tally, poll.result, int(poll.status == "announced" and not self.has_all_keys(poll))),
        )  # fmt: skip

    def has_all_keys(self, poll: PollState) -> bool:
        return len(poll.box.permit_keys) == len(poll.poll_class.registrars)

    def polls(self, where: str = "1", *parameters: int) -> list[PollState]:
        """Polls in the order of the log; ``where`` is SQL over the columns of the table ``poll``."""
        rows = self.db.execute(f"SELECT id FROM poll WHERE {where} ORDER BY entry", parameters).fetchall()
        return [found for (poll_id,) in rows if (found := self.poll(poll_id)) is not None]

    # Ballots

    def last_ballot(self, poll: PollState, credential: bytes) -> tuple[int, int, int] | None:
        """(group, turn, entry) of the credential's last accepted ballot in this poll."""
        row: tuple[int, int, int] | None = self.db.execute(
            "SELECT grp, turn, entry FROM credential WHERE poll = ? AND credential = ?", (poll.entry, credential)
        ).fetchone()
        return row

    def find_tracker(self, poll: PollState, tracker: bytes) -> int | None:
        row = self.db.execute(
            "SELECT entry FROM tracker WHERE poll = ? AND tracker = ?", (poll.entry, tracker)
        ).fetchone()
        return None if row is None else int(row[0])

    def set_ballot(self, poll: PollState, credential: bytes, group: int, turn: int, entry: int, tracker: bytes) -> None:
        self.db.execute("INSERT INTO tracker VALUES (?, ?, ?)", (poll.entry, tracker, entry))
        self.db.execute(
            "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?)", (poll.entry, credential, group, turn, entry)
        )

    def counted_entries(self, poll: PollState) -> list[int]:
        rows = self.db.execute("SELECT entry FROM credential WHERE poll = ? ORDER BY entry", (poll.entry,))
        return [entry for (entry,) in rows]

    def shares(self, poll: PollState) -> dict[int, dict[int, list]]:  # type: ignore[type-arg]
        """member -> part -> decoded decryption entry."""
        found: dict[int, dict[int, list]] = {}  # type: ignore[type-arg]
        for member, part, item in self.db.execute(
            "SELECT member, part, item FROM share WHERE poll = ? ORDER BY member, part", (poll.entry,)
        ):
            found.setdefault(member, {})[part] = decode(item)
        return found

    def flush(self) -> None:
        """Write the running sums that this block changed."""
        for poll in self._polls.values():
            if not poll.touched:
                continue
            self.db.executemany(
                "INSERT OR REPLACE INTO box VALUES (?, ?, ?, ?)",
                [(poll.entry, g, poll.counted[g], poll.sums[g].to_bytes()) for g in sorted(poll.touched)],
            )
            self.db.executemany(
                "INSERT OR REPLACE INTO admission VALUES (?, ?, ?, ?)",
                [(poll.entry, r, g, n) for (r, g), n in poll.admitted.items() if g in poll.touched],
            )
            poll.touched.clear()
