"""A Belenios archive (.bel) as a chain of events: what is in it, and in which order.

Whoever makes an archive writes a fixed sequence, so the grammar is a small state machine:

    SETUP      --  election, trustees, credentials, setup data, Setup     -->  VOTING
    VOTING     --  ballot, Ballot                                         -->  VOTING
    VOTING     --  EndBallots                                             -->  CLOSED
    CLOSED     --  tally, sized tally, EncryptedTally                     -->  TALLIED
    TALLIED    --  share, owned share, PartialDecryption                  -->  TALLIED
    TALLIED    --  result, Result                                         -->  FINISHED

Belenios's own verifiers follow references instead, so that a second Setup or EndBallots can hide what came before it.
Here every data record is used by the event right behind it, exactly once, and every event names its predecessor.

``Archive`` reads each byte once and keeps where things are, not what they say: an archive of a million ballots takes
little memory. What the documents say is checked by veche.audit.archive.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from veche.ballot.archive.parts import Event, Owned, SetupData, SizedTally
from veche.ballot.archive.records import RecordReader, Span
from veche.ballot.canonical import decode
from veche.errors import DoesNotHold, Unsupported, UserError, because
from veche.handed import is_litter
from veche.texts import N_, Capital, Message, Term

STEP = "A2"
MAX_EVENT = 1024
MAX_DOCUMENT = 1 << 26
"""The largest document that is read into values, which take many times its size."""


def archives_in(folder: Path) -> list[Path]:
    """The archives in a folder, by their names. Raises OSError."""
    return sorted(path for path in folder.glob("*.bel") if not is_litter(path.name))


class ArchiveState(Term):
    """How far the poll has come. The value completes the sentence "this poll ..."."""

    SETUP = N_("has not been set up")
    VOTING = N_("is open: its ballot box was not closed")
    CLOSED = N_("is closed, but its ballots were not summed")
    TALLIED = N_("is being decrypted: it has no result")
    FINISHED = N_("is finished")


_GRAMMAR: dict[tuple[ArchiveState, str], tuple[int, ArchiveState]] = {
    (ArchiveState.SETUP, "Setup"): (4, ArchiveState.VOTING),
    (ArchiveState.VOTING, "Ballot"): (1, ArchiveState.VOTING),
    (ArchiveState.VOTING, "EndBallots"): (0, ArchiveState.CLOSED),
    (ArchiveState.CLOSED, "EncryptedTally"): (2, ArchiveState.TALLIED),
    (ArchiveState.TALLIED, "PartialDecryption"): (2, ArchiveState.TALLIED),
    (ArchiveState.TALLIED, "Result"): (1, ArchiveState.FINISHED),
}
"""For a state and the type of an event: how many data records come before the event, and the next state."""


@dataclass(frozen=True, slots=True)
class ArchiveShare:
    """A partial decryption: the trustee (counted from 1), and where the share lies."""

    owner: int
    span: Span


class Archive:
    """An archive whose container (A1) and chain of events (A2) hold. Close it, or use it as a context manager.

    ``time`` (seconds) is what the archive says of itself. ``election``, ``trustees``, ``credentials``, ``tally`` and
    ``result`` are places in the file, the last two from ``TALLIED`` and ``FINISHED`` on; ``read`` gives the bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Reads all of ``file``, which it owns from now on. Raises DoesNotHold (A1, A2, A3) or Unsupported."""
        self.file = file
        self.records = RecordReader(file)
        self.time = self.records.time
        self.state = ArchiveState.SETUP
        self.ballots: list[Span] = []
        self.shares: list[ArchiveShare] = []
        self.sized: SizedTally | None = None
        self.tally: Span | None = None
        self.result: Span | None = None
        self._height = 0
        self._head: str | None = None
        self._read_events()

    @classmethod
    def open(cls, path: Path) -> "Archive":
        """The archive at ``path``, a file or a folder that holds exactly one. Raises UserError if there is none."""
        try:
            if path.is_dir():
                found = archives_in(path)
                if len(found) != 1:
                    raise UserError(
                        Message(
                            "The folder {path} holds {found} archives (files ending in .bel).",
                            path=path,
                            found=len(found),
                        ),
                        Message("Name one archive."),
                    )
                path = found[0]
            if not path.is_file():
                raise UserError(
                    Message("There is no file {path}.", path=path),
                    Message("Give the path of a Belenios archive (.bel)."),
                )
            file = path.open("rb")
        except (OSError, ValueError) as error:
            raise UserError(
                Message(
                    "The file {path} cannot be read: {value}.",
                    path=path,
                    value=because(error),
                )
            ) from None
        try:
            return cls(file)
        except OSError as error:
            file.close()
            raise UserError(
                Message("The file {path} cannot be read: {strerror}.", path=path, strerror=because(error))
            ) from None
        except BaseException:
            file.close()
            raise

    @classmethod
    def from_bytes(cls, content: bytes) -> "Archive":
        """The archive that ``content`` is."""
        return cls(io.BytesIO(content))

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self.file.close()

    def read(self, span: Span, most: int = MAX_DOCUMENT) -> bytes:
        """The bytes of a document. Raises DoesNotHold (A1) if the file is not what it was, Unsupported above ``most``."""
        if span.size > most:
            raise Unsupported(
                Message(
                    "A document of {size} bytes is in the archive, and this program reads {most} of it.",
                    size=span.size,
                    most=most,
                )
            )
        return self.records.read(span)

    def _read_events(self) -> None:
        seen: set[bytes] = set()
        pending: list[Span] = []
        for kind, span, content in self.records:
            if kind == "data":
                digest = bytes.fromhex(span.digest)
                if digest in seen:
                    ballots = self.state is ArchiveState.VOTING
                    same = N_("Two ballots are the same: {digest} is there twice.")
                    alike = N_("Two data records are the same: {digest} is there twice.")
                    twice = same if ballots else alike
                    raise DoesNotHold(STEP, self._where, Message(twice, digest=span.digest))
                seen.add(digest)
                pending.append(span)
                if len(pending) > 4:
                    raise DoesNotHold(
                        STEP,
                        self._where,
                        Message("There is data before {where} that no event names.", where=self._where),
                    )
            else:
                if len(content) > MAX_EVENT:
                    raise DoesNotHold(
                        STEP,
                        self._where,
                        Message("{event} is too long for an event.", event=Capital(self._where)),
                    )
                self._accept(decode(content, Event, self._where), pending)
                self._head = span.digest
                self._height += 1
                pending = []
        if pending:
            raise DoesNotHold(STEP, Message("the end"), Message("The archive ends with data that no event names."))
        if self.state is ArchiveState.SETUP:
            raise DoesNotHold(
                STEP, Message("the end"), Message("The archive holds no event, not even the setup of a poll.")
            )

    @property
    def _where(self) -> Message:
        return Message("event {height}", height=self._height)

    def _accept(self, event: Event, pending: list[Span]) -> None:
        """Moves on by one event, which comes right after the data records ``pending``."""
        if event.height != self._height:
            raise self._fault(Message("says that its height is {height}", height=event.height))
        if event.parent != self._head:
            raise self._fault(Message("does not name the event before it as its parent"))
        step = _GRAMMAR.get((self.state, event.type))
        if step is None:
            if self.state is ArchiveState.TALLIED and event.type in ("Shuffle", "EndShuffles"):
                raise Unsupported(
                    Message("The archive holds shuffles of ballots, which this program cannot check."),
                    Message("Use a verifier made for this kind of election."),
                )
            raise self._fault(
                Message("is {type}, which cannot come here: this poll {state}", type=event.type, state=self.state)
            )
        count, state = step
        if len(pending) != count:
            raise self._fault(
                Message(
                    "is {type}, before which {count} data records must come, but {pending} do",
                    type=event.type,
                    count=count,
                    pending=len(pending),
                )
            )
        if event.payload != (pending[-1].digest if pending else None):
            raise self._fault(Message("does not name the data record before it as its payload"))
        self._keep(event.type, pending)
        self.state = state

    def _keep(self, kind: str, pending: list[Span]) -> None:
        if kind == "Setup":
            self.election, self.trustees, self.credentials, last = pending
            setup = decode(self.read(last), SetupData, Message("the setup data"))
            if [setup.election, setup.trustees, setup.credentials] != [span.digest for span in pending[:3]]:
                raise self._fault(
                    Message("does not name the election, trustees and credentials before it, in this order")
                )
        elif kind == "Ballot":
            self.ballots.append(pending[0])
        elif kind == "EncryptedTally":
            self.tally = pending[0]
            self.sized = decode(self.read(pending[1]), SizedTally, Message("the sized tally"))
            if self.sized.encrypted_tally != pending[0].digest:
                raise self._fault(Message("does not name the tally before it"))
        elif kind == "PartialDecryption":
            owned = decode(self.read(pending[1]), Owned, Message("the share at {event}", event=self._where))
            if owned.payload != pending[0].digest:
                raise self._fault(Message("does not name the share before it"))
            self.shares.append(ArchiveShare(owned.owner, pending[0]))
        elif kind == "Result":
            self.result = pending[0]

    def _fault(self, what: Message) -> DoesNotHold:
        return DoesNotHold(STEP, self._where, Message("{event} {what}.", event=Capital(self._where), what=what))

    def ballot_batches(self, most: int, most_bytes: int) -> Iterator[tuple[int, list[bytes]]]:
        """The ballots in batches, each in order after the index of its first ballot; the last batch comes first.

        Last ballots first, because the last ballot of a credential is the one that counts. A batch has at most ``most``
        ballots, and ``most_bytes`` bytes unless a single ballot has more.
        """
        end = len(self.ballots)
        while end:
            start, size = end - 1, self.ballots[end - 1].size
            while start and end - start < most and size + self.ballots[start - 1].size <= most_bytes:
                start -= 1
                size += self.ballots[start].size
            yield start, [self.records.read(span) for span in self.ballots[start:end]]
            end = start
