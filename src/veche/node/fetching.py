"""The full bundles of a log on their way into a folder, with the tiles of their hashes: from all who have some, checked, and durable.

Whom to ask for what says :mod:`veche.node.pieces`; here are the threads that ask, a few for each door. Whoever executes the log reads
meanwhile what has come (:class:`Arriving`), and waits for what has not. Whoever gives a false file is found out by that file, and left.
A crash leaves files that hold.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Self

from veche.durable import Batch
from veche.errors import DoesNotHold, VecheError
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log, check_bundle
from veche.log.publish import UNFINISHED
from veche.log.source import HEAD, Folder, Source
from veche.log.tiles import CHECKPOINT, ENTRIES, WIDTH, Tile, wrong
from veche.node.pieces import Pieces
from veche.node.web import Lacks, NoAnswer, Web
from veche.texts import Message

AT_ONCE = 3
"""Files that are on their way from one door at a time."""
DURABLE = 16
"""Pieces that are made durable together: at most so many are fetched again after a crash."""
PAUSE = 0.25
"""Seconds between two looks whether a door has become of use."""
LOOK, TELL = 3.0, 1.0
"""Seconds between two times that other doors are looked for; and that one of them is asked which pieces it has."""
GIVE_UP = 60.0
"""Seconds without a piece, after which it is not waited any longer that somebody has what is missing."""

Progress = Callable[[int, int], None]
"""Called with the number of entries done and of all entries."""


class Nobody(VecheError):
    """A part of a log that nobody has of those who are known."""

    def __init__(self, tile: Tile) -> None:
        super().__init__(Message("Of those that were asked nobody has {name}.", name=tile.name))


@dataclass(frozen=True)
class Door:
    """Where public files are. ``spared``: an institution's, or one that a person typed, which is asked for what nobody else has."""

    source: Source
    spared: bool = True


Look = Callable[[], Mapping[str, Door]]
"""Looks for others, on a thread of its own. Those that are known already are of no use."""


