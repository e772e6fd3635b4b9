"""The ledger's heads, handed to witnesses from outside as they are published, and what they cosigned put beside the ledger.

It looks at the public files as any reader does: the engine waits for no witness, and a witness that is slow or away holds up nobody. Each
has a thread of its own. What it cosigned last lies in the folder (``witness/<key>``) and says from which head the next one must go on.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from veche.clock import Clock, system
from veche.durable import make_folder, replace
from veche.errors import DoesNotHold, UserError, VecheError
from veche.keys import SigningKey
from veche.ledger.heads import AGAIN
from veche.ledger.store import plainly
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.cosigned import read_cosigned
from veche.log.log import Log, Snapshot
from veche.log.source import WITNESS, Folder
from veche.log.tiles import CHECKPOINT
from veche.logs import log as logged
from veche.node.tlog_witness import Knows, OutsideWitness, Unwilling, add_checkpoint, newest_size
from veche.node.web import NoAnswer, Wire
from veche.texts import Localizable, Message

EVERY = 0.25
"""Seconds between two looks at what is published."""
PAUSES = 0.5, 30.0
"""Seconds before a witness that failed is asked again, at first and at most."""


def check_newest(folder: Path, key: SigningKey, witnesses: Sequence[OutsideWitness]) -> None:
    """Ask these witnesses, before anything is signed, whether they have cosigned more of this ledger than is published in its folder.

    Raises UserError if one has: the folder is from a backup, and what came since is signed. Who does not answer says nothing.
    """
    source = Folder(folder)
    if not witnesses or source.get(CHECKPOINT) is None:
        return
    signed = source.checkpoint()
    with Wire() as wire:
        for witness in witnesses:
            try:
                size = newest_size(wire, witness, key, signed)
            except (NoAnswer, Unwilling, DoesNotHold) as error:
                logged().warning("a witness was not heard", witness=witness.verifier.name, reason=error.message)
                continue
            if size > signed.checkpoint.size:
                raise _Ahead(witness, signed.checkpoint, size)


class Witnessing:
    """Has ``witnesses`` cosign the heads of the ledger in a folder, while it is used in a ``with``.

    ``key``: with which this node signs heads; ``say``: is told, by any thread, when a witness begins to cosign, and what keeps it from it.
    """

    def __init__(
        self,
        folder: Path,
        key: SigningKey,
        witnesses: Sequence[OutsideWitness],
        say: Callable[[Localizable], None],
        clock: Clock = system,
    ) -> None:
        self._folder, self._key, self._say, self._clock = folder, key, say, clock
        self._wire = Wire()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(one,), name="veche-witnessing", daemon=True)
            for one in dict.fromkeys(witnesses)
        ]

    def __enter__(self) -> Self:
        if self._threads:
            self._wire.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; what is published by now is shown to those who answered the last time."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if self._threads:
            self._wire.__exit__(None, None, None)

    def _follow(self, witness: OutsideWitness) -> None:
        said: str | None = None
        pause = EVERY
        last = False
        while not last:
            last = self._ended.wait(pause)
            if last and pause > EVERY:  # it failed the last time: nobody waits for it at the end
                return
            try:
                cosigned = self.submit(witness)
                pause = EVERY
                if cosigned is None or said == "":
                    continue
                said = ""
                self._say(
                    Message(
                        "The witness {name} cosigned {size} entries.",
                        name=witness.verifier.name,
                        size=cosigned.checkpoint.size,
                    )
                )
            except VecheError as error:
                pause = min(2 * max(pause, PAUSES[0] / 2), PAUSES[1])
                logged().warning("a witness did not cosign", witness=witness.verifier.name, reason=error.message)
                if error.message != said:
                    said = error.message
                    self._say(Message("Look at this: {said}", said=error.said))
                    if error.hint:
                        self._say(error.advice)

    def submit(self, witness: OutsideWitness) -> SignedCheckpoint | None:
        """Have this witness cosign the published head, and put it beside the ledger. None if there is nothing to be done: no head yet, or one
        that it cosigned less than a minute ago. Raises as :func:`add_checkpoint`, and UserError if it knows more of this ledger than is here."""
        folder = Folder(self._folder)
        if folder.get(CHECKPOINT) is None:
            return None
        public = witness.verifier.public
        snapshot = Snapshot(folder)
        signed = snapshot.checkpoint()
        head, before = signed.checkpoint, read_cosigned(folder, public)
        old = 0 if before is None else before.signed.checkpoint.size
        if before is not None and before.signed.checkpoint == head and self._clock().time - before.time < AGAIN:
            return None
        try:
            made = self._submit(witness, snapshot, signed, old)
        except Knows as known:
            if known.size > head.size:
                raise _Ahead(witness, head, known.size) from None
            made = self._submit(witness, snapshot, signed, known.size)
        path = self._folder / f"{WITNESS}{public.hex()}"
        with plainly(self._folder):
            make_folder(path.parent)
            replace(path, made.to_bytes(), drafts=self._folder)
        return made

    def _submit(
        self, witness: OutsideWitness, snapshot: Snapshot, signed: SignedCheckpoint, old: int
    ) -> SignedCheckpoint:
        head = signed.checkpoint
        if old > head.size:  # it is in the folder, so it is of this ledger
            raise _Ahead(witness, head, old)
        proof = Log(snapshot, head).consistency_proof(old) if 0 < old < head.size else ()
        return add_checkpoint(self._wire, witness, self._key, signed, old, proof)


class _Ahead(UserError):
    def __init__(self, witness: OutsideWitness, head: Checkpoint, size: int) -> None:
        super().__init__(
            Message(
                "The witness {name} has cosigned a head of {size} entries, and the ledger here has {size2}.",
                name=witness.verifier.name, size=size, size2=head.size,
            ),
            Message(
                "This folder is from a backup, or somebody else has the ledger's key. What came since is signed: get it from a node that "
                "follows the ledger, with --from. Without that, people must decide: this ledger can go on under the same key no more."
            ),
        )  # fmt: skip
