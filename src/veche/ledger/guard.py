"""What a ledger's writer has on disk is compared with what it wrote, before anything is derived from it.

A bit that falls over in the database would be tallied, signed and published, and the ledger would fail its verification for ever. So
each block's transaction also writes a *seal*: one hash over the ledger's id, the size of the log, and for each table the sum modulo
2^256 of the hashes of its rows. To keep such a sum, no more is needed than the rows that a block changes.

Whoever opens the database to write reads all of it, compares it with the seal (:func:`check`), and keeps what it read but for the
ballots' rows: from then on SQL works on tables of the same names in memory (SQLite's ``temp``), which no disk can change, and what
changes there goes to the disk at the end of the block. The ballots' rows, of which there may be millions, stay on disk; the sums of
their hashes are in the table ``sums``, and are compared again before a poll is tallied (:func:`check_ballots`). All of it is compared
once a day (:meth:`veche.ledger.ledger.Ledger.execute`). docs/adr/0010-derived-state.md says why.
"""

import sqlite3
import struct
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import cbor2
import veche_kernel

from veche.ledger.group_sums import ROW, RowSums, accepted_row, counted_row
from veche.ledger.life import Phase
from veche.ledger.poll_state import Wrong
from veche.texts import Message

BALLOTS = ("ballot", "credential")
"""The tables of ballots' rows, of which ``sums`` has the sums by poll and group. Those of polls that are tallied count no more."""
NOT_SEALED = ("seal", "tail")
"""The seal itself, and the entries that are not in full bundles yet: the root of the log follows from these, and is compared."""
SCHEMA = "CREATE TABLE IF NOT EXISTS seal (name TEXT PRIMARY KEY, sum BLOB) STRICT, WITHOUT ROWID"
"""By a table's name the sum over its rows; by the empty name the seal, which binds the sums together."""

_MODULUS = 2**256
_MANY = 4096


def sealed_tables(database: sqlite3.Connection) -> list[str]:
    """Every table but those that are named above: a table that is added is sealed without anybody's doing."""
    rows = database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if name not in (*BALLOTS, *NOT_SEALED)]


class Guard:
    """Keeps a writer's tables in memory, and what is on disk equal to them. For a connection that :func:`check` was asked about."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Copy all sealed tables into memory. SQL that names them reads and changes the copies from here on."""
        self._changed: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...] | None] = {}
        self._delta: dict[str, int] = {}
        self._keys: dict[str, list[tuple[int, str]]] = {}
        database.execute("PRAGMA temp_store=MEMORY")
        database.execute("PRAGMA recursive_triggers=ON")  # else a row that is replaced is not said to be deleted
        database.create_function("row_changed", -1, self._note)
        for name in sealed_tables(database):
            self._copy(database, name)
        self._sums = self._next = _stored(database)

    def _copy(self, database: sqlite3.Connection, name: str) -> None:
        columns = database.execute(f"PRAGMA main.table_info({name})").fetchall()
        self._keys[name] = [(column[0], column[1]) for column in sorted(columns, key=lambda c: int(c[5])) if column[5]]
        database.execute(f"DROP TABLE IF EXISTS temp.{name}")
        made = "SELECT type, sql FROM main.sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC"
        for kind, sql in database.execute(made, (name,)).fetchall():  # the table, then its indices
            start, within = ("CREATE TABLE ", "temp.") if kind == "table" else ("CREATE INDEX ", "temp.")
            database.execute(sql.replace(start, start + within, 1))
        database.execute(f"INSERT INTO temp.{name} SELECT * FROM main.{name}")
        new, old = (", ".join(f"{which}.{column[1]}" for column in columns) for which in ("NEW", "OLD"))
        added, taken = f"SELECT row_changed('{name}', 1, {new});", f"SELECT row_changed('{name}', -1, {old});"
        for event, does in (("INSERT", added), ("DELETE", taken), ("UPDATE", taken + added)):
            database.execute(f"CREATE TEMP TRIGGER {name}_{event} AFTER {event} ON temp.{name} BEGIN {does} END")

    def _note(self, name: str, sign: int, *row: Any) -> None:
        key = tuple(row[at] for at, _ in self._keys[name])
        self._changed[name, key] = row if sign > 0 else None
        self._delta[name] = self._delta.get(name, 0) + sign * _hash(name, row)

    def write_down(self, database: sqlite3.Connection) -> None:
        """Bring to the disk what the current transaction changed in memory, with the seal over it: right before its end."""
        for (name, key), row in self._changed.items():
            where = " AND ".join(f"{column} = ?" for _, column in self._keys[name])
            if row is None:
                database.execute(f"DELETE FROM main.{name} WHERE {where}", key)
            else:
                database.execute(f"INSERT OR REPLACE INTO main.{name} VALUES ({', '.join('?' * len(row))})", row)
        self._next = {name: (self._sums.get(name, 0) + self._delta.get(name, 0)) % _MODULUS for name in self._keys}
        _store(database, {name: self._next[name] for name in self._delta}, _seal(database, self._next))

    def settle(self) -> None:
        """The transaction is durable."""
        self._sums = self._next
        self.forget()

    def forget(self) -> None:
        """The transaction was taken back, in memory too."""
        self._changed, self._delta = {}, {}


