"""Verify a ledger from its bytes up. docs/protocol.md, section 6.

Nothing of the node is believed or used: not its database, not a verdict that it remembers. The verifier reads the public files
(a folder or an export), drives a state machine of its own through every entry, and compares what the rules derive with
what the log says. It raises :class:`~veche.errors.DoesNotHold` at the first thing that does not hold.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from veche.audit.replay import Replay, Replayed
from veche.audit.witnesses import read_witnesses
from veche.errors import DoesNotHold, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.charter import Charter
from veche.ledger.heads import Succession, check_fresh
from veche.ledger.walk import check_kept, walk
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log, Snapshot, check_nothing_else, checked_bundles
from veche.log.source import Export, Source, open_source
from veche.log.tiles import Edge
from veche.texts import N_, Message

STEPS = {
    "L1": N_(
        "There is a well formed checkpoint, and the log that it heads begins with a charter signed by all its offices."
    ),
    "L2": N_(
        "The checkpoint is of this ledger, and signed by those whose signatures its heads need: the log's key that the charter "
        "names, or over two thirds of the validators."
    ),
    "L3": N_("Every tile is there, and each byte of it follows from the entries, up to the root that is signed."),
    "L4": N_("Every block follows the one before, so does its time, and it names the frame of the log before it."),
    "L5": N_("Every entry is in its one encoding, signed by offices that may write it, and admitted by the rules."),
    "L6": N_("Every ballot was cast in time, by a credential with enough permits, and all its proofs hold."),
    "L7": N_("All that is derived (tallies, results, what is void) is what the rules derive, no more and no less."),
    "L8": N_("Every attachment that is there has the hash that is its name."),
    "L9": N_("Every head that is there with a witness's cosignature is one of this very log."),
    "L10": N_("Every head is there behind which others became validators, signed by those who were before."),
}
"""What each step checks, in one sentence. All are taken while the entries are read once, from the first to the last."""

CANNOT_SHOW = (
    N_(
        "That this is the newest state of the ledger, and the one that everybody else sees: compare size and root with another node's."
    ),
    N_(
        "That each permit was given to a person with the right to vote, and one to each: for that, k registrars must be honest "
        "or watched. Everyone can ask a registrar for their own row of the roll."
    ),
    N_("That the voters' own devices sealed what they chose, and that nobody stood behind them."),
    N_("That no quorum of trustees decrypted single ballots outside the ledger."),
)
"""What no ledger can show, however well it is verified."""

Progress = Callable[[int, int], None]
Wanted = Callable[[bytes, Charter], None]
"""Called with a ledger's id and its charter before the rest is verified: raises what it will if that is not the ledger wanted."""


class VerifiedLedger:
    """A ledger that holds, up to ``head``, with the state that its entries lead to.

    ``signed`` is the head with its signatures, ``ledger`` the id; ``derived`` says at which number of the log something was derived, by kind and poll or committee.
    ``log`` gives entries and proofs, each checked once more against the head when it is read; ``witnesses`` who cosigned heads.
    """

    def __init__(self, source: Source, signed: SignedCheckpoint, replay: Replayed) -> None:
        self.source = source
        self.signed = signed
        self.head = head = signed.checkpoint
        self.state = replay.machine.state
        self.ledger = replay.machine.ledger
        self.derived = replay.derived
        self._numbers, self._times, self._heights = replay.block_numbers, replay.block_times, replay.block_heights
        self.log = Log(source, head)
        self.witnesses = read_witnesses(self.log, self.state)

    def check_fresh(self, now: int) -> None:
        """Raise UserError if a network's head is too old to act under it, at this time (seconds since 1970)."""
        check_fresh(self.signed, self.state.succession.policy(self.head.size), now)

    @property
    def time(self) -> int:
        """The time of the last block in the log, in seconds since 1970."""
        return self._times[-1]

    def entry(self, number: int) -> bytes:
        """An entry of the log by its number."""
        return self.log.entry(number)

    def time_of(self, number: int) -> int:
        """The time of the block in which this entry stands."""
        return self._times[bisect_right(self._numbers, number) - 1]

    def height_of(self, number: int) -> int:
        """The height of the block in which this entry stands."""
        return self._heights[bisect_right(self._numbers, number) - 1]

    def time_after(self, height: int) -> int:
        """The time of the first block in the log that is above this height. There must be one."""
        return self._times[bisect_right(self._heights, height)]

    def size_at(self, time: int) -> int:
        """How many entries the log had after the last block whose time is not after this."""
        block = bisect_right(self._times, time)
        return self._numbers[block] if block < len(self._numbers) else self.head.size


def open_ledger(path: Path) -> Source:
    """The ledger at this path, a folder or an exported file. Raises UserError, or DoesNotHold (L1) for a damaged export."""
    with _as_step("L1"):
        return open_source(path)


def verify_ledger(
    source: Source, progress: Progress | None = None, wanted: Wanted = lambda ledger, charter: None
) -> VerifiedLedger:
    """Verify everything that this source holds. Raises DoesNotHold at the first thing that does not hold.

    ``progress(done, all)`` counts entries. ``wanted`` says whether it is the right ledger. Raises Unsupported if the ledger follows rules that this program does not know.
    """
    return Verification().look(source, progress, wanted)


