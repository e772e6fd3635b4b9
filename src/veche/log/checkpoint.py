"""Checkpoints: the head of the ledger, signed (c2sp.org/tlog-checkpoint, tlog-cosignature and tlog-policy).

    city.example/ledger
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — city.example/ledger Az3grlgtzPICa5OS8np...
    — one.example/witness jWbPPwAAAABkGFDLEZM...

Two kinds of key sign it. The *log's* key signs the text. A *cosigner* (a validator, a witness) signs the text and a
time, and thereby says that it has seen no tree that contradicts this one, and none larger. Whoever holds such a key
must write down the head that it signs before it signs, and never sign two heads of one size: nothing here remembers.

What a reader demands is a :class:`Policy`: an origin, keys, the power of each, and how much power must have signed.
*One log key*, *over two thirds of the validators* and *k of these witnesses* are all of this form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from veche.errors import DoesNotHold, UserError
from veche.handed import as_text
from veche.log import note
from veche.log.note import COSIGNATURE, ED25519, Note, Signature, Signer, Verifier
from veche.texts import Message, Said

TIME_LIMIT = 2**63 - 1  # seconds since 1970
SIZE_LIMIT = 2**63 - 1  # what Go reads
_HEAD = 3  # lines of a checkpoint


def put_right(data: bytes) -> bytes:
    """A checkpoint or a receipt in its one form, if nothing but its form was changed on the way (docs/protocol.md, section 5).

    Byte-order marks, UTF-16, other line ends, spaces at the ends of lines, empty lines more or less: none of them is said by
    the text. No bytes at all if there was nothing but such; anything else as it is.
    """
    try:
        text = as_text(data)
    except ValueError:
        return data
    lines = [line for whole in re.split("[\r\n]", text) if (line := whole.strip(" \t"))]
    signed = next((at for at, line in enumerate(lines) if line.startswith("\N{EM DASH}")), 0)
    if signed < _HEAD:
        return data if text.strip("\0 \t\r\n") else b""
    parts = lines[: signed - _HEAD], lines[signed - _HEAD : signed], lines[signed:]
    return "\n\n".join("\n".join(part) for part in parts if part).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, the number of its entries, and the Merkle root over them (32 bytes).

    Extension lines, which the specification discourages, are not admitted: cosigners would not vouch for them.
    Raises ``ValueError`` on what cannot be written down: then the caller is wrong, not the user.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not (note.is_name(self.origin) and 0 <= self.size <= SIZE_LIMIT and len(self.root) == 32):
            raise ValueError(f"no checkpoint: origin {self.origin!r}, size {self.size}, root of {len(self.root)} bytes")

    def text(self) -> str:
        """What is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{note.encode64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the three lines. Raises :class:`~veche.errors.DoesNotHold` (step ``checkpoint``) on any other text."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise _wrong(Message("the text"), Message("it does not consist of three lines"))
        origin, size, root = lines[:3]
        if not note.is_name(origin):
            raise _wrong(Message("line 1"), Message("the origin is not the name of a log"))
        if not (size.isascii() and size.isdigit() and len(size) <= 19) or str(int(size)) != size:
            raise _wrong(Message("line 2"), Message("the size is not a plain decimal number"))
        if int(size) > SIZE_LIMIT:
            raise _wrong(Message("line 2"), Message("the size is too large"))
        try:
            decoded = note.decode64(root)
        except ValueError:
            raise _wrong(Message("line 3"), Message("the root is not in canonical base64")) from None
        if len(decoded) != 32:
            raise _wrong(Message("line 3"), Message("the root is not 32 bytes long"))
        return cls(origin, int(size), decoded)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and the signature lines under it, whoever they are by. Reading one verifies nothing yet."""

    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "SignedCheckpoint":
        """Read a checkpoint file. Raises :class:`~veche.errors.DoesNotHold` (step ``note`` or ``checkpoint``)."""
        parsed = Note.parse(data)
        return cls(Checkpoint.parse(parsed.text), parsed.signatures)

    def to_bytes(self) -> bytes:
        return Note(self.checkpoint.text(), self.signatures).to_bytes()

    def add(self, *signatures: Signature) -> "SignedCheckpoint":
        """The same with these signatures too; one by the same key is replaced (a cosigner may sign anew, later)."""
        lines = {(s.name, s.key_id): s for s in (*self.signatures, *signatures)}
        return replace(self, signatures=tuple(lines.values()))

    def verify(self, policy: "Policy") -> dict[Verifier, int]:
        """Check that this is a head of the policy's log and that enough of the policy's keys signed it.

        Returns who did, each with the time of its cosignature (seconds since 1970; 0 for a log's signature, which has
        none). Raises :class:`~veche.errors.DoesNotHold` (step ``checkpoint``) if too few did, and (step ``note``) if
        a line that is named after a known key was not made by it: such a note is refused as a whole.
        """
        if self.checkpoint.origin != policy.origin:
            raise _wrong(
                Message("line 1"),
                Message("it is of {origin}, not of {origin2}", origin=self.checkpoint.origin, origin2=policy.origin),
            )
        known = {(v.name, v.key_id): v for v in policy.power}
        text = self.checkpoint.text()
        signed = {}
        for signature in self.signatures:
            verifier = known.get((signature.name, signature.key_id))
            if verifier is not None:
                signed[verifier] = _verify_line(text, signature, verifier)
        power = sum(policy.power[v] for v in signed)
        if power < policy.quorum:
            raise _wrong(
                Message("the signatures"),
                Message(
                    "{power} of {total} signed, and {quorum} are needed",
                    power=power,
                    total=policy.total,
                    quorum=policy.quorum,
                ),
            )
        return signed


@dataclass(frozen=True)
class Policy:
    """Whose signatures make a checkpoint of ``origin`` count: keys with their power, and how much of it is needed.

    Raises :class:`~veche.errors.UserError` on a policy that anything or nothing could satisfy, or that counts one
    public key twice (a cosignature does not say under which name it was given).
    """

    origin: str
    power: Mapping[Verifier, int]
    quorum: int

    def __post_init__(self) -> None:
        if not note.is_name(self.origin):
            raise UserError(Message("{origin!r} is not the name of a log.", origin=self.origin))
        if len({v.public for v in self.power}) < len(self.power):
            raise UserError(Message("One public key is listed twice among those that sign checkpoints."))
        if any(p <= 0 for p in self.power.values()) or not 0 < self.quorum <= self.total:
            raise UserError(
                Message("{quorum} out of {total} signatures is not a quorum.", quorum=self.quorum, total=self.total)
            )

    @property
    def total(self) -> int:
        return sum(self.power.values())

    @classmethod
    def log(cls, origin: str, public: bytes) -> "Policy":
        """The log's own signature, by a key that is named like the log."""
        return cls(origin, {Verifier(origin, ED25519, public): 1}, 1)

    @classmethod
    def two_thirds(cls, origin: str, power: Mapping[Verifier, int]) -> "Policy":
        """Over two thirds of the power: what makes a head *final* (docs/protocol.md, Checkpoints)."""
        return cls(origin, power, sum(power.values()) * 2 // 3 + 1)


def sign(checkpoint: Checkpoint, key: Signer) -> Signature:
    """The log's signature under its own head, by a key that is named like the log."""
    return note.sign(checkpoint.text(), checkpoint.origin, key)


def cosign(checkpoint: Checkpoint, name: str, key: Signer, time: int) -> Signature:
    """A cosigner's signature at ``time``, in seconds since 1970 (c2sp.org/tlog-cosignature, Ed25519).

    The caller has verified that the head extends the last one that this key signed, and has written it down.
    """
    if not 0 <= time <= TIME_LIMIT:
        raise ValueError(f"no time: {time}")
    verifier = Verifier(name, COSIGNATURE, key.public)
    data = time.to_bytes(8, "big") + key.sign(_cosigned(checkpoint.text(), time))
    return Signature(name, verifier.key_id, data)


def is_by(signed: SignedCheckpoint, policy: Policy) -> bool:
    """Whether a head holds by this policy: :meth:`SignedCheckpoint.verify`, where that it does not is no error."""
    try:
        signed.verify(policy)
    except DoesNotHold:
        return False
    return True


def verify_checkpoint(data: bytes, policy: Policy) -> SignedCheckpoint:
    """Read a checkpoint file and check it against a policy; see :meth:`SignedCheckpoint.verify`."""
    signed = SignedCheckpoint.parse(data)
    signed.verify(policy)
    return signed


def _verify_line(text: str, signature: Signature, verifier: Verifier) -> int:
    if verifier.kind == ED25519:
        note.verify(text, signature, verifier)
        return 0
    time = int.from_bytes(signature.data[:8], "big")
    if len(signature.data) != 8 + 64 or time > TIME_LIMIT:
        raise _wrong(Message("the signature of {name}", name=verifier.name), Message("it is not a cosignature"))
    note.check_ed25519(verifier, _cosigned(text, time), signature.data[8:])
    return time


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _wrong(where: Said, message: Said) -> DoesNotHold:
    return DoesNotHold("checkpoint", where, Message("This checkpoint does not hold: {value}.", value=message))