class Fetching:
    """All pieces of one log that are missing in a folder. Use it in a ``with``: behind it nothing is written any more."""

    def __init__(
        self,
        folder: Path,
        signed: SignedCheckpoint,
        doors: Mapping[str, Door],
        leave: Callable[[str, VecheError], None],
        progress: Progress | None = None,
        look: Look | None = None,
        dice: Random | None = None,
    ) -> None:
        """``signed``: a head that was checked, whose partial tiles and full ones above the leaves' are in the folder. ``leave`` is called on
        any thread, with a door that is left and the reason."""
        self._folder, self._head, self._progress, self._look = folder, signed.checkpoint, progress, look
        self._log = Log(Folder(folder), self._head)
        self._told, self._doors = leave, dict(doors)
        wanted = [piece for piece in range(self._head.size // WIDTH) if any(not self._has(one) for one in tiles(piece))]
        self._moved = monotonic()
        self._plan = Pieces(wanted, dice or Random(), self._moved)
        self._coming = self._plan.missing  # what is not here, or not yet where readers find it
        self._pending: dict[str, bytes] = {}  # files that are here and not durable yet
        self._batch: Batch | None = None
        self._stopped, self._meeting = False, 0
        self._broken: BaseException | None = None
        self._lock, self._writing = (
            threading.Lock(),
            threading.Lock(),
        )  # of what is known; of the batch, which is taken first
        self._changed = threading.Condition(self._lock)

    def __enter__(self) -> Self:
        with self._lock:
            for name, door in self._doors.items():
                self._begin(name, door)
        if self._look is not None:
            self._start(self._look_around)
        return self

    def __exit__(self, *_: object) -> None:
        with self._writing, self._lock:
            self._stopped = True
            self._changed.notify_all()
        self._batch = None

    @property
    def have(self) -> int:
        """Which pieces are here, as the bits of a number (:mod:`~veche.node.pieces`)."""
        return ((1 << self._head.size // WIDTH) - 1) & ~self._coming

    def finish(self) -> None:
        """Wait until all pieces are here, and durable. Raises Nobody, and UserError if the disk refuses."""
        with self._lock:
            while self._coming:
                self._check()
                self._changed.wait(PAUSE)
            self._check()
        with self._writing:
            self._flush()
        if self._progress is not None:
            self._progress(self._head.size, self._head.size)

    def read(self, tile: Tile) -> bytes | None:
        """A file of a piece, as soon as it is here. Raises as :meth:`finish`."""
        with self._lock:
            while self._coming >> tile.index & 1:
                self._check()
                self._changed.wait(PAUSE)
            pending = self._pending.get(tile.name)
        return Folder(self._folder).get(tile.name) if pending is None else pending

    def _check(self) -> None:
        """Raise what broke it; Nobody if nobody is left who has what is missing."""
        if self._broken is not None:
            raise self._broken
        if not self._coming or self._meeting:
            return
        patient = (self._look is not None or self._plan.growing) and monotonic() - self._moved < GIVE_UP
        nowhere = self._plan.nowhere
        if nowhere is not None and not patient:
            raise Nobody(Tile(ENTRIES, nowhere))

    def _has(self, tile: Tile) -> bool:
        return (self._folder / tile.name).is_file()

    # The threads

    def _begin(self, name: str, door: Door) -> None:
        self._meeting += 1
        self._start(self._meet, name, door)

    def _start(self, what: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=self._guarded, args=(what, *arguments), name="veche-fetch", daemon=True).start()

    def _meet(self, name: str, door: Door) -> None:
        """Ask somebody which pieces they have, then for these."""
        failed, has = None, None
        try:
            has = _pieces_of(door)
        except (DoesNotHold, NoAnswer) as error:
            failed = error
        with self._lock:
            self._meeting -= 1
            self._plan.meet(name, door.spared, has)
        if failed is not None:
            self._leave(name, failed)
        else:
            for _ in range(AT_ONCE):
                self._start(self._serve, name, door)

    def _guarded(self, what: Callable[..., None], *arguments: object) -> None:
        try:
            what(*arguments)
        except BaseException as error:
            with self._lock:
                self._broken = self._broken or error
                self._changed.notify_all()

    def _serve(self, name: str, door: Door) -> None:
        """Ask one door for one piece after the other."""
        asked = monotonic()
        while True:
            with self._lock:
                if self._stopped or not self._plan.missing or not self._plan.knows(name):
                    return
                piece = self._plan.next(name, monotonic())
                if piece is None:
                    self._changed.wait(PAUSE)
            try:
                if piece is not None:
                    self._take(name, piece, self._fetch(door.source, piece))
                elif self._plan.is_partial(name) and monotonic() - asked > TELL:
                    asked = monotonic()
                    has = _pieces_of(door)
                    with self._lock:
                        self._plan.tell(name, has)
            except Lacks as error:
                with self._lock:
                    false = piece is not None and self._plan.lacks(name, piece)
                if false:
                    self._leave(name, wrong(error.tile.name, Message("the file is missing")))
            except (DoesNotHold, NoAnswer) as error:
                self._leave(name, error)

    def _fetch(self, source: Source, piece: int) -> list[tuple[Tile, bytes]]:
        """Both files of a piece, checked."""
        found = list[tuple[Tile, bytes]]()
        for tile in tiles(piece):
            data = (self._folder / tile.name).read_bytes() if self._has(tile) else source.get(tile.name)
            if data is None:
                raise Lacks("?", tile)
            if tile.level == ENTRIES:
                check_bundle(tile, data, found[0][1])
            else:
                self._log.check_hashes(tile, data)
            found.append((tile, data))
        return found

    def _take(self, name: str, piece: int, files: list[tuple[Tile, bytes]]) -> None:
        with self._lock:
            new = self._plan.got(name, piece, monotonic())
        if not new:
            return
        with self._writing:
            if self._stopped:
                return
            self._batch = self._batch or Batch(self._folder, self._folder / UNFINISHED)
            for tile, data in files:
                self._batch.write(self._folder / tile.name, data)
            with self._lock:
                self._pending |= {tile.name: data for tile, data in files}
                self._coming &= ~(1 << piece)
                self._moved = monotonic()
                self._changed.notify_all()
                if self._progress is not None:
                    here = self._head.size // WIDTH - self._coming.bit_count()
                    self._progress(here * WIDTH, self._head.size)
            if len(self._pending) >= 2 * DURABLE:
                self._flush()

    def _flush(self) -> None:
        """Make durable what has come. Under ``_writing``."""
        if self._batch is not None:
            self._batch.finish()
            self._batch = None
            with self._lock:
                self._pending.clear()

    def _leave(self, name: str, error: VecheError) -> None:
        with self._lock:
            if self._stopped or not self._plan.knows(name):
                return
            self._plan.leave(name)
            if isinstance(error, NoAnswer):
                self._doors.pop(name, None)  # it may be found again
            self._changed.notify_all()
        self._told(name, error)

    def _look_around(self) -> None:
        """Find others, as long as something is missing."""
        while True:
            with self._lock:
                if self._stopped or not self._plan.missing:
                    return
            assert self._look is not None
            for name, door in self._look().items():
                if name not in self._doors:
                    self._doors[name] = door
                    with self._lock:
                        self._begin(name, door)
            end = monotonic() + LOOK
            with self._lock:
                while not self._stopped and monotonic() < end:
                    self._changed.wait(end - monotonic())


class Arriving(Source):
    """The public files of a folder under a head that is not there yet, while its pieces are fetched: reading waits for them."""

    def __init__(self, folder: Path, signed: SignedCheckpoint, kept: Mapping[str, bytes], fetching: Fetching) -> None:
        """``kept``: the heads that are kept, by their names."""
        self._folder, self._signed, self._kept, self._fetching = Folder(folder), signed, kept, fetching

    def names(self, prefix: str = "") -> list[str]:
        """The kept heads, and attachments."""
        if prefix.startswith(HEAD):
            return sorted(name for name in self._kept if name.startswith(prefix))
        return self._folder.names(prefix)

    def get(self, name: str) -> bytes | None:
        if name == CHECKPOINT:
            return self._signed.to_bytes()
        if name.startswith(HEAD):
            return self._kept.get(name)
        if name.startswith("tile/"):
            tile = Tile.parse(name)
            if tile.width == WIDTH and tile.level in (0, ENTRIES):
                return self._fetching.read(tile)
        return self._folder.get(name)


def tiles(piece: int) -> tuple[Tile, Tile]:
    """The files of a piece, in the order in which they are checked."""
    return Tile(0, piece), Tile(ENTRIES, piece)


def _pieces_of(door: Door) -> int | None:
    """Which pieces somebody has; None: all. Raises NoAnswer."""
    return door.source.have() if isinstance(door.source, Web) else None
