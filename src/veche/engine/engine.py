"""What an engine is to those who hand entries in: it agrees on their order, with itself or with others."""

from concurrent.futures import Future
from typing import Protocol, Self

from veche.errors import VecheError
from veche.ledger.ledger import Ledger


class Stopped(VecheError):
    """The engine has ended and takes no more entries."""


class Engine(Protocol):
    """Drives a ledger. Use it as a context manager. ``submit`` may be called from any thread; the ledger is the engine's.

    The ledger may be read by whoever knows that the engine is at rest: tests, and a world whose clock is moved by hand.
    """

    ledger: Ledger

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(self, entry: bytes) -> "Future[int]":
        """Hand in an entry. The future gives its number in the log once that is durable, or raises Refused."""

    def tick(self) -> int:
        """Make a block now, and wait until it is durable and published; the answer is the size of the log."""

    def check(self) -> None:
        """Raise what broke the engine, if anything did."""

    def stop(self) -> None:
        """Finish what was handed in, publish it, and end. Raises what broke the engine, if anything did."""