class Verification:
    """A verification of one copy of a ledger that goes on as it grows: what was verified before is not read again."""

    def __init__(self) -> None:
        self._replay: Replay | None = None
        self._edge = Edge()
        self._attachments: set[str] = set()

    def look(
        self, source: Source, progress: Progress | None = None, wanted: Wanted = lambda ledger, charter: None
    ) -> VerifiedLedger:
        """All that the copy holds now, verified; as :func:`verify_ledger`. What was answered before must not be used any more.

        Only what is new is read. Whatever is odd about it is no verdict yet: then everything is read again from the first byte, and
        what that finds holds.
        """
        snapshot, signed = read_head(source)
        replay = self._go_on(snapshot, signed) or self._begin(snapshot, signed, progress, wanted)
        if progress is not None:
            progress(signed.checkpoint.size, signed.checkpoint.size)
        check_attachments(snapshot, self._attachments)
        return VerifiedLedger(snapshot, signed, replay)

    def _begin(self, snapshot: Source, signed: SignedCheckpoint, progress: Progress | None, wanted: Wanted) -> Replay:
        self._edge, self._attachments = Edge(), set()
        with Replay(snapshot, signed.checkpoint.size) as replay:
            walked = replay_files(
                replay, snapshot, signed, progress, lambda charter: wanted(replay.machine.ledger, charter), self._edge
            )
            replay.finish()
            check_succession(replay, walked, signed.checkpoint.size)
            replay.machine.state.db.execute("COMMIT")  # it is whole: from now on it can be copied
        self._replay = replay
        return replay

    def _go_on(self, snapshot: Source, signed: SignedCheckpoint) -> Replay | None:
        """The same from where the last look ended; None if there was none, or if it has to begin from the first byte."""
        replay, self._replay = self._replay, None  # what breaks off is of no use
        if replay is None:
            return None
        head = signed.checkpoint
        try:
            walked = _check_signature(snapshot, signed, replay.machine.state.charter)
            if head.size == self._edge.size and head.root == self._edge.root():
                self._replay = replay
            elif head.size > self._edge.size:
                with replay:
                    replay.go_on(snapshot, head.size)
                    replay_files(replay, snapshot, signed, edge=self._edge)
                    replay.finish()
                    check_succession(replay, walked, head.size)
                    replay.machine.state.db.execute("COMMIT")
                self._replay = replay
        except VecheError:
            pass  # all is read again, which says what is wrong
        if self._replay is None:
            replay.machine.state.db.close()
        return self._replay


def read_head(source: Source) -> tuple[Source, SignedCheckpoint]:
    """What this source holds at this moment, and its head, whose signatures are not checked yet. Raises DoesNotHold (L1)."""
    with _as_step("L1"):
        snapshot = source if isinstance(source, Export) else Snapshot(source)
        signed = snapshot.checkpoint()
    if signed.checkpoint.size < 2:
        raise DoesNotHold("L1", "checkpoint", Message("The log has not even a charter and its block."))
    return snapshot, signed


def replay_files(
    replay: Replay,
    snapshot: Source,
    signed: SignedCheckpoint,
    progress: Progress | None = None,
    begun: Callable[[Charter], None] = lambda charter: None,
    edge: Edge | None = None,
) -> Succession | None:
    """Drive ``replay`` through every entry of the log under this head, while each byte of the tiles is checked.

    The answer is whose signatures its heads need by those that were kept, for :func:`check_succession`; None for a replay that goes on.

    ``begun`` is called with the charter once the head's signatures are checked, before anything that takes long. What is wrong
    raises DoesNotHold, at the latest when the replay is finished, which is left to the caller. ``edge``: see :func:`checked_bundles`.
    """
    head = signed.checkpoint
    walked: Succession | None = None
    with _as_step("L3"):
        if isinstance(snapshot, Export):
            check_nothing_else(snapshot, head.size)
        for bundle in checked_bundles(snapshot, head.size, head.root, edge):
            if not replay.done:
                replay.begin(bundle)
                walked = _check_signature(snapshot, signed, replay.machine.state.charter)
                begun(replay.machine.state.charter)
            else:
                replay.feed(bundle)
            if progress is not None:
                progress(replay.done, head.size)
    return walked


@contextmanager
def _as_step(step: str) -> Iterator[None]:
    """Name this step in the errors of those who read files and know no steps (``tiles``, ``note``, ``checkpoint``, ``export``)."""
    try:
        yield
    except DoesNotHold as error:
        if error.step in STEPS:
            raise
        raise DoesNotHold(step, error.where, error.said, error.advice) from None


def _check_signature(source: Source, signed: SignedCheckpoint, charter: Charter) -> Succession:
    """Whose signatures the heads of the log need, if this one has them."""
    with _as_step("L10"):
        succession = walk(source, charter, signed)
    with _as_step("L2"):
        signed.verify(succession.policy(signed.checkpoint.size))
    return succession


def check_succession(replay: Replayed, walked: Succession | None, size: int) -> None:
    """When the replay has been finished: that every head was kept that must be. Raises DoesNotHold (L10)."""
    with _as_step("L10"):
        check_kept(walked or Succession(replay.machine.state.charter), replay.machine.state.succession, size)


def check_attachments(source: Source, known: set[str] | None = None) -> None:
    """Check every attachment that is there against its name. Raises DoesNotHold (L8). ``known``: those that were checked, and will be."""
    known = set() if known is None else known
    with _as_step("L8"):
        for name in source.names("attachment/"):
            if name in known:
                continue
            known.add(name)
            content = source.get(name)  # it may have been withdrawn meanwhile
            if content is not None and digest(content).hex() != name.removeprefix("attachment/"):
                raise DoesNotHold(
                    "L8",
                    name,
                    Message("{name}: the content has another hash than its name says.", name=name),
                    Message("Remove the file."),
                )
