"""The list of those who may vote in a Belenios election: public credentials, each with a weight or not.

The list is JSON: ``["point","point,weight",...]`` in any order. Who was given a credential, and who owns none or two, cannot be
seen here.
"""

import re

import veche_kernel

from veche.ballot.canonical import STEP as JSON_STEP
from veche.ballot.canonical import point_bytes
from veche.errors import DoesNotHold, Unsupported
from veche.kernel_words import of_kernel
from veche.texts import Message

STEP = "A6"
MAX_WEIGHT = 2**64 - 1
_ENTRY = re.compile(rb'"([0-9a-f]{64})(?:,(0|[1-9][0-9]{0,75}))?"([,\]])')
"""An entry of the list in its one spelling, and what follows it: so that a list need not be spelled again to compare."""


def read_credentials(raw: bytes) -> dict[bytes, int]:
    """The weight of each credential (32 bytes) of the list.

    Raises DoesNotHold: A3 for a list that is not canonical; A6 for a credential that is not an element of the group, is the
    neutral element (for which anyone can sign) or is there twice, and for weights that add up to the group's order or more;
    Unsupported for a weight above MAX_WEIGHT.
    A weight of zero is allowed, as Belenios allows it: such a ballot is counted among the voters and changes no result.
    """
    weights: dict[bytes, int] = {}
    where = Message("the list of credentials")
    if raw[:1] != b"[":
        raise DoesNotHold(JSON_STEP, where, Message("The list of credentials is not a list."))
    position, follows = (2, b"]") if raw[:2] == b"[]" else (1, b",")
    while follows == b",":
        number = len(weights) + 1
        where = Message("credential {number}", number=number)
        match = _ENTRY.match(raw, position)
        if match is None:
            raise DoesNotHold(
                JSON_STEP, where, Message("Credential {number} is not written as a credential.", number=number)
            )
        credential = point_bytes(match[1].decode())
        if credential in weights:
            raise DoesNotHold(
                STEP,
                where,
                Message("Credential {number}, {match}, is in the list twice.", number=number, match=match[1].decode()),
            )
        if credential == veche_kernel.IDENTITY:
            raise DoesNotHold(
                STEP,
                where,
                Message("Credential {number} is the neutral element, for which anyone can sign.", number=number),
            )
        weights[credential] = int(match[2] or 1)
        position, follows = match.end(), match[3]
    if position != len(raw):
        raise DoesNotHold(JSON_STEP, where, Message("Something follows the list of credentials."))
    _check_points(list(weights))
    if sum(weights.values()) >= veche_kernel.ORDER:
        raise DoesNotHold(
            STEP, Message("the list of credentials"), Message("The weights add up to more than the group has elements.")
        )
    if (most := max(weights.values(), default=0)) > MAX_WEIGHT:
        raise Unsupported(
            Message("A credential has the weight {most}, more than this program can multiply by.", most=most)
        )
    return weights


def _check_points(credentials: list[bytes]) -> None:
    try:
        veche_kernel.points_check(credentials)
    except ValueError:
        for number, credential in enumerate(credentials, 1):  # Which one it is, and why.
            try:
                veche_kernel.point_check(credential)
            except ValueError as error:
                raise DoesNotHold(
                    STEP,
                    Message("credential {number}", number=number),
                    Message(
                        "Credential {number} is not an element of the group: {error}.",
                        number=number,
                        error=of_kernel(str(error)),
                    ),
                ) from None
        raise
