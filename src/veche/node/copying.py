"""Another's ledger made one's own: its public files fetched from those who have them, checked from the head down, then executed.

A copy is begun with the charter alone, or goes on from what is in the folder. A head is believed when it is final by that charter and the
kept heads (:mod:`veche.ledger.walk`); every hash tile by the one above, every bundle by its hashes. So whoever gives a false file is
found out by that file, and left; the others go on. A crash leaves files that hold, and the copy goes on with what is missing.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic

from veche.audit.rebuild import Rebuilt, rebuild, remake
from veche.durable import Batch, Lock, make_folder, replace
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.heads import Succession
from veche.ledger.ownership import is_own
from veche.ledger.store import Store, plainly
from veche.ledger.walk import check_known, walk
from veche.log.checkpoint import SignedCheckpoint, put_right
from veche.log.evidence import TwoHistories, evidence_file
from veche.log.log import Log
from veche.log.merkle import leaf_hash
from veche.log.publish import UNFINISHED, remove_narrower
from veche.log.source import HEAD, Folder, Source, head_name, kept_heads
from veche.log.tiles import CHECKPOINT, ENTRIES, WIDTH, Tile, levels_of, partial_of, span, wrong
from veche.logs import log
from veche.node.fetching import Arriving, Door, Fetching, Look, Nobody, Progress
from veche.node.web import NoAnswer
from veche.texts import Message

HEARD = 10.0
"""Seconds after which those are not waited for that have said nothing of their ledger yet, once somebody has."""
EDGE = 30.0
"""Seconds within which whoever has the newest head has given what only the head vouches for, where others are known."""

_LEAVE = DoesNotHold, NoAnswer
"""What is wrong with a door, and not with this machine."""


def copy_ledger(
    folder: Path,
    founding: bytes,
    doors: Mapping[str, Source | Door],
    fetched: Progress | None = None,
    executed: Progress | None = None,
    chosen: Callable[[SignedCheckpoint], None] = lambda head: None,
    leave: Callable[[str, VecheError], None] = lambda url, error: None,
    decided: Collection[str] | None = None,
    look: Look | None = None,
) -> Rebuilt | None:
    """Make the ledger with this charter entry one's own, up to the newest final head that one of these doors has. It is executed while it
    comes.

    What is there is kept and goes on; None if it is as long as that already. ``doors``: by their addresses, as people know them.
    ``chosen`` is called with the head before anything under it is fetched; ``leave`` with each door that is left, and why.
    ``decided``: people know of two histories. The right one is that of what is here; if nothing is, that of the doors with these names.
    Whoever has the other is left. ``look``: see :class:`~veche.node.fetching.Fetching`, then nobody is waited for who is slow to say what
    they have.

    Raises UserError if none has a ledger that holds, Forked if two final heads are of two histories, Held if a program uses the folder,
    and as :func:`~veche.audit.rebuild.rebuild`.
    """
    copy, made = Copy(folder, founding, doors, fetched, chosen, leave, decided, look), list[Rebuilt]()

    def execute(source: Source, signed: SignedCheckpoint, read: Callable[[], None]) -> None:
        made.append(remake(folder, source, signed, executed, read=read))

    copy.run(execute)
    if not made and not is_executed(folder):
        return rebuild(folder, executed)
    return made[0] if made else None


def is_executed(folder: Path) -> bool:
    """Whether the database knows all that is published beside it: else an earlier copy was interrupted."""
    with suppress(UserError):
        if is_own(folder):
            with closing(Store.read(folder)) as store:
                return store.state.get("size") >= Folder(folder).checkpoint().checkpoint.size
    return False


class Forked(VecheError):
    """Two final heads that do not go on from one another: over two thirds of the validators, or the log's key, have signed both.

    ``heads``: the two, as their files.
    """

    def __init__(self, found: TwoHistories) -> None:
        super().__init__(
            Message(
                "There are two histories of the ledger {origin}, both signed by those whose signatures count. Under one head, of {size} "
                "entries, the root of the first {least} is {root}…; under the other, of {size2}, it is {root2}….",
                origin=found.shorter.checkpoint.origin,
                size=found.shorter.checkpoint.size,
                size2=found.longer.checkpoint.size,
                least=found.shorter.checkpoint.size,
                root=found.shorter.checkpoint.root.hex()[:16],
                root2=found.root.hex()[:16],
            ),
            Message(
                "Both heads are kept in {file} beside the copy: show them. Nothing goes on until people have decided. Then, if this "
                "copy is the right one: veche node join --despite-fork; if not, begin anew in another folder.",
                file=evidence_file(Path(), None),
            ),
        )
        self.heads = found.shorter.to_bytes(), found.longer.to_bytes()


@dataclass(frozen=True)
class _Claim:
    """What one door has: a head that is final, and whose signatures heads need by those that were kept."""

    name: str
    source: "_Remembering"
    signed: SignedCheckpoint
    succession: Succession

    @property
    def size(self) -> int:
        return self.signed.checkpoint.size

    @property
    def kept(self) -> dict[str, bytes]:
        """The heads that are kept, by their names."""
        names = [head_name(number + 1) for number, _ in self.succession.changes]
        return {name: self.source.read(name) for name in names}


Execute = Callable[[Source, SignedCheckpoint, Callable[[], None]], None]
"""Reads a log under this head while it comes; calls the last when it has read all of it, behind which its files are in the folder."""


def _read_nothing(source: Source, signed: SignedCheckpoint, read: Callable[[], None]) -> None:
    read()


class Copy:
    """The public files of one ledger on their way into a folder."""

    def __init__(
        self,
        folder: Path,
        founding: bytes,
        doors: Mapping[str, Source | Door],
        progress: Progress | None = None,
        chosen: Callable[[SignedCheckpoint], None] = lambda head: None,
        leave: Callable[[str, VecheError], None] = lambda url, error: None,
        decided: Collection[str] | None = None,
        look: Look | None = None,
    ) -> None:
        self._decided = decided
        self._folder, self._founding, self._progress, self._chosen = folder, founding, progress, chosen
        self._doors = {name: door if isinstance(door, Door) else Door(door) for name, door in doors.items()}
        self._told, self._look = leave, look
        self.left: dict[str, VecheError] = {}
        """Doors that were left, and why: a :class:`DoesNotHold` is a lie."""

    def run(self, execute: Execute = _read_nothing) -> bool:
        """Fetch what is missing, then put the head in its place; whether there was anything. Raises as :func:`copy_ledger`."""
        charter, folder = read_charter(self._founding), self._folder
        make_folder(folder)
        with (
            plainly(folder),
            Lock(folder / "lock", Message("Another program is writing the ledger in {folder}", folder=folder)),
        ):
            own, claims = self._own(), self._claims(charter)
            while newest := self._newest(claims, own):
                self._chosen(newest.signed)
                try:
                    self._fetch_edge(newest, len(claims) > 1)
                    self._fetch(newest, own, execute)
                    return True
                except (*_LEAVE, Nobody) as error:
                    if isinstance(error, DoesNotHold) and error.step != "tiles":
                        raise  # what was signed is wrong, whoever gave it
                    self._leave(newest.name, error)
                    claims = [claim for claim in claims if claim.name not in self.left]
            return False

    def _own(self) -> SignedCheckpoint | None:
        """The head of what is in the folder, if there is any."""
        with suppress(FileNotFoundError):
            content = put_right((self._folder / CHECKPOINT).read_bytes())
            return SignedCheckpoint.parse(content) if content else None
        return None

    def _claims(self, charter: Charter) -> list[_Claim]:
        """What the doors have that holds so far. All are asked at once."""
        found, answers = list[_Claim](), SimpleQueue[_Claim | tuple[str, BaseException]]()

        def ask(name: str) -> None:
            try:
                answers.put(self._claim(name, charter))
            except BaseException as error:
                answers.put((name, error))

        for name in self._doors:
            threading.Thread(target=ask, args=(name,), name="veche-ask", daemon=True).start()
        end = monotonic() + HEARD
        for _ in self._doors:
            try:
                answer = answers.get(timeout=max(0, end - monotonic()) if found and self._look is not None else None)
            except Empty:
                break
            if isinstance(answer, _Claim):
                found.append(answer)
                continue
            name, error = answer
            if not isinstance(error, _LEAVE):
                raise error
            self._leave(name, error)
        return found

    def _claim(self, name: str, charter: Charter) -> _Claim:
        door = _Remembering(self._doors[name].source, self._folder)
        signed = door.checkpoint()
        succession, size = walk(door, charter, signed), signed.checkpoint.size
        # Who was a validator once must not lead on behind a kept head that is here.
        check_known(succession, (kept for kept, _ in kept_heads(Folder(self._folder)) if kept < size))
        signed.verify(succession.policy(size))
        if signed.checkpoint.size < 2 or Log(door, signed.checkpoint).leaf_hash(0) != leaf_hash(self._founding):
            raise wrong(CHECKPOINT, Message("it is of another ledger than the charter's"))
        return _Claim(name, door, signed, succession)

    def _leave(self, name: str, error: VecheError) -> None:
        self.left[name] = error
        log().warning("a node is left", node=name, reason=error.message)
        self._told(name, error)

    def _newest(self, claims: list[_Claim], own: SignedCheckpoint | None) -> _Claim | None:
        """The longest, with which all others agree; None if what is here is as long. Raises Forked, and UserError if nobody is left."""
        self._leave_other_history(claims, own)
        while claims:
            newest = max(claims, key=lambda claim: claim.size)
            others = [claim.signed for claim in claims if claim is not newest]
            if own is not None and own.checkpoint.size >= newest.size:
                self._check_agree(Folder(self._folder), own, [newest.signed, *others])
                return None
            try:
                self._check_agree(newest.source, newest.signed, [*others, *([own] if own is not None else [])])
            except _LEAVE as error:
                self._leave(newest.name, error)
                claims.remove(newest)
                continue
            if not self._leave_hiding(claims):
                return newest
        if not self._doors:
            raise UserError(
                Message("No node is known that has this ledger."),
                Message("Give the address of one: veche node join URL"),
            )
        lies = {name: why for name, why in self.left.items() if isinstance(why, DoesNotHold)}
        name, why = next(iter((lies or self.left).items()))
        if not lies:
            raise UserError(
                Message("None of the nodes that were asked answers. {why}", why=why.said),
                Message("Try again later, or give the address of another node: veche node join URL"),
            )
        raise UserError(
            Message("None of the nodes that were asked has a copy of this ledger that holds. {name}: {why}", name=name, why=why.said),
            Message("Give the address of another node, of another institution."),
        )  # fmt: skip

    def _leave_other_history(self, claims: list[_Claim], own: SignedCheckpoint | None) -> None:
        """Leave those who have not the history that people have decided for, if they have."""
        if self._decided is None:
            return
        named = [claim for claim in claims if claim.name in self._decided] if own is None else []
        right: list[tuple[Source, SignedCheckpoint]] = [(claim.source, claim.signed) for claim in named]
        if own is not None:
            right = [(Folder(self._folder), own)]
        if not right:
            return
        source, signed = max(right, key=lambda one: one[1].checkpoint.size)
        head = signed.checkpoint
        for claim in [claim for claim in claims if claim not in named]:
            theirs = claim.signed.checkpoint
            try:
                if theirs.size > head.size:
                    same = Log(claim.source, theirs).root(head.size) == head.root
                else:
                    same = Log(source, head).root(theirs.size) == theirs.root
                if not same:
                    raise wrong(CHECKPOINT, Message("it is of the other history"))
            except _LEAVE as error:
                self._leave(claim.name, error)
                claims.remove(claim)

    def _leave_hiding(self, claims: list[_Claim]) -> bool:
        """Leave those who hide a head that is kept, as others of these know; whether there were any."""
        known = {number for claim in claims for number, _ in claim.succession.changes}
        before = len(claims)
        for claim in list(claims):
            own = {number for number, _ in claim.succession.changes}
            hidden = min((number for number in known - own if number + 1 < claim.size), default=None)
            if hidden is not None:
                self._leave(claim.name, wrong(head_name(hidden + 1), Message("the file is missing")))
                claims.remove(claim)
        return len(claims) < before

    def _check_agree(self, source: Source, head: SignedCheckpoint, others: Iterable[SignedCheckpoint]) -> None:
        """Raise Forked, and keep the evidence, unless the log under this head goes on from all others, which are no longer."""
        mine = Log(source, head.checkpoint)
        for other in others:
            size = other.checkpoint.size
            if mine.root(size) != other.checkpoint.root:
                found = TwoHistories(other, head, mine.root(size), tuple(mine.consistency_proof(size)))
                found.keep(self._folder, None)
                raise Forked(found)

    def _fetch_edge(self, newest: _Claim, others: bool) -> None:
        """The tiles that only the head vouches for, and all above the leaves' hashes. Raises what is wrong with the door's."""
        log_, end = Log(newest.source, newest.signed.checkpoint), monotonic() + EDGE
        batch = Batch(self._folder, self._folder / UNFINISHED)
        for tile in [*_above(newest.size), *partial_of(newest.size)]:
            if tile.width < WIDTH or not (self._folder / tile.name).is_file():
                batch.write(self._folder / tile.name, log_.file(tile))
            if others and monotonic() > end:
                raise NoAnswer(newest.name, Message("it takes too long"))
        batch.finish()

    def _fetch(self, newest: _Claim, own: SignedCheckpoint | None, execute: Execute) -> None:
        """The pieces from all who have them, while what comes is executed; then the head. Raises Nobody, and what ``execute`` raises."""
        doors = {name: door for name, door in self._doors.items() if name not in self.left}
        with Fetching(self._folder, newest.signed, doors, self._leave, self._progress, self._look) as fetching:

            def finish() -> None:
                fetching.finish()
                self._finish(newest, own)

            try:
                execute(Arriving(self._folder, newest.signed, newest.kept, fetching), newest.signed, finish)
            except DoesNotHold:
                finish()  # what over two thirds have signed is evidence, whole
                raise

    def _finish(self, newest: _Claim, own: SignedCheckpoint | None) -> None:
        """Everything is there: the heads that were kept, and last the head."""
        for name, content in newest.kept.items():
            make_folder((self._folder / name).parent)
            replace(self._folder / name, content, drafts=self._folder)
        replace(self._folder / CHECKPOINT, newest.signed.to_bytes(), drafts=self._folder / UNFINISHED)
        start = own.checkpoint.size if own is not None else 0
        remove_narrower(self._folder, start - start % WIDTH, newest.size)


def _above(size: int) -> Iterator[Tile]:
    """Every full tile above the leaves' hashes of the tree of this size: those of the highest level first."""
    for level in reversed(levels_of(size)):
        if level > 0:
            for index in range(size // span(level) // WIDTH):
                yield Tile(level, index)


class _Remembering(Source):
    """A door, of which nothing is asked twice but bundles, so that what was checked is what is kept; full tiles that are in the folder are
    not asked of it at all, for they were checked before they were written."""

    def __init__(self, door: Source, folder: Path) -> None:
        self._door, self._folder = door, folder
        self._names: list[str] | None = None
        self._found: dict[str, bytes | None] = {}

    def names(self, prefix: str = "") -> list[str]:
        """The kept heads."""
        if self._names is None:
            self._names = self._door.names(HEAD)
        return [name for name in self._names if name.startswith(prefix)]

    def get(self, name: str) -> bytes | None:
        if name in self._found:
            return self._found[name]
        tile = Tile.parse(name) if name.startswith("tile/") else None
        if tile is not None and tile.width == WIDTH:
            with suppress(FileNotFoundError):
                return (self._folder / name).read_bytes()
        data = self._door.get(name)
        if tile is None or tile.level != ENTRIES:
            self._found[name] = data
        return data
