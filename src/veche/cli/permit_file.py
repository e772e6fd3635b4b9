"""What a voter has of the registrars for one poll, kept beside the seed (files 0600, folder 0700) until the poll is decided.

    SEED.permits/POLL             the group, and the permits: whoever reads it learns which ballot is this voter's
    SEED.permits/POLL.refusals    what registrars were asked that gave none, and what they answered: evidence to show to others

The permits can always be had anew from the seed, as long as the registrars answer. The refusals name no credential and no prefix.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from veche.durable import PRIVATE, PRIVATE_FOLDER, make_folder, read_private, remove, replace
from veche.errors import UserError
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.permit.permit import Permit
from veche.strict_json import read_json
from veche.texts import Message
from veche.voter.permits import Refusal

_MOST = 1024
"""Bytes of an answer that are kept: twice as many as the longest that is good."""


class PermitFile:
    """A voter's permits for one poll, and what registrars refused."""

    def __init__(self, seed: Path, poll: PollState) -> None:
        self._poll = poll
        self._folder = seed.with_name(seed.name + ".permits")
        self._path = self._folder / poll.id.hex()
        self.refusals = self._folder / f"{poll.id.hex()}.refusals"

    def read(self) -> tuple[int, dict[int, Permit]] | None:
        """The voter's group and permits by registrar; None if none were kept. Raises UserError if the file is damaged."""
        if not self._path.exists():
            return None
        try:
            kept = read_json(read_private(self._path))
            permits = [Permit(int(r), bytes.fromhex(prefix), bytes.fromhex(sig)) for r, prefix, sig in kept["permits"]]
            return int(kept["group"]), {permit.registrar: permit for permit in permits}
        except (ValueError, KeyError, TypeError):
            raise UserError(
                Message("The permits in {path} are damaged.", path=self._path),
                Message("Remove the file and collect them again."),
            ) from None

    def write(self, group: int, permits: Mapping[int, Permit]) -> None:
        """Keep them, in the place of what was kept before."""
        rows = [[p.registrar, p.prefix.hex(), p.signature.hex()] for p in permits.values()]
        make_folder(self._folder, PRIVATE_FOLDER)
        replace(self._path, json.dumps({"group": group, "permits": rows}).encode() + b"\n", PRIVATE)

    def add_refusals(self, refusals: Mapping[int, Refusal], today: date) -> None:
        """Keep what was asked and answered today, each once a day. Raises UserError if the file is damaged."""
        try:
            rows = read_json(read_private(self.refusals)) if self.refusals.exists() else []
            if type(rows) is not list:
                raise ValueError
            known = {json.dumps(row) for row in rows}
        except ValueError:
            raise UserError(
                Message("{refusals} is damaged.", refusals=self.refusals), Message("Put it aside.")
            ) from None
        for registrar, refusal in refusals.items():
            row = {
                "poll": self._poll.id.hex(),
                "registrar": self._poll.poll_class.registrars[registrar].institution,
                "blinded": refusal.blinded.hex(),
                "answer": refusal.answer[:_MOST].hex(),
                "said": str(refusal.error)[:_MOST],
                "day": today.isoformat(),
            }
            if json.dumps(row) not in known:
                rows.append(row)
        if refusals:
            make_folder(self._folder, PRIVATE_FOLDER)
            replace(self.refusals, json.dumps(rows, ensure_ascii=False, indent=1).encode() + b"\n", PRIVATE)

    def erase(self) -> None:
        """Forget both."""
        remove(self._path)
        remove(self.refusals)


def erase_decided(seed: Path, polls: Iterable[PollState]) -> None:
    """Forget what is kept beside this seed for polls in which nobody votes any more and nothing is left to be decrypted."""
    for poll in polls:
        if poll.phase not in (Phase.ANNOUNCED, Phase.COUNTING):
            PermitFile(seed, poll).erase()
