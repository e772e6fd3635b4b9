"""What an engine is to those who hand entries in: it agrees on their order, with itself or with others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Protocol, Self

from veche.errors import Refused, UserError, VecheError
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import SignedCheckpoint
from veche.texts import Message


class Stopped(VecheError):
    """The engine has ended and takes no more entries."""


class Listener(Protocol):
    """Whoever handed an entry in and wants to be told, instead of waiting. On any thread: it must neither wait nor raise."""

    def looked(self, refused: Refused | None, closing: int | None) -> None:
        """What is dear of it was checked and the state was asked: it has a chance, or why it has none. In that case the same is the
        answer, too, for nobody keeps what has no chance. ``closing``: when its poll closes, if it is a ballot."""

    def answered(self, outcome: int | BaseException) -> None:
        """What :meth:`Answer.result` gives or raises."""


class Answer:
    """What becomes of an entry that was handed in. It cannot be taken back."""

    __slots__ = ("_answered", "_outcome", "listener")

    def __init__(self, answered: Condition, listener: Listener | None = None) -> None:
        """``answered``: of whoever answers; it is notified when there are answers, whichever."""
        self._answered = answered
        self._outcome: int | BaseException | None = None
        self.listener = listener

    def give(self, outcome: int | BaseException) -> None:
        """Say what became of it; then notify ``answered``, once for however many."""
        self._outcome = outcome
        if self.listener is not None:
            self.listener.answered(outcome)

    def done(self) -> bool:
        """Whether there is an answer."""
        return self._outcome is not None

    def result(self, timeout: float | None = None) -> int:
        """The entry's number in the log, once it is durable. Raises Refused, what ended the engine, or TimeoutError."""
        outcome = self._wait(timeout)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What :meth:`result` raises."""
        outcome = self._wait(timeout)
        return outcome if isinstance(outcome, BaseException) else None

    def _wait(self, timeout: float | None) -> int | BaseException:
        if self._outcome is None:
            with self._answered:
                self._answered.wait_for(self.done, timeout)
        if self._outcome is None:
            raise TimeoutError("there is no answer yet")
        return self._outcome


@dataclass(frozen=True)
class Decided:
    """A block that is durable. ``entries``: those of it that were handed in, with their numbers; ``size``: of the log with it;
    ``validators``: the ledger keys of those that there are with it."""

    height: int
    time: int
    size: int
    entries: Sequence[tuple[bytes, int]]
    validators: frozenset[bytes] = frozenset()


class Watcher(Protocol):
    """Whoever is told what the engine does, on its thread: must neither wait nor raise."""

    def decided(self, decided: Decided) -> None:
        """Of each block, in their order, before anybody is answered."""

    def published(self, size: int, vouched: int) -> None:
        """Of each head that is final and published, by its size. ``vouched``: see :func:`veche.ledger.heads.vouched`."""

    def cosigned(self, signed: SignedCheckpoint) -> None:
        """Of each head of a network, with what was cosigned here: the other validators wait for it."""


def check_engine(ledger: Ledger, name: str) -> None:
    """Raises UserError if another engine runs the ledger: blocks that the others did not agree on would end the ledger."""
    named = ledger.state.engine_name
    if named != name:
        raise UserError(
            Message("This ledger is run by the engine {named}, and this is {name}.", named=named, name=name)
        )


class Engine(Protocol):
    """Drives a ledger. Use it as a context manager. ``submit`` may be called from any thread; the ledger is the engine's.

    The ledger may be read by whoever knows that the engine is at rest: tests, and a world whose clock is moved by hand.
    """

    ledger: Ledger

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(self, entry: bytes, listener: Listener | None = None) -> Answer:
        """Hand in an entry. The answer is its number in the log once that is durable, or Refused."""

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of blocks and heads. Before the engine begins."""

    def gather(self, signed: SignedCheckpoint) -> bool:
        """Take in a head that another validator has cosigned, from any thread. What is worth nothing is forgotten. False: there is no
        room now."""

    def speak(self) -> None:
        """The other validators were asked which heads they have of this one: from now on it may cosign. From any thread. Until then one
        that was put back from a backup could sign a second root of a size."""

    def newest(self, key: bytes) -> SignedCheckpoint | None:
        """The newest head that the validator with this key is known to have cosigned. From any thread."""

    @property
    def lacks(self) -> Sequence[int]:
        """The sizes of heads that must be kept and are not here: others have them. From any thread."""

    @property
    def questions(self) -> Path | None:
        """Where CometBFT answers questions: a socket on this machine, which may not be there yet. None where there is none. From any
        thread."""

    def tick(self) -> int:
        """Make a block now, and wait until it is durable and published; the answer is the size of the log."""

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