def seal(database: sqlite3.Connection) -> None:
    """Seal what is in the tables now: by whoever has just derived all of it."""
    sums = {name: _sum(database, name) for name in sealed_tables(database)}
    _store(database, sums, _seal(database, sums))


def check(database: sqlite3.Connection) -> None:
    """Read all that is on disk and counts, and compare it. Raises Wrong."""
    stored = _stored(database)
    sums = {name: _sum(database, name) for name in sealed_tables(database)}
    if not stored and not any(sums.values()):
        return  # a new one
    for name, found in sums.items():
        if found != stored.get(name, 0):
            raise Wrong(Message("its table {name} is not as it was written", name=name))
    if stored.get("") != _seal(database, sums):
        raise Wrong(Message("its tables are not as they were written together"))
    for (poll,) in database.execute("SELECT number FROM main.poll WHERE phase = ?", (Phase.ANNOUNCED,)).fetchall():
        rows = database.execute("SELECT grp, counted, rows, accepted FROM main.sums WHERE poll = ?", (poll,))
        check_ballots(database, poll, {grp: (counted, RowSums.from_bytes(*sums)) for grp, counted, *sums in rows})


def check_ballots(database: sqlite3.Connection, poll: int, groups: Mapping[int, tuple[int, RowSums]]) -> None:
    """Read all ballots' rows of a poll (the number of its entry) and compare them. Raises Wrong.

    ``groups``: for each how many ballots count, and the sums of the rows' hashes.
    """
    counted, rows = dict.fromkeys(groups, 0), dict.fromkeys(groups, 0)
    accepted = 0
    try:
        found = database.execute("SELECT grp, credential, turn, number FROM main.credential WHERE poll = ?", (poll,))
        while part := found.fetchmany(_MANY):
            by_group: dict[int, list[bytes]] = {}
            for grp, credential, turn, number in part:
                by_group.setdefault(grp, []).append(counted_row(credential, grp, turn, number))
            for grp, held in by_group.items():
                counted[grp] += len(held)
                rows[grp] += _sum_of(held)
        found = database.execute("SELECT number, tracker, replaced FROM main.ballot WHERE poll = ?", (poll,))
        while part := found.fetchmany(_MANY):
            accepted += _sum_of([accepted_row(*row) for row in part])
    except (KeyError, ValueError, TypeError, struct.error):
        raise Wrong(Message("a row of a ballot of poll {poll} is none", poll=poll)) from None
    for grp, (count, sums) in groups.items():
        if (counted[grp], rows[grp] % _MODULUS) != (count, sums.counted):
            raise Wrong(
                Message(
                    "the ballots that count in group {grp} of poll {poll} are not as they were written",
                    grp=grp,
                    poll=poll,
                )
            )
    if accepted % _MODULUS != sum(sums.accepted for _, sums in groups.values()) % _MODULUS:
        raise Wrong(Message("the ballots that poll {poll} accepted are not as they were written", poll=poll))


def _sum_of(rows: list[bytes]) -> int:
    return int.from_bytes(veche_kernel.sum_of_hashes(b"".join(rows), ROW))


def _hash(name: str, row: Iterable[Any]) -> int:
    return int.from_bytes(sha256(cbor2.dumps([name, *row])).digest())


def _sum(database: sqlite3.Connection, name: str) -> int:
    return sum(_hash(name, row) for row in database.execute(f"SELECT * FROM main.{name}")) % _MODULUS


def _stored(database: sqlite3.Connection) -> dict[str, int]:
    rows = database.execute("SELECT name, sum FROM main.seal")
    return {name: int.from_bytes(value) for name, value in rows}


def _store(database: sqlite3.Connection, sums: Mapping[str, int], sealed: int) -> None:
    rows = [(name, value.to_bytes(32)) for name, value in (*sums.items(), ("", sealed))]
    database.executemany("INSERT OR REPLACE INTO main.seal VALUES (?, ?)", rows)


def _seal(database: sqlite3.Connection, sums: Mapping[str, int]) -> int:
    facts = dict(database.execute("SELECT name, value FROM main.meta WHERE name IN ('charter', 'size')"))
    ledger = sha256(facts.get("charter", b"")).digest()
    parts = [b"what a ledger's writer has on disk, 1|", ledger, int(facts.get("size", 0)).to_bytes(8)]
    parts += [value.to_bytes(32) for _, value in sorted(sums.items())]
    return int.from_bytes(sha256(b"".join(parts)).digest())
