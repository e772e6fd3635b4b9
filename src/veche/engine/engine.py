"""What an engine is to those who hand entries in: it agrees on their order, with itself or with others."""

from threading import Condition
from typing import Protocol, Self

from veche.errors import UserError, VecheError
from veche.ledger.ledger import Ledger
from veche.texts import Message


class Stopped(VecheError):
    """The engine has ended and takes no more entries."""


class Answer:
    """What becomes of an entry that was handed in. It cannot be taken back."""

    __slots__ = ("_answered", "_outcome")

    def __init__(self, answered: Condition) -> None:
        """``answered``: of whoever answers; it is notified when there are answers, whichever."""
        self._answered = answered
        self._outcome: int | BaseException | None = None

    def give(self, outcome: int | BaseException) -> None:
        """Say what became of it; then notify ``answered``, once for however many."""
        self._outcome = outcome

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


def check_engine(ledger: Ledger, name: str) -> None:
    """Raises UserError if the charter names another engine: blocks that the others did not agree on would end the ledger."""
    named = ledger.state.charter.engine.name
    if named != name:
        raise UserError(
            Message("The charter of this ledger names the engine {named}, and this is {name}.", named=named, name=name)
        )


class Engine(Protocol):
    """Drives a ledger. Use it as a context manager. ``submit`` may be called from any thread; the ledger is the engine's.

    The ledger may be read by whoever knows that the engine is at rest: tests, and a world whose clock is moved by hand.
    """

    ledger: Ledger

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(self, entry: bytes) -> Answer:
        """Hand in an entry. The answer is its number in the log once that is durable, or Refused."""

    def tick(self) -> int:
        """Make a block now, and wait until it is durable and published; the answer is the size of the log."""

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
