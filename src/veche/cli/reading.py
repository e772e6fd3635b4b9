"""Reading a ledger for a command: its state, its entries, and what a person means by a name or the beginning of an id.

The folder of a node that runs here has a database: the node has checked everything in it, and it is read as it is. Anything
else (a copy, an export) is verified from its bytes first, which takes as long as ``veche verify``. Either way entries and
proofs come out of the public files, under a checkpoint whose signature by the charter's key was checked.
"""

import sqlite3
import time as clock_time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from veche.audit.ledger import verify_ledger
from veche.errors import UserError
from veche.ledger.charter import Charter
from veche.ledger.entry import decode, digest
from veche.ledger.ledger import DATABASE
from veche.ledger.state import CommitteeState, PollState, State
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.log import Log, Snapshot
from veche.log.source import Source, open_source

SHORTEST = 4
"""The fewest digits by which an id may be abbreviated."""


class Reading:
    """A ledger as of ``head``. ``id`` is SHA-256 of its charter."""

    def __init__(self, path: Path, source: Source, head: SignedCheckpoint, state: State) -> None:
        self.path = path
        self.state = state
        self.head = head
        self.log = Log(source, head.checkpoint)
        self.id = digest(self.log.entry(0))

    @property
    def size(self) -> int:
        return self.head.checkpoint.size

    @property
    def charter(self) -> Charter:
        return self.state.charter

    @property
    def policy(self) -> Policy:
        """Whose signature this ledger's checkpoints need."""
        return Policy.log(self.charter.origin, self.charter.log_key)

    @property
    def time(self) -> int:
        """The time of the last block that is in the log, in seconds since 1970."""
        return self.state.get("time")

    def entry(self, number: int) -> bytes:
        """An entry by its number. Raises UserError if there is none."""
        if not 0 <= number < self.size:
            raise UserError(f"The ledger has no entry {number}; it has {self.size}, numbered from 0.")
        return self.log.entry(number)

    def poll(self, name: str) -> PollState:
        """The poll whose id begins with ``name``. Raises UserError if there is none, or more than one."""
        polls = {found.id.hex(): found for found in self.state.polls()}
        return polls[_choose(name, list(polls), "poll", "veche poll list")]

    def committee(self, name: str) -> CommitteeState:
        """The committee whose id begins with ``name``. Raises UserError if there is none, or more than one."""
        committees = {found.id.hex(): found for found in self.state.committees()}
        return committees[_choose(name, list(committees), "committee", "veche committee list")]

    def office(self, key: bytes, role: str) -> str:
        """The institution that holds this key in this role. Raises UserError."""
        institution, kind, active = self.state.offices.get(key, ("", "", False))
        if not active:
            raise UserError(
                f"The key {key.hex()[:16]}… is not the key of an office in this ledger.",
                "See whose keys are: veche ledger show",
            )
        if kind != role:
            raise UserError(
                f"This is the key of {institution} as {kind}; the key of another office is wanted here: {role}."
            )
        return institution


@contextmanager
def read_ledger(path: Path, verified: bool = False) -> Iterator[Reading]:
    """Open a ledger's folder or an export of it. ``verified``: check every byte, even of this machine's own node.

    Raises UserError if there is no ledger, DoesNotHold if it is not what it claims to be.
    """
    if not path.exists():
        raise UserError(f"There is no ledger at {path}.", "Name its folder with --ledger, or set VECHE_LEDGER.")
    source = open_source(path)
    if path.is_dir() and not (path / "checkpoint").exists():
        raise UserError(f"There is no ledger in {path}.", "Name its folder with --ledger, or set VECHE_LEDGER.")
    database = None if verified else _open_database(path)
    try:
        if database is None:
            found = verify_ledger(source)
            yield Reading(path, found.source, SignedCheckpoint.parse(found.source.read("checkpoint")), found.state)
        else:
            snapshot = Snapshot(source)
            head, state = snapshot.checkpoint(), State(database)
            head.verify(Policy.log(state.charter.origin, state.charter.log_key))
            yield Reading(path, snapshot, head, state)
    finally:
        if database is not None:
            database.close()


def _open_database(path: Path) -> sqlite3.Connection | None:
    """A node's database, to be read as it is at this moment; None if there is none or it cannot be read."""
    database = path / DATABASE
    if not database.is_file():
        return None
    connection = None
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        connection.execute("BEGIN")
        connection.execute("SELECT value FROM meta WHERE name = 'charter'").fetchone()
    except sqlite3.Error:
        if connection is not None:
            connection.close()
        return None
    return connection


def wait_until_published(path: Path, number: int, timeout: float = 10.0) -> None:
    """Wait until the published checkpoint covers this entry: a moment after the ledger has accepted it."""
    end = clock_time.monotonic() + timeout
    while clock_time.monotonic() < end:
        with suppress(OSError):
            if SignedCheckpoint.parse((path / "checkpoint").read_bytes()).checkpoint.size > number:
                return
        clock_time.sleep(0.02)
    raise UserError(f"Entry {number} is in the ledger, but not published yet.", "Ask for its receipt a little later.")


def kind_of(entry: bytes) -> str:
    return str(decode(entry)[0])


def _choose(name: str, ids: list[str], what: str, where: str) -> str:
    text = name.lower().removesuffix("…")
    matching = [known for known in ids if known.startswith(text)]
    if len(text) < SHORTEST or not matching:
        raise UserError(f"The ledger has no {what} {name!r}.", f"See which there are: {where}")
    if len(matching) > 1:
        raise UserError(f"{len(matching)} {what}s begin with {name!r}.", "Give more of the id.")
    return matching[0]
