"""A voter: one seed, from which the credential and the permits of every poll are derived. docs/protocol.md, sections 3 and 4.

Nothing need be kept but the seed and the number of the last turn: another device with the same seed goes on where this one
stopped. What the device sends are entries for the ledger and blinded messages for registrars, nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import veche_kernel as kernel

from veche.errors import UserError
from veche.ledger.entries.ballot import cast_ballot, unsigned_ballot
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.registrars import SeenRegistrars
from veche.permit.derive import credential_secret
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.voter.permits import Ask, Collected, choose_permits, collect_permits


@dataclass(frozen=True)
class Sealed:
    """A ballot that is sealed and not cast. ``opening`` opens it for whoever checks this device; then it is spoiled.

    What the checking device is shown is ``ballot`` and ``opening``, never the cast signature: nobody can cast it.
    """

    poll: bytes
    group: int
    ballot: bytes
    opening: bytes
    tracker: bytes

    def __repr__(self) -> str:
        return f"Sealed({self.tracker.hex()[:16]}…)"


class Voter:
    """Seals and casts ballots with the credentials that the voter's seed gives."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed

    def credential(self, poll: bytes) -> bytes:
        """The public credential in this poll, 32 bytes: a pseudonym that nobody can link to another poll's."""
        return kernel.base_mul(credential_secret(self._seed, poll))

    def collect_permits(
        self,
        poll: FrozenPoll,
        keys: Mapping[int, PermitKeys],
        group: int,
        ask: Ask,
        kept: Mapping[int, Permit] | None = None,
    ) -> Collected:
        """Ask all registrars whose permits are not kept: :func:`veche.voter.permits.collect_permits`."""
        return collect_permits(self._seed, poll, self.credential(poll.id), keys, group, ask, kept or {})

    def choose_permits(
        self, poll: FrozenPoll, seen: SeenRegistrars, collected: Collected, despite_refusal: bool = False
    ) -> list[Permit]:
        """Those that a first ballot shows: :func:`veche.voter.permits.choose_permits`."""
        return choose_permits(self._seed, poll, seen, collected, despite_refusal)

    def seal(self, poll: FrozenPoll, group: int, choices: list[list[int]]) -> Sealed:
        """Encrypt and prove. ``choices``: for each question a 0 or 1 an answer, the blank flag first if there is one."""
        try:
            ballot, opening = poll.kernel.prove(credential_secret(self._seed, poll.id), choices)
        except ValueError as error:
            raise UserError(f"{error}.", "See the poll's rules: veche poll show.") from None
        return Sealed(poll.id, group, ballot, opening, poll.kernel.load(ballot).tracker)

    def cast(self, sealed: Sealed, permits: list[Permit], turn: int) -> bytes:
        """The ballot entry. ``permits``: for the first ballot in a poll; ``turn``: greater than the last one, 1..32."""
        unsigned = unsigned_ballot(sealed.poll, sealed.group, sealed.ballot, permits, turn)
        return cast_ballot(credential_secret(self._seed, sealed.poll), unsigned)
