"""A validator's cosignatures: never two roots of one size, whatever crashes, and whichever backup is put back.

One small file beside the ledger, and not its database, remembers the newest head that a key signed: it is durable before the
signature is made. A file that was put back from a backup remembers too little. So whoever starts hears first which heads others
have that bear this key's signature (:meth:`Cosigner.learn`).
"""

from collections.abc import Callable
from pathlib import Path

from veche.durable import PRIVATE, PRIVATE_FOLDER, make_folder, read_private, replace
from veche.errors import DoesNotHold, UserError
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign
from veche.log.note import COSIGNATURE, Signature, Signer, Verifier
from veche.texts import Message

FOLDER = "cosigned"
"""Where the files are, in the ledger's folder: one a key, under its hexadecimal digits."""


class Cosigner:
    """One key that cosigns heads under this name. One program at a time has it: that which writes the ledger."""

    def __init__(self, ledger: Path, name: str, key: Signer) -> None:
        """Raises UserError if what it remembers is damaged: then nobody knows what was signed."""
        self._file = ledger / FOLDER / key.public.hex()
        self._key, self._verifier = key, Verifier(name, COSIGNATURE, key.public)
        self._last = self._read()
        self._checked: Checkpoint | None = None  # of this very log, as was seen already

    @property
    def last(self) -> Checkpoint | None:
        """The newest head that it signed, or that others have with its signature."""
        return self._last

    def cosign(self, head: Checkpoint, root: Callable[[int], bytes], time: int) -> Signature | None:
        """The signature under this head, at ``time`` (seconds since 1970); None if it signed a larger one before: this log is behind.

        ``root`` gives the root of the log under ``head``, by its size. Raises DoesNotHold (``consistency``) if the log does not go
        on from what was signed, and UserError if the disk refuses.
        """
        last = self._last
        if last is not None:
            if head.size < last.size:
                return None
            if last != self._checked:
                self._check(last, root(last.size))
            if head.size == last.size and head != last:
                raise self._contradicts(last)
        if head != last:
            self._remember(head)
        self._checked = head
        return cosign(head, self._verifier.name, self._key, time)

    def learn(self, signed: SignedCheckpoint, root: Callable[[int], bytes], size: int) -> bool:
        """Hear of a head that somebody else has; whether it bears this key's signature over more than is remembered.

        Then it is remembered from now on: this file was put back from a backup, and nothing else of that size is ever signed.
        ``root`` gives the roots of this node's log of ``size`` entries. Raises DoesNotHold (``consistency``) if the head is of another
        log than this one, and UserError if the disk refuses.
        """
        head = signed.checkpoint
        try:
            signed.verify(Policy(head.origin, {self._verifier: 1}, 1))
        except DoesNotHold:
            return False  # it is not by this key, whoever says so
        if head.size <= size:
            self._check(head, root(head.size))
        if self._last is not None and head.size <= self._last.size:
            if head.size == self._last.size and head != self._last:
                raise self._contradicts(head)
            return False
        self._remember(head)
        return True

    def _check(self, signed: Checkpoint, root: bytes) -> None:
        if signed.root != root:
            raise self._contradicts(signed)

    def _remember(self, head: Checkpoint) -> None:
        make_folder(self._file.parent, PRIVATE_FOLDER)
        replace(self._file, head.text().encode(), PRIVATE)
        self._last = head

    def _read(self) -> Checkpoint | None:
        if not self._file.exists():
            return None
        try:
            return Checkpoint.parse(read_private(self._file).decode())
        except (DoesNotHold, ValueError):
            raise UserError(
                Message("{file}, which says what this validator cosigned last, is damaged.", file=self._file),
                Message("Do not start it: it could sign two histories. Let the offices give the seat another key."),
            ) from None

    def _contradicts(self, signed: Checkpoint) -> DoesNotHold:
        return DoesNotHold(
            "consistency",
            Message("entry {seen}", seen=str(signed.size)),
            Message(
                "This ledger is not the one that this validator cosigned: at {size} entries the roots differ.",
                size=signed.size,
            ),
            Message("Nothing was cosigned. Keep this copy, and show both to the other validators."),
        )
