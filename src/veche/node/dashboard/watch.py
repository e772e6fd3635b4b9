"""A citizen's node watched while it runs in this process: what it does, whom it meets, and what happens, for its page and over restarts.

One thread looks every few seconds, from outside, as any reader does. Nothing of the node waits for it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.life import Stage
from veche.ledger.reader import NotOwn, read_own
from veche.log.checkpoint import SignedCheckpoint
from veche.log.evidence import accused, keep_failure
from veche.log.source import Folder
from veche.logs import log
from veche.node.addresses import AddressBook
from veche.node.attachments import missing
from veche.node.dashboard.diary import Diary
from veche.node.dashboard.facts import Facts, Task, Work
from veche.node.dashboard.gather import Others, gather, read
from veche.node.fetching import Progress
from veche.node.follower import Follower
from veche.node.neighbours import Neighbours
from veche.texts import N_, Localizable, Message, Plural, Words

EVERY = 5.0
"""Seconds between two looks."""
ASLEEP = 60.0
"""Seconds between two looks, from which on the machine is said to have slept."""
OVER: Mapping[str, str] = {
    Stage.DECIDED: N_("The result of the poll “{title}” is in the ledger."),
    Stage.TOO_FEW: N_("The poll “{title}” had too few ballots: they are never opened."),
    Stage.VOID: N_("The poll “{title}” is void."),
    Stage.CANCELLED: N_("The poll “{title}” was cancelled."),
}
"""What is said of a poll that has come to its end."""
ON: Mapping[str, str] = {
    Stage.ANNOUNCED: N_("A poll was announced: “{title}”."),
    Stage.OPEN: N_("The poll “{title}” has opened."),
    Stage.CLOSED: N_("The poll “{title}” has closed."),
    Stage.COUNTING: N_("The poll “{title}” has closed."),
}
"""The same of one that goes on."""


class Watch:
    """Watches the node of the ledger in a folder. Use it in a ``with``. ``grown`` counts looks: whoever shows facts shows them anew."""

    def __init__(
        self,
        folder: Path,
        book: AddressBook,
        decided: bool = False,
        clock: Callable[[], float] = time.time,
        every: float = EVERY,
    ) -> None:
        """``decided``: people know of two histories, and this is the right one. The last two are for tests."""
        self.folder, self.diary, self._book, self._clock, self._every = folder, Diary(folder), book, clock, every
        self.door: tuple[str, int] | None = None
        """Where the node's own door is, while it follows."""
        self.ended: VecheError | None = None
        """What has ended the node, if that is an alarm."""
        self.looks = 0
        self._work: Work | None = None
        self._met: Neighbours | None = None
        self._looked = self._clock()
        self._liars: set[str] = set()
        self._accused = set(accused(folder))
        self._polls_at, self._missing = (-1, 0.0), 0
        self._under: SignedCheckpoint | None = None
        self._stop, self._looking = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="veche-watch", daemon=True)
        self.diary.kept.work, self.diary.kept.decided = None, decided

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.diary.kept.work = None
        self._save()

    # What the node tells

    def introduce(self, charter: bytes) -> None:
        """Which ledger it is, by its charter's entry."""
        self.diary.kept.charter = charter
        self._save()

    def progress(self, task: Task, further: Progress) -> Progress:
        """Called with how far a task is; tells ``further``, too."""

        def told(done: int, all_: int) -> None:
            if task is Task.CHECKING or self._work is None or self._work.task is not Task.CHECKING:
                self._work = Work(task, done, all_)  # what is checked while the rest still comes is what counts
            further(done, all_)

        return told

    @contextmanager
    def following(self, made: Follower) -> Iterator[None]:
        """While it follows."""
        if self._work is not None:
            self._caught_up(self._work.all)
        self._work, self._met, self.door = None, made.neighbours, made.address
        try:
            yield
        finally:
            self._under = made.engine.under
            self.look()
            self._met = self.door = None

    def alarm(self, error: VecheError) -> None:
        """Something that ends the node, and is to be seen: two histories, or what does not hold. The latter is kept as evidence."""
        now = int(self._clock())
        if isinstance(error, DoesNotHold):
            with suppress(VecheError):
                own = Folder(self.folder).checkpoint()
                keep_failure(self.folder, error, now, own.checkpoint.size, self._under or own)
        self.ended, self._work = error, None
        self.diary.note("alarm", error.said, now)
        self._save()

    # What others see

    def facts(self) -> Facts | None:
        """How the node stands now; None before it knows of which ledger it is. On any thread."""
        met, now = self._met, self._clock()
        agreed = {} if met is None else {url: int(one.at) for url, one in dict(met.met).items()}
        level = {} if met is None else {url: int(one.level) for url, one in dict(met.met).items()}
        others = Others(self._book.all(), self._book.institutions, agreed, level, self._book.left())
        ledger = read(self.folder, int(now), self.diary.kept)
        if ledger is None:
            return None
        found = gather(self.folder, int(now), self.diary.kept, others, ledger)
        return replace(found, running=self.ended is None, work=self._work, missing=self._missing)

    # The thread

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.look()

    def look(self) -> None:
        """Note what has happened. A look that fails is no reason to stop: what is wrong with the ledger, the node itself finds."""
        with self._looking:
            self._look(self._clock())

    def _look(self, now: float) -> None:
        kept = self.diary.kept
        if now - self._looked > ASLEEP + self._every:
            kept.woke = int(now)
            self.diary.note("sleep", Message("This machine woke up."), int(now))
        self._looked = now
        met = self._met
        if met is not None:
            self.diary.agreed({url: int(one.at) for url, one in dict(met.met).items()})
        for url, why in self._book.left().items():
            if url not in self._liars:
                self._liars.add(url)
                self._note_liar(url, why)
        kept.work = self._work
        try:
            self._note_accused(int(now))
            self._note_polls(int(now))
        except (VecheError, OSError) as error:
            log().info("a look failed", reason=str(error))
        self.looks += 1
        self._save()

    def _note_liar(self, url: str, why: Localizable) -> None:
        said = Message("A node was left, for what it showed does not hold: {url} ({why})", url=url, why=why)
        self.diary.note("liar", said, int(self._clock()))

    def _note_accused(self, now: int) -> None:
        for key in set(accused(self.folder)) - self._accused:
            self._accused.add(key)
            self.diary.note(
                "accused", Message("Somebody has signed two histories: the key {key}…", key=key.hex()[:16]), now
            )

    def _note_polls(self, now: int) -> None:
        """Polls that have opened, closed or been decided since the last look."""
        with suppress(NotOwn), read_own(self.folder) as reader:  # none while it is still being copied
            if reader.size == self._polls_at[0] and now - self._polls_at[1] < ASLEEP:
                return
            self._polls_at, self._missing = (reader.size, now), len(missing(reader, self.folder))
            stages = reader.state.stages(now)
            before = self.diary.kept.stages
            if before is not None:
                for poll_id, stage in stages.items():
                    told = _told(before.get(poll_id.hex()), stage)
                    poll = reader.state.poll(poll_id) if told is not None else None
                    if told is not None and poll is not None:
                        self.diary.note("poll", Message(told, title=Words(*poll.definition.title)), now)
            self.diary.kept.stages = {
                poll_id.hex(): str(stage) for poll_id, stage in stages.items() if stage not in OVER
            }

    def _caught_up(self, entries: int) -> None:
        said = Plural(
            "Caught up: the only entry is checked.", "Caught up: all {count} entries are checked.", count=entries
        )
        self.diary.note("caught-up", said, int(self._clock()))

    def _save(self) -> None:
        try:
            self.diary.save()
        except UserError as error:  # a full disk: the page says so, and the node itself
            log().error("the diary was not written", reason=error.message)


def _told(before: str | None, stage: Stage) -> str | None:
    """What is said of a poll that was in the stage ``before`` at the last look, None of one that was not known to go on; None for nothing."""
    if stage in OVER:
        return None if before is None else OVER[stage]
    said = ON.get(stage)
    return None if before is not None and said == ON.get(before) else said
