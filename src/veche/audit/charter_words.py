"""What the numbers of a charter mean, in plain sentences: for whoever signs it, votes under it, or reads a report."""

from collections.abc import Iterator

from veche.ledger.entries.charter import Charter, PollClass
from veche.ledger.entries.engine import Embedded
from veche.texts import Message, Plural


def named_test(divisor: int) -> Message:
    """A test ledger, which divides all times by this."""
    return Message(
        "TEST: this is a test ledger. All times are divided by {divisor}, and nothing that is decided here counts.",
        divisor=divisor,
    )


def consequences(charter: Charter, guards: PollClass) -> Iterator[Message]:
    """Who could read single votes in polls of this class, and who may be absent. docs/threats.md says why.

    Whether a committee's key is in mode single or pedersen changes nothing of it: in mode single t is n.
    """
    size, needed = len(guards.trustees), guards.t
    if needed == size:
        yield Message(
            "Only all {size} trustees together could read single votes. If one is absent, there is no result.",
            size=size,
        )
    else:
        yield Message("{needed} of the {size} trustees together could read single votes.", needed=needed, size=size)
        yield Plural(
            "{count} trustee is enough for whoever shows different trustees different ledgers (a fork).",
            "{count} trustees are enough for whoever shows different trustees different ledgers (a fork).",
            2 * needed - size,
        )
        yield Plural(
            "{count} trustee may be absent: there is a result all the same.",
            "{count} trustees may be absent: there is a result all the same.",
            size - needed,
        )
    if guards.witnessed and charter.witnesses is not None:
        yield Plural(
            "Witnesses cosign the ledger: nobody is shown another one unless more than {count} witness is corrupt.",
            "Witnesses cosign the ledger: nobody is shown another one unless more than {count} witnesses are corrupt.",
            charter.witnesses,
        )
    else:
        yield unwitnessed(charter, guards)


def unwitnessed(charter: Charter, guards: PollClass) -> Message:
    """What those can do who run the engine where no witnesses cosign what trustees act under."""
    if isinstance(charter.engine, Embedded):
        return Plural(
            "No witnesses cosign the ledger: the operator ({operator}) and {count} voter can read one vote, at the price of that "
            "poll's result; and the operator can look at the sums at the published closing and then claim a standstill.",
            "No witnesses cosign the ledger: the operator ({operator}) and {count} voters can read one vote, at the price of that "
            "poll's result; and the operator can look at the sums at the published closing and then claim a standstill.",
            guards.smallest - 1,
            operator=charter.engine.operator,
        )
    return Plural(
        "No witnesses cosign the ledger: over two thirds of its {validators} validators together and {count} voter can read one "
        "vote, at the price of that poll's result; and they can look at the sums at the published closing and then claim a "
        "standstill.",
        "No witnesses cosign the ledger: over two thirds of its {validators} validators together and {count} voters can read one "
        "vote, at the price of that poll's result; and they can look at the sums at the published closing and then claim a "
        "standstill.",
        guards.smallest - 1,
        validators=len(charter.validators),
    )
