"""Who signs a ledger's heads, and what a reader demands of one: policies derived from the ledger's charter and offices.

On the embedded engine the one log key that the charter names makes a head *final*; in a network the cosignatures of over two
thirds of the validators do. Witnesses cosign heads that they saw go on from all others: whoever waits for a quorum of them is not
shown a ledger of their own. docs/protocol.md, sections 2.1 and 5.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from veche.errors import UserError
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.engine import Embedded, Validator
from veche.ledger.entries.validators import Validators
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.note import COSIGNATURE, ED25519, Verifier
from veche.texts import Localizable, Message, duration

AGAIN = 60
"""Seconds after which a validator cosigns an unchanged head again: a head has an age."""


@dataclass(frozen=True)
class Succession:
    """Whose signatures the heads of a ledger need, from its ``charter`` on.

    ``changes``: the ``validators`` entries of its log with their numbers, in their order; ``restarts``: the numbers of those that
    follow a ``restart``.
    """

    charter: Charter
    changes: tuple[tuple[int, Validators], ...] = ()
    restarts: tuple[int, ...] = ()

    def validators(self, size: int) -> Sequence[Validator]:
        """Those of the head of so many entries, in the order of their institutions; none on the embedded engine, unless an
        ``engine`` entry has handed the ledger over.

        A change is for the heads behind the one that ends with it, as it is for CometBFT's blocks; behind a restart for that one,
        too, which those before could sign no more.
        """
        last = bisect_right(
            self.changes, size - 1 if size - 1 in self.restarts else size - 2, key=lambda change: change[0]
        )
        return self.changes[last - 1][1].rows if last else self.charter.validators

    def after(self, number: int, entry: Validators, restart: bool = False) -> "Succession":
        """The same with the next entry of its kind. ``restart``: it follows one."""
        restarts = (*self.restarts, number) if restart else self.restarts
        return Succession(self.charter, (*self.changes, (number, entry)), restarts)

    def policy(self, size: int) -> Policy:
        """Whose signatures make the head of so many entries count, and how many of them: it is then *final*."""
        origin, engine = self.charter.origin, self.charter.engine
        validators = self.validators(size)
        if isinstance(engine, Embedded) and not validators:
            return Policy.log(origin, engine.log_key)
        return Policy.two_thirds(origin, {validator_verifier(origin, one.key): 1 for one in validators})

    @property
    def began(self) -> tuple[int, Sequence[Validator]]:
        """With which head the network's chain began, by its size, and with whom."""
        if self.restarts:
            return self.restarts[-1] + 1, self.validators(self.restarts[-1] + 1)
        if self.charter.validators or not self.changes:
            return 2, self.charter.validators
        number, entry = self.changes[0]
        return number + 1, entry.rows

    @property
    def policies(self) -> list[Policy]:
        """That of every set of validators that was, the charter's first."""
        return [self.policy(0), *(self.policy(number + 2) for number, _ in self.changes)]


STALE = 300
"""Seconds for which nobody need have cosigned a head: nothing is done under an older one, behind which a cancellation may be hidden."""


def vouched(signed: SignedCheckpoint, policy: Policy) -> int:
    """When enough of the policy's keys last said that they had seen no larger head, in seconds since 1970; 0 if they say no times.

    Raises DoesNotHold if the head is not final.
    """
    times, power = signed.verify(policy), 0
    for verifier, time in sorted(times.items(), key=lambda one: -one[1]):
        power += policy.power[verifier]
        if power >= policy.quorum:
            return time
    raise AssertionError("what was verified has a quorum")


def age(signed: SignedCheckpoint, policy: Policy, now: int) -> int:
    """How many seconds ago that was (:func:`vouched`); 0 if they say no times. Raises DoesNotHold if the head is not final."""
    time = vouched(signed, policy)
    return max(0, now - time) if time else 0


def check_fresh(signed: SignedCheckpoint, policy: Policy, now: int) -> None:
    """Raise UserError if a head is too old to act under it."""
    if (found := age(signed, policy, now)) > STALE:
        raise UserError(
            Message(
                "Over two thirds of the validators last vouched for this copy of the ledger {time} ago.",
                time=duration(found),
            ),
            Message("Get a newer copy. If there is none, the ledger stands still: nothing is done until it goes on."),
        )


def check_whose(signed: SignedCheckpoint, succession: Succession, what: Localizable) -> None:
    """Raises UserError if a head is by its own words of another ledger: that is no forgery, and says nothing of this one.

    ``what``: the receipt, the checkpoint, as the subject of the sentence.
    """
    origin, charter = signed.checkpoint.origin, succession.charter
    if origin != charter.origin:
        raise UserError(
            Message(
                "{what} is of another ledger, {origin}; this one is {origin2}.",
                what=what,
                origin=origin,
                origin2=charter.origin,
            ),
            Message("That says nothing against either. Give the ledger that it is of."),
        )
    if not any(line.name == origin or line.name.startswith(_validator(origin)) for line in signed.signatures):
        return
    own = {(key.name, key.key_id) for key in succession.policy(signed.checkpoint.size).power}
    if not any((line.name, line.key_id) in own for line in signed.signatures):
        raise UserError(
            Message(
                "{what} is of another ledger of the same name, {origin}: it is signed by another key than this ledger's.",
                what=what,
                origin=origin,
            ),
            Message(
                "Give the ledger that it is of. If there should be only one of this name, keep both and ask whose the other is."
            ),
        )


def policy_of(keys: Sequence[Verifier]) -> Policy:
    """Whose signatures a head needs by what somebody says of it without its ledger: the log's key, or those of all validators.

    Raises UserError if they are not keys of one ledger.
    """
    names = {key.name if key.kind == ED25519 else key.name.partition(_validator(""))[0] for key in keys}
    if len(names) != 1 or (len(keys) > 1 and any(key.kind == ED25519 for key in keys)):
        raise UserError(
            Message("These keys do not sign the heads of one ledger."),
            Message('Give them all, and no others, as "veche ledger show" prints them.'),
        )
    return Policy.two_thirds(names.pop(), dict.fromkeys(keys, 1))


def validator_verifier(origin: str, key: bytes) -> Verifier:
    """The note key of a validator, who cosigns with the key of their office, the ledger key."""
    return Verifier(f"{_validator(origin)}{key.hex()[:16]}", COSIGNATURE, key)


def witness_verifier(origin: str, key: bytes) -> Verifier:
    """The note key of a witness, who cosigns with the key of their office."""
    return Verifier(f"{origin}/witness/{key.hex()[:16]}", COSIGNATURE, key)


def cosigned_policy(final: Policy, witness: bytes) -> Policy:
    """What a head that this witness cosigned bears: their signature, and all that makes it ``final``."""
    power = {**final.power, witness_verifier(final.origin, witness): final.total}
    return Policy(final.origin, power, final.total + final.quorum)


def _validator(origin: str) -> str:
    return f"{origin}/validator/"
