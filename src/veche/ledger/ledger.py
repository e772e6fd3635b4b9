"""A ledger in a folder, as its one writer sees it: entries are checked, a block is executed, then committed or discarded.

    veche.db         the node's own: the state, and every entry that is not yet in a full, durable bundle of tile/
    checkpoint, tile/, attachment/   what everybody may copy (docs/protocol.md, section 5)

The database decides: a block is committed there in one transaction, and only then acknowledged. A ledger holds no key and
publishes nothing by itself: its engine signs the head and hands it to :mod:`veche.ledger.publication`. Engines drive it with
four calls, whatever they agree on and with whom:

    check     verdicts on entries, remembered; before they are proposed. Prepared here, run on any thread
    execute   a block: which entries it admits, and the head to which it leads. Nothing is durable yet; it can be repeated
    commit    make the executed block durable
    discard   forget it
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from veche.durable import Lock, make_folder, replace
from veche.errors import Refused, UserError
from veche.ledger.block import Block
from veche.ledger.checks import Check, Verdict, Verdicts
from veche.ledger.codec import digest
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.charter import read_charter
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.entries.engine import Validator
from veche.ledger.follower import Follower
from veche.ledger.machine import Machine
from veche.ledger.state import State
from veche.ledger.store import READ, Disagrees, Store, is_public, must_exist
from veche.log.checkpoint import Checkpoint
from veche.log.merkle import leaf_hash
from veche.log.publish import Growth, edge_at
from veche.log.source import Folder
from veche.log.tiles import ENTRIES, WIDTH, Edge, Row, Tile, span, unpack
from veche.texts import Message

HEARTBEAT = 60
"""How often, in seconds, the time of a block that appends nothing is written down."""

CHECKED = 86_400
"""How often, in seconds of the ledger's time, all that is remembered is compared with what was written."""

Answer = int | Refused
"""What became of an entry: its number in the log, or why it was refused."""


@dataclass(frozen=True)
class Executed:
    """A block that was executed and is not durable yet. ``answers``: one an entry; ``head``: of the log with the block.

    ``validators``: who they are with it. ``logged``: whether it belongs into the log. A block that neither appends anything nor ends a halt only moves the time.
    """

    height: int
    time: int
    answers: list[Answer]
    head: Checkpoint
    logged: bool
    validators: tuple[Validator, ...] = ()


@dataclass(frozen=True)
class _Pending:
    """An executed block, with what becomes of the tree if it is committed."""

    executed: Executed
    block: Block
    edge: Edge
    full: list[Row]


