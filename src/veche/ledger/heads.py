"""Who signs a ledger's heads, and what a reader demands of one: policies derived from the ledger's charter and offices.

On the embedded engine the one log key that the charter names makes a head *final*; in a network the cosignatures of over two
thirds of the validators do. Witnesses cosign heads that they saw go on from all others: whoever waits for a quorum of them is not
shown a ledger of their own. docs/protocol.md, sections 2.1 and 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veche.errors import DoesNotHold, UserError
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.engine import Embedded, Validator
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign, sign
from veche.log.note import COSIGNATURE, ED25519, Signature, Signer, Verifier
from veche.texts import Localizable, Message

AGAIN = 60
"""Seconds after which a validator cosigns an unchanged head again: a head has an age."""


@dataclass(frozen=True)
class Succession:
    """Whose signatures the heads of a ledger need, from its ``charter`` on."""

    charter: Charter

    def validators(self, size: int) -> Sequence[Validator]:
        """Those of the head of so many entries, in the order of their institutions; none on the embedded engine."""
        return self.charter.validators

    def policy(self, size: int) -> Policy:
        """Whose signatures make the head of so many entries count, and how many of them: it is then *final*."""
        origin, engine = self.charter.origin, self.charter.engine
        if isinstance(engine, Embedded):
            return Policy.log(origin, engine.log_key)
        return Policy.two_thirds(origin, {validator_verifier(origin, one.key): 1 for one in self.validators(size)})

    def sign(self, head: Checkpoint, key: Signer, time: int) -> Signature:
        """The signature under a head that its policy asks of whoever has this key: the log's, or a cosignature at ``time``.

        A validator has written the head down before (:func:`veche.log.checkpoint.cosign`).
        """
        if isinstance(self.charter.engine, Embedded):
            return sign(head, key)
        return cosign(head, validator_verifier(head.origin, key.public).name, key, time)


def check_whose(signed: SignedCheckpoint, succession: Succession, what: Localizable) -> None:
    """Raises DoesNotHold (``checkpoint``) if a head is by its own words of another ledger: that is no forgery.

    ``what``: the receipt, the checkpoint, as the subject of the sentence.
    """
    origin, charter = signed.checkpoint.origin, succession.charter
    if origin != charter.origin:
        raise DoesNotHold(
            "checkpoint",
            Message("line 1"),
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
        raise DoesNotHold(
            "checkpoint",
            Message("the signatures"),
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
