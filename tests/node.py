"""A ledger with its log key, driven without an engine's thread: a block at a time, published when the test says so."""

from collections.abc import Sequence
from pathlib import Path

from veche.engine.embedded import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.entries.engine import Embedded
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Answer, Ledger
from veche.ledger.publication import Publication
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign, sign
from veche.world import STEP


class Node:
    """Opens the ledger of a folder, and publishes what a crash left unpublished, as an engine does."""

    def __init__(self, folder: Path) -> None:
        self.key = SigningKey.load(folder / LOG_KEY)
        self.ledger = Ledger(folder)
        self.publication = Publication(folder)
        self.publish()

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.ledger.close()

    @property
    def head(self) -> Checkpoint:
        return self.ledger.head

    def block(self, time: int, entries: Sequence[bytes] = ()) -> list[Answer]:
        """A block of these entries, durable when this returns."""
        ledger = self.ledger
        executed = ledger.execute(ledger.height + 1, max(time, ledger.time), entries)
        ledger.commit()
        return executed.answers

    def lead_on(self, until: int, size: int = 0) -> None:
        """Let time pass until then, the ledger beating; and let it stand still, a block a time, until it has over ``size`` entries."""
        while self.ledger.time < until:
            self.block(min(until, self.ledger.time + STEP))
        while self.ledger.size <= size:
            self.block(self.ledger.time + self.ledger.state.charter.halt + 1)

    def publish(self) -> None:
        head, name = self.ledger.head, validator_verifier(self.ledger.head.origin, self.key.public).name
        embedded = isinstance(self.ledger.state.charter.engine, Embedded)
        line = sign(head, self.key) if embedded else cosign(head, name, self.key, self.ledger.time)
        self.publication.publish(self.ledger, SignedCheckpoint(head, (line,)))
