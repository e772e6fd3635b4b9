"""A voter's device asks one registrar for one permit.

The request holds no state of its own: another device with the same seed makes the same request, and the registrar
gives the same answer. Nothing need be kept between asking and finishing.
"""

from veche.permit import blind_rsa
from veche.permit.derive import permit_blind, permit_prefix, permit_salt
from veche.permit.message import permit_message
from veche.permit.permit import Permit
from veche.permit.seed import Seed


class PermitRequest:
    """The request for a permit of one registrar: send ``blinded``, then ``finish`` the answer. Secret but for that."""

    __slots__ = ("_factor", "_prefix", "_prepared", "blinded", "modulus")

    def __init__(self, seed: Seed, poll: bytes, group: int, credential: bytes, modulus: bytes) -> None:
        """credential: the voter's point g^x, x from :func:`~veche.permit.derive.credential_secret`.

        modulus: the registrar's, for this poll and group, *from the ledger* and from nowhere else: a registrar that
        handed out a key of its own to each voter would know them again. Raises Refused if it is not admissible.
        """
        self.modulus = modulus
        self._prefix = permit_prefix(seed, poll, modulus)
        self._prepared = blind_rsa.prepare(permit_message(poll, group, credential), self._prefix)
        self._factor = permit_blind(seed, poll, modulus)
        self.blinded = blind_rsa.blind(modulus, self._prepared, permit_salt(seed, poll, modulus), self._factor)

    def finish(self, registrar: int, blind_signature: bytes) -> Permit:
        """The permit from the registrar's answer. Raises DoesNotHold (``permit``) if the answer is no good."""
        signature = blind_rsa.finalize(self.modulus, self._prepared, blind_signature, self._factor)
        return Permit(registrar, self._prefix, signature)

    def __repr__(self) -> str:
        return "PermitRequest(...)"
