"""Key generation of a committee of trustees, in Belenios's way. docs/protocol.md, section 2.3.

In mode ``single`` each trustee publishes a key with a proof of knowing its secret; all are needed to decrypt. In
mode ``pedersen`` (Pedersen, EUROCRYPT '91; threshold decryption as in Cortier, Galindo, Glondu, Izabachène, WPES '13)
each trustee j is the dealer of a random polynomial f_j of degree t - 1; the key of trustee i is x_i = Σ_j f_j(i), and
any t trustees decrypt together. Three steps, each begun when the step before is complete:

1. ``Certificate``: the keys for this ceremony, and the hash of the exponents to come;
2. ``Shares``: the exponents g^a_j0 … g^a_j(t-1), and f_j(i) encrypted for each trustee i;
3. ``Key``: g^x_i with its proof, or a complaint against a dealer whose share does not fit their exponents.

For each step there is a ``make_…`` (for the trustee; its randomness comes from the operating system through the kernel)
and a ``check_…`` that raises Refused (for everybody; pure). Points are 32 bytes (RFC 8032), scalars 32 bytes
little-endian, proofs 64 bytes (challenge, response), indices count from 1, sequences are in the order of the indices.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import veche_kernel as kernel

from veche.ballot import channel
from veche.ballot.canonical import encode, point_text
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
from veche.errors import Refused
from veche.kernel_words import of_kernel
from veche.texts import Capital, Localizable, Message

SINGLE = "single"
PEDERSEN = "pedersen"


@dataclass(frozen=True)
class Committee:
    """What key generation depends on: the committee's id (32 bytes), its mode, its size n and its threshold t."""

    id: bytes
    mode: str
    size: int
    threshold: int

    def __post_init__(self) -> None:
        if self.mode not in (SINGLE, PEDERSEN):
            raise Refused(
                "mode",
                Message(
                    "The mode of a committee is {single} or {pedersen}, not {mode}.",
                    single=SINGLE,
                    pedersen=PEDERSEN,
                    mode=self.mode,
                ),
            )
        if not 1 <= self.threshold <= self.size:
            raise Refused(
                "mode",
                Message("{threshold} of {size} trustees is not a threshold.", threshold=self.threshold, size=self.size),
            )
        if self.mode == SINGLE and self.threshold != self.size:
            raise Refused("mode", Message("Without a threshold scheme all trustees must decrypt: t must be n."))


@dataclass(frozen=True)
class Certificate:
    """Step 1: the trustee's keys for this ceremony and the hash of the exponents to be published in step 2."""

    verification: bytes
    encryption: bytes
    signature: bytes
    commitment: bytes

    def fields(self) -> list[Any]:
        """What follows the committee and the index in the body of a ``committee-certificate`` entry."""
        return [self.verification, self.encryption, self.signature, self.commitment]

    @classmethod
    def from_fields(cls, fields: Sequence[Any]) -> "Certificate":
        """The inverse of ``fields``; raises Refused("shape")."""
        match list(fields):
            case [bytes(a), bytes(b), bytes(c), bytes(d)] if [len(x) for x in (a, b, c, d)] == [32, 32, 64, 32]:
                return cls(a, b, c, d)
        raise Refused("shape", Message("A certificate is two points, a signature of 64 bytes and a hash."))


@dataclass(frozen=True)
class Shares:
    """Step 2: the exponents of a dealer's polynomial (32 t bytes) and their encrypted shares (n times 80 bytes)."""

    exponents: bytes
    signature: bytes
    certificates: bytes
    shares: tuple[bytes, ...]

    def fields(self) -> list[Any]:
        """What follows the committee and the index in the body of a ``committee-shares`` entry."""
        return [self.exponents, self.signature, self.certificates, list(self.shares)]

    @classmethod
    def from_fields(cls, fields: Sequence[Any]) -> "Shares":
        """The inverse of ``fields``; raises Refused("shape"). Their numbers are checked by ``check_shares``."""
        match list(fields):
            case [bytes(a), bytes(b), bytes(c), list(d)] if len(b) == len(c) == 64 and all(type(x) is bytes for x in d):
                return cls(a, b, c, tuple(d))
        raise Refused(
            "shape", Message("Shares are exponents, two signatures of 64 bytes and a list of encrypted shares.")
        )

    def points(self) -> list[bytes]:
        """The exponents one by one, g^a_j0 first."""
        return [self.exponents[i : i + 32] for i in range(0, len(self.exponents), 32)]


