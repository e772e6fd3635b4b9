"""How a dealer sends a trustee their share of the key: the channel of key generation. docs/protocol.md, section 2.4.

Belenios leaves the channel open ("any authenticated encryption serves"), and archives do not hold it. Here it is
hashed ElGamal (DHIES; Abdalla, Bellare, Rogaway, CT-RSA 2001) to the encryption key of the recipient's certificate,
with HKDF-SHA256 (RFC 5869) and ChaCha20-Poly1305 (RFC 8439). The key is fresh for each share, so the nonce is zero.
It is bound to the committee, the dealer and the recipient: a share that was moved to another place does not open.
"""

import veche_kernel as kernel
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veche.errors import Refused
from veche.texts import Message

SIZE = 80
"""Bytes of an encrypted share: the point g^e (32), the encrypted scalar (32), the authenticator (16)."""

_NONCE = bytes(12)


def encrypt(committee: bytes, dealer: int, recipient: int, encryption_key: bytes, share: bytes) -> bytes:
    """Encrypt ``share`` (a scalar, 32 bytes) to the trustee with index ``recipient``: 80 bytes.

    ``committee`` is its id (32 bytes), ``dealer`` and ``recipient`` are indices from 1. The randomness is the
    operating system's, so each call gives other bytes: keep what was sent. Raises ValueError if the key is no point.
    """
    ephemeral = kernel.scalar_random()
    point = kernel.base_mul(ephemeral)
    cipher = _cipher(committee, dealer, recipient, point, kernel.point_mul(ephemeral, encryption_key))
    return point + cipher.encrypt(_NONCE, share, None)


def decrypt(committee: bytes, dealer: int, recipient: int, decryption_key: bytes, message: bytes) -> bytes:
    """The share (32 bytes) that ``dealer`` encrypted to ``recipient``, whose ``decryption_key`` this is.

    Raises Refused("share") if it cannot be opened: changed, meant for somebody else, or never a share at all.
    """
    if len(message) != SIZE:
        raise Refused(
            "share",
            Message(
                "The share from trustee {dealer} has {value} bytes instead of {size}.",
                dealer=dealer,
                value=len(message),
                size=SIZE,
            ),
        )
    point = message[:32]
    try:
        cipher = _cipher(committee, dealer, recipient, point, kernel.point_mul(decryption_key, point))
        return cipher.decrypt(_NONCE, message[32:], None)
    except (ValueError, InvalidTag):
        raise Refused(
            "share",
            Message(
                "The share from trustee {dealer} for trustee {recipient} cannot be opened.",
                dealer=dealer,
                recipient=recipient,
            ),
        ) from None


def _cipher(committee: bytes, dealer: int, recipient: int, point: bytes, common: bytes) -> ChaCha20Poly1305:
    info = f"veche-share-v1|{committee.hex()}|{dealer}|{recipient}".encode()
    return ChaCha20Poly1305(HKDF(algorithm=SHA256(), length=32, salt=b"", info=info).derive(point + common))
