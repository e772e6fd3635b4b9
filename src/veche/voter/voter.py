"""A voter: one seed, from which the credential and the permits of every poll are derived. docs/protocol.md, sections 3 and 4.

A device seals first (:func:`seal`) and shows the code; only then is it told whether to cast (:meth:`Voter.prove`,
:meth:`Voter.cast`) or to open, which another device checks (:func:`check_opened`).

Nothing need be kept but the seed and the number of the last turn: another device with the same seed goes on where this one
stopped. What the device sends are entries for the ledger and blinded messages for registrars, nothing else.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import veche_kernel as kernel

from veche.errors import DoesNotHold, UserError
from veche.kernel_words import of_kernel
from veche.ledger.entries.ballot import cast_ballot, unsigned_ballot
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.registrars import SeenRegistrars
from veche.permit.derive import credential_secret
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.texts import Message
from veche.voter.permits import Ask, Collected, choose_permits, collect_permits


@dataclass(frozen=True)
class Sealed:
    """Ciphertexts to which a device has committed: ``code`` is shown before it knows whether they are to be cast or opened.

    They follow from ``choices`` and ``randomness``. Opened, both are given away, and nobody ever casts these ciphertexts; cast,
    both are forgotten, and nobody ever opens them. docs/protocol.md, section 3.3.
    """

    poll: bytes
    choices: list[list[int]]
    randomness: bytes
    code: bytes

    def __repr__(self) -> str:
        return f"Sealed({self.code.hex()[:16]}…)"


def seal(poll: FrozenPoll, choices: list[list[int]]) -> Sealed:
    """Encrypt, and prove nothing yet. ``choices``: for each question a 0 or 1 an answer, the blank flag first if there is one.

    Raises UserError if the poll does not allow these choices.
    """
    randomness = poll.kernel.randomness()
    try:
        code = poll.kernel.code(choices, randomness)
    except ValueError as error:
        raise UserError(f"{error}.", Message("See the poll's rules: veche poll show.")) from None
    return Sealed(poll.id, choices, randomness, code)


def check_opened(poll: FrozenPoll, code: bytes, choices: list[list[int]], randomness: bytes) -> None:
    """On another device, which had the code before: encrypt again, and compare. Raises DoesNotHold (``code``).

    ``poll`` is taken from a ledger that this device verified itself, never from the device that is checked.
    """
    try:
        found = poll.kernel.code(choices, randomness)
    except ValueError as error:
        reason = Message("What the other device opened is no ballot of this poll: {why}.", why=of_kernel(str(error)))
    else:
        if hmac.compare_digest(found, code):
            return
        reason = Message("What the other device opened is not what it had sealed: its code is another.")
    raise DoesNotHold(
        "code", Message("code {code}", code=code.hex()), reason, Message("Do not vote with that device, and report it.")
    )


class Voter:
    """Proves and casts ballots with the credentials that the voter's seed gives."""

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

    def prove(self, poll: FrozenPoll, sealed: Sealed) -> bytes:
        """The packed ballot: proofs, and the credential's signature, over the very ciphertexts that were sealed."""
        return poll.kernel.prove(credential_secret(self._seed, poll.id), sealed.choices, sealed.randomness)

    def cast(self, poll: bytes, group: int, ballot: bytes, permits: list[Permit], turn: int) -> bytes:
        """The ballot entry. ``permits``: for the first ballot in a poll; ``turn``: greater than the last one, 1..32."""
        return cast_ballot(credential_secret(self._seed, poll), unsigned_ballot(poll, group, ballot, permits, turn))
