"""What the kernel says of bytes that it does not take, in words that have translations. It speaks English; what is not known here stays so."""

import re
from collections.abc import Sequence

from veche.texts import N_, Listed, Localizable, Message, Verbatim

DOES_NOT_HOLD = N_("The ballot does not hold: {why}")
SAID = (
    N_("The entry is not an array that begins with its kind"), N_("The entry goes on after its end"), N_("The entry ends too early"),
    N_("The entry holds text that is not UTF-8"), N_("The entry is not in its canonical encoding"),
    N_("The entry holds something else than numbers, bytes, text and arrays"), N_("The entry is not CBOR, or of no definite length"),
    N_("The entry is more than {number} arrays deep"), N_("The entry holds more than {number} items"),
    N_("The entry has {number} bytes; 65,535 are the most"),
    N_("A ballot's entry begins with its kind"), N_("A poll's id has 32 bytes, not {number}"),
    N_("A permit is an array of registrar, prefix and signature"), N_("The cast signature must be {number} bytes"),
    N_("A ballot entry is an array of poll, group, ballot, permits, turn and cast signature"),
    N_("a point has 32 bytes, not {number}"), N_("a point is not in canonical form"), N_("a point is not on the curve"),
    N_("a point is not in the prime-order subgroup"), N_("a scalar is not reduced modulo the group's order"),
    N_("a scalar has 32 bytes, not {number}"), N_("a point of the ballot is not in canonical form or not on the curve"),
    N_("a point has 64 digits, not {number}"), N_("a point is not in lowercase hexadecimal"), N_("a scalar is not in canonical decimal form"),
    N_("point {number} is not a power of the base from 0 to {other}"), N_("the credential is the identity"),
    N_("the public key is the identity"), N_("the ballot is not in canonical form"), N_("a ballot of this poll has {number} bytes, not {other}"),
    N_("the poll has {number} questions, not {other}"), N_("{number} choices are wanted, not {other}"), N_("each choice is 0 or 1"),
    N_("a blank vote chooses nothing else"), N_("the individual proof of choice {number} in question {other} does not hold"),
    N_("the individual proof of the blank flag in question {number} does not hold"), N_("the blank proof of question {number} does not hold"),
    N_("the overall proof of question {number} does not hold"), N_("the signature of the ballot does not hold"),
    N_("the cast signature does not hold"), N_("A permit does not hold: no registrar of this group signed it for this credential"),
    N_("This ballot is for another poll"), N_("The poll has no group {number}"), N_("A turn is a number from 1 to {number}"),
    N_("The ballot carries {number} permits and needs {other}"), N_("The prefix of a permit is {number} bytes"),
    N_("The ballot's permits are not by different registrars in ascending order"),
    N_("There are {number} registrars, and a permit names another"),
    N_("The permits come from {number} identity source; this class wants {other}"), N_("the randomness has {number} bytes here, not {other}"),
)  # fmt: skip
"""Its sentences, without a full stop."""
PLACES = (
    N_("point {number}"), N_("scalar {number}"), N_("question {number}"), N_("byte {number}"), N_("the public key"), N_("alpha"),
    N_("the factor"), N_("the credential"), N_("the cast signature"), N_("the randomness"),
)  # fmt: skip
"""What stands before a sentence, and a colon: where it was found."""


def of_kernel(reason: str) -> Localizable:
    """A sentence of the kernel's."""
    before, _, why = reason.partition(": ")
    if why and DOES_NOT_HOLD.startswith(before):
        return Message(DOES_NOT_HOLD, why=of_kernel(why))
    if why and (place := _known(before, PLACES)):
        return Listed((place, of_kernel(why)), ": ")
    return _known(reason, SAID) or Verbatim(reason)


def _known(reason: str, sentences: Sequence[str]) -> Message | None:
    for sentence in sentences:
        numbers = (
            re.escape(sentence).replace(r"\{number\}", r"(?P<number>\d+)").replace(r"\{other\}", r"(?P<other>\d+)")
        )
        if found := re.fullmatch(numbers, reason):
            return Message(sentence, **{name: int(number) for name, number in found.groupdict().items()})
    return None
