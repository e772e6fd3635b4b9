"""A witness from outside of the ledger, asked to cosign a head: c2sp.org/tlog-witness, from the log's side.

A witness of that kind serves many logs, knows one log key of each, and remembers the newest head that it cosigned of each. It is handed a
head with the proof that this goes on from that one, and answers with its cosignature (c2sp.org/tlog-cosignature), or with the size that it
knows. What it answers is of a bounded size, comes within a time, and is checked.

A witness takes one log key. A ledger that one institution keeps has one; in a network each validator's node signs for this purpose as if
its ledger key were the log's, what is final already: so whoever runs the witness needs the key of one validator, and nobody is relied on more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veche.errors import DoesNotHold, UserError
from veche.log import note
from veche.log.checkpoint import SIZE_LIMIT, Policy, SignedCheckpoint, sign
from veche.log.note import COSIGNATURE, ED25519, Note, Signer, Verifier
from veche.node.web import NoAnswer, Wire
from veche.texts import Message

ANSWER = 16 << 10
"""Bytes of an answer: some lines of signatures, or a size."""
_NAMED = re.compile(r"(.+)\+(https?://[^\s?#]+)", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True)
class OutsideWitness:
    """Who is asked: the key of their cosignatures, and the URL before ``/add-checkpoint``, without a slash at its end."""

    verifier: Verifier
    url: str

    @classmethod
    def parse(cls, text: str) -> "OutsideWitness":
        """Read ``VKEY+URL``. Raises UserError."""
        found = _NAMED.fullmatch(text)
        if found is None:
            raise UserError(
                Message("{text!r} names no witness.", text=text),
                Message(
                    "Give their key and their address, joined by a plus sign: witness.example/w1+3c5a…+BAbc…+https://witness.example"
                ),
            )
        verifier = Verifier.parse(found[1])
        if verifier.kind != COSIGNATURE:
            raise UserError(
                Message("The key of {name} makes no cosignatures.", name=verifier.name),
                Message("Ask whoever runs the witness for its key: the last part of such a key begins with a B."),
            )
        return cls(verifier, found[2].rstrip("/"))


class Knows(UserError):
    """The witness has cosigned a head of another size than the caller took for its newest: ``size`` entries, 0 if none."""

    def __init__(self, witness: OutsideWitness, size: int) -> None:
        super().__init__(
            Message("The witness {name} has cosigned a head of {size} entries.", name=witness.verifier.name, size=size)
        )
        self.size = size


class Contradicted(UserError):
    """The witness has cosigned a head from which this one does not go on: there are two histories, or it lies."""

    def __init__(self, witness: OutsideWitness, old: int, size: int) -> None:
        super().__init__(
            Message(
                "The witness {name} has cosigned a head of {old} entries, and says that the head of {size} entries does not go on from it.",
                name=witness.verifier.name, old=old, size=size,
            ),
            Message(
                "Somebody with this ledger's key has signed another history, or the witness is wrong. Let nobody vote until you know: "
                "ask whoever runs the witness for the head that it has."
            ),
        )  # fmt: skip


class Unwilling(UserError):
    """The witness cosigns nothing of this log."""


def log_verifier(origin: str, public: bytes) -> Verifier:
    """The key that a witness needs of this ledger, to be asked by the node with this key."""
    return Verifier(origin, ED25519, public)


def add_checkpoint(
    wire: Wire, witness: OutsideWitness, key: Signer, signed: SignedCheckpoint, old: int, proof: Sequence[bytes] = ()
) -> SignedCheckpoint:
    """The head with the witness's cosignature added, which holds.

    ``key``: the node's own; ``old``: the size of the newest head that the witness cosigned, 0 if none; ``proof``: that ``signed``, which
    is no shorter, goes on from it (:meth:`veche.log.log.Log.consistency_proof`), empty where that is nothing to be proved.

    Raises Knows if that is another size; Contradicted, Unwilling, NoAnswer; and DoesNotHold if the answer is no cosignature by the witness.
    """
    head = signed.checkpoint
    asked = SignedCheckpoint(
        head, (sign(head, key),)
    )  # the others' lines say nothing to it, and could be more than it reads
    lines = "".join(f"{note.encode64(one)}\n" for one in proof)
    answer = wire.exchange(
        f"{witness.url}/add-checkpoint", f"old {old}\n{lines}\n".encode() + asked.to_bytes(), "text/plain", ANSWER
    )
    match answer.status:
        case 200:
            return _checked(witness, signed, answer.body)
        case 409 if (found := _SIZE.fullmatch(answer.body)) and (size := int(found[1])) <= SIZE_LIMIT:
            raise Knows(witness, size)
        case 422:
            raise Contradicted(witness, old, head.size)
        case 403 | 404:
            raise Unwilling(
                Message("The witness {name} does not cosign this ledger.", name=witness.verifier.name),
                Message(
                    "Give whoever runs it the ledger's name and key: {vkey}",
                    vkey=str(log_verifier(head.origin, key.public)),
                ),
            )
    raise NoAnswer(witness.url, Message("HTTP {status}", status=str(answer.status)))


def newest_size(wire: Wire, witness: OutsideWitness, key: Signer, signed: SignedCheckpoint) -> int:
    """The size of the newest head that the witness has cosigned of this log, whose head ``signed`` is: its own if that is the newest, as it is
    handed in for that. A greater one was signed by this ledger's key, and is not here. Raises as :func:`add_checkpoint`."""
    try:
        add_checkpoint(wire, witness, key, signed, signed.checkpoint.size)
    except Knows as known:
        return known.size
    return signed.checkpoint.size


def _checked(witness: OutsideWitness, signed: SignedCheckpoint, body: bytes) -> SignedCheckpoint:
    head, wanted = signed.checkpoint, witness.verifier
    lines = Note.parse(f"{head.text()}\n".encode() + body).signatures
    found = tuple(line for line in lines if (line.name, line.key_id) == (wanted.name, wanted.key_id))
    cosigned = SignedCheckpoint(head, found)
    if not found:
        raise DoesNotHold(
            "note", wanted.name, Message("The witness {name} answered with others' signatures only.", name=wanted.name)
        )
    cosigned.verify(Policy(head.origin, {wanted: 1}, 1))
    return signed.add(*found)
