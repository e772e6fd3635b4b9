"""What the numbers of a charter mean, in plain sentences: for whoever signs it, votes under it, or reads a report."""

from veche.texts import Message


def named_test(divisor: int) -> Message:
    """A test ledger, which divides all times by this."""
    return Message(
        "TEST: this is a test ledger. All times are divided by {divisor}, and nothing that is decided here counts.",
        divisor=divisor,
    )
