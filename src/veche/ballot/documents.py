"""The JSON documents by which trustees speak in Belenios: proofs, the record of a key generation, partial decryptions.

Each is a ``Record``: ``encode`` writes it as Belenios does, ``decode`` reads it strictly (veche.ballot.canonical). Our own
trustees write them, and archives are read with them; some are texts that are signed, so every byte counts.
"""

from typing import Annotated

from msgspec import Meta

from veche.ballot.canonical import Decimal, Hex, Record, scalar_text

Count = Annotated[int, Meta(ge=1, le=2**30 - 1)]


class Proof(Record, frozen=True, kw_only=True):
    """A challenge and a response: two scalars, in decimal."""

    challenge: Decimal
    response: Decimal

    @classmethod
    def of(cls, proof: bytes) -> "Proof":
        """A proof of 64 bytes: challenge, response."""
        return cls(challenge=scalar_text(proof[:32]), response=scalar_text(proof[32:]))


class SignedMessage(Record, frozen=True, kw_only=True):
    """A text and a Schnorr signature of it, with prefix ``sigmsg|text|``."""

    message: str
    signature: Proof


class TrusteeKey(Record, frozen=True, kw_only=True):
    """A public key with the proof that its owner knows the secret; ``signature`` in committees only, ``name`` at will."""

    pok: Proof
    public_key: Hex
    signature: Proof | None = None
    name: str | None = None


class KeyGeneration(Record, frozen=True, kw_only=True):
    """The public record of a Pedersen key generation; lists are in the order of the trustees."""

    threshold: Count
    certs: list[SignedMessage]
    coefexps: list[SignedMessage]
    signatures: list[Proof] | None = None
    verification_keys: list[TrusteeKey]


class CertificateContext(Record, frozen=True, kw_only=True):
    """Whose certificate it is: seat ``index``, counted from 1, of a committee."""

    group: str
    size: Count
    threshold: Count
    index: Count


class CertificateMessage(Record, frozen=True, kw_only=True):
    """What a trustee signs in step 1: the keys for this ceremony."""

    context: CertificateContext
    verification: Hex
    encryption: Hex


class ExponentsMessage(Record, frozen=True, kw_only=True):
    """What a dealer signs in step 2: the exponents of the polynomial."""

    coefexps: list[Hex]


class SeenMessage(Record, frozen=True, kw_only=True):
    """What a dealer signs in step 2, with prefix ``certs_sig|``: the certificates of all, beside the dealer's exponents."""

    certs: list[SignedMessage]
    coefexps: list[Hex]


class PartialDecryption(Record, frozen=True, kw_only=True):
    """A trustee's share: for each ciphertext of the tally the factor alpha^x and the proof of it."""

    decryption_factors: list[list[Hex]]
    decryption_proofs: list[list[Proof]]
