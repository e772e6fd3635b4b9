"""The permits that a ballot carries. Everyone checks them in the kernel, with the ballot (docs/protocol.md, section 3.2)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Permit:
    """One registrar's permit, as the ballot entry carries it: ``[registrar, prefix, signature]``.

    registrar: index in the list of the poll's class. prefix: 32 bytes. signature: as long as the registrar's modulus.
    """

    registrar: int
    prefix: bytes
    signature: bytes
