"""``double-signing``: what consensus says of a validator. It follows from no entry: over two thirds of the validators vouch for it by
their heads. docs/protocol.md, section 2.1."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.state import State
from veche.texts import Message


def note_double_signing(state: State, block: Block, said: DoubleSigning) -> int:
    """Append it, and remember it; its number. Raises Refused("double-signing", ...), and changes nothing."""
    if not any(office.votes == said.votes for office in state.offices.values()):
        raise Refused("double-signing", Message("This is not, and was not, the consensus key of a validator."))
    if said.height >= block.height or said.time > block.time:
        raise Refused("double-signing", Message("It is said to have happened later than this block."))
    if not state.add_double_signing(said.votes, said.height):
        raise Refused("double-signing", Message("It was said already."))
    return block.derive(said)