@dataclass(frozen=True)
class Key:
    """The trustee's verification key, the proof of knowing its secret, and (pedersen) their signature of it."""

    key: bytes
    proof: bytes
    signature: bytes

    def fields(self) -> list[Any]:
        """What follows the committee and the index in the body of a ``committee-key`` entry."""
        return [self.key, self.proof, self.signature]

    @classmethod
    def from_fields(cls, fields: Sequence[Any]) -> "Key":
        """The inverse of ``fields``; raises Refused("shape")."""
        match list(fields):
            case [bytes(a), bytes(b), bytes(c)] if len(a) == 32 and len(b) == 64 and len(c) in (0, 64):
                return cls(a, b, c)
        raise Refused(
            "shape", Message("A trustee's key is a point, a proof of 64 bytes and a signature of 64 bytes or none.")
        )


@dataclass(frozen=True)
class Secrets:
    """A dealer's secrets of one ceremony: scalars sk, dk and the coefficients a_j0 … a_j(t-1). Never shown."""

    signing: bytes = field(repr=False)
    decryption: bytes = field(repr=False)
    coefficients: tuple[bytes, ...] = field(repr=False)


# Step 1: certificates


def make_certificate(committee: Committee, index: int) -> tuple[Certificate, Secrets]:
    """Draw the secrets of trustee ``index`` and certify their public side. Keep the secrets before publishing."""
    secrets = Secrets(
        kernel.scalar_random(),
        kernel.scalar_random(),
        tuple(kernel.scalar_random() for _ in range(committee.threshold)),
    )
    verification, encryption = kernel.base_mul(secrets.signing), kernel.base_mul(secrets.decryption)
    message = _certificate_message(committee, index, verification, encryption)
    commitment = hashlib.sha256(_exponents(secrets)).digest()
    return Certificate(verification, encryption, _sign(secrets.signing, message), commitment), secrets


def check_certificate(
    committee: Committee, index: int, certificate: Certificate, others: Iterable[Certificate]
) -> None:
    """Check step 1 of trustee ``index``; ``others`` are the certificates of this committee so far. Raises Refused.

    Equal commitments are refused: whoever repeats another's hash means to repeat those exponents unseen.
    """
    _check_pedersen(committee)
    _check_index(committee, index)
    _check_point(certificate.encryption, Message("The encryption key"))
    message = _certificate_message(committee, index, certificate.verification, certificate.encryption)
    _check_signature(
        certificate.verification,
        message,
        certificate.signature,
        Message("the signature of the certificate of trustee {index}", index=index),
    )
    if any(certificate.commitment == other.commitment for other in others):
        raise Refused("commitment", Message("Trustee {index} repeats the commitment of another trustee.", index=index))


# Step 2: exponents and encrypted shares


def make_shares(committee: Committee, index: int, secrets: Secrets, certificates: Sequence[Certificate]) -> Shares:
    """Deal: the exponents of the polynomial of trustee ``index``, and f(i) encrypted for each trustee i.

    Draws the channel's randomness, so each call gives other bytes: keep what was published.
    """
    exponents = _exponents(secrets)
    shares = tuple(
        channel.encrypt(committee.id, index, i, certificate.encryption, _evaluate(secrets.coefficients, i))
        for i, certificate in enumerate(certificates, 1)
    )
    return Shares(
        exponents,
        _sign(secrets.signing, _exponents_message(exponents)),
        _sign(secrets.signing, _certificates_message(committee, certificates, exponents)),
        shares,
    )


