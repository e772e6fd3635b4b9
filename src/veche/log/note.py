"""Signed notes: a text with one or more signature lines under it (c2sp.org/signed-note).

    This is the text.
    It ends in a newline, then comes an empty line.

    — city.example/ledger NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ...

A note is read strictly: what is read is written again to the same bytes, so that a note has one form only. Signatures
by keys that the reader does not know are kept and otherwise ignored, as the specification demands.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Protocol

from veche import keys
from veche.errors import DoesNotHold, UserError
from veche.texts import Message, Said

NOTE_LIMIT = 128 * 1024  # bytes: what 16 post-quantum signatures need, with room
SIGNATURES_LIMIT = 100  # what Go's note package reads at most, so that every note of ours can be read there
NAME_LIMIT = 255  # bytes of a key's name

ED25519 = 0x01
COSIGNATURE = 0x04  # Ed25519 over the text and a time (c2sp.org/tlog-cosignature)

_DASH = "— "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAMES = re.compile("[\x00-\x20+\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""The plus sign, and all spaces of Unicode, listed so that nobody's version of it matters."""


class Signer(Protocol):
    """What signs notes: a :class:`veche.keys.SigningKey`, or a device that holds the key."""

    public: bytes

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key as notes know it: its name, what its signatures mean, and 32 bytes of Ed25519 key.

    Written as a *vkey*, ``name+hexid+base64``. Raises :class:`~veche.errors.UserError` on a name, kind or key that
    the specification does not admit.
    """

    name: str
    kind: int
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise UserError(
                Message("{name!r} cannot name a key.", name=self.name),
                Message("Use 1 to {name_limit} bytes without spaces and plus signs.", name_limit=NAME_LIMIT),
            )
        if self.kind not in (ED25519, COSIGNATURE) or len(self.public) != 32:
            raise UserError(Message("The key of {name} is not an Ed25519 key.", name=self.name))
        object.__setattr__(self, "key_id", key_id(self.name, self.kind, self.public))

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read a vkey. Raises :class:`~veche.errors.UserError` if it is not one, or if its id is not its key's."""
        hint = Message("A verifier key looks like city.example/ledger+1a2b3c4d+AbCd...")
        name, _, rest = vkey.partition("+")
        _, _, encoded = rest.partition("+")
        try:
            material = decode64(encoded)
        except ValueError:
            raise UserError(Message("{vkey!r} is not a verifier key.", vkey=vkey), hint) from None
        if len(material) != 33:
            raise UserError(Message("{vkey!r} is not a verifier key of a kind that is known here.", vkey=vkey), hint)
        verifier = cls(name, material[0], material[1:])
        if str(verifier) != vkey:
            raise UserError(Message("{vkey!r} is damaged: its identifier does not belong to its key.", vkey=vkey), hint)
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4-byte id, and what the key's kind puts behind that."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {encode64(self.key_id + self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text (that ends in a newline) and its signatures, in their order."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        """Read a note; nothing is verified yet. Raises :class:`~veche.errors.DoesNotHold` (step ``note``) on bytes
        that are not a note in its one form, on two lines by one key, and beyond the limits of this module."""
        if len(data) > NOTE_LIMIT:
            raise _wrong(Message("the whole"), Message("it is longer than {note_limit} bytes", note_limit=NOTE_LIMIT))
        try:
            whole = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _wrong(Message("byte {start}", start=str(error.start)), Message("it is not UTF-8")) from None
        if control := _CONTROL.search(whole):
            raise _wrong(Message("character {start}", start=control.start()), Message("it has a control character"))
        end = whole.rfind("\n\n")
        if end < 0 or not whole.endswith("\n"):
            raise _wrong(
                Message("the whole"),
                Message("no empty line stands between a text and its signatures, or the last line is cut"),
            )
        lines = whole[end + 2 :].split("\n")[:-1]
        if not 1 <= len(lines) <= SIGNATURES_LIMIT:
            raise _wrong(
                Message("the signatures"),
                Message(
                    "there are {lines} of them, not 1 to {signatures_limit}",
                    lines=len(lines),
                    signatures_limit=SIGNATURES_LIMIT,
                ),
            )
        signatures = tuple(_parse_line(number, line) for number, line in enumerate(lines, 1))
        if len({(s.name, s.key_id) for s in signatures}) < len(signatures):
            raise _wrong(Message("the signatures"), Message("two of them are by the same key"))
        return cls(whole[: end + 1], signatures)

    def to_bytes(self) -> bytes:
        return (self.text + "\n" + "".join(s.line() for s in self.signatures)).encode("utf-8")


def is_name(name: str) -> bool:
    """Whether this can name a key or be an origin: text, not empty, not long, without spaces and plus signs."""
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return 0 < len(encoded) <= NAME_LIMIT and not _NOT_IN_NAMES.search(name)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """SHA-256(name || 0x0A || kind || public)[:4] (c2sp.org/signed-note, Signatures)."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + bytes([kind]) + public).digest()[:4]


def sign(text: str, name: str, key: Signer) -> Signature:
    """Sign a text with an Ed25519 key under this name (c2sp.org/signed-note, Ed25519 signatures)."""
    verifier = Verifier(name, ED25519, key.public)
    return Signature(name, verifier.key_id, key.sign(text.encode("utf-8")))


def verify(text: str, signature: Signature, verifier: Verifier) -> None:
    """Check an Ed25519 signature line under this text. Raises :class:`~veche.errors.DoesNotHold` (step ``note``)."""
    check_ed25519(verifier, text.encode("utf-8"), signature.data)


def check_ed25519(verifier: Verifier, message: bytes, signature: bytes) -> None:
    """Check 64 bytes of signature over the message that the verifier's kind defines."""
    try:
        keys.verify(verifier.public, message, signature)
    except keys.BadSignature:
        raise _wrong(
            Message("the signature of {name}", name=verifier.name),
            Message("the signature is not by this key over this text"),
        ) from None


def encode64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode64(text: str) -> bytes:
    """The inverse of :func:`encode64`, for nothing but its output; ``ValueError`` otherwise."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64") from None
    if encode64(data) != text:  # spare bits that are not zero
        raise ValueError("not canonical base64")
    return data


def _parse_line(number: int, line: str) -> Signature:
    where = Message("signature line {number}", number=number)
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_name(name):
        raise _wrong(where, Message("a signature line is a dash, a name and a signature"))
    try:
        data = decode64(encoded)
    except ValueError:
        raise _wrong(where, Message("the signature is not in canonical base64")) from None
    if len(data) < 5:
        raise _wrong(where, Message("the signature is too short"))
    return Signature(name, data[:4], data[4:])


def _wrong(where: Said, message: Said) -> DoesNotHold:
    return DoesNotHold("note", where, Message("This is not a signed note: {value}.", value=message))
