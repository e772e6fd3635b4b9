"""Permits that were collected before the poll opens, kept beside the voter's seed (mode 0600).

Whoever reads the file learns which ballot is this voter's, so it is as private as the seed. It can always be made anew from the
seed, as long as the registrars answer.
"""

import json
from pathlib import Path

from veche.durable import read_private, write_private
from veche.errors import UserError
from veche.ledger.poll_state import PollState
from veche.permit.permit import Permit


class PermitFile:
    """A voter's permits for one poll."""

    def __init__(self, seed: Path, poll: PollState) -> None:
        self._path = seed.with_name(seed.name + ".permits") / poll.id.hex()

    def read(self) -> tuple[int, list[Permit]] | None:
        """The voter's group and permits; None if none were kept. Raises UserError if the file is damaged."""
        if not self._path.exists():
            return None
        try:
            kept = json.loads(read_private(self._path))
            permits = [Permit(int(r), bytes.fromhex(prefix), bytes.fromhex(sig)) for r, prefix, sig in kept["permits"]]
            return int(kept["group"]), permits
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"The permits in {self._path} are damaged.", "Remove the file and collect them again."
            ) from None

    def write(self, group: int, permits: list[Permit]) -> None:
        """Keep them, unless they are kept already."""
        if not self._path.exists():
            rows = [[p.registrar, p.prefix.hex(), p.signature.hex()] for p in permits]
            write_private(self._path, json.dumps({"group": group, "permits": rows}).encode() + b"\n")