def check_shares(committee: Committee, index: int, shares: Shares, certificates: Sequence[Certificate]) -> None:
    """Check step 2 of dealer ``index`` against all n certificates. Raises Refused.

    Whether an encrypted share fits can be told by its recipient alone: see ``open_share``.
    """
    _check_pedersen(committee)
    _check_index(committee, index)
    _check_complete(committee, certificates, Message("certificates"))
    if len(shares.exponents) != 32 * committee.threshold:
        raise Refused(
            "shape", Message("A dealer publishes {threshold} exponents of 32 bytes.", threshold=committee.threshold)
        )
    if len(shares.shares) != committee.size or any(len(share) != channel.SIZE for share in shares.shares):
        raise Refused(
            "shape", Message("A dealer sends {size} shares of {size2} bytes.", size=committee.size, size2=channel.SIZE)
        )
    own = certificates[index - 1]
    if hashlib.sha256(shares.exponents).digest() != own.commitment:
        raise Refused(
            "commitment", Message("The exponents of trustee {index} are not those of the commitment.", index=index)
        )
    try:
        kernel.points_check(shares.points())
    except ValueError as error:
        raise Refused(
            "shape",
            Message(
                "An exponent of trustee {index} is no point of the group: {error}.",
                index=index,
                error=of_kernel(str(error)),
            ),
        ) from None
    who = Message("the signature of the exponents of trustee {index}", index=index)
    _check_signature(own.verification, _exponents_message(shares.exponents), shares.signature, who)
    message = _certificates_message(committee, certificates, shares.exponents)
    _check_signature(
        own.verification,
        message,
        shares.certificates,
        Message("the signature of the certificates as seen by trustee {index}", index=index),
    )


# Step 3: the trustee's key, or a complaint


def open_share(committee: Committee, index: int, secrets: Secrets, dealer: int, shares: Shares) -> bytes:
    """The share f_dealer(index), decrypted and compared with the dealer's exponents (Feldman, FOCS '87).

    Raises Refused("share") if it does not fit: the ground for a complaint against this dealer.
    """
    share = channel.decrypt(committee.id, dealer, index, secrets.decryption, shares.shares[index - 1])
    try:
        public = kernel.base_mul(share)
    except ValueError:
        raise Refused(
            "share", Message("The share from trustee {dealer} is not a number below the group's order.", dealer=dealer)
        ) from None
    if public != verification_key([shares], index):
        raise Refused(
            "share",
            Message(
                "The share from trustee {dealer} does not fit the exponents that the dealer published.", dealer=dealer
            ),
        )
    return share


def make_key(committee: Committee, index: int, secrets: Secrets, received: Sequence[bytes]) -> tuple[Key, bytes]:
    """The key of trustee ``index`` from the shares received (from all n dealers, opened), and its secret."""
    _check_complete(committee, received, Message("shares"))
    secret = received[0]
    for share in received[1:]:
        secret = kernel.scalar_add(secret, share)
    public = kernel.base_mul(secret)
    return Key(public, _prove(secret, _key_prefix(public)), _sign(secrets.signing, point_text(public))), secret


def make_single_key() -> tuple[Key, bytes]:
    """The key of a trustee in mode single, and its secret scalar. Keep the secret before publishing the key."""
    secret = kernel.scalar_random()
    public = kernel.base_mul(secret)
    return Key(public, _prove(secret, _key_prefix(public)), b""), secret


def check_single_key(committee: Committee, index: int, key: Key, others: Iterable[Key]) -> None:
    """Check the key of trustee ``index`` in mode single; ``others`` are the committee's keys so far. Raises Refused.

    The proof binds the key but not its owner, so a copy is refused: it would be a trustee fewer.
    """
    if committee.mode != SINGLE:
        raise Refused("mode", Message("This committee generates its key in three steps."))
    _check_index(committee, index)
    if key.signature:
        raise Refused("shape", Message("In mode single the signature of a key is empty."))
    if any(key.key == other.key for other in others):
        raise Refused("key", Message("Trustee {index} repeats the key of another trustee.", index=index))
    _check_knowledge(index, key)


