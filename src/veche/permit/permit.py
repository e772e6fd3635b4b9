"""The permits that a ballot carries, and how everyone checks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from veche.errors import Refused
from veche.permit.blind_rsa import PREFIX_SIZE, prepare


@dataclass(frozen=True, slots=True)
class Permit:
    """One registrar's permit, as the ballot entry carries it: ``[registrar, prefix, signature]``.

    registrar: index in the list of the poll's class. prefix: 32 bytes. signature: as long as the registrar's modulus.
    """

    registrar: int
    prefix: bytes
    signature: bytes


def permit_checks(
    permits: Sequence[Permit], message: bytes, moduli: Sequence[bytes], k: int
) -> list[tuple[bytes, bytes, bytes]]:
    """Check the form of a ballot's permits and name the signatures that remain to be verified.

    message: :func:`veche.permit.message.permit_message` of the ballot. moduli: of all n registrars of the class, for
    the ballot's group. The answer, a (modulus, prepared message, signature) for each permit, goes into
    :func:`~veche.permit.blind_rsa.verify_many`, together with those of other ballots. Raises Refused (``permits``)
    unless there are exactly k permits, by different registrars in ascending order.
    """
    if len(permits) != k:
        raise Refused("permits", f"The ballot carries {len(permits)} permits and needs {k}.", "Collect permits first.")
    registrars = [permit.registrar for permit in permits]
    if any(left >= right for left, right in pairwise(registrars)):
        raise Refused("permits", "The ballot's permits are not by different registrars in ascending order.")
    if not all(0 <= registrar < len(moduli) for registrar in registrars):
        raise Refused("permits", f"There are {len(moduli)} registrars, and a permit names another.")
    if any(len(permit.prefix) != PREFIX_SIZE for permit in permits):
        raise Refused("permits", f"The prefix of a permit is {PREFIX_SIZE} bytes.")
    return [(moduli[p.registrar], prepare(message, p.prefix), p.signature) for p in permits]
