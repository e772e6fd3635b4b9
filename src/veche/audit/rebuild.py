"""A node's database made anew from the public files. docs/protocol.md, section 6: everything is verified meanwhile.

The database beside a ledger's public files is derived from them, but for what was accepted in the last moments and is not
published yet. So whatever happened to it (it is missing, empty, cut off, older than the files, damaged, of another ledger), it can
be made again. What the old one had besides is taken over, if it can be read, is this node's own, and leads where it says.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from veche.audit.ledger import Progress, check_attachments, check_succession, read_head, replay_files
from veche.audit.replay import Replay
from veche.durable import Lock, put_in_place, remove, replace
from veche.engine.publishing import LOG_KEY, check_signs
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.group_sums import weighted
from veche.ledger.ownership import is_own, take
from veche.ledger.state import State
from veche.ledger.store import DATABASE, Store, plainly
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Bundle, read_tile
from veche.log.merkle import leaf_hash
from veche.log.publish import edge_at
from veche.log.source import Folder, Source
from veche.log.tiles import CHECKPOINT, ENTRIES, WIDTH, Tile, unpack
from veche.texts import Message

NEW = "veche.db.new"
"""The new database until it is whole. What a crash leaves of it is removed by the next attempt."""
TAKING = "taking-back"
"""Is there from before further public files are taken from others until the database has them, too."""
_BESIDE = ("-journal", "-wal", "-shm")
"""How the files end that SQLite keeps beside a database: they are a part of it."""


@dataclass(frozen=True)
class Rebuilt:
    """``size``: entries that the database leads to; ``taken``: how many of them are not published yet and came from the old one.

    ``lost``: entries that the old one had besides and that could not be taken over; None if that cannot be told.
    """

    size: int
    taken: int
    lost: int | None


@dataclass(frozen=True)
class _Old:
    """What the old database holds behind the published head. ``root``: of the log with it."""

    entries: list[bytes]
    root: bytes
    beat: tuple[int, int]


def rebuild(folder: Path, progress: Progress | None = None, newcomer: bool = False) -> Rebuilt:
    """Make the database of the ledger in this folder anew, after verifying all of its public files.

    ``newcomer``: the key beside the files is that of somebody who is to sign heads, and does not yet. The old one is replaced when the new one is whole and durable, and not before: a crash at any moment leaves either. Raises
    DoesNotHold if the public files do not hold, Held if an engine runs, and UserError if there are none, if the log key beside them is
    not that of their charter, or if the disk refuses.
    """
    if not (folder / CHECKPOINT).is_file():
        raise UserError(
            Message(
                "There are no public files of a ledger in {folder} from which its database could be made.",
                folder=folder,
            ),
            Message("Copy checkpoint, tile and attachment there first, from anybody who has them."),
        )
    with (
        plainly(folder),
        Lock(folder / "lock", Message("Another program is writing the ledger in {folder}", folder=folder)),
    ):
        return remake(folder, *read_head(Folder(folder)), progress, newcomer)


def remake(
    folder: Path,
    snapshot: Source,
    signed: SignedCheckpoint,
    progress: Progress | None = None,
    newcomer: bool = False,
    read: Callable[[], None] = lambda: None,
) -> Rebuilt:
    """The same for whoever holds the folder's lock, from what this source holds under this head, which is to be the folder's own.

    ``read`` is called when all entries were read and hold: behind it the files are in the folder.
    """
    with plainly(folder):
        old, lost = _read_old(folder, snapshot, signed)
        taken = len(old.entries) if old is not None else 0
        try:
            try:
                _make(folder, snapshot, signed, old, progress, newcomer, read)
            except (DoesNotHold, _Astray):
                if not taken:
                    raise
                _make(
                    folder, snapshot, signed, None, progress, newcomer, read
                )  # if it is the files that do not hold, it says so now
                taken, lost = 0, taken
            _retire(folder / DATABASE)
            put_in_place(folder / NEW, folder / DATABASE)
        except BaseException:
            _remove(folder / NEW)
            raise
        take(folder)
    return Rebuilt(signed.checkpoint.size + taken, taken, lost)


def begin_taking(folder: Path) -> None:
    """Public files are taken from others, of whom the database knows nothing yet. Raises UserError if the disk refuses."""
    replace(folder / TAKING, b"")


def end_taking(folder: Path) -> None:
    """The database leads to all that was taken: if a crash came between, it is made anew first. Raises as :func:`rebuild`."""
    if (folder / TAKING).exists():
        with suppress(UserError), closing(Store.read(folder)) as store:
            if is_own(folder) and store.state.get("size") >= Folder(folder).checkpoint().checkpoint.size:
                remove(folder / TAKING)
                return
        rebuild(folder)
        remove(folder / TAKING)


class _Astray(Exception):
    """What the old database has does not lead to the root that it names."""


def _read_old(folder: Path, snapshot: Source, signed: SignedCheckpoint) -> tuple[_Old | None, int | None]:
    """What the old database has behind the published head; and how many entries are lost with it, None if nobody can tell.

    Raises UserError if it knows that more was published than is there.
    """
    size, nothing = signed.checkpoint.size, (None, None)
    try:
        if not (folder / DATABASE).is_file() or not is_own(folder):  # of what others wrote nothing is read
            return nothing
        store = Store.read(folder)
    except (UserError, OSError):
        return nothing
    with closing(store):
        try:
            state = store.state
            held, published = state.get("size"), state.get("published")
            if state.get_bytes("charter") != _entries(snapshot, size, 0)[0]:
                return nothing
            entries = store.tail(size) if published <= size else []
            beat = state.get("heartbeat_height"), state.get("heartbeat_time")
            old = _Old(entries, state.get_bytes("root"), beat)
        except (UserError, DoesNotHold, sqlite3.Error, TypeError):
            return nothing
    if published > size:
        raise UserError(
            Message(
                "The public files in {folder} end after {size} entries, and {published} were published from here.",
                folder=folder,
                size=size,
                published=published,
            ),
            Message(
                "Nothing was changed. Copy the newest public files there first: two histories under one key would be a fork."
            ),
        )
    if held < size:
        return None, 0
    return (old, 0) if len(entries) == held - size else (None, held - size)


def _make(
    folder: Path,
    snapshot: Source,
    signed: SignedCheckpoint,
    old: _Old | None,
    progress: Progress | None,
    newcomer: bool,
    read: Callable[[], None],
) -> None:
    """Make the new database, beside the old one. Raises DoesNotHold, _Astray."""
    new, head = folder / NEW, signed.checkpoint
    _remove(new)
    beyond = old.entries if old is not None else []

    with Replay(snapshot, head.size, str(new), beyond) as replay, closing(replay.machine.state.db) as database:
        walked = replay_files(replay, snapshot, signed, progress)
        replay.feed(Bundle(beyond, b""))
        replay.finish()
        check_succession(replay, walked, head.size)
        read()
        if (folder / LOG_KEY).is_file() and not newcomer:
            check_signs(replay.machine.state, SigningKey.load(folder / LOG_KEY))
        check_attachments(snapshot)
        start = head.size - head.size % WIDTH
        tail = [*_entries(snapshot, head.size, start), *beyond]
        edge = edge_at(folder, start)
        for _ in edge.extend([leaf_hash(entry) for entry in tail]):
            pass
        leads = old is not None and old.root == edge.root()
        if beyond and not leads:
            raise _Astray
        machine, store = replay.machine, Store(folder, database)
        store.prepare()
        store.append(start, tail)
        beat = machine.height, machine.time
        height, time = max(beat, old.beat) if old is not None and leads else beat
        for name, value in (
            ("published", start), ("root", edge.root()), ("heartbeat_height", height), ("heartbeat_time", time),
        ):  # fmt: skip
            store.state.put(name, value)
        _keep_recount(machine.state, edge.size)
        store.seal()
        store.commit()
    if progress is not None:
        progress(head.size, head.size)


def _entries(snapshot: Source, size: int, start: int) -> list[bytes]:
    """The entries of the bundle that begins at ``start``."""
    if start == size:
        return []
    tile = Tile(ENTRIES, start // WIDTH, min(WIDTH, size - start))
    return unpack(tile, read_tile(snapshot, tile))


def _keep_recount(state: State, size: int) -> None:
    """The ballots were counted twice meanwhile: keep both. Raises SumsDisagree if they differ."""
    rows = []
    for poll in state.polls_announced():
        for number, group in enumerate(poll.groups):
            sums = weighted([(group, 1)], poll.definition.ciphertexts)
            rows.append((poll.number, number, group.counted, sums, group.rows.counted.to_bytes(32)))
    state.set_recount(size, rows)


def _retire(database: Path) -> None:
    """Make one file of the old database, so that nothing beside it is taken for a part of the new one. Raises UserError."""
    try:
        with closing(
            sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
        ) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise UserError(
                Message("Another program reads the database in {parent}.", parent=database.parent),
                Message("Wait for it, or end it; then try again."),
            ) from None
        # It is missing or no whole database, so no journal can make it one.
    for ending in _BESIDE:
        remove(database.with_name(database.name + ending))


def _remove(new: Path) -> None:
    for ending in ("", *_BESIDE):
        remove(new.with_name(new.name + ending))