def check_key(
    committee: Committee, index: int, key: Key, certificates: Sequence[Certificate], shares: Sequence[Shares]
) -> None:
    """Check step 3 of trustee ``index`` against all n certificates and all n dealers' exponents. Raises Refused."""
    _check_pedersen(committee)
    _check_index(committee, index)
    _check_complete(committee, certificates, Message("certificates"))
    _check_complete(committee, shares, Message("shares"))
    if key.key != verification_key(shares, index):
        raise Refused(
            "key", Message("The key of trustee {index} is not the one that follows from the exponents.", index=index)
        )
    _check_knowledge(index, key)
    _check_signature(
        certificates[index - 1].verification,
        point_text(key.key),
        key.signature,
        Message("the signature of the key of trustee {index}", index=index),
    )


# What follows from a finished ceremony


def verification_key(shares: Sequence[Shares], index: int) -> bytes:
    """X_index = Π_i Π_k (g^a_ik)^(index^k) over these dealers: with all of them, the key of trustee ``index``."""
    scalars, points = [], []
    for dealer in shares:
        for k, point in enumerate(dealer.points()):
            scalars.append(pow(index, k, kernel.ORDER).to_bytes(32, "little"))
            points.append(point)
    return kernel.msm_vartime(scalars, points)


def public_key(committee: Committee, keys: Sequence[Key], shares: Sequence[Shares]) -> bytes:
    """The key that ballots are encrypted to: Π key_j (single; ``shares`` is empty) or Π g^a_j0 (pedersen).

    Raises Refused if the ceremony is not complete, or if the key is the identity, which encrypts nothing.
    """
    _check_complete(committee, keys, Message("keys"))
    if committee.mode == PEDERSEN:
        _check_complete(committee, shares, Message("shares"))
        parts = [dealer.exponents[:32] for dealer in shares]
    else:
        parts = [key.key for key in keys]
    product = kernel.point_sum(parts)
    if product == kernel.IDENTITY:
        raise Refused("key", Message("The trustees' keys cancel out: the committee's key would be the identity."))
    return product


def trustees_json(
    committee: Committee, keys: Sequence[Key], certificates: Sequence[Certificate], shares: Sequence[Shares]
) -> bytes:
    """The ``trustees`` file of a Belenios archive, byte for byte. In mode single the two last are empty."""
    _check_complete(committee, keys, Message("keys"))
    if committee.mode == SINGLE:
        return encode([("Single", TrusteeKey(pok=Proof.of(key.proof), public_key=point_text(key.key))) for key in keys])
    _check_complete(committee, certificates, Message("certificates"))
    _check_complete(committee, shares, Message("shares"))
    record = KeyGeneration(
        threshold=committee.threshold,
        certs=_signed_certificates(committee, certificates),
        coefexps=[
            SignedMessage(message=_exponents_message(dealer.exponents), signature=Proof.of(dealer.signature))
            for dealer in shares
        ],
        signatures=[Proof.of(dealer.certificates) for dealer in shares],
        verification_keys=[
            TrusteeKey(pok=Proof.of(key.proof), public_key=point_text(key.key), signature=Proof.of(key.signature))
            for key in keys
        ],
    )
    return encode([("Pedersen", record)])


# Texts, as Belenios writes and hashes them


def _certificate_message(committee: Committee, index: int, verification: bytes, encryption: bytes) -> str:
    context = CertificateContext(group=GROUP, size=committee.size, threshold=committee.threshold, index=index)
    message = CertificateMessage(
        context=context, verification=point_text(verification), encryption=point_text(encryption)
    )
    return encode(message).decode()


