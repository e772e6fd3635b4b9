"""Who signs a ledger's heads, and what a reader demands of one: policies derived from the ledger's charter and offices.

On the embedded engine the one log key that the charter names makes a head *final*. Witnesses cosign heads that they saw go on
from all others: whoever waits for a quorum of them is not shown a ledger of their own. docs/protocol.md, sections 2.1 and 5.
"""

from veche.errors import DoesNotHold
from veche.ledger.entries.charter import Charter
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.note import COSIGNATURE, ED25519, Verifier
from veche.texts import Localizable, Message


def head_policy(charter: Charter) -> Policy:
    """Whose signatures make a head of this ledger count, and how many of them: it is then *final*."""
    return Policy.log(charter.origin, charter.log_key)


def check_whose(signed: SignedCheckpoint, charter: Charter, what: Localizable) -> None:
    """Raises DoesNotHold (``checkpoint``) if a head is by its own words of another ledger: that is no forgery.

    ``what``: the receipt, the checkpoint, as the subject of the sentence.
    """
    origin = signed.checkpoint.origin
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
    if origin not in {line.name for line in signed.signatures}:
        return
    log = head_policy(charter).power
    if not any((line.name, line.key_id) in {(key.name, key.key_id) for key in log} for line in signed.signatures):
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


def witness_verifier(origin: str, key: bytes) -> Verifier:
    """The note key of a witness, who cosigns with the key of their office."""
    return Verifier(f"{origin}/witness/{key.hex()[:16]}", COSIGNATURE, key)


def cosigned_policy(charter: Charter, witness: bytes) -> Policy:
    """What a head that this witness cosigned bears: their signature and the log's."""
    log = Verifier(charter.origin, ED25519, charter.log_key)
    return Policy(charter.origin, {log: 1, witness_verifier(charter.origin, witness): 1}, 2)
