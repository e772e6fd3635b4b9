"""A ballot that is sealed and neither cast nor opened, kept beside the voter's seed (mode 0600, folder 0700).

    {"type": "veche-sealed-v1", "poll", "code", "choices", "randomness"}   bytes in lowercase hex

Whoever reads it learns the choice, so it is as private as the seed. It is used once. Opened, the file goes before anything is
shown, and nothing can cast these ciphertexts any more. Cast, it is replaced by the entry before that is handed in:

    {"type": "veche-cast-v1", "poll", "code", "entry"}

and nothing can open them any more; the entry stays until its receipt is written, so that a crash in between loses nothing.
What is promised is of this file: a copy of it, or what a disk keeps of what was removed, is out of this program's reach.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veche.audit.entry_words import code_text
from veche.cli.again import again
from veche.durable import PRIVATE, Lock, private_folder, read_private, remove, replace, write_new
from veche.errors import UserError
from veche.ledger.poll_state import PollState
from veche.strict_json import read_json
from veche.texts import Message
from veche.voter.voter import Sealed

_SEALED, _CAST = "veche-sealed-v1", "veche-cast-v1"


@dataclass(frozen=True)
class Cast:
    """A ballot on its way into the ledger, with the code that was shown before."""

    code: bytes
    entry: bytes


class SealedFile:
    """A voter's sealed ballot for one poll: there is one at most."""

    def __init__(self, seed: Path, poll: PollState) -> None:
        self._poll = poll.id
        self._folder = seed.with_name(seed.name + ".sealed")
        self._path = self._folder / poll.id.hex()

    def must_be_free(self) -> None:
        """To be asked before anything is sealed. Raises UserError if a ballot waits already."""
        kept = self._read()
        name = self._poll.hex()[:12]
        if isinstance(kept, Sealed):
            raise UserError(
                Message(
                    "You have sealed a ballot in this poll already, and neither cast nor opened it. Its code: {code}",
                    code=code_text(kept.code),
                ),
                Message(
                    "Cast it: {cast}. Or open it to check this device, and it is forgotten: {open}",
                    cast=again("cast", name),
                    open=again("open", name),
                ),
            )
        if kept is not None:
            raise UserError(
                Message("A ballot of yours in this poll is on its way, and has no receipt yet."),
                Message("Go on with: {command}", command=again("cast", name)),
            )

    def write(self, sealed: Sealed) -> None:
        """Keep what was sealed: before its code is shown. Raises UserError if a ballot waits already."""
        content = {
            "type": _SEALED, "poll": sealed.poll.hex(), "code": sealed.code.hex(), "choices": sealed.choices,
            "randomness": sealed.randomness.hex(),
        }  # fmt: skip
        private_folder(self._folder)
        write_new(self._path, json.dumps(content).encode() + b"\n", PRIVATE)

    def cast(self, make: Callable[[Sealed], bytes]) -> Cast:
        """Turn what was sealed into an entry, once: from here on it can only be cast. The same entry if it was made before.

        Raises UserError if nothing is sealed.
        """
        with self._lock():
            kept = self._read()
            if isinstance(kept, Cast):
                return kept
            sealed = self._must_be(kept)
            made = Cast(sealed.code, make(sealed))
            content = {"type": _CAST, "poll": self._poll.hex(), "code": made.code.hex(), "entry": made.entry.hex()}
            replace(self._path, json.dumps(content).encode() + b"\n", PRIVATE)
            return made

    def open(self) -> Sealed:
        """Give away what was sealed, once: from here on it is forgotten here. Raises UserError if nothing is, or it was cast."""
        with self._lock():
            kept = self._read()
            if isinstance(kept, Cast):
                raise UserError(
                    Message("This ballot was cast: nobody can open it any more."),
                    Message(
                        "To check the device seal another one: {command}",
                        command=again("vote", self._poll.hex()[:12]),
                    ),
                )
            sealed = self._must_be(kept)
            remove(self._path)
            return sealed

    def forget(self) -> None:
        """Remove an entry that has arrived, or never can."""
        with self._lock():
            remove(self._path)

    def _lock(self) -> Lock:
        private_folder(self._folder)
        return Lock(
            self._folder / "lock",
            Message("Another program is using what is sealed in {folder}", folder=self._folder),
            mode=PRIVATE,
        )

    def _must_be(self, kept: Sealed | None) -> Sealed:
        if kept is None:
            raise UserError(
                Message("You have sealed no ballot in this poll."),
                Message("Seal one: {command}", command=again("vote", self._poll.hex()[:12])),
            )
        return kept

    def _read(self) -> Sealed | Cast | None:
        if not self._path.exists():
            return None
        try:
            kept: dict[str, Any] = read_json(read_private(self._path))
            if bytes.fromhex(kept["poll"]) != self._poll:
                raise ValueError
            code = bytes.fromhex(kept["code"])
            if kept["type"] == _CAST:
                return Cast(code, bytes.fromhex(kept["entry"]))
            if kept["type"] != _SEALED:
                raise ValueError
            return Sealed(self._poll, kept["choices"], bytes.fromhex(kept["randomness"]), code)
        except (ValueError, KeyError, TypeError):
            raise UserError(
                Message("What is sealed in {path} is damaged.", path=self._path),
                Message("Remove the file: nothing of it was cast. Then seal anew."),
            ) from None