class Ledger:
    """The one writer of a ledger's folder (it holds a lock on it). It reads no clock; times are seconds since 1970.

    ``height`` and ``time`` are those of the last block, whether or not it was logged.
    """

    def __init__(self, folder: Path) -> None:
        """Open a ledger. Raises UserError if it is missing, in use or cannot be read."""
        must_exist(folder)
        self._open(folder)
        if not self.state.has_charter:
            self.close()
            if is_public(folder):
                raise Disagrees(folder, Message("it is empty"))
            raise UserError(
                Message("The ledger in {folder} has no charter.", folder=folder),
                Message("Begin it with: veche ledger init"),
            )

    @classmethod
    def create(cls, folder: Path, charter: bytes) -> "Ledger":
        """Begin a ledger with this charter entry. Raises Refused, UserError.

        A crash leaves a ledger without charter at most, which is begun by calling this again.
        """
        read_charter(charter)
        if is_public(folder):
            hint = Message(
                "Choose an empty folder; or, if its database is missing: veche ledger rebuild --ledger {folder}",
                folder=folder,
            )
            raise UserError(Message("There is a ledger in {folder} already.", folder=folder), hint)
        made = cls.__new__(cls)
        made._open(folder)
        try:
            if made.state.has_charter:
                raise UserError(
                    Message("There is a ledger in {folder} already.", folder=folder), Message("Choose an empty folder.")
                )
            with made._store.plainly():
                made._store.begin()
                made.machine.genesis(charter)
                made._pend(made.machine.block, [])
            made.commit()
        except BaseException:
            made.close()
            raise
        return made

    def _open(self, folder: Path) -> None:
        self.folder = folder
        self._resources = ExitStack()
        try:
            make_folder(folder)
            self._resources.enter_context(
                Lock(folder / "lock", Message("Another program is writing the ledger in {folder}", folder=folder))
            )
            self._store = Store.open(folder)
            self._resources.callback(self._store.close)
            self._verdicts = Verdicts()
            self._bundle = lru_cache(maxsize=64)(self._read_bundle)
            self._pending: _Pending | None = None
            self._checked: int | None = None  # when all of the state was compared last, in the ledger's time
            self._checking: Future[None] | None = None
            self._beside = ThreadPoolExecutor(1, "veche-beside")
            self._resources.callback(self._beside.shutdown)
            with self._store.plainly(READ):
                self.machine = Machine(self._store.state, self.entry, self.root)
                self._load_tree()
                self._load()
            self._follower = Follower(self.folder, self.state, self._verdicts)
            self._resources.callback(self._follower.close)
        except BaseException:
            self.close()
            raise

    def _load_tree(self) -> None:
        """The right edge of the tree, from the durable tiles and the tail behind them; the rest of the tree is on disk."""
        start = self.state.get("published")
        self._edge = edge_at(self.folder, start)
        self._start, self._tail = start, self._store.tail(start)
        self._full = list(self._edge.extend([leaf_hash(entry) for entry in self._tail]))
        tree = self._edge.size, self._edge.root()
        if self.state.has_charter and tree != (self.state.get("size"), self.state.get_bytes("root")):
            raise Disagrees(self.folder, Message("its entries do not lead to the root that it names"))
        self._check_published()

    def _check_published(self) -> None:
        """Raise UserError unless the head that is published, if there is one, is of this very log."""
        if not is_public(self.folder):
            return
        head = Folder(self.folder).checkpoint().checkpoint
        if head.size > self.size:
            raise Disagrees(
                self.folder,
                Message("it has {size} entries, and {size2} are published beside it", size=self.size, size2=head.size),
            )
        if head.size < self._start:
            raise UserError(
                Message(
                    "The public files in {folder} end after {size} entries, and {start} were published from here.",
                    folder=self.folder,
                    size=head.size,
                    start=self._start,
                ),
                Message("Copy the newest public files there: two histories under one key would be a fork."),
            )
        edge = edge_at(self.folder, self._start)
        for _ in edge.extend([leaf_hash(entry) for entry in self._tail[: head.size - self._start]]):
            pass
        if edge.root() != head.root:
            raise Disagrees(self.folder, Message("it leads to another root than the one that is published beside it"))

    def _load(self) -> None:
        """Take memory from disk: at the start, and after a block that was discarded, of which memory may hold a part."""
        self.state.forget()
        self.machine.load()
        self.height, self.time = self.state.get("heartbeat_height"), self.state.get("heartbeat_time")

    def close(self) -> None:
        self._resources.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def state(self) -> State:
        """What the rules remember."""
        return self._store.state

    @property
    def id(self) -> bytes:
        """SHA-256 of the charter."""
        return self.machine.ledger

    @property
    def size(self) -> int:
        """How many entries are committed."""
        return self._edge.size

    @property
    def head(self) -> Checkpoint:
        """The head of what is committed."""
        return self._head(self._edge)

    # Blocks

    def check(self, entries: Sequence[bytes], time: int | None = None) -> Check:
        """Prepare the costly checks of those of these entries that have a chance, on the thread that owns the ledger; ``run()``
        them on any.

        Their verdicts are remembered, so that ``execute`` finds them. What was not asked before, or had no chance then and has one
        now, is checked in ``execute``.
        """
        known = None if self._pending else self._verdicts  # what a block says that may be discarded is not remembered
        with self._store.plainly(READ):
            return self.machine.check(entries, known, self.time if time is None else time, ask=True)

    def why_unwritten(self, data: bytes) -> Refused | None:
        """Why an entry that is no ballot has no chance, whatever else is in its block: nobody who may has written it. None if it has."""
        if is_ballot(data):
            return None
        try:
            with self._store.plainly(READ):
                self.machine.check_written(data)
        except Refused as refused:
            return refused
        return None

    def execute(
        self,
        height: int,
        time: int,
        entries: Sequence[bytes] = (),
        said: Sequence[DoubleSigning] = (),
        whole: bool = False,
        previous: int | None = None,
    ) -> Executed:
        """Execute a block of those entries that the rules admit. What was executed before and not committed is discarded. ``said``:
        of validators, by consensus; what the rules refuse of it is left out. ``whole``: raise the first refusal of an entry and do
        nothing more, so that a block that is full of junk costs next to nothing. ``previous``: the time of the block before, if another
        than that of the last one here.

        Raises Refused("block", ...) if it cannot follow the last one, SumsDisagree or Disagrees if what is remembered cannot be
        relied on, and UserError if the disk refuses: then there was no block.
        """
        self.discard()
        if height <= self.height:
            raise Refused(
                "block", Message("Block {height} does not follow block {height2}.", height=height, height2=self.height)
            )
        try:
            with self._store.plainly(), self._store.as_disagreement():
                self._watch(time)
                self._store.begin()
                self.machine.begin(height, time, self.time if previous is None else previous)
                for one in said:
                    self._note(one)
                verdicts = self.machine.check(entries, self._verdicts, ask=True).run(whole)
                answers = []
                for data, verdict in zip(entries, verdicts, strict=True):
                    answer = self._admit(data, verdict)
                    if whole and isinstance(answer, Refused):
                        raise answer
                    answers.append(answer)
                self.machine.complete()
                return self._pend(self.machine.block, answers)
        except BaseException:
            self._undo()
            raise

    def follow(self, entries: Sequence[bytes]) -> None:
        """Make durable a block that others have, with these entries. Raises Refused if the rules make another of it, and as
        :meth:`execute` and :meth:`commit`."""
        self.discard()
        try:
            with self._store.plainly(), self._store.as_disagreement():
                self._store.begin()
                self.machine.follow(entries)
                self._pend(self.machine.block, [])
        except BaseException:
            self._undo()
            raise
        self.commit()

    def _watch(self, time: int) -> None:
        """Compare the state of polls that are to be tallied now with what was written, and with the recount, which otherwise goes
        on beside the blocks; and all of the state once a day, beside them too. Raises Disagrees, and with the next block after a day's comparison what that found."""
        closing = self.state.polls_closing(time)
        for poll in closing:
            self._store.check_ballots(poll)
        if closing:
            self._follower.finish(self.size, closing, self.entry)
        else:
            self._follower.go_on(self._start)
        if self._checking is not None and self._checking.done():
            self._checking.result()
            self._checking = None
        if self._checked is None:
            self._checked = time
        elif self._checking is None and time - self._checked >= CHECKED:
            self._checked, self._checking = time, self._beside.submit(self._check)

    def _check(self) -> None:
        """On a thread of its own, with a connection of its own: the state as it is at this moment, while blocks go on."""
        store = Store.read(self.folder)
        try:
            store.check()
        finally:
            store.close()

    def _note(self, said: DoubleSigning) -> Answer:
        try:
            return self.machine.note(said)
        except Refused as refusal:
            return refusal

    def _admit(self, data: bytes, verdict: Verdict) -> Answer:
        try:
            return self.machine.admit(data, verdict)
        except Refused as refusal:
            return refusal

    def _pend(self, block: Block, answers: list[Answer]) -> Executed:
        edge, full = self._edge, []
        if block.matters:
            edge = edge.copy()
            full = list(edge.extend(block.leaf_hashes()))
        executed = Executed(block.height, block.time, answers, self._head(edge), block.matters, self.state.validators())
        self._pending = _Pending(executed, block, edge, full)
        return executed

    @property
    def executing(self) -> list[bytes]:
        """The entries of the executed block, its own first; none if there is no such block."""
        return self._pending.block.appended if self._pending is not None else []

    def commit(self) -> None:
        """Make the executed block durable: entries, state and head at once, in one transaction.

        A crash before its end leaves the block undone, one after it leaves it done. Raises UserError if the disk refuses:
        then there was no block.
        """
        pending = self._pending
        if pending is None:
            raise RuntimeError("nothing was executed that could be committed")
        try:
            with self._store.plainly():
                self._store.check_place()
                if not pending.executed.logged:
                    self._skip(pending.executed)
                    return
                self.machine.end()
                self._follower.note()
                self._store.drop(self._start)
                self._store.append(pending.block.start, pending.block.appended)
                self.state.put("root", pending.executed.head.root)
                self._beat(pending.executed.height, pending.executed.time)
                self._store.commit()
        except BaseException:
            self._undo()
            with self._store.plainly(READ):
                self._load_tree()  # the disk may have committed, and then said that it had not
            raise
        self._pending = None
        self._edge = pending.edge
        self._full += pending.full
        self._tail += pending.block.appended
        self.height, self.time = pending.executed.height, pending.executed.time

    def discard(self) -> None:
        """Forget the executed block, if there is one."""
        if self._pending is not None:
            self._undo()

    def _undo(self) -> None:
        self._pending = None
        before = self.height, self.time
        with self._store.plainly(READ):
            self._store.roll_back()
            self._load()
        # Blocks that appended nothing were not all written down.
        self.height, self.time = max(before, (self.height, self.time))

    def _skip(self, executed: Executed) -> None:
        """A block that appends nothing: nothing changed but the time, which is written down now and then.

        A crash loses at most a minute of it: the ledger then seems to have halted a minute longer.
        """
        self._pending = None
        self._store.roll_back()
        self.machine.load()
        if executed.time - self.state.get("heartbeat_time") >= HEARTBEAT:
            with self._store.transaction():
                self._beat(executed.height, executed.time)
        self.height, self.time = executed.height, executed.time

    def pass_to(self, height: int, time: int) -> None:
        """Blocks up to this one, of this time, went by and appended nothing: known from consensus, where this node lacks them. Durable."""
        self.discard()
        with self._store.transaction():
            self._beat(height, time)
        self.height, self.time = height, time

    def _beat(self, height: int, time: int) -> None:
        self.state.put("heartbeat_height", height)
        self.state.put("heartbeat_time", time)

    def _head(self, edge: Edge) -> Checkpoint:
        return Checkpoint(self.state.charter.origin, edge.size, edge.root())

    # Reading and publishing

    def entry(self, number: int) -> bytes:
        """A committed entry of the log by its number. Raises UserError if there is none."""
        if not 0 <= number < self.size:
            raise UserError(
                Message(
                    "The ledger has no entry {number}; it has {size}, numbered from 0.",
                    number=str(number),
                    size=self.size,
                )
            )
        if number >= self._start:
            return self._tail[number - self._start]
        return self._bundle(number // WIDTH)[number % WIDTH]

    def _read_bundle(self, index: int) -> list[bytes]:
        tile = Tile(ENTRIES, index)
        return unpack(tile, (self.folder / tile.name).read_bytes())

    def root(self, size: int) -> bytes:
        """The root of the tree over the first ``size`` committed entries."""
        if size == self.size:
            return self._edge.root()
        if size < self._start:  # the tiles before it are full
            edge = edge_at(self.folder, size - size % WIDTH)
            rest = self._bundle(size // WIDTH)[: size % WIDTH]
        else:
            edge, rest = edge_at(self.folder, self._start), self._tail[: size - self._start]
        for _ in edge.extend([leaf_hash(entry) for entry in rest]):
            pass
        return edge.root()

    def growth(self, size: int) -> Growth:
        """What was committed since full bundles were last published, up to this size of the log."""
        if size == self.size:
            return Growth(self._start, list(self._tail), [*self._full, *self._edge.partial()], self._edge.root())
        entries, edge = self._tail[: size - self._start], edge_at(self.folder, self._start)
        full = list(edge.extend([leaf_hash(entry) for entry in entries]))
        return Growth(self._start, entries, [*full, *edge.partial()], edge.root())

    def forget(self, before: int) -> None:
        """Forget the entries before this number: full, durable bundles hold them. The database does with the next block."""
        if before != self._start:
            del self._tail[: before - self._start]
            self._start = before
        self._full = [row for row in self._full if (row.tile.index + 1) * WIDTH * span(row.tile.level) > before]

    def attach(self, content: bytes) -> bytes:
        """Store an attachment (a 32-byte salt, then the content) beside the log; the answer is its hash."""
        name = digest(content)
        folder = self.folder / "attachment"
        make_folder(folder)
        replace(folder / name.hex(), content, drafts=self.folder)  # in the folder itself others would see the draft
        return name
