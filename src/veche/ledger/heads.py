"""Who signs a ledger's heads, and what a reader demands of one: one policy, derived from the ledger's charter.

On the embedded engine the one log key that the charter names. Validators and witnesses come here with their engine.
docs/protocol.md, section 5.
"""

from veche.ledger.entries.charter import Charter
from veche.log.checkpoint import Policy


def head_policy(charter: Charter) -> Policy:
    """Whose signatures make a head of this ledger count, and how many of them: it is then *final*."""
    return Policy.log(charter.origin, charter.log_key)