def _exponents_message(exponents: bytes) -> str:
    return encode(ExponentsMessage(coefexps=_exponent_texts(exponents))).decode()


def _certificates_message(committee: Committee, certificates: Sequence[Certificate], exponents: bytes) -> str:
    seen = SeenMessage(certs=_signed_certificates(committee, certificates), coefexps=_exponent_texts(exponents))
    return f"certs_sig|{encode(seen).decode()}"


def _exponent_texts(exponents: bytes) -> list[str]:
    return [point_text(exponents[i : i + 32]) for i in range(0, len(exponents), 32)]


def _signed_certificates(committee: Committee, certificates: Sequence[Certificate]) -> list[SignedMessage]:
    return [
        SignedMessage(
            message=_certificate_message(committee, i, certificate.verification, certificate.encryption),
            signature=Proof.of(certificate.signature),
        )
        for i, certificate in enumerate(certificates, 1)
    ]


# Proofs


def _key_prefix(key: bytes) -> bytes:
    return f"pok|{GROUP}|{point_text(key)}|".encode()


def _prove(secret: bytes, prefix: bytes) -> bytes:
    return b"".join(kernel.schnorr_prove(secret, prefix))


def _sign(secret: bytes, message: str) -> bytes:
    return _prove(secret, f"sigmsg|{message}|".encode())


def _check_proof(public: bytes, prefix: bytes, proof: bytes, what: Localizable) -> None:
    if len(proof) != 64:
        raise Refused("shape", Message("{what} has {proof} bytes instead of 64.", what=Capital(what), proof=len(proof)))
    try:
        kernel.schnorr_verify(public, prefix, proof[:32], proof[32:])
    except kernel.ProofError:
        raise Refused("proof", Message("{what} does not hold.", what=Capital(what))) from None
    except ValueError as error:
        raise Refused(
            "shape", Message("{what} is malformed: {error}.", what=Capital(what), error=of_kernel(str(error)))
        ) from None


def _check_signature(public: bytes, message: str, signature: bytes, what: Localizable) -> None:
    _check_proof(public, f"sigmsg|{message}|".encode(), signature, what)


def _check_knowledge(index: int, key: Key) -> None:
    _check_proof(
        key.key,
        _key_prefix(key.key),
        key.proof,
        Message("the proof that trustee {index} knows the secret of their key", index=index),
    )


# Secrets


def _exponents(secrets: Secrets) -> bytes:
    return b"".join(kernel.base_mul(coefficient) for coefficient in secrets.coefficients)


def _evaluate(coefficients: Sequence[bytes], index: int) -> bytes:
    """f(index) by Horner's rule, in constant time."""
    x = index.to_bytes(32, "little")
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = kernel.scalar_mul_add(value, x, coefficient)
    return value


# Shapes


def _check_pedersen(committee: Committee) -> None:
    if committee.mode != PEDERSEN:
        raise Refused("mode", Message("In mode single a key is all that a trustee publishes."))


def _check_index(committee: Committee, index: int) -> None:
    if not 1 <= index <= committee.size:
        raise Refused(
            "shape", Message("There is no trustee {index} in a committee of {size}.", index=index, size=committee.size)
        )


def _check_complete(committee: Committee, items: Sequence[object], what: Message) -> None:
    if len(items) != committee.size:
        raise Refused(
            "step",
            Message(
                "The step before is not complete: {items} of {size} {what} are there.",
                items=len(items),
                size=committee.size,
                what=what,
            ),
        )


def _check_point(point: bytes, what: Message) -> None:
    try:
        kernel.point_check(point)
    except ValueError as error:
        raise Refused(
            "shape", Message("{what} is no point of the group: {error}.", what=what, error=of_kernel(str(error)))
        ) from None
    if point == kernel.IDENTITY:
        raise Refused("shape", Message("{what} is the identity, with which nothing is secret.", what=what))
