"""Cosigned heads beside a log, each in the file that is named after its cosigner's key: read with nothing known of whose the key is.

The file's name says the key, and the line says the name that its owner gave it; together they are the note key (c2sp.org/tlog-cosignature).
So a cosignature that somebody outside of the ledger made is checked by the file alone. Whose the key is, and what they look at before they
cosign, the file does not say: whoever relies on them knows their key from elsewhere.
"""

from dataclasses import dataclass

from veche.errors import DoesNotHold
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.note import COSIGNATURE, Verifier, key_id
from veche.log.source import WITNESS, Source

MOST = 64
"""Cosigned heads by keys that a ledger does not name, of which one reader takes notice."""


@dataclass(frozen=True)
class CosignedHead:
    """A head with one cosigner's line that holds. ``time``: of the cosignature, in seconds since 1970, by the cosigner's clock."""

    verifier: Verifier
    signed: SignedCheckpoint
    time: int


def cosigned_by(signed: SignedCheckpoint, key: bytes) -> CosignedHead | None:
    """What the owner of this key (32 bytes) cosigned of it, under whatever name; None if there is no such line that holds."""
    for line in signed.signatures:
        if line.key_id == key_id(line.name, COSIGNATURE, key):
            verifier = Verifier(line.name, COSIGNATURE, key)
            try:
                return CosignedHead(
                    verifier, signed, signed.verify(Policy(signed.checkpoint.origin, {verifier: 1}, 1))[verifier]
                )
            except DoesNotHold:
                return None
    return None


def read_cosigned(source: Source, key: bytes) -> CosignedHead | None:
    """The cosigned head that lies there under this key; None if there is none that is in form and by that key."""
    try:
        data = source.get(f"{WITNESS}{key.hex()}")
        return None if data is None else cosigned_by(SignedCheckpoint.parse(data), key)
    except DoesNotHold:
        return None


def is_newer(one: CosignedHead, other: CosignedHead) -> bool:
    """Whether a cosigned head says more than another by the same witness."""
    return (one.signed.checkpoint.size, one.time) > (other.signed.checkpoint.size, other.time)


def cosigners(source: Source) -> list[bytes]:
    """The keys under which cosigned heads lie there, in ascending order."""
    return [bytes.fromhex(name.removeprefix(WITNESS)) for name in source.names(WITNESS)]


def with_cosignatures(source: Source, signed: SignedCheckpoint) -> SignedCheckpoint:
    """A head with the lines of all whose newest cosigned head is this very one, so that a receipt under it carries them."""
    for key in cosigners(source)[:MOST]:
        found = read_cosigned(source, key)
        if found is not None and found.signed.checkpoint == signed.checkpoint:
            wanted = found.verifier
            signed = signed.add(
                *(one for one in found.signed.signatures if (one.name, one.key_id) == (wanted.name, wanted.key_id))
            )
    return signed
