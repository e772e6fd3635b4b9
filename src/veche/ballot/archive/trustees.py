"""The trustees of a Belenios election as an archive lists them: who holds which part of the key, and that they do.

Two kinds can be mixed. A *Single* trustee is needed for decryption. Of a *Pedersen* committee of n any t suffice (Pedersen,
EUROCRYPT '91, with the certificates and signatures that Belenios has since 3.0). The election's key is the product of the
keys of all. ``check`` proves from the public record alone that each verification key is the one the dealers' exponents
define; what the dealers sent in secret is not in the archive, and need not be.

Source: docs/protocol.md, 2.3; Belenios specification 2.0 and belenios-tool 3.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec
import veche_kernel

from veche.ballot.canonical import decode, encode, point, scalar
from veche.ballot.documents import (
    CertificateContext,
    CertificateMessage,
    ExponentsMessage,
    KeyGeneration,
    Proof,
    SeenMessage,
    SignedMessage,
    TrusteeKey,
)
from veche.ballot.election import GROUP
from veche.errors import DoesNotHold, Unsupported
from veche.texts import Capital, Localizable, Message

STEP = "A5"
MAX_SIZE = 1000
"""The largest committee: the work grows with the square of its size."""

Kinds = list[tuple[Literal["Single", "Pedersen"], msgspec.Raw]]


@dataclass(frozen=True)
class Seats:
    """A part of the key: ``keys`` of the trustees in order (bytes), of whom ``threshold`` must decrypt.

    ``threshold`` is None for a single trustee, whose share goes into the sum as it is.
    """

    keys: list[bytes]
    threshold: int | None


@dataclass(frozen=True)
class Trustees:
    """All trustees, checked. ``key`` is the product of their parts: what the election's public key must be."""

    parts: list[Seats]
    key: bytes

    @classmethod
    def from_json(cls, raw: bytes) -> "Trustees":
        """Reads and checks the list. Raises DoesNotHold (A3 for its JSON, A5 for what it says), or Unsupported for
        committees as Belenios wrote them before 3.0."""
        parts: list[Seats] = []
        keys: list[bytes] = []
        for kind, content in decode(raw, Kinds, Message("the list of trustees")):
            first = sum(len(part.keys) for part in parts) + 1
            if kind == "Single":
                where = Message("trustee {number}", number=first)
                single = decode(bytes(content), TrusteeKey, where)
                if single.signature is not None:
                    raise DoesNotHold(
                        STEP,
                        where,
                        Message("The key of {where} is signed, but a single trustee's key is not.", where=where),
                    )
                key = _proven_key(single, where)
                parts.append(Seats([key], None))
            else:
                committee = decode(
                    bytes(content), KeyGeneration, Message("the committee from trustee {first} on", first=first)
                )
                seats, key = _check_committee(committee, first)
                parts.append(seats)
            keys.append(key)
        if not parts:
            raise DoesNotHold(STEP, Message("the list of trustees"), Message("There are no trustees."))
        # In a committee of threshold 1 all have the same key, and each could decrypt; its certificates tell them apart.
        members = [key for part in parts for key in set(part.keys)]
        if len(set(members)) != len(members):
            raise DoesNotHold(
                STEP, Message("the list of trustees"), Message("Two trustees have the same key: they are one.")
            )
        return cls(parts, _not_neutral(veche_kernel.point_sum(keys), Message("the election's key")))

    def owners(self) -> Iterator[tuple[int, bytes]]:
        """All trustees, counted from 1, with their keys."""
        return enumerate((key for part in self.parts for key in part.keys), 1)


def _not_neutral(product: bytes, what: Localizable) -> bytes:
    """The product of keys, unless they cancel each other: then nothing is encrypted."""
    if product == veche_kernel.IDENTITY:
        raise DoesNotHold(
            STEP,
            Message("the list of trustees"),
            Message("{what} is the neutral element: whoever looks can decrypt.", what=Capital(what)),
        )
    return product


def _proven_key(key: TrusteeKey, where: Localizable) -> bytes:
    public = _member_key(key.public_key, Message("the key of {where}", where=where))
    _check_schnorr(
        public,
        f"pok|{GROUP}|{key.public_key}|",
        key.pok,
        Message("the proof of {where} that they know their secret key", where=where),
    )
    return public


def _member_key(text: str, where: Localizable) -> bytes:
    public = point(text, STEP, where)
    if public == veche_kernel.IDENTITY:
        raise DoesNotHold(
            STEP,
            where,
            Message("{where} is the neutral element, whose secret everyone knows.", where=Capital(where)),
        )
    return public


