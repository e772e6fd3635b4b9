"""Two votes of one validator for two blocks of one height, as CometBFT keeps them in a block, and how anybody checks them.

ABCI says who voted twice, at which height; the votes themselves lie in the block that says it. They are kept as
``evidence/votes-KEY.json`` beside the log (:mod:`veche.log.evidence`), KEY being the consensus key. What a vote signs is CometBFT's:
https://github.com/cometbft/cometbft/blob/v0.38.x/spec/core/data_structures.md#canonicalvote
"""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from veche.engine.cometbft.home import address
from veche.errors import DoesNotHold
from veche.keys import BadSignature, verify
from veche.texts import Message

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
LIMIT = 1 << 20
"""The most bytes of a file that is read as two votes."""


class TwoVotes(NamedTuple):
    """Two votes for two blocks of one ``height``, by the consensus key ``votes``, on the chain of this name."""

    votes: bytes
    height: int
    chain: str


def votes_in(block: bytes, votes: bytes, height: int) -> list[dict[str, Any]]:
    """The two votes for this height that a block of CometBFT (JSON, as "veche-cometbft block" prints it) has of a consensus key; none if
    it has none."""
    try:
        found = json.loads(block)["block"]["evidence"]["evidence"]
        for one in found:
            pair = [one["value"]["vote_a"], one["value"]["vote_b"]]
            if all(_is_of(vote, votes, height) for vote in pair):
                return pair
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return []


def _is_of(vote: dict[str, Any], votes: bytes, height: int) -> bool:
    return vote["validator_address"] == address(votes).hex().upper() and int(vote["height"]) == height


def check_votes(data: bytes) -> TwoVotes:
    """Check a file of two votes; what they are.

    It proves that whoever has this key voted for two blocks of one height, in one round and step of the chain that the file names.
    Raises DoesNotHold (``votes``).
    """
    try:
        said = json.loads(data[:LIMIT])
        key, chain, (one, other) = bytes.fromhex(said["validator"]), str(said["chain"]), said["votes"]
        same = [(int(vote["height"]), int(vote["round"]), int(vote["type"])) for vote in (one, other)]
        blocks = [signed_bytes(vote, chain) for vote in (one, other)]
        signatures = [base64.b64decode(vote["signature"], validate=True) for vote in (one, other)]
        ids = [_block_id(vote) for vote in (one, other)]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise _wrong(Message("This is no file of two votes.")) from None
    if same[0] != same[1] or ids[0] == ids[1]:
        raise _wrong(Message("These two votes do not contradict each other."))
    try:
        for message, signature in zip(blocks, signatures, strict=True):
            verify(key, message, signature)
    except (BadSignature, ValueError):
        raise _wrong(Message("A signature of these votes does not hold.")) from None
    return TwoVotes(key, same[0][0], chain)


def signed_bytes(vote: dict[str, Any], chain: str) -> bytes:
    """What a vote (as CometBFT writes it in JSON) signs on the chain of this name. Raises ValueError and its like for what is none."""
    body = _number(1, int(vote["type"])) + _fixed(2, int(vote["height"])) + _fixed(3, int(vote["round"]))
    body += _block_id(vote)
    time = _TIME.fullmatch(vote["timestamp"])
    if time is None:
        raise ValueError(vote["timestamp"])
    moment = datetime.fromisoformat(time[1]).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds, nanos = moment.days * 86_400 + moment.seconds, int((time[2] or "").ljust(9, "0"))
    body += _bytes(5, _number(1, seconds % 2**64) + _number(2, nanos), always=True)
    body += _bytes(6, chain.encode())
    return _varint(len(body)) + body


def _block_id(vote: dict[str, Any]) -> bytes:
    """For which block a vote is, as its canonical field; nothing if it is for none."""
    block = vote["block_id"]
    named, parts = bytes.fromhex(block["hash"]), block["parts"]
    if not named and not int(parts["total"]):
        return b""
    header = _number(1, int(parts["total"])) + _bytes(2, bytes.fromhex(parts["hash"]))
    return _bytes(4, _bytes(1, named) + _bytes(2, header, always=True))


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value) if value else b""


def _fixed(field: int, value: int) -> bytes:
    return bytes([field << 3 | 1]) + value.to_bytes(8, "little", signed=True) if value else b""


def _bytes(field: int, value: bytes, always: bool = False) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value if value or always else b""


def _wrong(said: Message) -> DoesNotHold:
    return DoesNotHold("votes", Message("votes"), said, Message("It proves nothing of anybody."))