def _check_schnorr(public: bytes, prefix: str, proof: Proof, what: Localizable) -> None:
    challenge, response = scalar(proof.challenge, what), scalar(proof.response, what)
    try:
        veche_kernel.schnorr_verify(public, prefix.encode(), challenge, response)
    except ValueError:
        raise DoesNotHold(STEP, what, Message("{what} does not hold.", what=Capital(what))) from None


def _check_committee(committee: KeyGeneration, first: int) -> tuple[Seats, bytes]:
    """The committee whose first trustee is number ``first`` of all: its seats, and its part of the key."""
    size, threshold = len(committee.certs), committee.threshold
    where = Message("the committee from trustee {first} on", first=first)
    if not size:
        raise DoesNotHold(STEP, where, Message("{where} has nobody in it.", where=Capital(where)))
    if committee.signatures is None or all(key.signature is None for key in committee.verification_keys):
        raise Unsupported(
            Message(
                "A committee's key generation is recorded as before Belenios 3.0, which this program cannot check."
            ),
            Message("Use a verifier of that time."),
        )
    if size > MAX_SIZE:
        raise Unsupported(
            Message(
                "A committee has {size} trustees, more than the {max_size} that this program checks.",
                size=size,
                max_size=MAX_SIZE,
            )
        )
    lengths = {len(committee.coefexps), len(committee.signatures), len(committee.verification_keys)}
    if lengths != {size} or not threshold <= size:
        raise DoesNotHold(
            STEP,
            where,
            Message(
                "In {where}, certificates, exponents, signatures, keys and threshold do not fit together.", where=where
            ),
        )
    names = [Message("trustee {number}", number=first + j) for j in range(size)]
    signers = [
        _check_certificate(cert, CertificateContext(group=GROUP, size=size, threshold=threshold, index=j), name)
        for j, (cert, name) in enumerate(zip(committee.certs, names, strict=True), 1)
    ]
    if len({signer for pair in signers for signer in pair}) != 2 * size:
        raise DoesNotHold(STEP, where, Message("In {where}, two certificates hold the same key.", where=where))
    exponents: list[list[bytes]] = []
    for j, name in enumerate(names):
        own = committee.coefexps[j]
        signer = signers[j][0]
        _check_signed(
            signer, own.message, own.signature, Message("the signature of {name} under the exponents", name=name)
        )
        texts = decode(own.message.encode(), ExponentsMessage, Message("the exponents of {name}", name=name)).coefexps
        if len(texts) != threshold:
            raise DoesNotHold(
                STEP,
                name,
                Message(
                    "There are {texts} exponents of {name}, but the threshold is {threshold}.",
                    texts=len(texts),
                    name=name,
                    threshold=threshold,
                ),
            )
        exponents.append([point(text, STEP, Message("an exponent of {name}", name=name)) for text in texts])
        acknowledged = encode(SeenMessage(certs=committee.certs, coefexps=texts)).decode()
        what = Message("the signature of {name} under the certificates of all", name=name)
        _check_signed(signer, f"certs_sig|{acknowledged}", committee.signatures[j], what)
    sums = [veche_kernel.point_sum(column) for column in zip(*exponents, strict=True)]
    keys = []
    for j, name in enumerate(names, 1):
        entry = committee.verification_keys[j - 1]
        if entry.signature is None:
            raise DoesNotHold(STEP, name, Message("The verification key of {name} is not signed.", name=name))
        key = _proven_key(entry, name)
        what = Message("the signature of {name} under the verification key", name=name)
        _check_signed(signers[j - 1][0], entry.public_key, entry.signature, what)
        powers = [pow(j, k, veche_kernel.ORDER).to_bytes(32, "little") for k in range(threshold)]
        if veche_kernel.msm_vartime(powers, sums) != key:
            raise DoesNotHold(
                STEP,
                name,
                Message("The verification key of {name} is not the one that the exponents of all define.", name=name),
            )
        keys.append(key)
    return Seats(keys, threshold), _not_neutral(sums[0], Message("the key of {where}", where=where))


def _check_certificate(cert: SignedMessage, context: CertificateContext, name: Localizable) -> tuple[bytes, bytes]:
    """The verification and the encryption key of a trustee, who must be the one that ``context`` says."""
    what = Message("the certificate of {name}", name=name)
    content = decode(cert.message.encode(), CertificateMessage, what)
    if content.context != context:
        raise DoesNotHold(
            STEP,
            what,
            Message("{what} was made for another committee or another seat.", what=Capital(what)),
        )
    verification = _member_key(content.verification, Message("the signing key of {name}", name=name))
    encryption = _member_key(content.encryption, Message("the encryption key of {name}", name=name))
    _check_signed(verification, cert.message, cert.signature, Message("the signature under {what}", what=what))
    return verification, encryption


def _check_signed(signer: bytes, message: str, signature: Proof, what: Localizable) -> None:
    _check_schnorr(signer, f"sigmsg|{message}|", signature, what)
